"""Facts by phrases."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.mind.language import LANGUAGES
from pipelines.mind.slots import SlotReader
from tests.pipelines.mind.knowledge import KNOWLEDGE

READER = SlotReader(KNOWLEDGE.slots, LANGUAGES["fr"])


def test_several_values_each_once() -> None:
    assert READER.read("un livret A, un PEL et encore un livret").slots == {
        "savings": ["livret_a", "pel"],
        "months": 1,
    }


def test_what_is_denied_fills_nothing() -> None:
    found = READER.read("je n'ai pas de livret A mais j'ai le PEL")
    assert found.slots == {"savings": ["pel"]}
    assert found.negated


def test_a_number_in_words() -> None:
    assert READER.read("depuis vingt-quatre mois").slots == {"months": 24}


def test_the_classifier_sees_the_slot_and_not_its_value() -> None:
    assert READER.read("j'ai un livret a").words == READER.read("j'ai un pel").words


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    found = READER.read(text)
    assert len(found.words) == len(found.under)
