"""What a call told: for every answer of the caller's, when ours was heard and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.quiet import Quiet
from bench.response.callers import CallPlan
from bench.stats import Summary, percentile
from engine.budget import STAGES
from server.talk.call import Call
from server.talk.measures import Measures, measure

__all__ = [
    "STAGE_NAMES",
    "CallResult",
    "Turn",
    "beyond_summaries",
    "result_of",
    "stage_summaries",
    "turn_at",
]

STAGE_NAMES = tuple(dict.fromkeys(STAGES.values()))


@dataclass(frozen=True, slots=True)
class Turn:
    """A response. `heard_ms`: from the caller's last sound to our first, at the far end, on its
    clock. `gap_ms` and `spans_ms` are the engine's own ledger of the same turn.

    Sound that has arrived waits `far_frame_ms` for the next frame of the far end's playout, and
    begins with `lead_in_ms` in which the voice is not audible yet."""

    condition: str
    voice: str
    said: str
    meant: str
    understood: str | None
    heard_ms: float
    gap_ms: float
    spans_ms: dict[str, float]
    far_frame_ms: float
    lead_in_ms: float
    steps_down: int

    @property
    def beyond_ms(self) -> float:
        """What the caller waited that the ledger does not have: less than nothing where the
        engine took his last sound to be earlier than it was."""
        return self.heard_ms - self.gap_ms

    @property
    def ears_ms(self) -> float:
        """The rest of it: the way through the network both times, and by how much the engine took
        the last sound to be earlier or later than it was."""
        return self.beyond_ms - self.far_frame_ms - self.lead_in_ms

    @property
    def correct(self) -> bool:
        """Understood as it was meant."""
        return self.understood == self.meant

    def as_json(self) -> dict[str, object]:
        return {
            "condition": self.condition,
            "voice": self.voice,
            "said": self.said,
            "meant": self.meant,
            "understood": self.understood,
            "heard_ms": round(self.heard_ms, 2),
            "gap_ms": round(self.gap_ms, 2),
            "beyond_ledger_ms": round(self.beyond_ms, 2),
            "far_frame_ms": round(self.far_frame_ms, 2),
            "lead_in_ms": round(self.lead_in_ms, 2),
            "ears_ms": round(self.ears_ms, 2),
            "spans_ms": {stage: round(ms, 2) for stage, ms in self.spans_ms.items()},
            "steps_down": self.steps_down,
        }


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call; `unanswered` of the caller's answers got no reply."""

    plan: CallPlan
    turns: tuple[Turn, ...]
    unanswered: int
    words_said: int
    words_recognised: int
    quiet: Quiet


def result_of(
    plan: CallPlan, call: Call, arrived_s: Mapping[int, float], quiet: Quiet
) -> CallResult:
    """From a call that has ended; `arrived_s`: when the first sound of each turn came, after the
    call's start."""
    measures = measure(call)
    turns = _turns(plan, call, measures, arrived_s)
    return CallResult(
        plan,
        tuple(turns),
        len(call.person.spoken()) - len(turns),
        measures.words_said,
        measures.words_understood,
        quiet,
    )


def _turns(
    plan: CallPlan, call: Call, measures: Measures, arrived_s: Mapping[int, float]
) -> list[Turn]:
    far = call.far
    assert far is not None
    began = {run.turn: run.start for run in reversed(far.runs)}
    intents = plan.intents()
    turns = []
    for ledger in measures.responses():
        number = ledger["turn"]
        said = [one for one in call.person.spoken() if one.last < began[number]][-1]
        began_ms = began[number] * 1000 / far.rate_hz
        audible_ms = said.last * 1000 / far.rate_hz + ledger["heard_ms"]
        turns.append(
            Turn(
                condition=plan.condition.name,
                voice=plan.voice.name,
                said=said.text,
                meant=intents[said.text],
                understood=ledger.get("intent"),
                heard_ms=float(ledger["heard_ms"]),
                gap_ms=float(ledger["gap_ms"]),
                spans_ms={stage: float(ms) for stage, ms in ledger["spans"].items()},
                far_frame_ms=began_ms - arrived_s[number] * 1000,
                lead_in_ms=audible_ms - began_ms,
                steps_down=len(ledger.get("steps_down", ())),
            )
        )
    return turns


def beyond_summaries(turns: Sequence[Turn]) -> dict[str, Summary]:
    """The distribution of each part of what the ledger does not have."""
    return {
        "end of speech, network": Summary.of(turn.ears_ms for turn in turns),
        "far end's frame": Summary.of(turn.far_frame_ms for turn in turns),
        "voice not audible yet": Summary.of(turn.lead_in_ms for turn in turns),
    }


def stage_summaries(turns: Sequence[Turn]) -> dict[str, Summary]:
    """The distribution of each stage's time; a stage that a turn did without took 0 ms."""
    return {
        stage: Summary.of(turn.spans_ms.get(stage, 0.0) for turn in turns) for stage in STAGE_NAMES
    }


def turn_at(turns: Sequence[Turn], percent: float) -> Turn:
    """The turn that the caller waited for as long as the percentile says: its spans are of one
    turn and add up, which percentiles of stages do not."""
    wait_ms = percentile(sorted(turn.heard_ms for turn in turns), percent)
    return next(turn for turn in turns if turn.heard_ms == wait_ms)
