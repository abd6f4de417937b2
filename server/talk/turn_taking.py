"""Turn-taking in figures: from who sounded when to how soon we answered, yielded, and to what.

Names, definitions and windows are those of τ-voice (sierra-research/tau2-bench,
docs/interaction-metrics.md, metric code 1.1) where it has them: response latency and rate, yield
latency and rate, agent interruptions, selectivity for backchannels, vocal tics and speech that is
not directed at us. It knows neither what the caller still meant to say nor whether a turn went on
after a silence; cut-offs, false resumes and turns lost are ours. Times are milliseconds on the far
end's own clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = [
    "IGNORED",
    "INTERRUPTING",
    "Distraction",
    "Interruption",
    "Said",
    "Sounded",
    "TurnTaking",
    "UserTurn",
    "judge",
]

NO_YIELD_MS = 2000.0
"""τ-voice's `no_yield_window_sec`."""
YIELD_MS = 1000.0
"""τ-voice's yield windows of backchannels, vocal tics and speech that is not directed at us."""
RESPONSE_MS = 2000.0
"""τ-voice's response windows of the latter two."""
SILENT_MS = 200.0
"""τ-voice's tick: a shorter silence is not one."""

INTERRUPTING = frozenset({"interruption", "correction"})
IGNORED = {
    "backchannel": "backchannel",
    "cough": "vocal_tic",
    "aside": "non_directed",
    "background": "non_directed",
}
"""What we are to ignore, by its kind: what τ-voice calls it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something audible at the caller's end: ``answer``, one of `INTERRUPTING` or of `IGNORED`.
    `more`: the caller has not finished, and goes on with the next of these; `whole`: nobody could
    know that from the words."""

    kind: str
    start_ms: float
    end_ms: float
    more: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Sounded:
    """A piece of our turn `turn`, played without a break. Turns are numbered upwards."""

    turn: int
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class UserTurn:
    """A turn of the caller's, who really began and ended there, with `pauses` in it.

    `response_ms`: to our answer; None if there was none before the caller spoke again, or if
    `cut_off`: we spoke while there was more to say; `excused`: after words that could have been
    all. `interrupted`: how often we began to sound while the caller was heard.
    """

    kind: str
    start_ms: float
    end_ms: float
    pauses: int
    response_ms: float | None
    cut_off: bool
    interrupted: int
    excused: bool = False


@dataclass(frozen=True, slots=True)
class Interruption:
    """The caller interrupted our turn. `yield_ms`: until we fell silent; None if we did not within
    `NO_YIELD_MS`. `resumed`: we went on with the same turn after all."""

    turn: int
    start_ms: float
    yield_ms: float | None
    resumed: bool


@dataclass(frozen=True, slots=True)
class Distraction:
    """Something to be ignored. `kind` is τ-voice's.

    Over our turn `turn`: `right` if we talked through it. In our silence (`turn` is None): if we
    did not answer it. `lost`: the turn was never finished; a silence that we went on from is
    not `right`, but nothing is lost.
    """

    kind: str
    turn: int | None
    start_ms: float
    right: bool
    lost: bool


