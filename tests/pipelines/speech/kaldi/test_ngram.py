import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.speech.kaldi.fst import Fst
from pipelines.speech.kaldi.ngram import END, START, NGram, estimate, mix, prune, to_fst

TEXT = Counter(
    ["oui", "oui", "non", "non merci", "oui je veux bien", "je veux un rendez-vous", "je veux bien"]
)
SENTENCES = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=8
)


def total(model: NGram, context: tuple[str, ...]) -> float:
    return sum(math.exp(model.log_prob(context, word)) for word in [*model.words, END])


def contexts(model: NGram) -> list[tuple[str, ...]]:
    words = sorted(model.words)
    return [(), (START,), *itertools.product(words, repeat=1), *itertools.product(words, repeat=2)]


@given(SENTENCES)
def test_probabilities_sum_to_one_in_every_context(sentences: list[str]) -> None:
    model = estimate(Counter(sentences), ["e"])
    for context in contexts(model):
        assert total(model, context) == pytest.approx(1, abs=1e-6)


@given(SENTENCES, SENTENCES, st.integers(0, 40))
def test_also_when_mixed_and_pruned(first: list[str], second: list[str], size: int) -> None:
    model = prune(mix(estimate(Counter(first)), estimate(Counter(second)), 0.3), size)
    for context in contexts(model):
        assert total(model, context) == pytest.approx(1, abs=1e-6)


def test_what_was_said_is_likelier() -> None:
    model = estimate(TEXT, ["peut-être"])
    assert model.sentence_log_prob("je veux bien") > model.sentence_log_prob("bien je veux")
    assert model.log_prob((START,), "oui") > model.log_prob((START,), "merci")
    assert model.log_prob(("je",), "veux") > math.log(0.5)
    assert math.exp(model.log_prob((), "peut-être")) > 0
    with pytest.raises(KeyError):
        model.log_prob((START,), "jamais")


def test_witten_bell_by_hand() -> None:
    model = estimate({"a": 1, "b": 1})
    # 4 tokens of 3 types, and a uniform share of 1/3 each for the 3 types' worth
    assert math.exp(model.followers[()]["a"]) == pytest.approx((1 + 3 / 3) / 7)
    assert math.exp(model.followers[START,]["a"]) == pytest.approx((1 + 2 * 2 / 7) / 4)
    assert set(model.followers["a",]) == {END}


def test_a_mixture_is_between_its_parts() -> None:
    base, own = estimate(TEXT), estimate({"un zèbre": 2, "oui": 1})
    model = mix(base, own, 0.25)
    assert model.words == base.words | own.words
    for context, word in [((START,), "oui"), ((), "un"), (("un",), "rendez-vous")]:
        expected = 0.75 * math.exp(base.log_prob(context, word))
        if word in own.words:
            expected += 0.25 * math.exp(own.log_prob(context, word))
        assert math.exp(model.log_prob(context, word)) == pytest.approx(expected)
    assert math.exp(model.log_prob(("un",), "zèbre")) == pytest.approx(
        0.25 * math.exp(own.log_prob(("un",), "zèbre"))
    )


def test_pruning_keeps_the_words_and_what_matters() -> None:
    model = estimate(TEXT)
    small = prune(model, len(model) - 10)
    assert small.words == model.words
    assert len(model) - 20 <= len(small) <= len(model) - 8
    loss = [
        sum(times * one.sentence_log_prob(text) for text, times in TEXT.items())
        for one in (model, small, prune(model, 0))
    ]
    assert loss[0] > loss[1] > loss[2]
    assert set(prune(model, 0).followers) == {()}
    assert prune(model, len(model)) is model


def best(fst: Fst, labels: list[int]) -> float:
    """The weight of the best path that reads `labels`."""
    reached = {fst.start: 0.0}

    def close() -> None:
        for _ in range(3):
            for state, weight in list(reached.items()):
                for label, _, cost, target in fst.arcs[state]:
                    if label == 0 and weight + cost < reached.get(target, math.inf):
                        reached[target] = weight + cost

    for wanted in labels:
        close()
        step: dict[int, float] = {}
        for state, weight in reached.items():
            for label, _, cost, target in fst.arcs[state]:
                if label == wanted and weight + cost < step.get(target, math.inf):
                    step[target] = weight + cost
        reached = step
    close()
    return min(weight + fst.finals[state] for state, weight in reached.items())


@given(SENTENCES, st.integers(5, 40))
def test_the_fst_says_the_same(sentences: list[str], size: int) -> None:
    model = prune(estimate(Counter(sentences)), size)
    ids = {word: number for number, word in enumerate(sorted(model.words), 1)}
    fst = to_fst(model, ids)
    for sentence in sentences:
        weight = best(fst, [ids[word] for word in sentence.split()])
        # A shorter context is always open, and sometimes the better way.
        assert weight <= -model.sentence_log_prob(sentence) + 1e-6


def test_the_fst_of_a_small_model() -> None:
    model = estimate({"a b": 1})
    fst = to_fst(model, {"a": 1, "b": 2})
    assert fst.arcs[fst.start][1][:2] == (1, 1)
    assert all(arcs == sorted(arcs) for arcs in fst.arcs)
    assert best(fst, [1, 2]) == pytest.approx(-model.sentence_log_prob("a b"))
