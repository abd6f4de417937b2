"""The floor: who may speak, of one call.

Speech over our own sound holds it; what was said decides whether it goes on (`overlap`). A pause in
what the caller says is waited out for as long as `endpoint` says, and what was said is answered
then (`answers`). Every hold ends, in a resume, an answer or another question: what is said ends
with the silence after it or, where a line is never silent, for lack of words; a recogniser that
does not answer is replaced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from engine.clock import Clock
from engine.flow import Question
from engine.frames import (
    Audio,
    Failed,
    Frame,
    Heard,
    SpeechEnded,
    SpeechStarted,
    Transcript,
)
from engine.session import Session
from pipelines.turns.answers import Answers
from pipelines.turns.barge_in import BargeIn, Decision
from pipelines.turns.endpoint import LONGEST_S, Endpointer
from pipelines.turns.gate import SpeechGate
from pipelines.turns.hold import HeldMouth, Hold
from pipelines.turns.overlap import Early, Overlap, Sounding
from pipelines.turns.utterance import Utterance

__all__ = ["Floor", "Mouth"]

FINAL_PATIENCE_S = 3.0
"""How long after the endpoint the recogniser may take before it counts as stuck. The slowest cloud
recogniser measured needs a tenth of it."""

WORDLESS_S = 5.0
WORDLESS_UNSEEN_S = 30.0
"""Sound without a new word that ends an utterance, whatever the line goes on to send; the longer
one while no interim was ever seen: not every recogniser has them."""

LIKELY_S = 0.12
"""Silence after which what was said is probably all: sounds within words are shorter. A mind that
takes its time begins then."""

TAKEN_BACK_S = 0.55
"""Silence after words of which the recogniser left none, before they are asked for again: where a
line is so noisy, half of them are in the middle of a turn."""
SYLLABLE_S = 0.25
"""What is no longer and has no word left is rather "euh" than one: more is waited for."""

REACTION_S = 0.2
"""Nobody reacts to our voice sooner (a click of the tongue takes 0.15 s): who speaks before that
was going on."""

ANYTHING = Question("")
"""What an interruption answers."""


class Mouth(HeldMouth, Sounding, Protocol):
    """What the floor needs of the mouth; see `pipelines.mouth.VoiceMouth`."""

    def in_question(self, now: float) -> bool: ...

    def played_s(self, now: float) -> float: ...


class Floor:
    """Takes what the gate and the recogniser say, in order; what follows for `mouth` is done, and
    `session` told.

    `show` gets transcripts; `give_up` is called where the recogniser is stuck.
    """

    def __init__(
        self,
        session: Session,
        mouth: Mouth,
        gate: SpeechGate,
        barge_in: BargeIn,
        clock: Clock,
        *,
        show: Callable[[Frame], None],
        give_up: Callable[[], None],
        early: Early | None = None,
        language: str = "",
    ) -> None:
        self._session = session
        self._mouth = mouth
        self._gate = gate
        self._clock = clock
        self._show = show
        self._give_up = give_up
        self._usual_s = gate.endpoint_s
        self._endpointer = Endpointer(self._usual_s, language)
        gate.on_pause = self._endpointer.pauses.learn
        self._overlap = Overlap(mouth, gate, barge_in, early)
        self._answers = Answers(self._answer, self._expect)
        self._hold = Hold(session, mouth, clock)
        self._awaiting: deque[Utterance] = deque()
        self._previous: Utterance | None = None
        self._interims = False

    @property
    def awaiting(self) -> bool:
        """Something that was said is not recognised yet."""
        return bool(self._awaiting)

    @property
    def idle(self) -> bool:
        """Nothing is being said, and nothing that was is still to be answered."""
        return self._hold.saying is None and not self._awaiting and not self._answers.waiting

    @property
    def expected(self) -> tuple[str, ...]:
        """Phrases that what is being said probably is; none for what is said over us, which answers
        nothing that was asked."""
        question = self._session.question
        return question.phrases if self._may_answer() else ()

    def listened(self, frame: Frame) -> None:
        """What the gate lets through."""
        match frame:
            case SpeechStarted(at=at):
                self._speech_started(at)
            case Audio() if self._hold.saying is not None:
                self._sounded(self._hold.saying, frame)
            case SpeechEnded():
                self._speech_ended(frame)
            case _:
                pass

    def tick(self, now: float) -> None:
        """Every 20 ms unless `idle`: notice what does not happen."""
        if self._hold.saying is not None:
            self._notice_time(self._hold.saying, now)
        elif not self._awaiting:
            sounding = self._mouth.epoch is not None
            self._answers.tick(now, sounding=sounding, doubtful=self._gate.maybe)
        if self._awaiting:
            ended = self._awaiting[0].ended
            if ended is not None and now > ended.decided_at + FINAL_PATIENCE_S:
                self._give_up()

    def wordless(self, now: float) -> bool:
        """What is being said has had no new word for so long that it is noise."""
        utterance = self._hold.saying
        patience_s = WORDLESS_S if self._interims else WORDLESS_UNSEEN_S
        return (
            utterance is not None
            and now - max(utterance.started_at, utterance.worded_at) > patience_s
        )

    def dismissed(self) -> None:
        """The gate was told so."""
        self._overlap.distrust()

    def lost(self, error: Exception) -> None:
        """The recogniser failed, with what was being said."""
        self._awaiting.clear()
        self._hold.saying = None
        self._hold.resume()
        self._session.deliver(Failed("stt", error, self._clock.now()))

    def silence(self) -> None:
        """Whatever was being said is over; the next turn may speak."""
        self._hold.silence()

    def answered_otherwise(self) -> None:
        """A key was pressed: it is the answer, whatever was said."""
        self._answers.drop()
        self.silence()

    def conclude(self) -> None:
        """Nobody is there any more to say more: no pause is waited out. What is not recognised
        yet is, when this is called again."""
        self._answers.conclude(self._clock.now(), all_known=not self._awaiting)

    # Speech begins, goes on and ends

    def _may_answer(self) -> bool:
        """What begins now is said in our silence, or over enough of our question to answer it."""
        return self._mouth.epoch is None or self._mouth.in_question(self._clock.now())

    def _speech_started(self, at: float) -> None:
        question = self._session.question
        self._went_on(at)
        asked = self._may_answer()
        utterance = Utterance(at, question, self._mouth.epoch, asked)
        self._hold.saying = utterance
        wait_s = self._endpointer.begin(question if asked else ANYTHING)
        # Over our own sound, what takes no turn must be known for that soon.
        self._gate.endpoint_s = wait_s if utterance.over is None else self._usual_s

    def _went_on(self, at: float) -> None:
        """Speech at `at`, before our answer could be heard, ends a pause of the caller's."""
        previous, self._previous = self._previous, None
        unheard = self._mouth.epoch is None or self._mouth.played_s(at) < REACTION_S
        if previous is not None and previous.ended is not None and previous.text and unheard:
            pause_s = at - previous.ended.at
            if pause_s <= LONGEST_S:
                self._endpointer.pauses.learn(pause_s)

    def _sounded(self, utterance: Utterance, frame: Audio) -> None:
        """There is more of the sound: count it as speech, unless it is our own."""
        utterance.hear(frame.pcm)
        if utterance.taken and utterance.over is None:
            return
        until = frame.at + frame.duration_s
        if self._overlap.is_ours(utterance, until):
            utterance.echo = True
            self._hold.let_go(utterance)
            return
        if utterance.echo:
            utterance.begin_after_ours(frame.at)
        lasted_s = until - utterance.started_at
        believed = self._overlap.is_believed(utterance, lasted_s)
        if utterance.let_go:
            believed = believed and not self._gate.silent_s(until)
        if believed and not utterance.taken:
            self._take(utterance)

    def _notice_time(self, utterance: Utterance, now: float) -> None:
        silent = self._gate.silent_s(now) >= LIKELY_S
        if utterance.taken and utterance.over is not None:
            self._follow(utterance, self._overlap.lasted(utterance, now))
            if silent and utterance.text and not utterance.cut:
                self._follow(utterance, self._overlap.paused(utterance))
            self._overlap.glimpse(utterance, now, lambda seen: self._follow(utterance, seen))
        elif not utterance.echo and utterance.over not in (None, self._mouth.epoch):
            utterance.over = None  # we have finished, and it goes on
            self._take(utterance)
        if utterance.over is None and silent and utterance.text:
            self._answers.expect(utterance.text)

    def _speech_ended(self, ended: SpeechEnded) -> None:
        utterance, self._hold.saying = self._hold.saying, None
        if utterance is not None:
            utterance.ended = ended
            self._awaiting.append(utterance)
            self._previous = None if utterance.echo else utterance

    # What it does to us

    def _follow(self, utterance: Utterance, decision: Decision) -> None:
        """What is known of speech over us decides so; RESUME until more is known."""
        if utterance.over is None:
            return
        if decision is Decision.INTERRUPT:
            self._interrupt(utterance, utterance.over)
        elif decision is Decision.HOLD and not (utterance.taken or utterance.protected):
            self._take(utterance)
        elif decision is Decision.RESUME and utterance.taken:
            utterance.let_go = True
            self._hold.let_go(utterance)

    def _take(self, utterance: Utterance) -> None:
        """Somebody speaks."""
        self._hold.take(utterance)
        self._follow(utterance, self._overlap.started(utterance))

    def _interrupt(self, utterance: Utterance, over: int) -> None:
        if utterance.protected:
            return
        if not utterance.taken:
            self._take(utterance)
        if utterance.cut:
            return  # at the first sound, as the scenario says
        self._hold.cut(utterance, over)
        if utterance is self._hold.saying:
            self._gate.endpoint_s = self._endpointer.heard(utterance.text)

    # Words, and what they decide

    def transcribed(self, frame: Frame) -> None:
        """The recogniser has words, of the oldest utterance that still waits for its last."""
        if not isinstance(frame, Transcript):
            return
        utterance = self._awaiting[0] if self._awaiting else self._hold.saying
        if utterance is None:
            return
        self._show(frame)
        if not frame.final:
            self._worded(utterance, frame.text)
        elif self._awaiting:
            self._awaiting.popleft()
            self._close(utterance, frame)

    def _worded(self, utterance: Utterance, text: str) -> None:
        """It has the words `text` so far."""
        now = self._clock.now()
        self._interims = True
        if text != utterance.heard:
            utterance.heard = text
            utterance.worded_at = now
        if utterance.over is None and utterance is self._hold.saying:
            self._gate.endpoint_s = self._endpointer.heard(text)
        if utterance.echo:
            return
        if utterance.over is not None:
            self._follow(utterance, self._overlap.worded(utterance, now))
        elif utterance.text and not utterance.taken:
            self._take(utterance)

    def _close(self, utterance: Utterance, final: Transcript) -> None:
        """The utterance is whole: it becomes a turn, or was nothing."""
        ended = utterance.ended
        assert ended is not None
        now = max(self._clock.now(), ended.decided_at)
        had_words = utterance.worded_at > 0
        utterance.heard = final.text
        if self._is_nothing(utterance, final.confidence, had_words=had_words):
            if utterance.taken:
                self._session.deliver(ended)
            self._overlap.was_nothing(utterance)
            self._hold.resume()
            return
        if utterance.text:
            self._overlap.was_said(utterance)
        heard = Heard(utterance.text, ended.at, ended.decided_at, now, final.confidence)
        self._answers.add(heard, self._due(utterance, ended, had_words=had_words), now)

    def _is_nothing(
        self, utterance: Utterance, confidence: float | None, *, had_words: bool
    ) -> bool:
        """It takes no turn: an echo, a backchannel, a cough."""
        if utterance.echo:
            return True
        if utterance.over is not None:
            if self._overlap.ended(utterance, confidence) is Decision.RESUME:
                return True
            self._interrupt(utterance, utterance.over)
            return False
        if utterance.cut:
            return False
        if utterance.text:
            if not utterance.taken:
                self._take(utterance)
            return utterance.short and self._overlap.is_voiceless(utterance, confidence)
        return not utterance.taken or (utterance.short and not had_words)

    def _due(self, utterance: Utterance, ended: SpeechEnded, *, had_words: bool) -> float | None:
        """When it is answered, unless more is said; None: once we were heard out."""
        if utterance.over is not None and utterance.over == self._mouth.epoch:
            return None
        if utterance.text:
            return ended.at + self._endpointer.heard(utterance.text)
        if utterance.cut:
            return ended.at
        worded = had_words and ended.at - utterance.started_at > SYLLABLE_S
        return ended.at + (TAKEN_BACK_S if worded else self._endpointer.nothing())

    def _expect(self, text: str) -> None:
        self._session.expect(text)

    def _answer(self, heard: Heard) -> None:
        self._session.deliver(heard)
        self.silence()
