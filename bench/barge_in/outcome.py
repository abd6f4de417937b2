"""What became of each trial, and whether every sample that was played is the right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.barge_in.account import Account
from bench.barge_in.callers import BACKCHANNEL, Phase
from bench.barge_in.person import Tried
from bench.quiet import Quiet
from server.talk.far_end import FarEnd, Run

__all__ = ["CallResult", "Outcome", "PhaseResult", "Samples", "outcome", "references", "samples"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial, in milliseconds after the caller's first sound; None for what did not happen.

    `silent_ms`: the far end is silent. `decided_ms`: the turn is cancelled, `resumed_ms`: it goes
    on, as the far end is told.
    """

    kind: str
    text: str
    after_ms: float
    silent_ms: float | None
    decided_ms: float | None
    resumed_ms: float | None

    @property
    def right(self) -> bool:
        """An interruption cancelled the turn and never resumed it; a backchannel held it, at most,
        and cancelled nothing."""
        if self.kind == BACKCHANNEL:
            return self.decided_ms is None
        return self.decided_ms is not None and self.resumed_ms is None

    def as_json(self) -> dict[str, object]:
        times = {
            "silent_ms": self.silent_ms,
            "decided_ms": self.decided_ms,
            "resumed_ms": self.resumed_ms,
        }
        return {
            "kind": self.kind,
            "text": self.text,
            "after_ms": round(self.after_ms, 1),
            **{name: None if ms is None else round(ms, 2) for name, ms in times.items()},
            "right": self.right,
        }


@dataclass(frozen=True, slots=True)
class Samples:
    """The sound of the turns of a call, against the same line when nobody interrupts.

    `whole` turns were played to their end, `resumed` of them after a hold; `wrong` turns have a
    sample that is missing, repeated or another. `breaks` are silences within a turn that no hold
    explains: the sound came too late.
    """

    whole: int = 0
    resumed: int = 0
    cut: int = 0
    wrong: int = 0
    breaks: int = 0

    def __add__(self, other: Samples) -> Samples:
        return Samples(
            self.whole + other.whole,
            self.resumed + other.resumed,
            self.cut + other.cut,
            self.wrong + other.wrong,
            self.breaks + other.breaks,
        )


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call that has ended."""

    tried: Sequence[Tried]
    planned: int
    far: FarEnd
    account: Account


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """The calls of a phase. `missed` trials could not be made."""

    phase: Phase
    outcomes: Sequence[Outcome]
    missed: int
    samples: Samples
    sent_after_cancel: int
    sent_while_paused: int
    quiet: Quiet
    problems: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[Outcome]:
        """The trials of one kind."""
        return [one for one in self.outcomes if one.kind == kind]


def outcome(tried: Tried, far: FarEnd, account: Account) -> Outcome:
    """What became of `tried`."""
    first_ms = tried.first * 1000 / far.rate_hz
    later = [
        (kind, at_s * 1000 - first_ms)
        for kind, at_s in account.events[tried.turn]
        if at_s * 1000 > first_ms
    ]
    held_ms = _first("paused", later)
    decided_ms = resumed_ms = silent_ms = None
    if held_ms is not None:
        # A far end that cannot clear is told by the state alone.
        told = "clear" if any(kind == "clear" for kind, _ in later) else "listening"
        if tried.turn in account.cancelled:
            decided_ms = _first(told, later)
        after = [(kind, ms) for kind, ms in later if ms >= held_ms]
        resumed_ms = _first("responding", after)
        silent_ms = _silence(tried, far)
    trial = tried.trial
    return Outcome(trial.kind, trial.text, trial.after_ms, silent_ms, decided_ms, resumed_ms)


def _first(kind: str, events: Sequence[tuple[str, float]]) -> float | None:
    return next((ms for found, ms in events if found == kind), None)


def _silence(tried: Tried, far: FarEnd) -> float | None:
    """From the caller's first sound to the end of what was being played then."""
    for run in far.runs:
        if run.turn == tried.turn and run.start <= tried.first < run.end:
            return (run.end - tried.first) * 1000 / far.rate_hz
    return None


def references(calls: Sequence[CallResult]) -> dict[str, bytes]:
    """By line: its whole sound, from turns over which nobody spoke, or the longest."""
    found: dict[str, bytes] = {}
    for call in calls:
        for turn, line in call.account.line.items():
            sound = bytes(call.account.sound[turn])
            if len(sound) > len(found.get(line, b"")):
                found[line] = sound
    return found


def samples(call: CallResult, known: Mapping[str, bytes]) -> Samples:
    """Compare every turn's sound with the line's own."""
    total = Samples()
    for turn, line in call.account.line.items():
        runs = [run for run in call.far.runs if run.turn == turn]
        if runs:
            total += _turn(call, turn, runs, known[line])
    return total


def _turn(call: CallResult, turn: int, runs: Sequence[Run], line: bytes) -> Samples:
    sent = bytes(call.account.sound[turn])
    track = call.far.track()
    played = b"".join(track[2 * run.start : 2 * run.end] for run in runs)
    events = [kind for kind, _ in call.account.events[turn]]
    whole = turn in call.account.ended and turn not in call.account.cancelled
    held = sum(
        after != "listening"
        for kind, after in zip(events, [*events[1:], ""], strict=True)
        if kind == "paused"
    )
    right = sent == line and played == sent if whole else line.startswith(sent)
    return Samples(
        whole=whole,
        resumed=whole and held > 0,
        cut=not whole,
        wrong=not (right and sent.startswith(played)),
        breaks=max(0, len(runs) - 1 - held),
    )
