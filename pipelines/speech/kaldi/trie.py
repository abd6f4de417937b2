"""HCL: the words as one FST from transition ids to word ids, with what each state can still say.

The pronunciations form a trie. A word's id stands on the first arc after which no other word is
possible, and what follows is shared among words with the same end. Word ids are given in the order
in which the trie is walked, so that the words a state can still say are few intervals: that is what
lookahead composition asks. Every phone is entered by its forward transition and stays in its
self-loop. Weights of transitions are left out: in a chain model they are the same for every frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.speech.kaldi.fst import EPSILON, Fst, Interval
from pipelines.speech.kaldi.lexicon import Lexicon, Pronunciation
from pipelines.speech.kaldi.topology import (
    SILENCE,
    Place,
    first_frame,
    further_frame,
    phone_id,
    word_phones,
)

__all__ = ["UNKNOWN", "WordFst", "word_fst"]

UNKNOWN = "[unk]"
"""Speech that is no word of the lexicon."""

UNKNOWN_WORD, UNKNOWN_PHONE = 4.0, 1.5
"""What unknown speech costs, in nats: at its beginning, and each phone of it. More hears words of a
grammar in other speech, less hears unknown speech in them; docs/decisions.md has the sweep."""

SILENCE_PROB = 0.5
"""That a pause stands between two words, or before the first."""


@dataclass(frozen=True)
class WordFst:
    """`fst`, sorted by output, the ids of its words, and for `fst.lookahead_fst` what each state
    can reach."""

    fst: Fst
    ids: Mapping[str, int]
    reachable: Sequence[Sequence[Interval]]
    final_label: int


@dataclass
class _Node:
    """A place in the trie: `phone` was said last. `ends` are words said whole, with their cost."""

    phone: int = 0
    children: dict[int, _Node] = field(default_factory=dict)
    ends: list[tuple[str, float]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    """All that can still come, or end here."""


def word_fst(lexicon: Lexicon, classes: Sequence[str]) -> WordFst:
    """The FST of `lexicon` and of unknown speech, over the phones of `classes` (silence first).

    Raises ValueError for a phone that is none of them.
    """
    return _Builder(classes).build(_trie(lexicon, classes))


def _trie(lexicon: Lexicon, classes: Sequence[str]) -> _Node:
    numbers = {name: index for index, name in enumerate(classes)}
    root = _Node()
    for word in sorted(lexicon):
        for said, probability in sorted(lexicon[word].items()):
            node = root
            for phone in _phones(word, said, numbers):
                node.words.add(word)
                node = node.children.setdefault(phone, _Node(phone))
            node.words.add(word)
            node.ends.append((word, -math.log(probability)))
    return root


def _phones(word: str, said: Pronunciation, numbers: Mapping[str, int]) -> list[int]:
    unknown = [phone for phone in said if numbers.get(phone, 0) == 0]
    if unknown or not said:
        raise ValueError(f"{word!r} cannot be said with {said!r}: these are no phones of the model")
    return word_phones([numbers[phone] for phone in said])


class _Builder:
    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = range(1, len(classes))
        self._fst = Fst()
        self._ids: dict[str, int] = {}
        self._words: dict[int, set[str]] = {}  # of the states within the trie; others reach all
        self._tails: dict[object, int] = {}
        self._root = self._fst.state(final=0.0)
        self._between = self._fst.state()

    def build(self, root: _Node) -> WordFst:
        fst = self._fst
        self._pauses()
        self._branch(root, self._root)
        self._unknown()
        fst.start = self._between
        fst.sort_by_output()
        final_label = len(self._ids) + 1
        everything = [(1, final_label + 1)]  # so the sentence's end as well
        reachable: list[list[Interval]] = []
        for state in range(len(fst.arcs)):
            words = self._words.get(state)
            reachable.append(everything if words is None else self._intervals(words))
        return WordFst(fst, self._ids, reachable, final_label)

    def _intervals(self, words: set[str]) -> list[Interval]:
        intervals: list[Interval] = []
        for label in sorted(self._ids[word] for word in words):
            if intervals and intervals[-1][1] == label:
                intervals[-1] = (intervals[-1][0], label + 1)
            else:
                intervals.append((label, label + 1))
        return intervals

    def _id(self, word: str) -> int:
        return self._ids.setdefault(word, len(self._ids) + 1)

    def _pauses(self) -> None:
        """From the end of a word (and the beginning) to the next, with or without silence."""
        self._fst.arc(self._between, self._root, EPSILON, weight=-math.log(1 - SILENCE_PROB))
        pause = self._phone(SILENCE)
        self._fst.arc(self._between, pause, first_frame(SILENCE), weight=-math.log(SILENCE_PROB))
        self._fst.arc(pause, self._root, EPSILON)

    def _phone(self, phone: int) -> int:
        """A state in which `phone` goes on."""
        state = self._fst.state()
        self._fst.arc(state, state, further_frame(phone))
        return state

    def _branch(self, node: _Node, state: int) -> None:
        """The arcs of a node at which more than one word can come."""
        for word, cost in node.ends:
            self._fst.arc(state, self._between, EPSILON, self._id(word), cost)
        for phone, child in sorted(node.children.items()):
            if len(child.words) == 1:
                (word,) = child.words
                label, target = self._id(word), self._tail(child)
            else:
                label, target = EPSILON, self._phone(phone)
                self._words[target] = child.words
                self._branch(child, target)
            self._fst.arc(state, target, first_frame(phone), label)

    def _tail(self, node: _Node) -> int:
        """The state after a word was named, shared by all that go on in the same way."""
        following = sorted((phone, self._tail(child)) for phone, child in node.children.items())
        cost = min((cost for _, cost in node.ends), default=None)
        key = (node.phone, cost, tuple(following))
        if key not in self._tails:
            state = self._tails[key] = self._phone(node.phone)
            for phone, target in following:
                self._fst.arc(state, target, first_frame(phone))
            if cost is not None:
                self._fst.arc(state, self._between, EPSILON, weight=cost)
        return self._tails[key]

    def _unknown(self) -> None:
        """Any phones in a row, in the places of one word."""
        fst = self._fst
        begin, inside = fst.state(), fst.state()
        fst.arc(self._root, begin, EPSILON, self._id(UNKNOWN), UNKNOWN_WORD)
        leaving = {
            Place.BEGIN: (begin, inside),
            Place.INTERNAL: (inside, inside),
            Place.END: (inside, self._between),
            Place.SINGLETON: (begin, self._between),
        }
        for number in self._classes:
            for place, (source, target) in leaving.items():
                phone = phone_id(number, place)
                state = self._phone(phone)
                fst.arc(source, state, first_frame(phone), weight=UNKNOWN_PHONE)
                fst.arc(state, target, EPSILON)
