"""Understands by examples: a linear classifier on character n-grams, without any language model.

Each question has a classifier of its own that tells its intents apart from one another and from
talk about something else (`elsewhere`). Trained with scikit-learn from the scenario's examples
(three seconds, two of them its import), kept on disk as plain arrays, and read with numpy alone:
about 0.1 ms an utterance, so it runs in the loop's own thread.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import ConfigurationError, UnderstandingError
from engine.flow import Question, Understanding
from pipelines.mind import arrays
from pipelines.mind.elsewhere import ELSEWHERE
from pipelines.mind.intents import Knowledge
from pipelines.mind.language import LANGUAGES
from pipelines.mind.slots import Found, SlotReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Examples"]

SOURCE = "examples"
FORMAT = 1
"""Of the arrays on disk and of how an utterance becomes features; part of the cache's key."""
NGRAMS = (2, 3, 4, 5)
SURE = 0.35
"""Least probability of an intent that counts as understood."""
STRENGTH = 30.0
"""Inverse regularisation. This, SURE and ELSEWHERE_WEIGHT come from a sweep, by cross-validation
over the examples of scenarios/leads: of the settings that reject 95 % of talk about something else,
one that understands much for few misunderstandings. docs/scenarios.md has the figures."""
ELSEWHERE_WEIGHT = 0.3
"""What an utterance about something else weighs in training, against one for an example."""


@dataclass(frozen=True, slots=True)
class _Model:
    """`columns` of the shared weights, one per class; the class "" is talk about something else."""

    classes: tuple[str, ...]
    weights: Floats
    """Terms by classes."""
    bias: Floats


class Examples:
    """A scenario's understanding by examples; see `build`. Any number of sessions share one."""

    def __init__(
        self,
        knowledge: Knowledge,
        terms: Mapping[str, int],
        rarity: Floats,
        models: Mapping[tuple[str, ...], _Model],
    ) -> None:
        self._reader = SlotReader(knowledge.slots, LANGUAGES[knowledge.language])
        self._terms = terms
        self._rarity = rarity
        self._models = models

    @classmethod
    def build(cls, knowledge: Knowledge, cache: Path | None = None) -> Examples:
        """Out of the directory `cache`, or trained now (seconds of CPU) and kept there.

        Raises ConfigurationError for a language without its own words here.
        """
        if knowledge.language not in LANGUAGES:
            raise ConfigurationError(
                f"no examples are understood in {knowledge.language!r}; there are:"
                f" {', '.join(LANGUAGES)} (pipelines/mind/language.py has what a language needs)"
            )
        if not knowledge.questions:
            return cls(knowledge, {}, np.zeros(0, dtype=np.float32), {})
        path = None
        if cache is not None:
            version = metadata.version("scikit-learn")
            settings = (FORMAT, NGRAMS, STRENGTH, ELSEWHERE_WEIGHT)
            key = arrays.digest(knowledge, ELSEWHERE[knowledge.language], version, settings)
            path = cache / f"examples-{key}.npz"
        stored = None if path is None else arrays.load(path)
        if stored is None:
            stored = _train(knowledge)
            if path is not None:
                arrays.save(path, stored)
        models = {
            question: _Model(
                tuple(str(name) for name in stored[f"classes{index}"]),
                stored[f"weights{index}"].astype(np.float32, copy=False),
                stored[f"bias{index}"].astype(np.float32, copy=False),
            )
            for index, question in enumerate(knowledge.questions)
        }
        terms = {str(term): index for index, term in enumerate(stored["terms"])}
        rarity = stored["rarity"].astype(np.float32, copy=False)
        return cls(knowledge, terms, rarity, models)

    async def understand(self, text: str, question: Question) -> Understanding:
        """The rung of an `engine.ladder.Ladder`; it never waits."""
        return self.read(text, question.intents)

    def read(self, text: str, intents: tuple[str, ...]) -> Understanding:
        """What `text` means as an answer that can be one of `intents`, a question of the scenario.

        The intent is None where none is likely enough, the confidence then that of the likeliest.
        Raises UnderstandingError for a question that is not one of the scenario's.
        """
        model = self._models.get(intents)
        if model is None:
            raise UnderstandingError(
                f"no examples were learnt for the question between {', '.join(intents)};"
                " build Examples from the scenario that asks it"
            )
        found = self._reader.read(text)
        chances = self._chances(model, found)
        named = {name: chance for name, chance in chances.items() if name}
        best = max(named, key=named.__getitem__)
        sure = named[best] >= max(SURE, chances.get("", 0.0))
        return Understanding(
            intent=best if sure else None,
            confidence=min(1.0, named[best]),
            source=SOURCE,
            slots=found.slots,
            negated=found.negated,
        )

    def _chances(self, model: _Model, found: Found) -> dict[str, float]:
        """Probability by class; of an utterance without words, none for any."""
        indexes, values = [], []
        for term, count in Counter(features(found)).items():
            index = self._terms.get(term)
            if index is not None:
                indexes.append(index)
                values.append(1.0 + math.log(count))
        if not indexes:
            return dict.fromkeys(model.classes, 0.0)
        weighed = np.asarray(values, dtype=np.float32) * self._rarity[indexes]
        weighed /= float(np.sqrt(weighed @ weighed))
        scores = weighed @ model.weights[indexes] + model.bias
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        return dict(zip(model.classes, chances.tolist(), strict=True))


def features(found: Found) -> list[str]:
    """Terms of an utterance: n-grams of characters within words (recognisers and people misspell),
    words with their negation, pairs of words. The first letter says which."""
    terms = []
    for word in found.words:
        padded = f" {word} "
        for size in NGRAMS:
            terms += [f"c{padded[i : i + size]}" for i in range(len(padded) - size + 1)]
    terms += [
        f"!{word}" if under else f"w{word}"
        for word, under in zip(found.words, found.under, strict=True)
    ]
    around = ("^", *found.words, "$")
    terms += [f"b{first} {second}" for first, second in pairwise(around)]
    return terms


def _train(knowledge: Knowledge) -> dict[str, NDArray[np.generic]]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    reader = SlotReader(knowledge.slots, LANGUAGES[knowledge.language])
    elsewhere = ELSEWHERE[knowledge.language]
    said = [example for intent in knowledge.intents.values() for example in intent.examples]
    vectorizer = TfidfVectorizer(
        analyzer=lambda text: features(reader.read(text)), sublinear_tf=True, dtype=np.float64
    )
    vectorizer.fit([*said, *elsewhere])
    stored: dict[str, NDArray[np.generic]] = {
        "terms": np.array(vectorizer.get_feature_names_out(), dtype=np.str_),
        "rarity": vectorizer.idf_.astype(np.float32),
    }
    for index, question in enumerate(knowledge.questions):
        pairs = [(text, name) for name in question for text in knowledge.intents[name].examples]
        pairs += [(text, "") for text in elsewhere]
        texts, labels = zip(*pairs, strict=True)
        model = LogisticRegression(C=STRENGTH, max_iter=1000)
        weights = [1.0 if label else ELSEWHERE_WEIGHT for label in labels]
        with threadpool_limits(1):  # matrices this small are 30 times slower on many threads
            model.fit(vectorizer.transform(texts), labels, sample_weight=weights)
        coefficients, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:  # one intent against elsewhere has a single row
            coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
            bias = np.array([0.0, bias[0]])
        stored[f"classes{index}"] = np.array(model.classes_, dtype=np.str_)
        stored[f"weights{index}"] = np.ascontiguousarray(coefficients.T, dtype=np.float32)
        stored[f"bias{index}"] = bias.astype(np.float32)
    return stored
