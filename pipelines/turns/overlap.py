"""What is said over us: is it our own voice, is it meant for us, does it mean that we should stop?

Words decide where they are sure. Where they are not, the sound does: what has no pitch is a cough,
what is much fainter than this caller usually is was said to somebody else, what began like a
backchannel is one. What is left is somebody who wants something of us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pipelines.audio.resample import RATE_HZ
from pipelines.turns.barge_in import CONFUSED, OTHER, BargeIn, Decision, hesitates
from pipelines.turns.echo import WINDOW_S
from pipelines.turns.utterance import Utterance
from pipelines.turns.voicing import voiced_s

__all__ = ["EARLY_S", "FALSE_ALARMS", "STILL_S", "Early", "Noise", "Overlap", "Sounding"]

EARLY_S = 0.22
"""Speech over ours after which its beginning is recognised by itself. Most backchannels are not
over by then, and have told what they are: docs/turns.md. Silence of under 0.2 s, from the pause to
the verdict, is not one to the ear."""

STILL_S = 0.7
"""Sound that was taken for a backchannel and lasts this long is none: the longest is 0.6 s."""

WORDED_S = 0.9
"""Words of what lasts this long interrupt; what is shorter is over soon, and its words so far may
be taken back ("à fort-de-france" was "d'accord"). We are silent meanwhile."""

SURE_WORDS = 2
"""Words so far that make an interruption; one alone may still be taken back."""

SURE = 0.5
"""Confidence below which words are doubted."""

SURE_OF_MORE = 0.92
"""The same where the beginning was something else: "oui oui" over an echo is "oui deux", sure by
0.77 to 0.90; "stop" in noise is "hum", by 0.2 to 0.55."""

VOICED_S = 0.02
"""Words have a pitch for at least that long, coughs for no frame: docs/turns.md."""

ASIDE = 10 ** (-6.5 / 20)
"""What is 6.5 dB fainter than this caller's answers is said to somebody else: who speaks to us over
our voice is louder than usual, and a person turned away from a telephone 6 to 10 dB fainter."""

FALSE_ALARMS = 2
"""Holds in a row for sound without a word, after which only words hold us."""

_WINDOW_BYTES = round(WINDOW_S * RATE_HZ) * 2

Early = Callable[[bytes, Callable[[str], None]], None]
"""Recognises a moment of sound (s16le at 16 kHz) by itself, and tells the words; never waits."""


class Sounding(Protocol):
    """What is asked of the mouth; see `pipelines.mouth.VoiceMouth`."""

    def echoes(self, heard: bytes, until: float, floor: float) -> bool: ...


class Noise(Protocol):
    """What is asked of the gate; see `pipelines.turns.gate.SpeechGate`."""

    @property
    def floor(self) -> float: ...

    @property
    def pending(self) -> bytes: ...


class Overlap:
    """Judges what one caller says over us, and learns what this line's sound is worth."""

    def __init__(
        self, mouth: Sounding, gate: Noise, barge_in: BargeIn, early: Early | None
    ) -> None:
        self._mouth = mouth
        self._gate = gate
        self._barge_in = barge_in
        self._early = early
        self._false_alarms = 0
        self._usual = 0.0  # how loud this caller's answers are; 0 while that is not known

    def distrust(self) -> None:
        """Until words come, this line's sound is not believed."""
        self._false_alarms = FALSE_ALARMS

    def was_nothing(self, utterance: Utterance) -> None:
        """`utterance` took no turn."""
        if utterance.over is not None and utterance.taken and not utterance.text:
            self._false_alarms += 1

    def was_said(self, utterance: Utterance) -> None:
        """`utterance` had words for us."""
        self._false_alarms = 0
        if utterance.over is None and not utterance.cut and not utterance.ours:
            self._usual = (utterance.loudest + (self._usual or utterance.loudest)) / 2

    # What it is

    def is_ours(self, utterance: Utterance, until: float) -> bool:
        """So far (`until`) it is our own voice that comes back."""
        if utterance.echo and utterance.faded(self._gate.floor):
            return True  # once it is known it is taken off; nothing else was said
        floor = self._gate.floor if utterance.echo else self._gate.floor / 2
        return self._mouth.echoes(bytes(utterance.sound[-_WINDOW_BYTES:]), until, floor)

    def is_believed(self, utterance: Utterance, lasted_s: float) -> bool:
        """It may hold us before it has words."""
        if utterance.protected or self._false_alarms >= FALSE_ALARMS:
            return False
        return not utterance.let_go or (lasted_s >= STILL_S and not self.is_aside(utterance))

    def is_aside(self, utterance: Utterance) -> bool:
        """It is much fainter than what this caller says to us."""
        return utterance.loudest < ASIDE * self._usual

    def is_voiced(self, sound: bytes) -> bool:
        """A voice made `sound` (s16le at 16 kHz)."""
        return voiced_s(sound, self._gate.floor) >= VOICED_S

    def is_voiceless(self, utterance: Utterance, confidence: float | None) -> bool:
        """Its words are doubted, and no voice made them."""
        doubted = confidence is not None and confidence < SURE
        return doubted and not self.is_voiced(bytes(utterance.sound))

    # What it means

    def started(self, utterance: Utterance) -> Decision:
        """It counts as speech."""
        return self._barge_in.started(utterance.question.barge_in)

    def lasted(self, utterance: Utterance, now: float) -> Decision:
        """It goes on."""
        decision = self._barge_in.lasted(now - utterance.started_at)
        if decision is Decision.INTERRUPT and self.is_aside(utterance):
            return Decision.RESUME
        return decision

    def glimpse(self, utterance: Utterance, now: float, tell: Callable[[Decision], None]) -> None:
        """Once it lasts for long enough, have its beginning recognised, before its words are known,
        and `tell` what that means: WAIT or RESUME."""
        if self._early is None or utterance.glimpsed or now - utterance.started_at < EARLY_S:
            return
        utterance.glimpsed = True
        sound = bytes(utterance.sound) + self._gate.pending

        def told(text: str) -> None:
            utterance.early = text
            worded = self._content(utterance, text) or self._barge_in.stops(utterance.text)
            if worded or (not text and self.is_voiced(sound)):
                tell(Decision.WAIT)
            else:
                tell(Decision.RESUME)

        self._early(sound, told)

    def paused(self, utterance: Utterance) -> Decision:
        """It stops, after words that may be all of it, unless its beginning was another's: what the
        recogniser has so far it may take back."""
        said = f"{utterance.text} {utterance.early or ''}"
        return Decision.WAIT if self._content(utterance, said) else Decision.RESUME

    def worded(self, utterance: Utterance, now: float) -> Decision:
        """It has new words."""
        stops = self._barge_in.stops(utterance.text)
        lasts = now - utterance.started_at >= WORDED_S
        sure = len(self._content(utterance, utterance.text)) >= SURE_WORDS
        if lasts and sure and (stops or not self.is_aside(utterance)):
            return Decision.INTERRUPT
        return Decision.HOLD if stops else Decision.WAIT

    def ended(self, utterance: Utterance, confidence: float | None) -> Decision:
        """All its words are known: RESUME or INTERRUPT."""
        if self._barge_in.stops(utterance.text):
            return Decision.INTERRUPT
        if self.is_aside(utterance):
            return Decision.RESUME
        content = self._content(utterance, utterance.text)
        began = self._content(utterance, utterance.early or "")
        certain = 1.0 if confidence is None else confidence
        if not content:
            swallowed = self._is_swallowed(utterance, began, certain)
            return Decision.INTERRUPT if swallowed else Decision.RESUME
        nods = bool(utterance.early) and not began and len(content) < SURE_WORDS
        if (nods and certain < SURE_OF_MORE) or self.is_voiceless(utterance, confidence):
            return Decision.RESUME
        return Decision.INTERRUPT

    def _is_swallowed(self, utterance: Utterance, began: list[str], certain: float) -> bool:
        """What it began like is doubtfully gone from its words: on bad lines "stop" is "hum",
        "attendez" is "d'accord"."""
        if not began:
            return False
        hummed = hesitates(utterance.text)
        if began != [OTHER]:
            confused = hummed or utterance.text in CONFUSED
            return certain < (SURE_OF_MORE if confused else SURE)
        return hummed and certain < SURE and self.is_voiced(bytes(utterance.sound))

    def _content(self, utterance: Utterance, text: str) -> list[str]:
        return self._barge_in.content(text, utterance.question if utterance.asked else None)
