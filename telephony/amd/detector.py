"""The detector: frames of one call in, verdicts and beeps out. No clock, no I/O.

Time is the sound's own; what comes before the answer (ringback, announcements of the network in
early media) is heard, but only the network can be at the far end then.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.frames import Audio, Frame, Transcript
from telephony.amd import words
from telephony.amd.cadence import Cadence
from telephony.amd.evidence import Beep, Kind, Statement, Verdict
from telephony.amd.meanings import Meaning, Meanings, Meant
from telephony.amd.music import Music
from telephony.amd.spectrum import HOP_S, Block, Listener
from telephony.amd.tones import SHORTEST_S, Tone, ToneTracker
from telephony.amd.verdict import concluded, verdict
from telephony.amd.witness import asterisk

__all__ = ["LISTEN_S", "UNDECIDED_S", "Amd"]

UNDECIDED_S = 12.0
"""After the answer: who has not been told apart by then is ``unknown``, until something tells."""
LOOK_EVERY = 5
"""Blocks (100 ms) between looks at what all witnesses say."""
LISTEN_S = 40.0
"""After the answer: nothing that is heard later tells who answered. The longest greetings of
voicemails are that long."""
PERSON_S = 20.0
"""After a person was told: whoever is in the middle of a conversation is not hung up on."""

Told = Verdict | Beep

MEANINGS = {
    Meaning.SIT: {Kind.NETWORK: 7.0},
    Meaning.BUSY: {Kind.NETWORK: 6.0},
    Meaning.CONGESTION: {Kind.NETWORK: 6.0},
    Meaning.DIAL: {Kind.NETWORK: 6.0},
    Meaning.CED: {Kind.FAX: 8.0},
}
CNG_NATS = (4.5, 8.0)
"""For the first and every further one: half a second of 1100 Hz may be a beep."""
BEEP_NATS, PROGRESS_BEEP_NATS, FIRST_BEEP_NATS = 8.0, 5.0, 2.5
"""After speech; at a frequency of call-progress tones, as that of a waiting call is; and where
nobody has spoken before."""
EARLY_VOICE_S, EARLY_NATS = 0.6, 6.0
"""Speech before the answer is the network's."""
RING_PAUSE_S = 5.0
"""Between two rings (ITU-T E.180: 3 to 5 s): as long as it rings, nobody is silent."""


