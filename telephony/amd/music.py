"""Music: notes stay where they are, the harmonics of a voice never do."""

from __future__ import annotations

from collections import Counter, deque
from math import log2

from telephony.amd.evidence import Kind, Statement
from telephony.amd.spectrum import HOP_S, Block

__all__ = ["Music"]

LAG = 4
"""Blocks (80 ms) between what is compared: voices have moved on, notes have not."""
SAME_HZ = 10.0
WINDOW_S = 2.0
NOTES_S, LEAST_S = 0.5, 1.2
"""Sound that has to be there before it is said to be no voice, and to be music."""
HELD = 0.65
"""The share of blocks whose strongest tones were there 80 ms before. Measured on our own music
0.79 to 0.93, on espeak-ng's voices 0.15 to 0.28, on five recordings of people 0.20 to 0.32."""
LOOK_EVERY = 5
"""Blocks (100 ms) between looks at the window."""
SOUNDING = 0.8
"""The share of the window in which there is sound."""
NOTES, NOTE_BLOCKS = 2, 4
"""Notes of 80 ms and more that make a piece: a tone of the line is one."""
BELOW_LOUDEST_DB, LEAST_DB = 30.0, -55.0
FROM_S, NATS_PER_S, NATS = 1.2, 2.2, 7.0
NO_VOICE = {Kind.HUMAN: -4.0, Kind.SILENCE: -6.0}
NO_GREETING = {**NO_VOICE, Kind.VOICEMAIL: -3.0, Kind.NETWORK: -3.0}
REST_S = 1.5
"""Within a piece."""


class Music:
    """Listens for notes that are held."""

    def __init__(self) -> None:
        size = round(WINDOW_S / HOP_S)
        self._blocks: deque[Block] = deque(maxlen=LAG + 1)
        self._held: deque[bool | None] = deque(maxlen=size)
        """None where there is no sound."""
        self._notes: deque[int | None] = deque(maxlen=size)
        """Of what is held, in semitones."""
        self._loudest = -100.0
        self.since: float | None = None
        """When the music began that is heard; None while there is none."""
        self._now = 0.0
        self._held_at = self._music_at = float("-inf")
        self._look_in = LOOK_EVERY

    def begin(self) -> None:
        """What was before does not count."""
        self._held.clear()
        self._notes.clear()
        self._held_at = self._music_at = float("-inf")
        self.since = None

    def feed(self, block: Block) -> None:
        """Take 20 ms."""
        self._now = block.at + HOP_S
        self._blocks.append(block)
        self._loudest = max(block.db, self._loudest - 0.1)
        sounds = block.db > max(self._loudest - BELOW_LOUDEST_DB, LEAST_DB)
        self._held.append(_same(block, self._blocks[0]) if sounds else None)
        self._notes.append(round(12 * log2(block.hz / 440.0)) if self._held[-1] else None)
        self._look_in -= 1
        if self._look_in == 0:
            self._look_in = LOOK_EVERY
            self._look()

    def _look(self) -> None:
        sounding = [held for held in self._held if held is not None]
        length_s = len(sounding) * HOP_S
        held = bool(sounding) and sum(sounding) >= HELD * len(sounding)
        if held and length_s >= NOTES_S:
            self._held_at = self._now
        counts = Counter(note for note in self._notes if note is not None)
        notes = sum(count >= NOTE_BLOCKS for count in counts.values())
        enough = length_s >= LEAST_S and len(sounding) >= SOUNDING * len(self._held)
        if held and enough and notes >= NOTES:
            self._music_at = self._now
            if self.since is None:
                self.since = self._now - length_s
        elif self._now - self._music_at > REST_S:
            self.since = None

    def statement(self) -> Statement | None:
        """None while nothing is held."""
        if self.since is not None:
            length_s = self._music_at - self.since
            nats = min(NATS, max(0.0, (length_s - FROM_S) * NATS_PER_S))
            says = f"notes that are held, for {length_s:.1f} s"
            return Statement("music", says, self._now, {**NO_GREETING, Kind.MUSIC: nats})
        if self._now - self._held_at <= REST_S:
            return Statement("music", "notes that are held", self._now, NO_VOICE)
        return None


def _same(block: Block, before: Block) -> bool:
    return any(
        abs(one - other) < SAME_HZ
        for one in (block.hz, block.other_hz)
        for other in (before.hz, before.other_hz)
        if one and other
    )
