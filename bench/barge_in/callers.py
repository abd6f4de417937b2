"""Who interrupts, at what moment, with what; and what their far ends can do."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.errors import BenchError
from server.talk.line import Voice, pick_voice

__all__ = [
    "ANSWER",
    "BACKCHANNEL",
    "BACKCHANNELS",
    "INTERRUPTION",
    "INTERRUPTIONS",
    "CallPlan",
    "Phase",
    "Trial",
    "plan_calls",
    "plan_phases",
]

INTERRUPTION, BACKCHANNEL = "interruption", "backchannel"

#: In words that the demo recogniser knows; some begin with a stop word of the scenario, some are
#: recognised by two words that are no backchannel.
INTERRUPTIONS = (
    "attendez",
    "stop",
    "attendez je vous écoute",
    "je n'ai pas le temps",
    "pardon je n'ai pas compris",
    "c'est une erreur",
    "non je ne suis pas intéressé",
)
BACKCHANNELS = ("oui", "oui oui", "d'accord", "oui d'accord")
ANSWER = "oui bien sûr"
"""Said when we have finished, so that we speak again."""

MOMENT_MS = (300.0, 3200.0)
"""How much of our passage, which lasts longer, the caller lets pass."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Calls at once whose far ends have the same `features`."""

    name: str
    features: str
    calls: int

    @property
    def pauses(self) -> bool:
        """The far end holds its playout when told to."""
        return "pause" in self.features


@dataclass(frozen=True, slots=True)
class Trial:
    """Something said over us, once `after_ms` of our line have been heard; it begins `offset`
    samples into a frame."""

    kind: str
    text: str
    after_ms: float
    offset: int


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call."""

    number: int
    voice: Voice
    seed: int
    trials: tuple[Trial, ...]

    def texts(self) -> set[str]:
        """Everything that is said in it."""
        return {ANSWER, *(trial.text for trial in self.trials)}


def plan_phases(calls: int) -> list[Phase]:
    """One call alone, to compare with; then `calls` at once for each kind of far end."""
    if calls < 1:
        raise BenchError(f"--calls {calls}: a run needs at least one call at a time")
    return [
        Phase("pause and clear, alone", "mark,clear,pause", 1),
        Phase("pause and clear", "mark,clear,pause", calls),
        Phase("clear only", "mark,clear", calls),
        Phase("neither", "mark", calls),
    ]


def plan_calls(
    phase: Phase, voices: tuple[str, ...], *, interruptions: int, backchannels: int, seed: int
) -> list[CallPlan]:
    """The calls of `phase`, in each so many trials of both kinds in a random order."""
    if interruptions + backchannels < 1:
        raise BenchError("a call needs at least one interruption or backchannel")
    plans = []
    for number in range(1, phase.calls + 1):
        name = f"barge-in {seed} {phase.name} {number}"
        chance = random.Random(name)
        kinds = [INTERRUPTION] * interruptions + [BACKCHANNEL] * backchannels
        chance.shuffle(kinds)
        trials = tuple(
            Trial(
                kind,
                chance.choice(INTERRUPTIONS if kind == INTERRUPTION else BACKCHANNELS),
                chance.uniform(*MOMENT_MS),
                chance.randrange(320),
            )
            for kind in kinds
        )
        voice = pick_voice((voices[(number - 1) % len(voices)],), chance.randrange(10**6))
        plans.append(CallPlan(number, voice, chance.randrange(10**6), trials))
    return plans
