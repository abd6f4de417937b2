"""Cadence: when somebody speaks, for how long, and how long they then wait.

A person who answers says little and waits. A recording says much, and does not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from telephony.amd.evidence import Kind, Statement
from telephony.amd.spectrum import FLOOR_DB, HOP_S, Block

__all__ = ["Cadence", "Level", "Stretch"]

WINDOW_S = 3.0
"""Over which loud and quiet are told apart."""
LOOK_EVERY = 5
"""Blocks (100 ms) between looks at the window: it costs as much as a spectrum."""
LOUD, QUIET = 0.95, 0.10
"""Quantiles of the window: 150 ms of it are louder, 300 ms quieter."""
BETWEEN = 0.35
"""Where speech begins, between quiet and loud (in dB): a third of the way."""
ABOVE_NOISE_DB = 6.0
CONTRAST_DB = 7.0
"""With less there is nothing to tell apart: blocks of even noise differ by 3 dB."""
DIP_S = 0.5
"""By then a voice has been low once, between two syllables."""
LEAST_DB, LEAST_AT_FIRST_DB = -55.0, -36.0
"""29 and 10 dB below the telephone network's nominal speech level (-26 dBFS, ITU-T P.56)."""
BELOW_VOICE_DB = 20.0
"""So far below the loudest voice of the call is somebody else: a television, an echo."""
FORGET_DB = 0.02
"""At each look: the loudest voice is forgotten by 0.2 dB a second."""


