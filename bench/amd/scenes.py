"""Scenes: what happens on a line when an outbound call is answered, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.accuracy.speakers import UNSEEN, Speech, Synthesiser
from bench.amd.music import music
from bench.amd.tape import SPEECH_DB, Said, Samples, Tape, at_level
from telephony.amd import Kind

__all__ = ["KINDS", "LANGUAGES", "Scene", "scenes", "texts"]

LANGUAGES = ("fr", "en")
KINDS = (Kind.HUMAN, Kind.VOICEMAIL, Kind.NETWORK, Kind.FAX, Kind.SILENCE, Kind.MUSIC)
TEXTS = Path(__file__).with_name("texts")

VARIETIES: Mapping[Kind, tuple[str, ...]] = {
    Kind.HUMAN: ("short", "short", "company", "long", "television"),
    Kind.VOICEMAIL: ("operator", "personal", "personal", "full"),
    Kind.NETWORK: ("SIT", "SIT", "early", "plain", "busy"),
    Kind.FAX: ("CED", "CED", "CNG"),
    Kind.SILENCE: ("silence", "clicks"),
    Kind.MUSIC: ("music", "hold"),
}
"""In turn; what comes twice is twice as frequent."""

RINGBACKS = (((425.0,), 1.0, 4.0), ((440.0,), 1.5, 3.5), ((440.0, 480.0), 2.0, 4.0),
             ((400.0, 450.0), 0.4, 0.2))  # fmt: skip
SITS = (((950.0, 1400.0, 1800.0), (0.33, 0.33, 0.33)),
        ((985.2, 1428.5, 1776.7), (0.38, 0.274, 0.38)),
        ((913.8, 1370.6, 1776.7), (0.274, 0.274, 0.38)))  # fmt: skip
BUSY = (((440.0,), 0.5), ((425.0,), 0.5), ((480.0, 620.0), 0.5), ((480.0, 620.0), 0.25),
        ((425.0,), 0.25))  # fmt: skip
END_S = 12.0
"""Every scene lasts at least so long after the answer."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One call: `sound` at 16 kHz before the line, answered at `answered_s` (None: never, it is
    early media to the end); `said` is what is said, `beep_until` when the beep ends."""

    name: str
    kind: Kind
    variety: str
    language: str
    speaker: str
    sound: Samples
    answered_s: float | None
    said: tuple[Said, ...] = ()
    beep_until: float | None = None


def texts(language: str) -> dict[str, dict[str, list[str]]]:
    """By kind and variety."""
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (TEXTS / f"{language}.yaml").read_text("utf-8")
    )
    return found


@dataclass(slots=True)
class _Plan:
    """A scene whose texts are not spoken yet."""

    kind: Kind
    variety: str
    group: str
    lines: list[str]
    chance: random.Random


def scenes(
    language: str, count: int, seed: int, synthesiser: Synthesiser, groups: Sequence[str]
) -> Iterator[Scene]:
    """`count` scenes of each kind, said by the voices of `groups` in turn (`UNSEEN` voices of
    espeak-ng half of the time). The same for the same seed, but for espeak-ng's own breath."""
    plans = list(_planned(language, count, seed, groups))
    wanted = [(plan.group, text) for plan in plans for text in plan.lines]
    speech: dict[tuple[str, str], list[Speech]] = {}
    for group in dict.fromkeys(group for group, _ in wanted):
        said = synthesiser.say(group, [text for one, text in wanted if one == group])
        for one in said:
            speech.setdefault((group, one.text), []).append(one)
    for index, plan in enumerate(plans):
        lines = [speech[plan.group, text].pop(0) for text in plan.lines]
        yield _made(f"{language} {plan.kind} {index}", language, plan, lines)


