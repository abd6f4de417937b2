"""A back-off language model of words: estimated, mixed, pruned, and as an FST.

Probabilities are natural logarithms. A sentence begins in the context ``<s>`` and ends with
``</s>``.
"""

from __future__ import annotations

import math
from collections import defaultdict
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


def estimate(sentences: Iterable[str], extra_words: Iterable[str] = ()) -> NGram:
    """Trigrams by interpolated Witten-Bell: a context that many words have followed leaves much to
    the shorter one, and the empty context leaves that to every word alike. It holds for sentences
    made from templates, where Kneser-Ney's counts of counts mean nothing.

    `extra_words` are in the vocabulary without having been said.
    """
    counts: dict[Gram, dict[str, int]] = {(): defaultdict(int)}
    for sentence in sentences:
        words = [START, *sentence.split(), END]
        for at in range(1, len(words)):
            for length in range(min(at, ORDER - 1) + 1):
                context = tuple(words[at - length : at])
                followers = counts.get(context)
                if followers is None:
                    followers = counts[context] = defaultdict(int)
                followers[words[at]] += 1
    vocabulary = counts[()].keys() | set(extra_words) | {END}
    model = NGram()
    for context in sorted(counts, key=len):
        followers = counts[context]
        types, tokens = len(followers), sum(followers.values())
        if context:
            shorter = model.followers[context[1:]]
            lower = {word: math.exp(shorter[word]) for word in followers}
        else:
            types = max(types, 1)
            lower = dict.fromkeys(vocabulary, 1 / len(vocabulary))
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


def prune(model: NGram, threshold: float) -> NGram:
    """`model` without the entries that hardly matter: those whose loss changes the log probability
    of a word by less than `threshold` nats on average over all text (Stolcke 1998, for one entry's
    own word). Words themselves are kept, and whatever a longer context needs."""
    occurrence = _occurrence(model)
    pruned = NGram({(): dict(model.followers[()])}, {})
    for context in sorted(model.followers, key=len, reverse=True):
        if not context:
            continue
        shorter = model.context(context[1:])
        kept = {}
        for word, log_prob in model.followers[context].items():
            without = model.backoff[context] + model.log_prob(shorter, word)
            weight = occurrence.get(context, 0.0) * math.exp(log_prob)
            needed = (*context, word) in pruned.followers
            if needed or weight * abs(log_prob - without) > threshold:
                kept[word] = log_prob
        if kept or any(longer[1:] == context for longer in pruned.followers):
            pruned.followers[context] = kept
    pruned.followers = {c: f for c, f in pruned.followers.items() if f or not c}
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


def _occurrence(model: NGram) -> dict[Gram, float]:
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
