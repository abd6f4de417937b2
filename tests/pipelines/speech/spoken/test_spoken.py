"""The transform as a whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.speech.espeak import EspeakVoice, library
from pipelines.speech.spoken import spoken
from scenarios import find
from scenarios.script import load

written = st.text() | st.text(alphabet="0123456789 .,:/-+€$%hkmM°@aet\u202f")


@pytest.mark.parametrize("language", ["fr", "en"])
@given(written)
def test_any_text_has_a_spoken_form(language: str, text: str) -> None:
    said = spoken(language)(text)
    assert bool(said.strip()) == bool(text.strip())


@pytest.mark.parametrize("language", ["fr", "en"])
@given(st.text(alphabet="abcdefg éà'?!,"))
def test_plain_words_stay_as_they_are(language: str, text: str) -> None:
    assert spoken(language)(text) == text


def test_other_languages_stay_as_they_are() -> None:
    assert spoken("de")("um 14h30, 5 €") == "um 14h30, 5 €"


def test_a_country_is_no_matter() -> None:
    assert spoken("fr-BE")("à 14h") == spoken("FR")("à 14h") == "à 14 heures"


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("fr", "Rendez-vous le 12/03/2026 à 14h30 chez Me Martin, 12 av. Foch : 1 234,50 €."),
        ("fr", "Votre PEL rapporte 2,5 % par an ; appelez le 06 12 34 56 78."),
        ("en", "On 3/12/2026 at 2:05pm, Ms Smith pays $12.50 VAT."),
    ],
)
def test_a_voice_reads_it_otherwise_than_what_is_written(language: str, line: str) -> None:
    def phonemes(text: str) -> list[str]:
        return [mark.phoneme for mark in library().trace(text, EspeakVoice(language))[1]]

    assert phonemes(spoken(language)(line)) != phonemes(line)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_the_scenario_says_is_read_as_meant(language: str) -> None:
    lines = load(find("leads"), language).lines()
    changed = [line for line in lines if spoken(language)(line) != line]
    assert all("PEL" in line for line in changed)