@dataclass(frozen=True, slots=True)
class TurnTaking:
    """Of one call, or of several (`+`).

    Of our `turns`, `lost` were not finished though nobody spoke to us over them, and `held` were
    silent for a while without the caller having said anything.
    """

    user_turns: tuple[UserTurn, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    distractions: tuple[Distraction, ...] = ()
    turns: int = 0
    lost: int = 0
    held: int = 0

    def __add__(self, other: TurnTaking) -> TurnTaking:
        return TurnTaking(
            self.user_turns + other.user_turns,
            self.interruptions + other.interruptions,
            self.distractions + other.distractions,
            self.turns + other.turns,
            self.lost + other.lost,
            self.held + other.held,
        )

    @property
    def response_ms(self) -> list[float]:
        """L_R, of every turn that was answered."""
        return [turn.response_ms for turn in self.user_turns if turn.response_ms is not None]

    @property
    def response_rate(self) -> float | None:
        """R_R: turns answered before the caller had to speak again, of those not cut off."""
        whole = [turn for turn in self.user_turns if not turn.cut_off]
        return _share(turn.response_ms is not None for turn in whole)

    @property
    def yield_ms(self) -> list[float]:
        """L_Y, of every interruption that was yielded to."""
        return [one.yield_ms for one in self.interruptions if one.yield_ms is not None]

    @property
    def yield_rate(self) -> float | None:
        """R_Y; the others are missed interruptions."""
        return _share(one.yield_ms is not None for one in self.interruptions)

    @property
    def false_resumes(self) -> int:
        """Interruptions after which we went on with what we had been saying."""
        return sum(one.resumed for one in self.interruptions)

    @property
    def agent_interruption_rate(self) -> float | None:
        """I_A: how often we began to sound while the caller was heard, by their turns."""
        if not self.user_turns:
            return None
        return sum(turn.interrupted for turn in self.user_turns) / len(self.user_turns)

    @property
    def cut_off_rate(self) -> float | None:
        """Turns that we answered while the caller had more to say."""
        return _share(turn.cut_off for turn in self.user_turns)

    @property
    def phrase_cut_off_rate(self) -> float | None:
        """The same, where the words said that there was more."""
        return _share(turn.cut_off and not turn.excused for turn in self.user_turns)

    @property
    def hesitant_cut_off_rate(self) -> float | None:
        """The same, of turns with a pause in them."""
        return _share(turn.cut_off for turn in self.user_turns if turn.pauses)

    def of(self, kind: str) -> list[Distraction]:
        """The distractions that τ-voice calls `kind`."""
        return [one for one in self.distractions if one.kind == kind]

    def selectivity(self, kind: str) -> float | None:
        """S_BC, S_VT or S_ND."""
        return _share(one.right for one in self.of(kind))

    def kept_rate(self, kind: str) -> float | None:
        """Turns of ours that went on, at once or after a hold, of those that `kind` came over."""
        return _share(not one.lost for one in self.of(kind) if one.turn is not None)


def judge(said: Sequence[Said], sounded: Sequence[Sounded], whole: Collection[int]) -> TurnTaking:
    """What `said` and `sounded`, both in order, amount to; `whole` are our turns that were heard to
    their end."""
    ours = _joined(sounded)
    user_turns = _user_turns(said)
    over = [(one, _over(one.start_ms, ours)) for one in said]
    meant = {
        run.turn
        for run in ours
        for one in said
        if one.kind not in IGNORED and one.start_ms < run.end_ms and one.end_ms > run.start_ms
    }
    turns = dict.fromkeys(run.turn for run in ours)
    return TurnTaking(
        tuple(
            _user_turn(parts, after, ours)
            for parts, after in pairwise([*user_turns, None])
            if parts
        ),
        tuple(
            _interruption(one, run, ours, whole)
            for one, run in over
            if one.kind in INTERRUPTING and run is not None
        ),
        tuple(
            _distraction(one, run, ours, whole, later={r.turn for _, r in over[index + 1 :] if r})
            for index, (one, run) in enumerate(over)
            if one.kind in IGNORED
        ),
        len(turns),
        sum(turn not in whole and turn not in meant for turn in turns),
        sum(_held(turn, said, ours) for turn in turns),
    )


def _joined(sounded: Iterable[Sounded]) -> list[Sounded]:
    """Without the silences within a turn that are too short to be one."""
    joined: list[Sounded] = []
    for run in sounded:
        last = joined[-1] if joined else None
        if last and last.turn == run.turn and run.start_ms - last.end_ms < SILENT_MS:
            joined[-1] = Sounded(last.turn, last.start_ms, run.end_ms)
        else:
            joined.append(run)
    return joined


def _user_turns(said: Iterable[Said]) -> list[list[Said]]:
    turns: list[list[Said]] = []
    for one in said:
        if one.kind in IGNORED:
            continue
        if turns and turns[-1][-1].more:
            turns[-1].append(one)
        else:
            turns.append([one])
    return turns


def _user_turn(
    parts: Sequence[Said], after: Sequence[Said] | None, sounded: Sequence[Sounded]
) -> UserTurn:
    start, end = parts[0].start_ms, parts[-1].end_ms
    until = after[0].start_ms if after else float("inf")
    before = max((run.turn for run in sounded if run.start_ms < start), default=0)
    # What resumes is no answer: those are later turns.
    answers = [run.start_ms for run in sounded if run.turn > before and run.start_ms < until]
    first = min(answers, default=None)
    cut_off = first is not None and first < end
    return UserTurn(
        kind=parts[0].kind,
        start_ms=start,
        end_ms=end,
        pauses=len(parts) - 1,
        response_ms=first - end if first is not None and not cut_off else None,
        cut_off=cut_off,
        interrupted=sum(
            part.start_ms <= run.start_ms < part.end_ms for part in parts for run in sounded
        ),
        excused=cut_off and _known(parts, first or 0.0),
    )


def _known(parts: Sequence[Said], until_ms: float) -> bool:
    """What had been said by then could be all."""
    said = [part for part in parts if part.end_ms <= until_ms]
    return bool(said) and said[-1].whole


def _interruption(
    one: Said, over: Sounded, ours: Sequence[Sounded], whole: Collection[int]
) -> Interruption:
    silent = _yields(one.start_ms, NO_YIELD_MS, over, ours, whole)
    resumed = silent is not None and _goes_on(over, ours)
    latency = None if silent is None else silent - one.start_ms
    return Interruption(over.turn, one.start_ms, latency, resumed)


def _distraction(
    one: Said,
    over: Sounded | None,
    ours: Sequence[Sounded],
    whole: Collection[int],
    later: Collection[int],
) -> Distraction:
    """`later` are our turns that something was said over after it."""
    kind = IGNORED[one.kind]
    if over is None:
        answered = any(one.start_ms <= run.start_ms <= one.end_ms + RESPONSE_MS for run in ours)
        return Distraction(kind, None, one.start_ms, not answered, lost=False)
    silent = _yields(one.start_ms, YIELD_MS, over, ours, whole)
    lost = over.turn not in whole and over.turn not in later
    return Distraction(kind, over.turn, one.start_ms, silent is None, lost)


def _over(at_ms: float, ours: Iterable[Sounded]) -> Sounded | None:
    """What of ours sounds at `at_ms`."""
    return next((run for run in ours if run.start_ms <= at_ms < run.end_ms), None)


def _yields(
    since_ms: float,
    within_ms: float,
    over: Sounded,
    ours: Sequence[Sounded],
    whole: Collection[int],
) -> float | None:
    """When `over` falls silent, if that is within `within_ms` and not the end of its turn."""
    ended = over.turn in whole and not _goes_on(over, ours)
    return None if ended or over.end_ms > since_ms + within_ms else over.end_ms


def _goes_on(run: Sounded, ours: Iterable[Sounded]) -> bool:
    return any(one.turn == run.turn and one.start_ms > run.end_ms for one in ours)


def _held(turn: int, said: Sequence[Said], ours: Iterable[Sounded]) -> bool:
    """Whether the turn was silent for a while that nothing the caller said explains."""
    return any(
        _goes_on(run, ours)
        and not any(one.start_ms <= run.end_ms <= one.end_ms + YIELD_MS for one in said)
        for run in ours
        if run.turn == turn
    )


def _share(values: Iterable[bool]) -> float | None:
    all_ = list(values)
    return sum(all_) / len(all_) if all_ else None
