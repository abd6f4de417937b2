"""Tones of the line: how long they sound, at which frequencies, and how steadily."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from telephony.amd.spectrum import HOP_S, Block, Listener, share_of

__all__ = ["SHORTEST_S", "Tone", "ToneTracker"]

PURE = 0.8
"""Of the band's energy: a tone 6 dB over the line's noise still has it; a vowel does not, whose
strongest harmonic is one of several."""
PURE_PAIR = 0.85
STEADY_HZ = 8.0
"""A generator's tone stays where it is, within 2 Hz at 8 dB over noise; a voice glides by more from
one block to the next."""
BEATING_HZ, BEATING_STEADY_HZ = (380.0, 500.0), 70.0
"""Two tones 40 or 50 Hz apart (440 + 480, 400 + 450) seem one within a block, that moves."""
SHORTEST_S = 0.1
BROKEN_HOPS = 4
"""Blocks that end a tone. A click, or a packet of 20 ms that was lost, spoils three."""
EDGE_DB = 6.0
"""Windows half within the tone have a quarter of its energy."""
FAINT_DB = -50.0
"""24 dB below the network's nominal speech level: hum."""
LONGEST_S = 4.0
"""What is kept of a tone: one that goes on and on is known by then."""
NAMED_S = 0.18
"""From here on a tone can be named by its exact frequencies."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A steady tone, or two at once.

    `ripple_db` and `drift_hz` are how far its level and its frequency go up and down, `purity` is
    how much of the band's energy it has.
    """

    at: float
    length_s: float
    hz: float
    other_hz: float = 0.0
    ripple_db: float = 0.0
    drift_hz: float = 0.0
    purity: float = 0.0
    name: tuple[float, ...] = ()
    """The frequencies of the call-progress tone that it is; empty for any other."""

    @property
    def end(self) -> float:
        return self.at + self.length_s

    def near(self, hz: float, tolerance_hz: float) -> bool:
        return not self.other_hz and abs(self.hz - hz) <= tolerance_hz


PROGRESS: tuple[tuple[float, ...], ...] = (
    *((425.0,), (440.0,), (400.0,), (450.0,)),
    *((440.0, 480.0), (400.0, 450.0), (480.0, 620.0), (350.0, 440.0)),
)
"""Call-progress tones: 425 Hz (ITU-T E.180), 440 Hz (France), 400 + 450 Hz (United Kingdom), and
the precise tone plan of North America."""
NAMED_SHARE = 0.7
WEAKER = 0.15
"""Of two tones of a pair, the weaker has at least so much of the energy."""


def name_of(listener: Listener) -> tuple[float, ...]:
    """The call-progress tone that sounds now; empty if none of them does."""
    samples, rate_hz = listener.recent, listener.rate_hz
    best: tuple[float, tuple[float, ...]] = (NAMED_SHARE, ())
    for tones in PROGRESS:
        shares = [share_of(hz, samples, rate_hz) for hz in tones]
        if len(tones) == 1 or min(shares) >= WEAKER:
            best = max(best, (sum(shares), tones))
    return best[1]


class ToneTracker:
    """Joins blocks to tones."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._blocks: list[Block] = []
        self._left_out = 0
        self._name: tuple[float, ...] = ()
        self._broken: list[Block] = []

    @property
    def sounding(self) -> bool:
        """Whether a tone sounds."""
        return not self._broken and len(self._blocks) * HOP_S >= SHORTEST_S

    def running(self) -> Tone | None:
        """The tone that sounds, as far as it has come."""
        return self._joined() if self.sounding else None

    def feed(self, block: Block) -> Tone | None:
        """The tone that has ended with `block`."""
        if self._goes_on(block):
            self._blocks.append(block)
            self._left_out += len(self._broken)
            self._broken = []
            if len(self._blocks) * HOP_S >= NAMED_S and not self._name:
                self._name = name_of(self._listener)
            if len(self._blocks) * HOP_S > LONGEST_S:
                del self._blocks[1]
                self._left_out += 1
            return None
        if self._blocks:
            self._broken.append(block)
            if len(self._broken) < BROKEN_HOPS:
                return None
        ended = self._joined()
        waiting = self._broken or [block]
        self._blocks, self._broken, self._name, self._left_out = [], [], (), 0
        for late in waiting:
            if not self._goes_on(late):
                self._blocks = []
            if _tonal(late):
                self._blocks.append(late)
        return ended

    def _goes_on(self, block: Block) -> bool:
        """Whether `block` is of the tone that sounds, or the first of one."""
        if not _tonal(block):
            return False
        if not self._blocks:
            return True
        last = self._blocks[-1]
        if _within(block.hz, BEATING_HZ) and _within(last.hz, BEATING_HZ):
            return abs(block.hz - last.hz) <= BEATING_STEADY_HZ
        if _single(block) or _single(last):
            return abs(block.hz - last.hz) <= STEADY_HZ
        return all(
            abs(one - other) <= STEADY_HZ
            for one, other in zip(_pair(block), _pair(last), strict=True)
        )

    def _joined(self) -> Tone | None:
        """All blocks as one tone; None if they are too few."""
        top = max((block.db for block in self._blocks), default=0.0)
        loud = [block for block in self._blocks if block.db >= top - EDGE_DB]
        if len(loud) * HOP_S < SHORTEST_S:
            return None
        singles = [block for block in loud if _single(block)]
        if 2 * len(singles) >= len(loud):
            lines = [[block.hz for block in singles]]
        else:
            lines = [[_pair(block)[side] for block in loud] for side in (0, 1)]
        hz, *other = map(median, lines)
        return Tone(
            # A block's middle is one hop after its beginning; it stands for half a hop around it.
            at=loud[0].at + HOP_S / 2,
            length_s=(len(loud) + self._left_out) * HOP_S,
            hz=hz,
            other_hz=other[0] if other else 0.0,
            ripple_db=_spread([block.db for block in loud[1:-1]]),
            drift_hz=max(_spread(line[1:-1]) for line in lines),
            purity=median(block.pair if other else block.tone for block in loud),
            name=self._name,
        )


def _spread(values: list[float]) -> float:
    return max(values) - min(values) if values else 0.0


def _tonal(block: Block) -> bool:
    return block.db > FAINT_DB and (block.tone >= PURE or block.pair >= PURE_PAIR)


def _single(block: Block) -> bool:
    return block.tone >= PURE


def _pair(block: Block) -> tuple[float, float]:
    return min(block.hz, block.other_hz), max(block.hz, block.other_hz)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
