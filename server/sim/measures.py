"""What a caller would have noticed, measured at the far end, on its clock, from what was audible.

The definitions are those of docs/bench/response.md and docs/bench/barge_in.md:

- *response*: from the caller's last sound of an answer to our first;
- *yield*: from the caller's first sound of an interruption to the end of ours;
- *missed*: an interruption after which the turn was played to its end; *resumed*: one after which
  it went on, even if it was cancelled later;
- *selectivity*: of what is said or heard over ours and is no interruption, by kind, the share that
  did not cost the turn;
- *cut off*: an answer of several parts during which we began to speak.

What can be understood both ways counts for neither: speech over a question (where "oui" may be its
answer), over a turn that may not be interrupted, or that must be at any sound.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from server.sim.call import Outcome, Shared
from server.sim.caller import Said
from server.sim.sounds import whole_sound
from server.talk.far_end import FarEnd
from server.talk.measures import AUDIBLE, quantile

__all__ = ["Tally", "measure"]

INTERRUPTIONS = frozenset({"interruption", "correction"})
NO_INTERRUPTIONS = frozenset({"backchannel", "cough", "aside", "background"})

MISSED_MS = 2000.0
"""Our sound that goes on for longer over an interruption has not noticed it."""


@dataclass(slots=True)
class Tally:
    """Measured of one call or many."""

    response_ms: list[float] = field(default_factory=list)
    yield_ms: list[float] = field(default_factory=list)
    interruptions: int = 0
    missed: int = 0
    resumed: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    over: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    cut_off: int = 0
    unanswered: int = 0

    def add(self, other: Tally) -> None:
        self.response_ms += other.response_ms
        self.yield_ms += other.yield_ms
        for name in ("interruptions", "missed", "resumed", "answers", "cut_off", "unanswered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kept.update(other.kept)
        self.over.update(other.over)

    def selectivity(self, kinds: Iterable[str]) -> float | None:
        """None where nothing of `kinds` was said over us."""
        kinds = tuple(kinds)
        over = sum(self.over[kind] for kind in kinds)
        return sum(self.kept[kind] for kind in kinds) / over if over else None

    def p(self, values: list[float], q: float) -> float | None:
        return quantile(values, q) if values else None


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn as it was heard: pieces of the far end's track, and what of it is no question."""

    runs: tuple[tuple[int, int], ...]
    statement: int
    """Samples before its question."""
    policy: str
    cut: bool

    @property
    def start(self) -> int:
        return self.runs[0][0]

    @property
    def end(self) -> int:
        return self.runs[-1][1]

    def played(self, at: int) -> int:
        """Samples of it that were played before `at`."""
        return sum(max(0, min(end, at) - start) for start, end in self.runs)


def measure(outcome: Outcome, shared: Shared) -> Tally:
    """Of one call."""
    tally = Tally()
    turns = _turns(outcome, shared)
    answer: list[Said] = []
    for one in sorted(outcome.said, key=lambda said: said.first):
        if one.kind == "answer":
            answer.append(one)
            if not one.more:
                _answered(tally, outcome.far, turns, answer)
                answer = []
        elif one.turn in turns:
            _over(tally, one, turns[one.turn], 1000 / outcome.far.rate_hz)
    return tally


def _turns(outcome: Outcome, shared: Shared) -> dict[int, _Turn]:
    runs: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for run in outcome.far.runs:
        runs[run.turn].append((run.start, run.end))
    lines: defaultdict[int, list[str]] = defaultdict(list)
    cut: dict[int, bool] = {}
    for _, message in outcome.messages:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                lines[turn].append(text)
            case {"type": "turn", "turn": int(turn), "interrupted": bool(interrupted)}:
                cut[turn] = interrupted
            case _:
                pass
    rate = outcome.script.rate_hz
    turns = {}
    for turn, pieces in runs.items():
        said = lines[turn]
        step = next((shared.steps[text] for text in said if text in shared.steps), "")
        known = shared.scenario.steps.get(step)
        statement = sum(len(whole_sound(text)) for text in said[:-1]) // 2 * rate // 16000
        policy = known.barge_in if known else "polite"
        turns[turn] = _Turn(tuple(pieces), statement, policy, cut.get(turn, False))
    return turns


def _answered(tally: Tally, far: FarEnd, turns: Mapping[int, _Turn], parts: list[Said]) -> None:
    tally.answers += 1
    first, last = parts[0].last, parts[-1].last
    if any(first < turn.start < last for turn in turns.values()):
        tally.cut_off += 1
        return
    after = [turn for turn in turns.values() if turn.start > last]
    if not after:
        tally.unanswered += 1
        return
    turn = min(after, key=lambda turn: turn.start)
    sound = np.frombuffer(far.piece(turn.start, turn.end), "<i2")
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > AUDIBLE)
    if loud.size:
        tally.response_ms.append((turn.start + int(loud[0]) - last) * 1000 / far.rate_hz)


def _over(tally: Tally, one: Said, turn: _Turn, sample_ms: float) -> None:
    if turn.policy != "polite" or turn.played(one.first) >= turn.statement:
        return
    if not any(start <= one.first < end for start, end in turn.runs):
        return  # held, at that moment
    later = [run for run in turn.runs if run[1] > one.first]
    if one.kind in INTERRUPTIONS:
        tally.interruptions += 1
        ms = (turn.end - one.first) * sample_ms
        if not turn.cut or ms > MISSED_MS + (one.last - one.first) * sample_ms:
            tally.missed += 1
        else:
            tally.resumed += len(later) > 1
            tally.yield_ms.append((later[0][1] - one.first) * sample_ms)
    elif one.kind in NO_INTERRUPTIONS:
        tally.over[one.kind] += 1
        tally.kept[one.kind] += not turn.cut or turn.end > one.last + 2 * (one.last - one.first)
