"""Templates of sentences: how they are read, drawn from, and what words they can say.

A template is words with three signs: ``(this|that)`` one of them, ``[perhaps]``, and ``<name>``
another template of that name; ``<number:0-99>`` is a number in words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from engine.errors import ConfigurationError

__all__ = ["Grammar", "Spell", "lines"]

Spell = Callable[[int], Sequence[str]]
"""A number to the ways it is said; the first is the usual one."""

_SIGN = re.compile(r"\s*([(|)\[\]]|<[^<>]*>|[^\s()|\[\]<>]+)")
_NUMBER = re.compile(r"number:(\d+)-(\d+)")
FEW = 2000
"""Numbers below it have the words of all."""
USUAL = 0.75
"""Share of numbers said in the usual of their ways, where there are several."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


@dataclass(frozen=True, slots=True)
class _Number:
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: tuple[_Node, ...]


_Node = _Word | _Name | _Number | _Sequence | _Choice


class Grammar:
    """Named templates, each a list of which one is taken. Raises ConfigurationError for a sign
    that does not close and for a name that is none."""

    def __init__(self, templates: Mapping[str, Sequence[str]], spell: Spell) -> None:
        self._spell = spell
        self._nodes: dict[str, _Node] = {
            name: _Choice(tuple(_parse(line) for line in lines))
            for name, lines in templates.items()
        }
        for name, node in self._nodes.items():
            for other in _names(node):
                if other not in self._nodes:
                    raise ConfigurationError(f"corpus: {name} names <{other}>, which is none")

    def draw(self, name: str, chance: random.Random) -> str:
        """One sentence of the template `name`."""
        out: list[str] = []
        self._draw(self._nodes[name], chance, out)
        return " ".join(out)

    def words(self, name: str) -> frozenset[str]:
        """Every word that a sentence of `name` can have."""
        return self._words[name]

    def count(self, name: str) -> int:
        """How many sentences `name` has; a number counts once, a sentence as often as it is drawn
        in different ways."""
        return self._count(self._nodes[name])

    def every(self, name: str, limit: int) -> list[str]:
        """All its sentences, in order; the first `limit` of them if there are more."""
        return [" ".join(words) for words in islice(self._every(self._nodes[name]), limit)]

    def _draw(self, node: _Node, chance: random.Random, out: list[str]) -> None:
        match node:
            case _Word(text):
                out.append(text)
            case _Name(name):
                self._draw(self._nodes[name], chance, out)
            case _Number(low, high):
                value = _likely(low, high, chance)
                usual, *others = self._spell(value)
                rare = others and chance.random() > USUAL
                out.extend((chance.choice(others) if rare else usual).split())
            case _Sequence(parts):
                for part in parts:
                    self._draw(part, chance, out)
            case _Choice(ways):
                self._draw(chance.choice(ways), chance, out)

    @cached_property
    def _words(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}

        def of(node: _Node) -> frozenset[str]:
            match node:
                case _Word(text):
                    return frozenset({text})
                case _Name(name):
                    if name not in found:
                        found[name] = of(self._nodes[name])
                    return found[name]
                case _Number(low, high):
                    # No number has words that none of these has.
                    numbers = range(low, high + 1) if high < FEW else range(FEW)
                    ways = (way for n in numbers for way in self._spell(n))
                    return frozenset(word for way in ways for word in way.split())
                case _Sequence(parts) | _Choice(parts):
                    return frozenset().union(*map(of, parts))

        for name, node in self._nodes.items():
            found[name] = of(node)
        return found

    def _count(self, node: _Node) -> int:
        match node:
            case _Word():
                return 1
            case _Name(name):
                return self._count(self._nodes[name])
            case _Number(low, high):
                return high - low + 1
            case _Sequence(parts):
                total = 1
                for part in parts:
                    total *= self._count(part)
                return total
            case _Choice(ways):
                return sum(map(self._count, ways))

    def _every(self, node: _Node) -> Iterator[list[str]]:
        match node:
            case _Word(text):
                yield [text]
            case _Name(name):
                yield from self._every(self._nodes[name])
            case _Number(low, high):
                for n in range(low, high + 1):
                    yield from (way.split() for way in self._spell(n))
            case _Sequence(()):
                yield []
            case _Sequence(parts):
                for head in self._every(parts[0]):
                    for tail in self._every(_Sequence(parts[1:])):
                        yield [*head, *tail]
            case _Choice(ways):
                for way in ways:
                    yield from self._every(way)


def lines(block: object) -> list[str]:
    """The templates of a block of text: one a line, or several with commas between them."""
    if not isinstance(block, str):
        raise ConfigurationError(f"corpus: a block of text is expected, not {block!r}")
    return [way.strip() for line in block.splitlines() for way in line.split(",") if way.strip()]


def _likely(low: int, high: int, chance: random.Random) -> int:
    """Of long ranges each order of magnitude alike, as small numbers are said more often."""
    if high - low < 100:
        return chance.randint(low, high)
    top = 10 ** chance.randint(max(1, len(str(low))), len(str(high)))
    return chance.randint(low, min(high, top))


def _parse(line: str) -> _Node:
    signs = _SIGN.findall(line)
    if "".join(signs) != re.sub(r"\s", "", line):
        raise ConfigurationError(f"corpus: {line!r} has a < or > too many")
    node, rest = _choice(signs)
    if rest:
        raise ConfigurationError(f"corpus: {line!r} closes what it did not open")
    return node


def _choice(signs: list[str]) -> tuple[_Node, list[str]]:
    ways: list[_Node] = []
    parts: list[_Node] = []
    while signs and signs[0] not in ")]":
        sign, *signs = signs
        if sign in "([":
            node, signs = _choice(signs)
            if not signs or signs[0] != {"(": ")", "[": "]"}[sign]:
                raise ConfigurationError(f"corpus: a {sign} is not closed")
            signs = signs[1:]
            parts.append(node if sign == "(" else _Choice((node, _Sequence(()))))
        elif sign == "|":
            ways.append(_Sequence(tuple(parts)))
            parts = []
        elif sign.startswith("<"):
            number = _NUMBER.fullmatch(sign[1:-1])
            parts.append(_Number(int(number[1]), int(number[2])) if number else _Name(sign[1:-1]))
        else:
            parts.append(_Word(sign))
    ways.append(_Sequence(tuple(parts)))
    return (ways[0] if len(ways) == 1 else _Choice(tuple(ways))), signs


def _names(node: _Node) -> Iterator[str]:
    match node:
        case _Name(name):
            yield name
        case _Sequence(parts) | _Choice(parts):
            for part in parts:
                yield from _names(part)
        case _:
            pass
