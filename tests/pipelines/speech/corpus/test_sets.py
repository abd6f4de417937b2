from collections.abc import Set as AbstractSet
from itertools import islice
from pathlib import Path

import pytest
import yaml

from engine.errors import ConfigurationError
from pipelines.speech import corpus
from pipelines.speech.corpus import commands, held_out, out_of_grammar, sentences, vocabulary
from pipelines.speech.corpus.sets import LANGUAGES, SHORT

SCENARIOS = Path(__file__).parents[4] / "scenarios"
DRAWN = 40_000


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def words_of(texts: AbstractSet[str]) -> set[str]:
    return {word for text in texts for word in text.split()}


def drawn(language: str, seed: int = 1, count: int = DRAWN) -> list[str]:
    return list(islice(sentences(language, seed), count))


def test_a_seed_is_a_corpus(language: str) -> None:
    assert drawn(language, 7, 500) == drawn(language, 7, 500)
    assert drawn(language, 7, 500) != drawn(language, 8, 500)


def test_tens_of_thousands_of_distinct_sentences_of_few_words() -> None:
    assert len(set(drawn("fr", count=100_000))) > 30_000
    assert 1500 <= len(vocabulary("fr")) <= 2500
    assert len(set(drawn("en"))) > 8_000
    assert 300 <= len(vocabulary("en")) <= 1000


def test_nothing_held_out_is_ever_drawn(language: str) -> None:
    """Other seeds and numbers of sentences cannot either: what is held out goes by the text."""
    kept = set(held_out(language))
    assert len(kept) == len(held_out(language)) >= 500
    for seed in (1, 2, 3):
        assert not kept & set(drawn(language, seed))


def test_both_new_templates_and_new_combinations_are_held_out() -> None:
    kept = held_out("fr")
    assert "je voudrais inscrire ma fille au catéchisme pour la semaine prochaine" in kept
    lengths = [len(text.split()) for text in kept]
    assert min(lengths) > SHORT
    assert held_out("fr") == kept


def test_the_vocabulary_is_closed(language: str) -> None:
    words = set(vocabulary(language))
    assert words_of(set(drawn(language))) <= words
    tests = {*held_out(language), *commands(language)}
    for outside in out_of_grammar(language):
        tests |= {*outside.grammar, *outside.said}
    assert words_of(tests) - words == set()


def test_nearly_every_word_is_drawn(language: str) -> None:
    words = vocabulary(language)
    missing = set(words) - words_of(set(drawn(language, count=100_000)))
    assert len(missing) <= len(words) // 200


def test_commands_are_short_and_known_as_sentences(language: str) -> None:
    texts = commands(language)
    assert len(texts) >= 60
    assert len(set(texts)) == len(texts)
    assert all(len(text.split()) <= SHORT for text in texts)
    missing = set(texts) - set(drawn(language, count=100_000))
    assert missing == set()


def test_what_is_out_of_grammar_shares_no_word_with_it_that_would_be_right(language: str) -> None:
    sets = out_of_grammar(language)
    assert len(sets) >= 3
    for outside in sets:
        assert len(outside.grammar) >= 5
        assert len(outside.said) >= 5
        for text in outside.said:
            padded = f" {text} "
            within = [phrase for phrase in outside.grammar if f" {phrase} " in padded]
            assert not within, text


def test_the_callers_of_talk_say_nothing_else() -> None:
    plan = yaml.safe_load((SCENARIOS / "leads" / "caller.yaml").read_text("utf-8"))["fr"]
    said = {text for answers in plan["answers"].values() for text in answers}
    said |= {plan["backchannel"]["say"], plan["interrupt"]["say"], "un livret et une assurance-vie"}
    assert words_of(said) - set(vocabulary("fr")) == set()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_answers_of_the_scenario_are_nearly_all_within(language: str) -> None:
    """Written apart from them; a build for the scenario adds the rest."""
    path = SCENARIOS / "leads" / f"{language}.yaml"
    intents = yaml.safe_load(path.read_text("utf-8"))["intents"]
    texts = [str(text) for intent in intents.values() for text in intent["examples"]]
    words = [word for text in texts for word in corpus.normalise(text, language).split()]
    known = set(vocabulary(language))
    assert sum(word not in known for word in words) <= 0.03 * len(words)


def test_a_language_without_a_corpus_is_said() -> None:
    with pytest.raises(ConfigurationError, match="no corpus in 'wo'"):
        next(sentences("wo", 1))


@pytest.mark.integration
def test_everything_can_be_pronounced(language: str) -> None:
    """In one breath for espeak-ng, some words at a time."""
    from pipelines.speech.kaldi.phones import transcribe

    words = vocabulary(language)
    for start in range(0, len(words), 8):
        some = words[start : start + 8]
        said = transcribe(" ".join(some), language)
        assert [word for word, phones in zip(some, said, strict=True) if not phones] == []
