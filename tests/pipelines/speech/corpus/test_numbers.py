import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mind.language import LANGUAGES, numbers, tokens
from pipelines.speech.corpus.numbers import LIMIT, SPELL


@pytest.mark.parametrize(
    ("number", "ways"),
    [
        (0, ["zéro"]),
        (21, ["vingt et un"]),
        (71, ["soixante et onze", "septante et un"]),
        (80, ["quatre-vingts", "huitante"]),
        (97, ["quatre-vingt dix-sept", "nonante sept"]),
        (100, ["cent"]),
        (200, ["deux cents"]),
        (203, ["deux cent trois"]),
        (1000, ["mille"]),
        (1789, ["mille sept cent quatre-vingt neuf", "mille sept cent huitante neuf"]),
        (80_000, ["quatre-vingt mille", "huitante mille"]),
        (200_500, ["deux cent mille cinq cents"]),
    ],
)
def test_french(number: int, ways: list[str]) -> None:
    assert list(SPELL["fr"](number)) == ways


def test_english() -> None:
    assert SPELL["en"](1105) == (
        "one thousand one hundred and five",
        "one thousand one hundred five",
    )
    assert SPELL["en"](2001) == ("two thousand and one", "two thousand one")
    assert SPELL["en"](40) == ("forty",)


@given(st.integers(0, LIMIT - 1), st.sampled_from(["fr", "en"]))
def test_every_way_is_understood_as_the_number(number: int, language: str) -> None:
    own = LANGUAGES[language]
    for way in SPELL[language](number):
        assert numbers(tokens(way, own), own) == [number]


@pytest.mark.parametrize("number", [-1, LIMIT])
def test_what_is_not_said(number: int) -> None:
    with pytest.raises(ValueError, match="are said from 0"):
        SPELL["fr"](number)
