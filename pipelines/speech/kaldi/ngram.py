"""A back-off language model of words: estimated, mixed, pruned, and as an FST.

Probabilities are natural logarithms. A sentence begins in the context ``<s>`` and ends with
``</s>``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.speech.kaldi.fst import EPSILON, Fst

__all__ = ["END", "ORDER", "START", "Gram", "NGram", "estimate", "mix", "prune", "to_fst"]

START = "<s>"
END = "</s>"
ORDER = 3

Gram = tuple[str, ...]


@dataclass
class NGram:
    """`followers[context][word]` is ln P(word | context); a word that a context does not have costs
    ``backoff[context]`` and is looked up in the context without its first word. The empty context
    has every word."""

    followers: dict[Gram, dict[str, float]] = field(default_factory=dict)
    backoff: dict[Gram, float] = field(default_factory=dict)

    @property
    def words(self) -> set[str]:
        return self.followers[()].keys() - {END}

    def __len__(self) -> int:
        return sum(map(len, self.followers.values()))

    def context(self, words: Gram) -> Gram:
        """The longest end of `words` that is a context."""
        while words not in self.followers:
            words = words[1:]
        return words

    def log_prob(self, context: Gram, word: str) -> float:
        """ln P(word | context). Raises KeyError for a word that the model does not have."""
        context = self.context(context)
        lost = 0.0
        while word not in (followers := self.followers[context]):
            lost += self.backoff[context]
            if not context:
                raise KeyError(word)
            context = self.context(context[1:])
        return lost + followers[word]

    def sentence_log_prob(self, sentence: str) -> float:
        words = [START, *sentence.split(), END]
        return sum(
            self.log_prob(tuple(words[max(0, i - ORDER + 1) : i]), words[i])
            for i in range(1, len(words))
        )


def estimate(sentences: Mapping[str, int], extra_words: Iterable[str] = ()) -> NGram:
    """Trigrams of `sentences`, each as often as it says, by interpolated Witten-Bell: a context
    that many words have followed leaves much to the shorter one, and the empty context leaves that
    to every word alike. It holds for sentences made from templates, where Kneser-Ney's counts of
    counts mean little.

    `extra_words` are in the vocabulary without having been said.
    """
    counts: dict[Gram, dict[str, int]] = {(): {}}
    for sentence, times in sentences.items():
        words = (START, *sentence.split(), END)
        for at in range(1, len(words)):
            for first in range(max(0, at - ORDER + 1), at + 1):
                followers = counts.setdefault(words[first:at], {})
                followers[words[at]] = followers.get(words[at], 0) + times
    vocabulary = counts[()].keys() | set(extra_words) | {END}
    model = NGram()
    for context in sorted(counts, key=len):
        followers = counts[context]
        types, tokens = max(len(followers), 1), sum(followers.values())
        if context:
            shorter = model.followers[context[1:]]
            lower = {word: math.exp(shorter[word]) for word in followers}
        else:
            lower = dict.fromkeys(sorted(vocabulary), 1 / len(vocabulary))
        model.followers[context] = {
            word: math.log((followers.get(word, 0) + types * below) / (tokens + types))
            for word, below in lower.items()
        }
    _set_backoff(model)
    return model


def mix(base: NGram, other: NGram, share: float) -> NGram:
    """The two models' probabilities, `other`'s counting for `share` of 1.

    A context that only one of them knows is taken in the other as far as that one knows it. Words
    that one does not have get nothing from it.
    """
    model = NGram()
    for context in base.followers.keys() | other.followers.keys():
        words = base.followers.get(context, {}).keys() | other.followers.get(context, {}).keys()
        model.followers[context] = {
            word: math.log(
                (1 - share) * _prob(base, context, word) + share * _prob(other, context, word)
            )
            for word in words
        }
    _set_backoff(model)
    return model


def prune(model: NGram, size: int) -> NGram:
    """`model` with about `size` entries: those whose own word would lose or gain most without them,
    on average over all text (after Stolcke 1998). Words themselves stay, and what leads to a longer
    context."""
    if len(model) <= size:
        return model
    share = _shares(model)
    gains: dict[Gram, float] = {}
    for context, followers in model.followers.items():
        if context:
            shorter = model.context(context[1:])
            for word, log_prob in followers.items():
                without = model.backoff[context] + model.log_prob(shorter, word)
                often = share.get(context, 0.0) * math.exp(log_prob)
                gains[*context, word] = often * abs(log_prob - without)
    room = max(0, size - len(model.followers[()]))
    least = sorted(gains.values(), reverse=True)[room]
    pruned = NGram({(): dict(model.followers[()])})
    for context in sorted(model.followers, key=len, reverse=True)[:-1]:
        kept = {
            word: log_prob
            for word, log_prob in model.followers[context].items()
            if gains[*context, word] > least or (*context, word) in pruned.followers
        }
        if kept:
            pruned.followers[context] = kept
    _set_backoff(pruned)
    return pruned


def to_fst(model: NGram, ids: Mapping[str, int]) -> Fst:
    """The model as an acceptor of word ids, with an epsilon arc to each shorter context.

    `ids` has every word of the model. Arcs are sorted.
    """
    fst = Fst()
    contexts = sorted(model.followers, key=lambda context: (len(context), context))
    states = {context: fst.state() for context in contexts}
    for context, source in states.items():
        for word, log_prob in model.followers[context].items():
            if word == END:
                fst.finals[source] = -log_prob
            else:
                target = states[model.context((*context, word)[-(ORDER - 1) :])]
                fst.arc(source, target, ids[word], ids[word], -log_prob)
        if context:
            shorter = states[model.context(context[1:])]
            fst.arc(source, shorter, EPSILON, EPSILON, -model.backoff[context])
    fst.start = states[model.context((START,))]
    fst.sort_by_input()
    return fst


def _prob(model: NGram, context: Gram, word: str) -> float:
    if word not in model.followers[()]:
        return 0.0
    return math.exp(model.log_prob(context, word))


def _set_backoff(model: NGram) -> None:
    """What each context leaves to words it does not have, over what the shorter one gives those."""
    model.backoff = {(): 0.0}
    for context in sorted(model.followers, key=len):
        if not context:
            continue
        shorter = model.context(context[1:])
        followers = model.followers[context]
        left = 1 - sum(map(math.exp, followers.values()))
        below = 1 - sum(math.exp(model.log_prob(shorter, word)) for word in followers)
        # Both are 0 where a context has every word; rounding must not make an infinity of it.
        model.backoff[context] = math.log(max(left, 1e-9) / max(below, 1e-9))


def _shares(model: NGram) -> dict[Gram, float]:
    """How often each context is met, as a share of all words: by the chain rule."""
    share: dict[Gram, float] = {(): 1.0}
    start = math.exp(model.followers[()][END])  # a sentence begins where another has ended
    for context in sorted(model.followers, key=len):
        if context == (START,):
            share[context] = start
        elif context:
            before = context[:-1]
            share[context] = share.get(before, 0.0) * _prob(model, before, context[-1])
    return share