def _planned(language: str, count: int, seed: int, groups: Sequence[str]) -> Iterator[_Plan]:
    table = texts(language)
    others = [group for group in groups if group != UNSEEN]
    number = 0
    for kind in KINDS:
        shuffled: dict[str, list[str]] = {}
        for index in range(count):
            chance = random.Random(f"amd {language} {kind} {seed} {index}")
            varieties = VARIETIES[kind]
            variety = varieties[index % len(varieties)]

            def drawn(name: str, kind: Kind = kind, of: Any = shuffled) -> str:
                """The next text of that name; all of them before one comes again."""
                if not of.get(name):
                    of[name] = list(table[str(kind)][name])
                    random.Random(f"{seed} {language} {name}").shuffle(of[name])
                return str(of[name].pop())

            lines = _lines(kind, variety, drawn, chance)
            group = UNSEEN
            if lines:
                number += 1
                if others and number % 2:
                    group = others[number // 2 % len(others)]
            yield _Plan(kind, variety, group, lines, chance)


def _lines(
    kind: Kind, variety: str, drawn: Callable[[str], str], chance: random.Random
) -> list[str]:
    match kind, variety:
        case Kind.HUMAN, "television":
            return [drawn("short"), drawn("television")]
        case Kind.HUMAN, "long":
            return [drawn("long")]
        case Kind.HUMAN, _:
            return [drawn(variety), *([drawn("short")] if chance.random() < 0.5 else [])]
        case Kind.VOICEMAIL, _:
            return [drawn(variety)]
        case Kind.NETWORK, "SIT" | "early" | "plain":
            line = drawn("announcement")
            return [line]
        case Kind.MUSIC, "hold":
            return [drawn("hold")]
        case _:
            return []


def _made(name: str, language: str, plan: _Plan, lines: Sequence[Speech]) -> Scene:
    chance, tape = plan.chance, Tape()
    answered_s: float | None = 0.0
    if plan.variety != "early" and chance.random() < 0.3:
        hz, on_s, off_s = chance.choice(RINGBACKS)
        tape.pulses(*hz, on_s=on_s, off_s=off_s, count=chance.choice((1, 2)))
        answered_s = tape.now
    _MAKERS[plan.kind](tape, plan, lines)
    begun = answered_s or 0.0
    if tape.now - begun < END_S and plan.kind is not Kind.MUSIC:
        tape.pause(END_S - (tape.now - begun))
    sound = tape.sound
    if plan.variety == "television":
        sound = sound + _behind(lines[1], begun, sound.size, chance)
    return Scene(
        name,
        plan.kind,
        plan.variety,
        language,
        lines[0].speaker if lines else "",
        sound,
        None if plan.variety == "early" else answered_s,
        tuple(tape.said),
        tape.beep_until,
    )


def _human(tape: Tape, plan: _Plan, lines: Sequence[Speech]) -> None:
    chance = plan.chance
    tape.pause(chance.uniform(0.2, 1.8))
    level = SPEECH_DB + chance.uniform(-6, 4)
    first, *more = lines[:1] if plan.variety == "television" else lines
    tape.say(first.text, first.pcm, level)
    tape.pause(chance.uniform(2.0, 4.0))
    for line in more:
        tape.say(line.text, line.pcm, level)
        tape.pause(3.0)


def _behind(line: Speech, begun_s: float, size: int, chance: random.Random) -> Samples:
    """A television or a child in the room, from the answer on."""
    level = SPEECH_DB - chance.uniform(14, 22)
    loop = at_level(np.frombuffer(line.pcm, "<i2") / 32768.0, level)
    begun = round(begun_s * 16000)
    return np.concatenate([np.zeros(begun), np.resize(loop, size - begun)])


def _voicemail(tape: Tape, plan: _Plan, lines: Sequence[Speech]) -> None:
    chance = plan.chance
    tape.pause(chance.uniform(0.2, 1.2))
    tape.say(lines[0].text, lines[0].pcm, SPEECH_DB + chance.uniform(-4, 2))
    if plan.variety == "full":
        tape.pause(1.0)
        return
    tape.pause(chance.uniform(0.1, 1.0))
    hz = float(np.exp(chance.uniform(np.log(360), np.log(1950))))
    tape.beep(hz, chance.uniform(0.18, 1.2), -20 + chance.uniform(-6, 4))
    tape.pause(4.0)


def _network(tape: Tape, plan: _Plan, lines: Sequence[Speech]) -> None:
    chance = plan.chance
    tape.pause(chance.uniform(0.1, 0.8))
    if plan.variety == "busy":
        hz, pulse_s = chance.choice(BUSY)
        tape.pulses(*hz, on_s=pulse_s, off_s=pulse_s, count=12)
        return
    sit = plan.variety == "SIT" or (plan.variety == "early" and chance.random() < 0.5)
    tones, lengths = chance.choice(SITS)
    for _ in range(2):
        if sit:
            for one, seconds in zip(tones, lengths, strict=True):
                tape.tone(one, seconds=seconds)
            tape.pause(0.3)
        tape.say(lines[0].text, lines[0].pcm)
        tape.pause(chance.uniform(0.8, 2.0))


def _fax(tape: Tape, plan: _Plan, lines: Sequence[Speech]) -> None:
    chance = plan.chance
    tape.pause(chance.uniform(0.3, 2.0))
    if plan.variety == "CNG":
        tape.pulses(1100.0 + chance.uniform(-30, 30), on_s=0.5, off_s=3.0, count=4)
        return
    tape.tone(2100.0 + chance.uniform(-12, 12), seconds=chance.uniform(2.6, 4.0))
    tape.pause(0.075)
    tape.keyed([chance.random() < 0.5 for _ in range(450)], 300, 1650.0, 1850.0)


def _silence(tape: Tape, plan: _Plan, lines: Sequence[Speech]) -> None:
    if plan.variety == "clicks":
        for _ in range(3):
            tape.pause(plan.chance.uniform(1.0, 3.0))
            tape.add(np.random.default_rng(1).normal(0, 0.1, 80))


def _music(tape: Tape, plan: _Plan, lines: Sequence[Speech]) -> None:
    chance = plan.chance
    tape.pause(chance.uniform(0.1, 1.0))
    piece = music(16.0, np.random.default_rng(chance.randrange(2**31)))
    level = SPEECH_DB + chance.uniform(-4, 4)
    if not lines:
        tape.add(at_level(piece, level))
        return
    cut = round(chance.uniform(3.0, 6.0) * 16000)
    tape.add(at_level(piece[:cut], level))
    tape.say(lines[0].text, lines[0].pcm)
    tape.add(at_level(piece[cut:], level))


_MAKERS: Mapping[Kind, Callable[[Tape, _Plan, Sequence[Speech]], None]] = {
    Kind.HUMAN: _human,
    Kind.VOICEMAIL: _voicemail,
    Kind.NETWORK: _network,
    Kind.FAX: _fax,
    Kind.SILENCE: _silence,
    Kind.MUSIC: _music,
}
