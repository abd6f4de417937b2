"""Training, held-out and test sentences out of one grammar, so that they cannot mix.

A sentence of four words or more whose digest falls in one share of twenty is held out, and so is
whatever the templates of `held_out.yaml` say: training never yields it, with any seed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import accumulate
from typing import Any

from engine.errors import ConfigurationError
from pipelines.speech.corpus.grammar import Grammar, lines
from pipelines.speech.corpus.numbers import SPELL

__all__ = [
    "LANGUAGES",
    "Outside",
    "commands",
    "held_out",
    "keywords",
    "out_of_grammar",
    "sentences",
    "vocabulary",
]

LANGUAGES = ("fr", "en")

TESTS = "tests.yaml"
SHORT = 3
"""Words of a sentence that is never held out: every one of them must have been heard."""
SHARE = 20
"""One of so many longer sentences is held out."""
KEPT = 2000
"""Sentences of wholly held-out templates, at most."""
HELD_OUT = 600
"""Sentences of a test, at most: half an hour of speech."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A runtime grammar, and speech that is none of its phrases."""

    name: str
    grammar: tuple[str, ...]
    said: tuple[str, ...]


def sentences(language: str, seed: int) -> Iterator[str]:
    """Sentences to learn from: endless, each topic by its weight, what people say often often."""
    corpus = _corpus(language)
    chance = random.Random(f"{language} {seed}")
    while True:
        (topic,) = chance.choices(corpus.topics, cum_weights=corpus.weights)
        text = corpus.grammar.draw(topic, chance)
        if text and text not in corpus.kept and not _is_held_out(text):
            yield text


def held_out(language: str) -> tuple[str, ...]:
    """Sentences that no seed of `sentences` yields: new templates, and new combinations of known
    ones; the same at every call."""
    corpus = _corpus(language)
    chance = random.Random(f"{language} held out")
    known: set[str] = set()
    fresh = sorted(corpus.kept)
    chance.shuffle(fresh)
    fresh = fresh[: HELD_OUT // 2]
    while len(known) < HELD_OUT - len(fresh):
        (topic,) = chance.choices(corpus.topics, cum_weights=corpus.weights)
        text = corpus.grammar.draw(topic, chance)
        if _is_held_out(text) and text not in corpus.kept:
            known.add(text)
    both = [*fresh, *sorted(known)]
    chance.shuffle(both)
    return tuple(both)


def commands(language: str) -> tuple[str, ...]:
    """Answers of one to three words."""
    return _corpus(language).commands


def out_of_grammar(language: str) -> tuple[Outside, ...]:
    """For each kind of question: the phrases listened for, and what is none of them."""
    return _corpus(language).outside


def keywords(language: str) -> frozenset[str]:
    """Words that carry an answer: which of them come through matters more than the others."""
    return _corpus(language).keywords


def vocabulary(language: str) -> tuple[str, ...]:
    """Every word that these sentences can have, in order of the alphabet."""
    return _corpus(language).words


@dataclass(frozen=True, slots=True)
class _Corpus:
    grammar: Grammar
    topics: tuple[str, ...]
    weights: tuple[float, ...]
    """Cumulative."""
    kept: frozenset[str]
    commands: tuple[str, ...]
    outside: tuple[Outside, ...]
    words: tuple[str, ...]
    keywords: frozenset[str]


@cache
def _corpus(language: str) -> _Corpus:
    if language not in LANGUAGES:
        raise ConfigurationError(f"no corpus in {language!r}; there are {', '.join(LANGUAGES)}")
    folder = resources.files("pipelines.speech.corpus").joinpath(language)

    templates: dict[str, list[str]] = {}
    weights: dict[str, float] = {}
    for name in sorted(f.name for f in folder.iterdir() if f.name.endswith(".yaml")):
        if name == TESTS:
            continue
        for key, entry in _read(folder.joinpath(name)).items():
            if key in templates:
                raise ConfigurationError(f"corpus: {language}/{name} has {key} a second time")
            if isinstance(entry, dict):
                weights[key] = float(entry["weight"])
                entry = entry["say"]  # noqa: PLW2901
            templates[key] = lines(entry)
    tests = _read(folder.joinpath(TESTS))
    templates["held out"] = lines(tests["held_out"])
    templates["commands"] = lines(tests["commands"])
    templates["keywords"] = lines(tests["keywords"])
    outside = tests["outside"]
    for name, entry in outside.items():
        templates[f"grammar {name}"] = lines(entry["grammar"])
        templates[f"outside {name}"] = lines(entry["said"])
    grammar = Grammar(templates, SPELL[language])
    every: Mapping[str, tuple[str, ...]] = {
        name: tuple(dict.fromkeys(grammar.every(name, KEPT)))
        for name in templates
        if name in ("held out", "commands") or name.startswith(("grammar ", "outside "))
    }
    words = frozenset().union(*map(grammar.words, weights))
    return _Corpus(
        grammar,
        tuple(weights),
        tuple(accumulate(weights.values())),
        frozenset(every["held out"]),
        every["commands"],
        tuple(
            Outside(name, every[f"grammar {name}"], every[f"outside {name}"]) for name in outside
        ),
        tuple(sorted(words)),
        grammar.words("keywords"),
    )


def _read(path: Traversable) -> dict[str, Any]:
    import yaml

    loaded = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"corpus: {path.name} is no mapping")
    return loaded


def _is_held_out(text: str) -> bool:
    if text.count(" ") < SHORT:
        return False
    return hashlib.blake2b(text.encode(), digest_size=4).digest()[0] * SHARE < 256
