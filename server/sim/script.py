"""What a simulated caller will do, and what will go wrong: drawn from a seed, all of it before the
call, so that a seed is the same call whatever the engine makes of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from server.sim.network import NEVER, Network
from server.sim.phrases import (
    ANSWERS,
    BACKCHANNELS,
    CORRECTIONS,
    ELSEWHERE,
    HESITANT,
    INTERRUPTIONS,
)
from server.sim.sounds import CONDITIONS, COUGHS
from server.sim.voices import VOICES

__all__ = ["Fault", "Kind", "Over", "Reply", "Script", "Stray", "draw"]

Kind = str
"""Of what is said: ``answer``, ``interruption``, ``backchannel``, ``correction``, ``cough``,
``aside`` (to somebody else) or ``background`` (by somebody else)."""

# Pauses within what one person says have a median of about half a second (Heldner and Edlund, 2010,
# "Pauses, gaps and overlaps in conversations").

TURNS = 80
"""More than a call of five minutes has."""

KINDS = ("choice", "open", "digits", "name")


@dataclass(frozen=True, slots=True)
class Over:
    """Said over a turn of the engine's, once `after_s` of it were heard; begins `offset` samples
    into a frame."""

    kind: Kind
    text: str
    after_s: float
    offset: int


@dataclass(frozen=True, slots=True)
class Reply:
    """After a turn: `parts` are said (by the kind of its question) with `pauses_s` between them,
    `think_s` after its end. `what` is ``answer``, ``key`` or ``nothing``."""

    what: str
    think_s: float
    parts: dict[str, tuple[str, ...]]
    pauses_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stray:
    """A sound that has nothing to do with the call, at `at_s`."""

    kind: Kind
    text: str
    voice: str
    at_s: float
    level_db: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong: `of` is ``stt``, ``tts``, ``mind``, ``store``, ``loop`` (stalls),
    ``reader`` (the far end does not read) or ``sender`` (sends what makes no sense)."""

    of: str
    kind: str
    at_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Script:
    """A call."""

    seed: int
    minutes: float
    condition: str
    voice: str
    features: str
    network: Network
    echo: tuple[float, float] | None
    """Seconds after our sound, and decibels."""
    over: tuple[Over | None, ...]
    replies: tuple[Reply, ...]
    strays: tuple[Stray, ...]
    hangs_up_s: float
    leaves: str
    """``hangup`` says so, ``close`` closes the WebSocket."""
    cloud: bool
    """Voice and understanding come from another machine."""
    faults: tuple[Fault, ...] = field(default=())

    @property
    def rate_hz(self) -> int:
        return CONDITIONS[self.condition].rate_hz


def draw(seed: int, minutes: float = 2.0, *, faults: bool = False) -> Script:
    """The call number `seed`."""
    chance = random.Random(f"call {seed}")
    condition = chance.choices(tuple(CONDITIONS), (25, 20, 15, 20, 10, 5, 5))[0]
    whole_s = minutes * 60
    leaves_early = chance.random() < 0.25
    script = Script(
        seed=seed,
        minutes=minutes,
        condition=condition,
        voice=chance.choice(VOICES),
        features=chance.choices(
            ("mark,clear,pause", "mark,clear", "mark", "clear", ""), (50, 20, 15, 5, 10)
        )[0],
        network=_network(chance, whole_s),
        echo=_echo(chance),
        over=tuple(_over(chance) for _ in range(TURNS)),
        replies=tuple(_reply(chance) for _ in range(TURNS)),
        strays=tuple(_strays(chance, whole_s)),
        hangs_up_s=chance.uniform(0.0, whole_s) if leaves_early else whole_s,
        leaves=chance.choices(("hangup", "close"), (70, 30))[0],
        cloud=chance.random() < 0.3,
    )
    if not faults:
        return script
    return _with_faults(script, random.Random(f"faults {seed}"), whole_s)


