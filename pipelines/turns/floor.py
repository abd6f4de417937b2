"""The floor: who may speak, of one call.

Speech over our own sound holds it; what was said decides whether it goes on (`barge_in`), and
whether it was speech at all (`echo`). A pause in what the caller says is waited out for as long as
`endpoint` says. Every hold ends, in a resume, an answer or another question: what is said ends with
the silence after it or, where a line is never silent, for lack of words; a recogniser that does not
answer is replaced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from engine.clock import Clock
from engine.flow import Question
from engine.frames import (
    Audio,
    Failed,
    Frame,
    Heard,
    Interrupted,
    SpeechEnded,
    SpeechStarted,
    Transcript,
)
from engine.session import Session
from pipelines.audio.resample import RATE_HZ
from pipelines.turns.barge_in import SURE_WORDS, BargeIn, Decision
from pipelines.turns.echo import WINDOW_S
from pipelines.turns.endpoint import LONGEST_S, Endpointer
from pipelines.turns.gate import SpeechGate
from pipelines.turns.utterance import Kept, Utterance

__all__ = ["Early", "Floor", "HeldMouth"]

FINAL_PATIENCE_S = 3.0
"""How long after the endpoint the recogniser may take before it counts as stuck. The slowest cloud
recogniser measured needs a tenth of it."""

NOISE_S = 0.6
"""Speech shorter than this in which no word was recognised was no speech: nobody is asked to
repeat a cough."""

WORDLESS_S = 5.0
WORDLESS_UNSEEN_S = 30.0
"""Sound without a new word that ends an utterance, whatever the line goes on to send; the longer
one while no interim was ever seen: not every recogniser has them."""

LIKELY_S = 0.12
"""Silence after which what was said is probably all: sounds within words are shorter. A mind that
takes its time begins then."""

EARLY_S = 0.22
"""Speech over ours after which its beginning is recognised by itself. Most backchannels are not
over by then, and have told what they are: docs/turns.md. Silence of under 0.2 s, from the pause to
the verdict, is not one to the ear."""

STILL_S = 0.7
"""Sound that was taken for a backchannel and lasts this long is none: the longest is 0.6 s."""

SURE = 0.5
"""Confidence below which a single word does not interrupt us."""

FALSE_ALARMS = 2
"""Holds in a row for sound without a word, after which only words hold us."""

REACTION_S = 0.2
"""Nobody reacts to our voice sooner (a click of the tongue takes 0.15 s): who speaks before that
was going on."""

_WINDOW_BYTES = round(WINDOW_S * RATE_HZ) * 2


ANYTHING = Question("")
"""What an interruption answers."""


Early = Callable[[bytes, Callable[[str], None]], None]
"""Recognises a moment of sound (s16le at 16 kHz) by itself, and tells the words; never waits."""


class HeldMouth(Protocol):
    """What the floor needs of the mouth; see `pipelines.mouth.VoiceMouth`."""

    @property
    def epoch(self) -> int | None: ...

    def in_question(self, now: float) -> bool: ...

    def played_s(self, now: float) -> float: ...

    def echoes(self, heard: bytes, until: float, floor: float) -> bool: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def clear(self, epoch: int) -> None: ...


class Floor:
    """Takes what the gate and the recogniser say, in order; holds, releases and clears `mouth`, and
    tells `session`.

    `show` gets transcripts; `give_up` is called where the recogniser is stuck.
    """

    def __init__(
        self,
        session: Session,
        mouth: HeldMouth,
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
        self._barge_in = barge_in
        self._clock = clock
        self._show = show
        self._give_up = give_up
        self._early = early
        self._usual_s = gate.endpoint_s
        self._endpointer = Endpointer(self._usual_s, language)
        gate.on_pause = self._endpointer.pauses.learn
        self._utterance: Utterance | None = None
        self._awaiting: deque[Utterance] = deque()
        self._previous: Utterance | None = None
        self._kept: Kept | None = None
        self._interims = False
        self._false_alarms = 0
        self._over = False

    @property
    def awaiting(self) -> bool:
        """Something that was said is not recognised yet."""
        return bool(self._awaiting)

    @property
    def idle(self) -> bool:
        """Nothing is being said, and nothing that was is still to be answered."""
        return self._utterance is None and not self._awaiting and self._kept is None

    def listened(self, frame: Frame) -> None:
        """What the gate lets through."""
        match frame:
            case SpeechStarted(at=at):
                self._speech_started(at)
            case Audio() if self._utterance is not None:
                self._sounded(self._utterance, frame)
            case SpeechEnded():
                self._speech_ended(frame)
            case _:
                pass

    def tick(self, now: float) -> None:
        """Every 20 ms unless `idle`: notice what does not happen."""
        if self._utterance is not None:
            self._notice_time(self._utterance, now)
        elif self._kept is not None and not self._awaiting:
            self._answer_kept(self._kept, now)
        if self._awaiting:
            ended = self._awaiting[0].ended
            if ended is not None and now > ended.decided_at + FINAL_PATIENCE_S:
                self._give_up()

    def wordless(self, now: float) -> bool:
        """What is being said has had no new word for so long that it is noise."""
        utterance = self._utterance
        patience_s = WORDLESS_S if self._interims else WORDLESS_UNSEEN_S
        return (
            utterance is not None
            and now - max(utterance.started_at, utterance.worded_at) > patience_s
        )

    def dismissed(self) -> None:
        """The gate was told so: until words come, this line's sound is not believed."""
        self._false_alarms = FALSE_ALARMS

    def lost(self, error: Exception) -> None:
        """The recogniser failed, with what was being said."""
        self._awaiting.clear()
        self._utterance = None
        self._resume()
        self._session.deliver(Failed("stt", error, self._clock.now()))

    def silence(self) -> None:
        """Whatever was being said is over; the next turn may speak."""
        epoch = self._mouth.epoch
        if epoch is not None:
            self._mouth.clear(epoch)
        self._release()

    def answered_otherwise(self) -> None:
        """A key was pressed: it is the answer, whatever was said."""
        self._kept = None
        self.silence()

    def conclude(self) -> None:
        """Nobody is there any more to say more: no pause is waited out. What is not recognised
        yet is, when this is called again."""
        waited, self._over = self._over, True
        if self._kept is not None and (waited or not self._awaiting):
            self._answer_kept(self._kept, self._clock.now())

    def _notice_time(self, utterance: Utterance, now: float) -> None:
        if utterance.taken and utterance.over is not None:
            self._decide(utterance, self._barge_in.lasted(now - utterance.started_at))
            if utterance.text and self._gate.silent_s(now) >= LIKELY_S and not utterance.cut:
                self._pass_over(utterance, utterance.text)
            self._glimpse(utterance, now)
        elif not utterance.echo and utterance.over not in (None, self._mouth.epoch):
            utterance.over = None  # we have finished, and it goes on
            self._take(utterance)
        if utterance.over is None and self._gate.silent_s(now) >= LIKELY_S and utterance.text:
            self._expect(utterance.text)

    # Speech begins, goes on and ends

    def _speech_started(self, at: float) -> None:
        question = self._session.question
        self._went_on(at)
        utterance = self._utterance = Utterance(at, question, self._mouth.epoch)
        answers = utterance.over is None or self._mouth.in_question(self._clock.now())
        wait_s = self._endpointer.begin(question if answers else ANYTHING)
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
        if utterance.taken and utterance.over is None:
            return
        utterance.sound += frame.pcm
        del utterance.sound[:-_WINDOW_BYTES]
        floor = self._gate.floor if utterance.echo else self._gate.floor / 2
        until = frame.at + frame.duration_s
        if self._mouth.echoes(bytes(utterance.sound), until, floor):
            utterance.echo = True
            self._let_go(utterance)
            return
        if utterance.echo:
            utterance.echo = False
            utterance.started_at = frame.at
            utterance.ours = len(utterance.text.split())
        believed = not utterance.protected and self._false_alarms < FALSE_ALARMS
        if utterance.let_go:
            goes_on = until - utterance.started_at >= STILL_S
            believed = believed and goes_on and not self._gate.silent_s(until)
        if believed and not utterance.taken:
            self._take(utterance)

    def _take(self, utterance: Utterance) -> None:
        """Somebody speaks: hold."""
        utterance.taken = True
        now = max(utterance.started_at, self._clock.now())
        self._session.deliver(SpeechStarted(utterance.started_at, now))
        self._mouth.hold()
        if utterance.over is not None:
            self._session.paused()
            self._decide(utterance, self._barge_in.started(utterance.question.barge_in))

    def _let_go(self, utterance: Utterance) -> None:
        """So far it is nothing to stop for; its words may still be."""
        if not utterance.taken:
            return
        utterance.taken = False
        now = max(utterance.started_at, self._clock.now())
        self._session.deliver(SpeechEnded(utterance.started_at, now))
        self._resume()

    def _glimpse(self, utterance: Utterance, now: float) -> None:
        """Have the first moments of what holds us recognised, before its words are known."""
        if self._early is None or utterance.glimpsed or now - utterance.started_at < EARLY_S:
            return
        utterance.glimpsed = True
        sound = bytes(utterance.sound) + self._gate.pending
        self._early(sound, lambda text: self._glimpsed(utterance, text))

    def _glimpsed(self, utterance: Utterance, text: str) -> None:
        """Its beginning sounds like `text`, or no words."""
        if utterance.taken and utterance.over is not None:
            self._pass_over(utterance, text)

    def _pass_over(self, utterance: Utterance, text: str) -> None:
        """Go on, if that is all `text` amounts to."""
        if self._judge(utterance, text, final=True) is Decision.RESUME:
            utterance.let_go = True
            self._let_go(utterance)

    def _judge(self, utterance: Utterance, text: str, *, final: bool) -> Decision:
        asking = utterance.question if self._mouth.in_question(self._clock.now()) else None
        return self._barge_in.heard(text, final=final, asking=asking)

    def _speech_ended(self, ended: SpeechEnded) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            utterance.ended = ended
            self._awaiting.append(utterance)
            self._previous = None if utterance.echo else utterance

    # Words, and what they decide

    def transcribed(self, frame: Frame) -> None:
        """The recogniser has words, of the oldest utterance that still waits for its last."""
        if not isinstance(frame, Transcript):
            return
        utterance = self._awaiting[0] if self._awaiting else self._utterance
        if utterance is None:
            return
        self._show(frame)
        if not frame.final:
            self._interims = True
            self._worded(utterance, frame.text)
        text = " ".join(frame.text.split()[utterance.ours :])
        decision = Decision.INTERRUPT
        if utterance.over is not None:
            decision = self._judge(utterance, text, final=frame.final)
            doubted = frame.confidence is not None and frame.confidence < SURE
            if doubted and len(text.split()) < SURE_WORDS and not self._barge_in.stops(text):
                decision = Decision.RESUME
        if utterance.echo:
            decision = Decision.RESUME
        elif utterance.over is not None:
            self._decide(utterance, decision)
        elif text and not utterance.taken:
            self._take(utterance)
        if frame.final and self._awaiting:
            self._awaiting.popleft()
            self._close(utterance, replace(frame, text=text), decision)

    def _expect(self, text: str) -> None:
        """These are probably the last words."""
        kept = "" if self._kept is None else self._kept.heard.text
        self._session.expect(f"{kept} {text}".strip())

    def _worded(self, utterance: Utterance, text: str) -> None:
        if text != utterance.text:
            utterance.text = text
            utterance.worded_at = self._clock.now()
        if utterance.over is None and utterance is self._utterance:
            self._gate.endpoint_s = self._endpointer.heard(text)

    def _decide(self, utterance: Utterance, decision: Decision) -> None:
        if decision is not Decision.INTERRUPT or utterance.over is None or utterance.protected:
            return
        over = utterance.over
        if not utterance.taken:
            self._take(utterance)
        if utterance.cut:
            return  # at the first sound, as the scenario says
        utterance.over = None
        utterance.cut = True
        self._mouth.clear(over)
        self._session.deliver(Interrupted(over, self._clock.now()))
        if utterance is self._utterance:
            self._gate.endpoint_s = self._endpointer.heard(utterance.text)

    def _close(self, utterance: Utterance, final: Transcript, decision: Decision) -> None:
        """The utterance is whole: it becomes a turn, or was nothing."""
        ended = utterance.ended
        assert ended is not None
        utterance.text = final.text
        short = ended.at - utterance.started_at < NOISE_S
        noise = not final.text and not utterance.cut and (short or not utterance.taken)
        if noise or decision is Decision.RESUME:
            self._take_no_turn(utterance, ended, final.text)
            return
        if final.text:
            self._false_alarms = 0
        now = max(self._clock.now(), ended.decided_at)
        heard = Heard(final.text, ended.at, ended.decided_at, now, final.confidence)
        if self._kept is not None:
            heard, self._kept = self._kept.then(heard), None
        if utterance.over is not None and utterance.over == self._mouth.epoch:
            self._kept = Kept(heard, None)  # we are heard out first
            return
        due = ended.at
        if final.text:
            due += self._endpointer.heard(final.text)
        elif not utterance.cut:
            due += self._endpointer.nothing()
        if due > now and not self._over:
            self._kept = Kept(heard, due)  # its last words say that more will come
            self._session.expect(heard.text)
            return
        self._answer(heard)

    def _take_no_turn(self, utterance: Utterance, ended: SpeechEnded, text: str) -> None:
        if utterance.taken:
            self._session.deliver(ended)
            if utterance.over is not None and not text:
                self._false_alarms += 1
        self._resume()

    def _answer_kept(self, kept: Kept, now: float) -> None:
        ready = self._mouth.epoch is None if kept.due is None else now >= kept.due
        if ready or self._over:
            self._kept = None
            self._answer(kept.at(now))

    def _answer(self, heard: Heard) -> None:
        self._session.deliver(heard)
        self.silence()

    def _resume(self) -> None:
        """It was no interruption; unless the user speaks again already, we go on."""
        utterance = self._utterance
        if utterance is None or not utterance.taken or utterance.over is None:
            self._release()
            self._session.resumed()

    def _release(self) -> None:
        if self._utterance is None or not self._utterance.taken:
            self._mouth.release()
