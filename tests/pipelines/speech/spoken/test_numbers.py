"""Number words, and back through the numbers that understanding reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mind.language import LANGUAGES, numbers, tokens
from pipelines.speech.spoken.numbers import cardinal, ordinal, year


@pytest.mark.parametrize(
    ("number", "france", "belgium", "switzerland"),
    [
        (21, "vingt et un", "vingt et un", "vingt et un"),
        (71, "soixante et onze", "septante et un", "septante et un"),
        (80, "quatre-vingts", "quatre-vingts", "huitante"),
        (81, "quatre-vingt un", "quatre-vingt un", "huitante et un"),
        (91, "quatre-vingt onze", "nonante et un", "nonante et un"),
        (1998, "mille neuf cent quatre-vingt dix-huit", "mille neuf cent nonante huit",
         "mille neuf cent nonante huit"),
        (80080, "quatre-vingt mille quatre-vingts", "quatre-vingt mille quatre-vingts",
         "huitante mille huitante"),
    ],
)  # fmt: skip
def test_french_cardinals(number: int, france: str, belgium: str, switzerland: str) -> None:
    said = [cardinal(number, tag) for tag in ("fr", "fr-BE", "fr-CH")]
    assert said == [france, belgium, switzerland]


def test_the_feminine_ends_in_une() -> None:
    said = [cardinal(number, "fr", feminine=True) for number in (1, 2, 11, 21, 81)]
    assert said == ["une", "deux", "onze", "vingt et une", "quatre-vingt une"]


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        (1, "premier", "first"), (2, "deuxième", "second"), (4, "quatrième", "fourth"),
        (5, "cinquième", "fifth"), (9, "neuvième", "ninth"), (11, "onzième", "eleventh"),
        (12, "douzième", "twelfth"), (20, "vingtième", "twentieth"),
        (21, "vingt et unième", "twenty first"), (80, "quatre-vingtième", "eightieth"),
        (81, "quatre-vingt unième", "eighty first"), (100, "centième", "one hundredth"),
        (200, "deux centième", "two hundredth"), (1000, "millième", "one thousandth"),
    ],
)  # fmt: skip
def test_ordinals(number: int, french: str, english: str) -> None:
    assert (ordinal(number, "fr"), ordinal(number, "en")) == (french, english)


def test_ordinals_elsewhere() -> None:
    assert ordinal(1, "fr", feminine=True) == "première"
    assert ordinal(70, "fr-BE") == "septantième"
    assert ordinal(85, "fr-CH") == "huitante cinquième"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1998, "nineteen ninety eight"), (2026, "twenty twenty six"), (1900, "nineteen hundred"),
        (1905, "nineteen oh five"), (2000, "two thousand"), (2005, "two thousand and five"),
        (800, "eight hundred"),
    ],
)  # fmt: skip
def test_years(number: int, said: str) -> None:
    assert year(number) == said


@given(st.sampled_from(["fr", "fr-BE", "fr-CH", "en"]), st.integers(0, 999_999))
def test_what_is_said_is_understood(tag: str, number: int) -> None:
    language = LANGUAGES[tag[:2]]
    assert numbers(tokens(cardinal(number, tag), language), language) == [number]
