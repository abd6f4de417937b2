"""Where a phrase breaks off."""

from __future__ import annotations

import pytest

from pipelines.turns.unfinished import ENDINGS, digits, spoken


@pytest.mark.parametrize(
    ("language", "text", "unfinished"),
    [
        ("fr", "", False),
        ("fr", "oui", False),
        ("fr", "oui mais", True),
        ("fr", "je voudrais", True),
        ("fr", "j'ai un", True),
        ("fr", "j'en ai un", False),
        ("fr", "un livret a", False),
        ("fr", "je pense à", True),
        ("fr", "oui euh", True),
        ("fr", "je crois", False),
        ("fr", "je crois que", True),
        ("fr", "oui je crois", False),
        ("fr", "il y a l'", True),
        ("fr", "une assurance-vie", False),
        ("fr", "non je n'ai", True),
        ("fr", "non je n'ai pas", True),
        ("fr", "je n'ai pas le", True),
        ("fr", "je ne sais pas", False),
        ("fr", "je ne suis pas", True),
        ("fr", "non je vais", True),
        ("fr", "ça va", False),
        ("fr", "d'accord j'y vais", False),
        ("fr", "oui je peux", False),
        ("fr", "est-ce que je peux", True),
        ("fr", "ce n'est", True),
        ("fr", "il y a un", True),
        ("en", "i'd like", True),
        ("en", "i would like to", True),
        ("en", "yes i am", False),
        ("en", "no thanks", False),
    ],
)
def test_nobody_stops_after_some_words(language: str, text: str, unfinished: bool) -> None:
    assert ENDINGS[language].unfinished(spoken(text)) is unfinished


def test_words_keep_what_tells_them_apart() -> None:
    assert spoken("L’assurance-vie, à PARIS qu' !") == ["l'assurance-vie", "à", "paris", "qu'"]


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("fr", "", 0),
        ("fr", "je ne sais pas", 0),
        ("fr", "zéro six", 2),
        ("fr", "zéro six douze trente-quatre cinquante-six soixante-dix-huit", 10),
        ("fr", "quatre-vingt-dix-sept", 2),
        ("fr", "quatre vingts", 2),
        ("fr", "soixante et onze", 2),
        ("fr", "vingt et un deux", 3),
        ("fr", "dix sept", 2),
        ("fr", "dix deux", 3),
        ("fr", "trois cent", 4),
        ("fr", "06 12 3", 5),
        ("en", "zero seven twenty one five five", 6),
        ("de", "null sechs 12", 2),
    ],
)
def test_digits_are_counted_as_telephone_numbers_are_said(
    language: str, text: str, count: int
) -> None:
    assert digits(text, language) == count