class Level:
    """Tells voice from the line's noise by level."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=round(WINDOW_S / HOP_S))
        self._look_in = LOOK_EVERY
        self._loudest = FLOOR_DB
        self._least = LEAST_AT_FIRST_DB

    def voiced(self, db: float) -> bool:
        """Whether 20 ms of that level are voice."""
        self._recent.append(db)
        self._look_in -= 1
        if self._look_in == 0:
            self._look_in = LOOK_EVERY
            self._look()
        return db > self._least

    def _look(self) -> None:
        levels = sorted(self._recent)
        quiet, loud = (levels[int(share * (len(levels) - 1))] for share in (QUIET, LOUD))
        if loud - quiet < CONTRAST_DB:
            # Even: noise, or music. A voice has dips, but may not have had one yet.
            known = len(levels) * HOP_S >= DIP_S
            self._least = max(LEAST_DB, loud + ABOVE_NOISE_DB) if known else LEAST_AT_FIRST_DB
            return
        least = max(quiet + max(ABOVE_NOISE_DB, BETWEEN * (loud - quiet)), LEAST_DB)
        if loud > least:
            self._loudest = max(loud, self._loudest - FORGET_DB)
        self._least = max(least, self._loudest - BELOW_VOICE_DB)


@dataclass(slots=True)
class Stretch:
    """Speech from `at` to `end`, with no pause of `PAUSE_S` in it."""

    at: float
    end: float
    bursts: int = 1
    """Parts of it, with at least `BURST_GAP_S` between them: about words."""

    @property
    def length_s(self) -> float:
        return self.end - self.at


PAUSE_S = 0.3
"""Within a sentence people pause less."""
BURST_GAP_S = 0.06
ONSET, ONSET_OF = 3, 5
"""Voiced blocks that make speech: 60 ms out of 100. A click is none."""
SHORTEST_S = 0.08

GREETING_S = ((0.15, 0.5), (0.35, 2.6), (1.2, 2.6), (2.2, 1.7), (3.5, 1.0), (5.0, 0.0), (8.0, -1.5))
"""How much speech that stops speaks for a person, by its length: nats once they have waited for
`WAIT_S`. "Allô ?" takes 0.4 s; a company with its name 2 to 4."""
WAIT_S = 0.8
WAITING_NATS_PER_S, WAITING_NATS = 1.2, 3.0
"""Who goes on waiting is a person: a voicemail beeps within a second."""
MONOLOGUE_FROM_S, MONOLOGUE_NATS_PER_S, MONOLOGUE_NATS = 2.5, 0.5, 3.5
"""How much speech that does not stop speaks for a recording, by its length."""
ANSWER_S = 6.0
"""After the answer: who begins a long speech later was asked something."""
TURN_S = 1.0
"""Who pauses for longer has finished, or waits for an answer."""
KEPT = 0.5
"""Of what a turn said for a person, once somebody goes on."""
SILENCE_FROM_S, SILENCE_NATS_PER_S, SILENCE_NATS = 1.5, 1.5, 6.0
"""How much nothing at all speaks for silence, by how long it lasts."""
NOT_SILENT = {Kind.SILENCE: -6.0}


class Cadence:
    """Speech and pauses since the answer."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self._level = Level()
        self._recent: deque[bool] = deque(maxlen=ONSET_OF)
        self._began = 0.0
        self._now = 0.0
        self._sounded = 0.0

    def begin(self, at: float) -> None:
        """The call is answered at `at` (which may be yet to come); before it nothing counts."""
        self.stretches.clear()
        self._recent.clear()
        self._began = self._now = self._sounded = at

    def feed(self, block: Block, *, tone: bool = False) -> bool:
        """Whether `block` is voice; a `tone` of the line is none."""
        self._now = block.at + HOP_S
        voiced = self._level.voiced(block.db) and not tone
        if tone:
            self._sounded = self._now
        self._recent.append(voiced)
        if not voiced:
            return False
        last = self.stretches[-1] if self.stretches else None
        if last is not None and block.at - last.end < PAUSE_S:
            if block.at - last.end >= BURST_GAP_S:
                last.bursts += 1
            last.end = self._now
        elif sum(self._recent) >= ONSET:
            self.stretches.append(Stretch(block.at - (ONSET - 1) * HOP_S, self._now))
        return True

    def sounded(self, since: float) -> None:
        """What was heard from `since` on was sound, but no voice: a tone, or music."""
        self._sounded = self._now
        while self.stretches and self.stretches[-1].at >= since - ONSET * HOP_S:
            self.stretches.pop()
        if self.stretches:
            self.stretches[-1].end = min(self.stretches[-1].end, since)

    @property
    def spoke(self) -> bool:
        """Whether anybody has said anything."""
        return any(stretch.length_s >= SHORTEST_S for stretch in self.stretches)

    @property
    def quiet_s(self) -> float:
        """How long nobody has spoken."""
        return self._now - (self.stretches[-1].end if self.stretches else self._began)

    def spoke_since(self, at: float) -> bool:
        """Whether anybody has spoken after `at`; true where that is before the answer."""
        return at < self._began or (bool(self.stretches) and self.stretches[-1].end > at)

    def statement(self) -> Statement | None:
        """What the cadence says now; None if nothing yet."""
        now, quiet_s = self._now, self.quiet_s
        if not self.spoke:
            quiet_s = now - self._sounded
            nats = min(SILENCE_NATS, (quiet_s - SILENCE_FROM_S) * SILENCE_NATS_PER_S)
            if nats <= 0:
                return None
            return Statement(
                "cadence", f"nothing said for {quiet_s:.1f} s", now, {Kind.SILENCE: nats}
            )
        *before, turn = self._turns()
        kept = max(0.0, *(KEPT * _person(_length(one), TURN_S) for one in before), 0.0)
        length_s = _length(turn)
        bursts = sum(stretch.bursts for stretch in turn)
        said = f"{length_s:.1f} s of speech in {bursts} bursts"
        weights = dict(NOT_SILENT)
        if turn[0].at - self._began < ANSWER_S and length_s > MONOLOGUE_FROM_S:
            long_s = length_s - MONOLOGUE_FROM_S
            nats = min(MONOLOGUE_NATS, long_s * MONOLOGUE_NATS_PER_S)
            weights |= {Kind.VOICEMAIL: nats, Kind.NETWORK: nats}
        if quiet_s < PAUSE_S:
            says = f"{said}, going on"
            weights[Kind.HUMAN] = kept
        else:
            says = f"{said}, then {quiet_s:.1f} s of silence"
            weights[Kind.HUMAN] = max(kept, _person(length_s, quiet_s))
        return Statement("cadence", says, now, weights)

    def _turns(self) -> list[list[Stretch]]:
        """Stretches with no pause of `TURN_S` between them."""
        turns: list[list[Stretch]] = []
        for stretch in self.stretches:
            if turns and stretch.at - turns[-1][-1].end < TURN_S:
                turns[-1].append(stretch)
            else:
                turns.append([stretch])
        return turns


def _length(turn: list[Stretch]) -> float:
    return turn[-1].end - turn[0].at


def _person(length_s: float, quiet_s: float) -> float:
    """How much `length_s` of speech and `quiet_s` of silence after it speak for a person: nats."""
    lengths, nats = zip(*GREETING_S, strict=True)
    said = float(np.interp(length_s, lengths, nats)) * min(1.0, quiet_s / WAIT_S)
    waiting = min(WAITING_NATS, max(0.0, quiet_s - WAIT_S) * WAITING_NATS_PER_S)
    return said + waiting