def _network(chance: random.Random, whole_s: float) -> Network:
    kind = chance.choices(("near", "mobile", "far"), (50, 35, 15))[0]
    drift_ppm = chance.uniform(-100, 100)  # crystals are specified to 50 or 100
    if kind == "near":
        return Network(chance.uniform(0.002, 0.02), 0.0005, drift_ppm=drift_ppm)
    stalls = tuple(
        sorted(
            (chance.uniform(0, whole_s), chance.uniform(0.05, 0.6))
            for _ in range(chance.randrange(4))
        )
    )
    if kind == "mobile":
        return Network(
            chance.uniform(0.03, 0.08),
            chance.uniform(0.002, 0.015),
            loss=0.002,
            missing=0.002,
            drift_ppm=drift_ppm,
            stalls=stalls,
        )
    return Network(
        chance.uniform(0.1, 0.25), chance.uniform(0.005, 0.03), 0.01, 0.01, drift_ppm, stalls
    )


def _echo(chance: random.Random) -> tuple[float, float] | None:
    """As a handset leaks, or a loudspeaker telephone."""
    if chance.random() >= 0.2:
        return None
    return chance.uniform(0.02, 0.3), chance.uniform(-40, -15)


def _over(chance: random.Random) -> Over | None:
    kind = chance.choices(
        ("", "backchannel", "interruption", "correction", "cough", "aside"),
        (45, 22, 17, 4, 7, 5),
    )[0]
    if not kind:
        return None
    texts = {
        "backchannel": BACKCHANNELS,
        "interruption": INTERRUPTIONS,
        "correction": CORRECTIONS,
        "cough": COUGHS,
        "aside": ELSEWHERE,
    }[kind]
    after_s = chance.uniform(0.1, 1.0) if kind == "correction" else chance.uniform(0.2, 6.0)
    return Over(kind, chance.choice(texts), after_s, chance.randrange(160))


def _reply(chance: random.Random) -> Reply:
    what = chance.choices(("answer", "key", "nothing"), (92, 4, 4))[0]
    hesitant = chance.random() < 0.25
    parts = {
        kind: chance.choice(HESITANT[kind]) if hesitant else (chance.choice(ANSWERS[kind]),)
        for kind in KINDS
    }
    pauses_s = tuple(min(2.0, max(0.15, chance.lognormvariate(-0.7, 0.6))) for _ in range(2))
    return Reply(what, chance.uniform(0.15, 1.4), parts, pauses_s)


def _strays(chance: random.Random, whole_s: float) -> list[Stray]:
    strays = []
    if chance.random() < 0.2:  # a television, or people in the room
        voice = chance.choice(VOICES)
        at_s = chance.uniform(0, whole_s)
        for _ in range(chance.randrange(1, 12)):
            strays.append(
                Stray("background", chance.choice(ELSEWHERE), voice, at_s, chance.uniform(-30, -12))
            )
            at_s += chance.uniform(2, 6)
    strays += [
        Stray("cough", chance.choice(COUGHS), "", chance.uniform(0, whole_s), chance.uniform(-6, 3))
        for _ in range(chance.choices((0, 1, 2), (60, 30, 10))[0])
    ]
    return sorted(strays, key=lambda stray: stray.at_s)


def _with_faults(script: Script, chance: random.Random, whole_s: float) -> Script:
    from dataclasses import replace

    faults = []
    for of, kinds, longest_s in (
        ("stt", ("slow", "hang", "refuse", "die"), 12.0),
        ("tts", ("slow", "hang", "refuse", "die"), 12.0),
        ("mind", ("slow", "hang", "refuse", "die"), 40.0),
        ("store", ("refuse", "hang", "die"), 60.0),
    ):
        if chance.random() < 0.3:
            for_s = chance.uniform(0.2, longest_s)
            faults.append(Fault(of, chance.choice(kinds), chance.uniform(0, whole_s), for_s))
    for _ in range(chance.choices((0, 1, 3), (60, 30, 10))[0]):
        for_s = chance.uniform(0.03, 1.5)
        faults.append(Fault("loop", "stall", chance.uniform(0, whole_s), for_s))
    if chance.random() < 0.15:
        for_s = chance.uniform(0.5, 8.0)
        faults.append(Fault("reader", "stall", chance.uniform(0, whole_s), for_s))
    if chance.random() < 0.15:
        faults.append(Fault("sender", "nonsense", chance.uniform(0, whole_s), 0.0))
    network = script.network
    if chance.random() < 0.1:
        network = replace(network, vanishes_s=chance.uniform(0, whole_s))
    else:
        network = replace(network, vanishes_s=NEVER)
    faults.sort(key=lambda fault: fault.at_s)
    return replace(script, network=network, faults=tuple(faults))
