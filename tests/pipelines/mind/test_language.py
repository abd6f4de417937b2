"""Words, negation and numbers of a language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mind.language import LANGUAGES, asks, negated, numbers, tokens

FRENCH, ENGLISH = LANGUAGES["fr"], LANGUAGES["en"]


def test_words_have_no_accents_apostrophes_or_hesitations() -> None:
    found = tokens("Euh… J’habite à l'ÉCOLE, là-bas !", FRENCH)
    assert " ".join(found) == "j habite a l ecole la bas"
    assert tokens("bœuf", FRENCH) == ["boeuf"]


@pytest.mark.parametrize(
    ("text", "under"),
    [
        ("je n'ai pas de livret", "de livret"),
        ("je n'ai pas de livret mais un pel", "de livret"),
        ("pas de pel j'ai un livret", "de pel"),
        ("je n'ai qu'un livret", ""),
        ("ni livret ni pel", "livret ni pel"),
        ("plus tard s'il vous plait", ""),
        ("pas mal", ""),
    ],
)
def test_a_negation_reaches_to_the_next_turn_of_phrase(text: str, under: str) -> None:
    words = tokens(text, FRENCH)
    flags = negated(words, FRENCH)
    assert " ".join(word for word, flag in zip(words, flags, strict=True) if flag) == under


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("quatre-vingt-dix-sept", [97]),
        ("soixante et onze", [71]),
        ("soixante-dix", [70]),
        ("vingt et un", [21]),
        ("mille deux cents euros", [1200]),
        ("deux mille vingt-cinq", [2025]),
        ("deux cent cinquante mille", [250_000]),
        ("trois quatre", [3, 4]),
        ("1500 puis vingt", [1500, 20]),
        ("quatre-vingt-un", [81]),
        ("rien", []),
    ],
)
def test_numbers_in_french(text: str, found: list[int]) -> None:
    assert numbers(tokens(text, FRENCH), FRENCH) == found


def test_numbers_in_english() -> None:
    assert numbers(tokens("two hundred and five, then thirty-one", ENGLISH), ENGLISH) == [205, 31]


@given(st.lists(st.sampled_from([*FRENCH.numbers, "cent", "mille", "et", "12", "euros"])))
def test_any_row_of_number_words_is_read(words: list[str]) -> None:
    assert all(number >= 0 for number in numbers(words, FRENCH))


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("fr", "qui êtes-vous", True),
        ("fr", "mais c'est quoi", True),
        ("fr", "euh est-ce que c'est loin", True),
        ("fr", "celui de la banque qui est en face", False),
        ("fr", "oui", False),
        ("en", "who is this", True),
        ("en", "well can you hear me", True),
        ("en", "you can", False),
        ("en", "", False),
    ],
)
def test_questions_are_known_by_their_beginning(language: str, text: str, question: bool) -> None:
    known = LANGUAGES[language]
    assert asks(tokens(text, known), known) == question