class Amd:
    """Who answered? `answered` says when the call was; without it, the first sound counts.

    `language` names the table of first words; "" leaves them out.
    """

    def __init__(self, language: str = "", *, early_media: bool = False) -> None:
        self.language = language if language in words.LANGUAGES else ""
        self.verdict: Verdict | None = None
        self.beeps: list[Beep] = []
        self._answered_at: float | None = None
        self._early = early_media
        self._listener = Listener()
        self._tracker = ToneTracker(self._listener)
        self._meanings = Meanings()
        self._cadence = Cadence()
        self._music = Music()
        self._statements: dict[str, Statement] = {}
        self._said: list[str] = []
        self._fax_calls = 0
        self._now = 0.0
        self._look_in = LOOK_EVERY
        self._toned = False
        self._beeped_at = float("-inf")

    @property
    def listening(self) -> bool:
        """Whether a verdict can still come, or change."""
        if self.verdict is not None and self.verdict.kind is Kind.HUMAN:
            return self._now - self.verdict.at < PERSON_S
        return self._answered_at is None or self._now - self._answered_at < LISTEN_S

    @property
    def quiet_s(self) -> float:
        """How long nobody has spoken."""
        return self._cadence.quiet_s

    def answered(self, at: float) -> None:
        """The call was answered; what came before was the network's, and does not count."""
        self._early = False
        self._statements.clear()
        self.verdict = None
        self._begin(at)

    def feed(self, frame: Frame) -> Iterator[Told]:
        """Take sound of the far end, or what was understood of it."""
        match frame:
            case Audio():
                if self._answered_at is None and not self._early:
                    self._begin(frame.at)
                yield from self._hear(self._listener.feed(frame))
            case Transcript():
                self._understood(frame)
                yield from self._conclude()
            case _:
                pass

    def idle(self, now: float) -> Iterator[Told]:
        """Time has come to `now` without sound, which is silence."""
        yield from self._hear(self._listener.idle(now))

    def amd_status(self, status: str, cause: str, at: float) -> Iterator[Told]:
        """Asterisk's AMD() has set AMDSTATUS and AMDCAUSE."""
        self._testify(asterisk(status, cause, at))
        yield from self._conclude()

    def _begin(self, at: float) -> None:
        self._answered_at = at
        self._listener.begin(at)
        self._cadence.begin(at)
        self._music.begin()

    def _hear(self, blocks: Iterator[Block]) -> Iterator[Told]:
        for block in blocks:
            self._now = block.at + HOP_S
            yield from self._step(block)

    def _step(self, block: Block) -> Iterator[Told]:
        ended = self._tracker.feed(block)
        before, toned = self._toned, self._tracker.sounding
        voiced = self._cadence.feed(block, tone=toned)
        self._music.feed(block)
        if toned and not before:
            self._cadence.sounded(block.at - SHORTEST_S)
        self._toned = toned
        heard: list[Meant] = []
        if ended is not None:
            heard += self._meanings.ended(ended)
        if voiced:
            self._meanings.sounded(block.at)
        elif not toned:
            heard += self._meanings.quiet(block.at)
        self._look_in -= 1
        if self._look_in == 0 and (running := self._tracker.running()) is not None:
            heard += self._meanings.going_on(running)
        beeps = [beep for one in heard if (beep := self._meant(one)) is not None]
        if self._look_in > 0 and not heard:
            return
        self._look_in = LOOK_EVERY
        if self._answered_at is None:
            self._early_voice()
        else:
            music = self._music.statement()
            if self._music.since is not None:
                self._cadence.sounded(self._music.since)
            self._testify(music, "music")
            if self._cadence.spoke_since(self._beeped_at):  # whoever records is silent
                self._testify(self._cadence.statement(), "cadence")
        if heard or not (toned or self._meanings.waiting):  # what sounds may tell in a moment
            yield from self._conclude()
        yield from beeps

    def _early_voice(self) -> None:
        spoken_s = sum(stretch.length_s for stretch in self._cadence.stretches)
        if spoken_s >= EARLY_VOICE_S:
            says = f"{spoken_s:.1f} s of speech before the answer"
            self._testify(Statement("early media", says, self._now, {Kind.NETWORK: EARLY_NATS}))

    def _meant(self, heard: Meant) -> Beep | None:
        tone = heard.tones[-1]
        match heard.meaning:
            case Meaning.RINGBACK:
                # It rings on, behind a switchboard: nobody has answered yet.
                if self._answered_at is not None and self.verdict is None:
                    self._answered_at = tone.end
                    self._cadence.begin(tone.end + RING_PAUSE_S)
                    self._music.begin()
            case Meaning.CNG:
                self._fax_calls += 1
                nats = CNG_NATS[min(self._fax_calls, len(CNG_NATS)) - 1]
                says = f"{self._fax_calls} times {_described(tone)}"
                self._testify(Statement("tone", f"fax calling: {says}", heard.at, {Kind.FAX: nats}))
            case Meaning.BEEP:
                return self._beeped(tone, heard.at)
            case meaning:
                says = f"{meaning}: {_named(heard.tones)}"
                self._testify(Statement("tone", says, heard.at, MEANINGS[meaning]))
        return None

    def _beeped(self, tone: Tone, at: float) -> Beep:
        beep = Beep(tone.at, tone.length_s, tone.hz)
        self.beeps.append(beep)
        self._beeped_at = tone.end
        nats = PROGRESS_BEEP_NATS if tone.name else BEEP_NATS
        nats = nats if self._cadence.spoke else FIRST_BEEP_NATS
        self._testify(Statement("beep", _described(tone), at, {Kind.VOICEMAIL: nats}))
        return beep

    def _understood(self, transcript: Transcript) -> None:
        if not self.language:
            return
        text = " ".join([*self._said, transcript.text])
        if transcript.final:
            self._said.append(transcript.text)
        found = words.find(text, self.language)
        if found.phrases:
            says = ", ".join(f"“{phrase.text}”" for phrase in found.phrases[:4])
            self._testify(Statement("words", says, transcript.at, found.weights))

    def _testify(self, statement: Statement | None, witness: str = "") -> None:
        if statement is None:
            self._statements.pop(witness, None)
        else:
            self._statements[statement.witness] = statement

    def _conclude(self) -> Iterator[Told]:
        answered_at, now = self._answered_at, self._now
        if answered_at is None:
            if not {"tone", "early media", "words"} & self._statements.keys():
                return
            answered_at = now
        elif not self.listening:
            return
        before = None if self.verdict is None else self.verdict.kind
        told = concluded(self._statements, before, now, answered_at)
        if told is None and before is None and now - answered_at >= UNDECIDED_S:
            told = verdict(Kind.UNKNOWN, self._statements, now, answered_at)
        if told is not None:
            self.verdict = told
            yield told


def _named(tones: tuple[Tone, ...]) -> str:
    return ", ".join(map(_described, tones))


def _described(tone: Tone) -> str:
    hz = " + ".join(f"{hz:.0f}" for hz in tone.name or (tone.hz, tone.other_hz) if hz)
    return f"{hz} Hz {tone.length_s:.2f} s"
