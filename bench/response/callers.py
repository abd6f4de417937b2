"""Who calls, over which line, what they answer and what they mean by it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from bench.errors import BenchError
from server.talk.line import Voice, pick_voice

__all__ = ["CONDITIONS", "SCRIPTS", "CallPlan", "Condition", "Script", "plan_calls"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A line: rate of the WebSocket, band, noise, and whether G.711 lies between."""

    name: str
    rate_hz: int
    telephone: bool
    snr_db: float
    mulaw: bool = False


CONDITIONS = (
    # No room is silent: 50 dB is a quiet studio.
    Condition("clean", 16_000, telephone=False, snr_db=50.0),
    Condition("telephone, noise", 16_000, telephone=True, snr_db=20.0),
    Condition("µ-law 8 kHz", 8_000, telephone=True, snr_db=30.0, mulaw=True),
)

Script = Mapping[str, Sequence[tuple[str, str]]]
"""By step of the scenario: what is said the first time, the second …, and the intent meant."""

#: For the scenario `leads`, in words that the demo recogniser knows. A first answer to q1 that
#: names nothing is asked back, which makes one more turn.
SCRIPTS: tuple[Script, ...] = (
    {
        "hello": [("oui bien sûr", "accept")],
        "q1": [("oui", "holds_some"), ("j'ai une assurance-vie", "holds")],
        "q2": [("oui beaucoup", "worried")],
        "q3": [("non pas vraiment", "unhappy")],
        "closing": [("oui avec plaisir", "accept")],
    },
    {
        "hello": [("oui d'accord", "accept")],
        "q1": [("oui bien sûr", "holds_some"), ("oui une assurance-vie", "holds")],
        "q2": [("oui un peu", "worried")],
        "q3": [("pas du tout satisfait", "unhappy")],
        "closing": [("je suis d'accord", "accept")],
    },
    {
        "hello": [("allez-y je vous écoute", "accept")],
        "q1": [("oui je crois", "holds_some"), ("une assurance-vie", "holds")],
        "q2": [("non pas vraiment", "unworried")],
        "q3": [("moyennement", "so_so")],
        "closing": [("non je vais réfléchir", "refuse")],
    },
)
TURNS_PER_CALL = 6


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call: `turns` answers, then it is over."""

    number: int
    voice: Voice
    condition: Condition
    script: Script
    turns: int

    def intents(self) -> dict[str, str]:
        """By what is said: what is meant. No script says the same twice."""
        return {text: intent for said in self.script.values() for text, intent in said}


def plan_calls(turns: int, voices: Sequence[str], seed: int) -> list[CallPlan]:
    """Calls that hold `turns` turns: each with a voice of its own as far as there are enough, the
    conditions in turn, every condition with each script as far as it goes."""
    if turns < 1:
        raise BenchError(f"--turns {turns}: a run needs at least one turn")
    calls = -(-turns // TURNS_PER_CALL)
    names = list(voices)
    random.Random(f"voices {seed}").shuffle(names)
    # Both change with every call: (0, 0), (1, 1), (2, 2), (1, 0), (2, 1), (0, 2), …
    size = len(CONDITIONS)
    pairs = [
        (CONDITIONS[column], SCRIPTS[(row + column) % len(SCRIPTS)])
        for row, column in product(range(-(-calls // size)), range(size))
    ]
    plans = []
    for number, (condition, script) in enumerate(islice(pairs, calls), 1):
        name = names[(number - 1) % len(names)]
        left = turns - (number - 1) * TURNS_PER_CALL
        plans.append(
            CallPlan(
                number,
                pick_voice((name,), seed * 1000 + number),
                condition,
                script,
                min(TURNS_PER_CALL, left),
            )
        )
    return plans
