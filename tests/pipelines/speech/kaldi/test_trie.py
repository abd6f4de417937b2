import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.speech.kaldi.fst import Arc, Fst
from pipelines.speech.kaldi.lexicon import Lexicon, Pronunciation
from pipelines.speech.kaldi.topology import SILENCE, first_frame, further_frame, word_phones
from pipelines.speech.kaldi.trie import (
    SILENCE_PROB,
    UNKNOWN,
    UNKNOWN_PHONE,
    UNKNOWN_WORD,
    WordFst,
    word_fst,
)

CLASSES = ("SIL", "a", "b", "c")
EITHER = -math.log(SILENCE_PROB)

PRONUNCIATIONS = st.lists(st.sampled_from(CLASSES[1:]), min_size=1, max_size=4).map(tuple)
LEXICONS = st.dictionaries(
    st.text("uvwxyz", min_size=1, max_size=3),
    st.dictionaries(PRONUNCIATIONS, st.sampled_from([1.0, 0.5]), min_size=1, max_size=3),
    min_size=1,
    max_size=8,
)


def arcs(fst: Fst, state: int) -> list[Arc]:
    """Without self-loops."""
    return [arc for arc in fst.arcs[state] if arc[3] != state]


def readings(fst: Fst, frames: list[int]) -> Iterator[tuple[list[int], float]]:
    """The output labels with which `frames` (first frames of phones) are read, and the weight."""
    agenda: list[tuple[int, int, list[int], float]] = [(fst.start, 0, [], 0.0)]
    while agenda:
        state, at, labels, weight = agenda.pop()
        if at == len(frames) and fst.finals[state] < math.inf:
            yield labels, weight + fst.finals[state]
        for label, output, cost, target in arcs(fst, state):
            after = [*labels, output] if output else labels
            if label == 0:
                agenda.append((target, at, after, weight + cost))
            elif at < len(frames) and label == frames[at]:
                agenda.append((target, at + 1, after, weight + cost))


def frames_of(*said: Pronunciation) -> list[int]:
    numbers = [[CLASSES.index(phone) for phone in phones] for phones in said]
    return [first_frame(phone) for classes in numbers for phone in word_phones(classes)]


def heard(words: WordFst, frames: list[int]) -> dict[tuple[str, ...], float]:
    names = {number: word for word, number in words.ids.items()}
    return {
        tuple(names[label] for label in labels): weight
        for labels, weight in readings(words.fst, frames)
        if words.ids[UNKNOWN] not in labels
    }


@given(LEXICONS)
def test_every_pronunciation_gives_its_words_and_costs(lexicon: Lexicon) -> None:
    words = word_fst(lexicon, CLASSES)
    every = {said for pronunciations in lexicon.values() for said in pronunciations}
    for said in every:
        expected = {
            (word,): -math.log(pronunciations[said]) + 2 * EITHER
            for word, pronunciations in lexicon.items()
            if said in pronunciations
        }
        assert heard(words, frames_of(said)) == pytest.approx(expected)


@given(LEXICONS)
def test_a_state_reaches_what_it_says(lexicon: Lexicon) -> None:
    words = word_fst(lexicon, CLASSES)
    fst = words.fst
    assert set(words.ids) == {*lexicon, UNKNOWN}
    assert sorted(words.ids.values()) == list(range(1, len(lexicon) + 2))
    for state, intervals in enumerate(words.reachable):
        found: set[int] = set()
        seen, agenda = {state}, [state]
        while agenda:
            here = agenda.pop()
            if fst.finals[here] < math.inf:
                found.add(words.final_label)
            for _, output, _, target in fst.arcs[here]:
                if output:
                    found.add(output)
                elif target not in seen:
                    seen.add(target)
                    agenda.append(target)
        assert {n for begin, end in intervals for n in range(begin, end)} == found
        bounds = [bound for interval in intervals for bound in interval]
        assert bounds == sorted(set(bounds)), "apart, in order"


@given(LEXICONS)
def test_phones_go_on_in_their_own_loop(lexicon: Lexicon) -> None:
    fst = word_fst(lexicon, CLASSES).fst
    for state in range(len(fst.arcs)):
        entered = {arc[0] for source in range(len(fst.arcs)) for arc in arcs(fst, source)
                   if arc[3] == state and arc[0]}  # fmt: skip
        loops = [arc for arc in fst.arcs[state] if arc[3] == state]
        assert [arc[:3] for arc in loops] == [
            (further_frame(label // 2), 0, 0.0) for label in entered
        ]


def test_words_said_alike_and_words_of_one_phone() -> None:
    lexicon: Lexicon = {"a": {("a",): 1.0}, "ah": {("a",): 1.0}, "ab": {("a", "b"): 1.0}}
    words = word_fst(lexicon, CLASSES)
    assert heard(words, frames_of(("a",))).keys() == {("a",), ("ah",)}
    assert heard(words, frames_of(("a", "b"))).keys() == {("ab",)}
    assert heard(words, frames_of(("a",), ("a", "b"))).keys() == {("a", "ab"), ("ah", "ab")}


def test_a_word_is_named_as_soon_as_it_is_certain() -> None:
    words = word_fst({"bac": {("b", "a", "c"): 1.0}, "ca": {("c", "a"): 1.0}}, CLASSES)
    (root,) = (state for state, final in enumerate(words.fst.finals) if final == 0)
    named = {arc[0]: arc[1] for arc in words.fst.arcs[root] if arc[0]}
    assert named == {
        frames_of(("b", "a"))[0]: words.ids["bac"],
        frames_of(("c", "a"))[0]: words.ids["ca"],
    }


def test_words_share_their_ends() -> None:
    many: Lexicon = {
        f"{first}{second}": {(first, second, "a", "b"): 1.0} for first in "abc" for second in "abc"
    }
    few: Lexicon = {f"{first}": {(first, "a", "a", "b"): 1.0} for first in "abc"}
    grown = len(word_fst(many, CLASSES).fst.arcs) - len(word_fst(few, CLASSES).fst.arcs)
    assert grown <= 3 + 6  # each first phone branches, and each second one is held


def test_silence_may_stand_between_words() -> None:
    words = word_fst({"a": {("a",): 1.0}}, CLASSES)
    (one,) = frames_of(("a",))
    pause = first_frame(SILENCE)
    for frames in ([one], [pause, one], [one, pause], [pause, one, pause]):
        assert heard(words, frames) == pytest.approx({("a",): 2 * EITHER})


def test_anything_else_is_unknown() -> None:
    words = word_fst({"a": {("a",): 1.0}}, CLASSES)
    unknown = [words.ids[UNKNOWN]]
    for said in (("b",), ("c", "b"), ("c", "b", "a", "c")):
        found = [
            weight for labels, weight in readings(words.fst, frames_of(said)) if labels == unknown
        ]
        assert found == pytest.approx([UNKNOWN_WORD + len(said) * UNKNOWN_PHONE + 2 * EITHER])


@pytest.mark.parametrize("said", [(), ("x",), ("SIL",)])
def test_what_cannot_be_said(said: Pronunciation) -> None:
    with pytest.raises(ValueError, match="no phones of the model"):
        word_fst({"w": {said: 1.0}}, CLASSES)
