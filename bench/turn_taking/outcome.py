"""What became of a call: its turn-taking, and whether what was held went on at the exact sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from bench.barge_in.account import Account
from bench.turn_taking.callers import Condition
from server.talk.far_end import FarEnd, Run
from server.talk.measures import AUDIBLE
from server.talk.turn_taking import SILENT_MS, Said, Sounded, TurnTaking, judge

__all__ = ["CallResult", "Resumes", "references", "resumes", "taken"]


@dataclass(slots=True)
class CallResult:
    """A call that has ended."""

    condition: Condition
    seed: int
    said: Sequence[Said]
    far: FarEnd
    account: Account
    lasts_ms: Mapping[int, float] = field(default_factory=dict)
    """By turn of an engine that says so beforehand: how long it is."""
    told: Sequence[tuple[float, str, str]] = ()
    """What the engine said of itself: milliseconds, ``state`` or ``final``, and which; the latter
    is a transcript."""

    def line(self, turn: int) -> tuple[int, str]:
        """What is alike in all turns that say the same: the rate, and the first words."""
        return self.far.rate_hz, self.account.line.get(turn, "")

    def whole(self) -> set[int]:
        """Turns that were heard to their end. The last one, which the caller hung up in, counts."""
        found = {run.turn for run in self.far.runs[-1:]}
        for turn in {run.turn for run in self.far.runs}:
            lasts_ms = self.lasts_ms.get(turn)
            if lasts_ms is not None:
                if self.far.played_ms(turn) >= lasts_ms - 1:
                    found.add(turn)
            elif turn in self.account.ended and turn not in self.account.cancelled:
                found.add(turn)
        return found

    def as_json(self) -> dict[str, Any]:
        """Who sounded when, for whoever wants to look."""
        return {
            "condition": self.condition.name,
            "seed": self.seed,
            "said": [
                [one.kind, round(one.start_ms), round(one.end_ms), one.more] for one in self.said
            ],
            "sounded": [
                [one.turn, round(one.start_ms), round(one.end_ms)] for one in sounded(self.far)
            ],
            "whole": sorted(self.whole()),
            "told": [[round(at_ms), kind, what] for at_ms, kind, what in self.told],
        }


@dataclass(frozen=True, slots=True)
class Resumes:
    """Turns that went on after a silence and were heard to their end; `exact` ones without a sample
    missing, repeated or changed."""

    resumed: int = 0
    exact: int = 0

    def __add__(self, other: Resumes) -> Resumes:
        return Resumes(self.resumed + other.resumed, self.exact + other.exact)


def taken(call: CallResult) -> TurnTaking:
    """The turn-taking of a call."""
    return judge(call.said, sounded(call.far), call.whole())


def sounded(far: FarEnd) -> list[Sounded]:
    """What was audible of ours, each piece from its first audible sample to its end."""
    heard = np.frombuffer(far.track(), "<i2")
    ms = 1000 / far.rate_hz
    found = []
    for run in far.runs:
        loud = np.flatnonzero(np.abs(heard[run.start : run.end].astype(np.int32)) > AUDIBLE)
        if loud.size:
            found.append(Sounded(run.turn, (run.start + int(loud[0])) * ms, run.end * ms))
    return found


def references(calls: Sequence[CallResult]) -> dict[tuple[int, str], int]:
    """By line: its bytes, where it was received whole."""
    found: dict[tuple[int, str], int] = {}
    for call in calls:
        for turn in call.whole() - {run.turn for run in call.far.runs[-1:]}:
            size = len(call.account.sound[turn])
            found[call.line(turn)] = max(size, found.get(call.line(turn), 0))
    return found


def resumes(call: CallResult, known: Mapping[tuple[int, str], int]) -> Resumes:
    """Compare every turn that was held with what was sent, and that with the line elsewhere."""
    track = call.far.track()
    total = Resumes()
    for turn in call.whole() - {run.turn for run in call.far.runs[-1:]}:
        runs = [run for run in call.far.runs if run.turn == turn]
        if _held(runs, call.far.rate_hz) and call.line(turn) in known:
            sent = bytes(call.account.sound[turn])
            played = b"".join(track[2 * run.start : 2 * run.end] for run in runs)
            total += Resumes(1, int(played == sent and len(sent) == known[call.line(turn)]))
    return total


def _held(runs: Sequence[Run], rate_hz: int) -> bool:
    return any(
        (after.start - run.end) * 1000 >= SILENT_MS * rate_hz for run, after in pairwise(runs)
    )
