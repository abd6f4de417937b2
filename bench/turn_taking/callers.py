"""Who calls, over which line, what they say and how they hesitate: all of it from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.errors import BenchError
from pipelines.speech.training.voices import voices
from server.sim.phrases import BACKCHANNELS, INTERRUPTIONS
from server.sim.sounds import CONDITIONS as LINES
from server.sim.sounds import COUGHS

__all__ = [
    "BOTH",
    "CONDITIONS",
    "CallPlan",
    "Condition",
    "Over",
    "Reply",
    "plan_call",
    "unseen_voices",
]


@dataclass(frozen=True, slots=True)
class Condition:
    """`line` is one of `server.sim.sounds`; `echo` are seconds after our sound, and decibels.
    `people` are recordings (`voice.record`), one after the other the answers to open questions."""

    name: str
    line: str
    mulaw: bool = False
    echo: tuple[float, float] | None = None
    people: tuple[str, ...] = ()

    @property
    def rate_hz(self) -> int:
        return LINES[self.line].rate_hz


CONDITIONS = (
    Condition("clean", "clean"),
    Condition("telephone, µ-law 8 kHz", "8 kHz", mulaw=True),
    Condition("noise 20 dB", "noise 20 dB"),
    Condition("noise 10 dB", "noise 10 dB"),
    Condition("noise 5 dB", "noise 5 dB"),
    Condition("echo 120 ms, -15 dB", "clean", echo=(0.12, -15.0)),
)
"""Each is worse than the first one in one thing."""
BOTH = Condition("telephone, noise 10 dB", "8 kHz, noise 10 dB", mulaw=True)
"""Worse in two, by its name only."""

#: What is said to each kind of question, in words that the demo recogniser knows. A stroke is
#: where a hesitant caller stops to think: within a phrase, and now and then after one that could
#: have been all.
ANSWERS: Mapping[str, Sequence[str]] = {
    "choice": (
        "oui",
        "oui bien sûr",
        "d'accord",
        "oui je crois",
        "non pas vraiment",
        "pas du tout",
        "non merci",
    ),
    "open": (
        "je suis d'accord",
        "oui je crois",
        "je voudrais un rendez-vous",
        "c'est une bonne idée",
        "je vais réfléchir",
    ),
    "digits": ("sept cinq zéro un deux", "un trois zéro zéro un", "six neuf zéro zéro trois"),
}
HESITANT: Mapping[str, Sequence[str]] = {
    "choice": (
        "euh | oui d'accord",
        "oui j'ai une | assurance-vie",
        "non je n'ai | pas le temps",
        "je crois que | oui",
        "oui mais | pas maintenant",
    ),
    "open": (
        "je voudrais | un rendez-vous",
        "j'aimerais parler à | un conseiller",
        "c'est pour | ma retraite",
        "je crois que | c'est une bonne idée",
        "je ne suis pas | intéressé",
        "oui | j'ai une assurance-vie",
    ),
    "digits": (
        "sept cinq | zéro un deux",
        "un trois | zéro | zéro un",
        "six neuf | zéro zéro trois",
    ),
}
AGAIN = "allô vous êtes là"
"""Said to an engine that does not answer."""

HESITATES = 0.3
PAUSE_S = (0.2, 0.9)
THINK_S = (0.5, 1.1)
LONG_THINK = 0.1
"""Share of answers before which the caller is silent for `LONG_THINK_S`."""
LONG_THINK_S = 3.0
COUGHS_FIRST = 0.12
"""Share of answers before which they cough, and then wait until it cannot have been answered."""

FIRST_MS, SECOND_MS = (700.0, 2000.0), (3400.0, 4600.0)
"""How much of a passage, which lasts 7 s, is heard before something is said over it."""
REPLIES = 200
"""More than any call has."""


@dataclass(frozen=True, slots=True)
class Over:
    """Something said over a passage of ours once `after_ms` of it were heard; it begins `offset`
    samples (at 8 kHz) into a frame. `kind` is one of `server.talk.turn_taking`."""

    kind: str
    text: str
    after_ms: float
    offset: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever is asked: `texts` has one for each kind of question, and strokes where
    there is a pause of the next of `pauses_s`."""

    texts: Mapping[str, str]
    pauses_s: Sequence[float]
    think_s: float
    cough: str = ""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One caller, who speaks for `seconds`: the same for every engine and condition."""

    seed: int
    voice: str
    condition: Condition
    seconds: float
    replies: Sequence[Reply]
    overs: Sequence[Sequence[Over]]
    """By passage: what is said over it, in order."""


def unseen_voices() -> list[str]:
    """Voices of espeak-ng that the demo recogniser was not trained with."""
    found = [f"fr+{one.name}" for one in voices() if one.unseen and one.definition is None]
    if not found:
        raise BenchError("no voice was kept out of training; see pipelines/speech/training")
    return found


def plan_call(seed: int, condition: Condition, seconds: float) -> CallPlan:
    """The caller number `seed`, over the line of `condition`."""
    if seconds < 10:
        raise BenchError(f"--seconds {seconds:g}: a call needs at least 10")
    chance = random.Random(f"turn-taking {seed}")
    replies = [_reply(chance) for _ in range(REPLIES)]
    overs = [_overs(chance) for _ in range(REPLIES)]
    names = unseen_voices()
    random.Random("turn-taking voices").shuffle(names)
    return CallPlan(
        seed,
        names[seed % len(names)],
        condition,
        seconds,
        [_read(reply, index, condition.people) for index, reply in enumerate(replies)],
        overs,
    )


def _reply(chance: random.Random) -> Reply:
    texts = HESITANT if chance.random() < HESITATES else ANSWERS
    return Reply(
        {kind: chance.choice(said) for kind, said in texts.items()},
        tuple(chance.uniform(*PAUSE_S) for _ in range(2)),
        LONG_THINK_S if chance.random() < LONG_THINK else chance.uniform(*THINK_S),
        chance.choice(COUGHS) if chance.random() < COUGHS_FIRST else "",
    )


def _read(reply: Reply, index: int, people: Sequence[str]) -> Reply:
    """`reply` with what was recorded where the question is open."""
    if not people:
        return reply
    return replace(reply, texts={**reply.texts, "open": people[index % len(people)]})


def _overs(chance: random.Random) -> tuple[Over, ...]:
    """Mostly something to be ignored, and then mostly an interruption."""
    first = chance.choices(("backchannel", "cough", "interruption"), (65, 20, 15))[0]
    second = chance.choices(("backchannel", "cough", "interruption"), (25, 10, 65))[0]
    texts = {"backchannel": BACKCHANNELS, "cough": COUGHS, "interruption": INTERRUPTIONS}
    return tuple(
        Over(kind, chance.choice(texts[kind]), chance.uniform(*at_ms), chance.randrange(160))
        for kind, at_ms in ((first, FIRST_MS), (second, SECOND_MS))
    )
