"""What the caller measured, on his own clock and from what he heard."""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from server.talk.call import Call
from server.talk.far_end import FarEnd, Run
from server.talk.person import Spoken, last_sound

__all__ = ["Backchannel", "BargeIn", "Measures", "measure", "quantile"]

AUDIBLE = 328
"""1 % of full scale, 40 dB down: the quietest beginning of a word that is heard on a telephone."""


@dataclass(frozen=True, slots=True)
class BargeIn:
    """A caller's interruption: how long our sound went on after his first, and the turn."""

    turn: int
    ms: float


@dataclass(frozen=True, slots=True)
class Backchannel:
    """A caller's "mm": whether we held our sound, and went on with the same turn, and the
    milliseconds held."""

    turn: int
    paused: bool
    resumed: bool
    held_ms: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one call. `heard_ms`: by turn, from the caller's last sound to our first that was
    audible to him."""

    heard_ms: dict[int, float]
    barge_ins: tuple[BargeIn, ...]
    backchannels: tuple[Backchannel, ...]
    words_said: int
    words_understood: int
    ledgers: tuple[dict[str, Any], ...]

    def responses(self) -> list[dict[str, Any]]:
        """The ledgers of turns that answer what a caller said."""
        return [ledger for ledger in self.ledgers if ledger["turn"] in self.heard_ms]


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that a share `q` of `values` does not exceed: with the few turns of a
    call, one of them and never a number in between."""
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def measure(call: Call) -> Measures:
    """Measure a call that has ended."""
    far, spoken = call.far, call.person.spoken()
    assert far is not None
    heard = np.frombuffer(far.track(), "<i2")
    heard_ms = {}
    for turn in dict.fromkeys(run.turn for run in far.runs):
        runs = [run for run in far.runs if run.turn == turn]
        first = _first_audible(heard, runs)
        before = None if first is None else _last_sound(call, spoken, far, turn, runs[0].start)
        if first is not None and before is not None:
            heard_ms[turn] = (first - before) * 1000 / far.rate_hz
    ledgers = [dict(passed.message) for passed in call.messages if passed.message["type"] == "turn"]
    for ledger in ledgers:
        ledger.pop("type")
        if ledger["turn"] in heard_ms:
            ledger["heard_ms"] = round(heard_ms[ledger["turn"]], 1)
    said, understood = _words(call, spoken)
    barge_ins = [_barge_in(one, far) for one in spoken if one.kind == "interruption"]
    backchannels = [_backchannel(one, far) for one in spoken if one.kind == "backchannel"]
    return Measures(
        heard_ms,
        tuple(barge_in for barge_in in barge_ins if barge_in is not None),
        tuple(backchannel for backchannel in backchannels if backchannel is not None),
        said,
        understood,
        tuple(ledgers),
    )


def _first_audible(heard: Any, runs: Sequence[Run]) -> int | None:
    for run in runs:
        loud = np.flatnonzero(np.abs(heard[run.start : run.end].astype(np.int32)) > AUDIBLE)
        if loud.size:
            return run.start + int(loud[0])
    return None


def _last_sound(
    call: Call, spoken: Sequence[Spoken], far: FarEnd, turn: int, start: int
) -> int | None:
    """The caller's last sound before `turn` began, if he has spoken since the turn before it: an
    answer to nothing (a greeting, a reminder) is no response."""
    earlier = max((run.start for run in far.runs if run.turn < turn), default=None)
    if spoken:
        answers = [one for one in spoken if one.kind != "backchannel" and one.last < start]
        last = answers[-1].last if answers else None
    else:
        last = last_sound(bytes(call.track), start)
    if last is None or earlier is None or last < earlier:
        return None
    return last


def _turn_at(far: FarEnd, sample: int) -> int | None:
    """The turn that sounds at `sample`, or paused shortly before it."""
    sounding = [run for run in far.runs if run.start <= sample]
    return sounding[-1].turn if sounding else None


def _barge_in(one: Spoken, far: FarEnd) -> BargeIn | None:
    turn = _turn_at(far, one.first)
    if turn is None:
        return None
    end = max(run.end for run in far.runs if run.turn == turn)
    return BargeIn(turn, max(0.0, (end - one.first) * 1000 / far.rate_hz))


def _backchannel(one: Spoken, far: FarEnd) -> Backchannel | None:
    turn = _turn_at(far, one.first)
    if turn is None:
        return None
    runs = [run for run in far.runs if run.turn == turn and run.end > one.first]
    held = [
        after.start - before.end
        for before, after in itertools.pairwise(runs)
        if before.end <= one.last + far.rate_hz
    ]
    stopped = bool(runs) and runs[0].end <= one.last + far.rate_hz // 4
    held_ms = held[0] * 1000 / far.rate_hz if held else 0.0
    return Backchannel(turn, bool(held) or stopped, bool(held), held_ms)


def _words(call: Call, spoken: Sequence[Spoken]) -> tuple[int, int]:
    """Words that the caller said, and how many of them the engine's final transcripts have in
    their order. Nobody knows the words of a recording: 0, 0."""
    said = _split(" ".join(one.text for one in spoken))
    finals = [
        str(passed.message["text"])
        for passed in call.messages
        if passed.message["type"] == "transcript" and passed.message["final"]
    ]
    matcher = difflib.SequenceMatcher(None, said, _split(" ".join(finals)), autojunk=False)
    return len(said), sum(block.size for block in matcher.get_matching_blocks())


def _split(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
