import itertools

import pytest

from pipelines.speech.kaldi.topology import (
    SILENCE,
    Place,
    first_frame,
    further_frame,
    phone_count,
    phone_id,
    phone_names,
    transition_model,
    word_boundaries,
    word_phones,
)

CLASSES = ("SIL", "a", "t")


def test_phones_are_numbered_by_class_and_place() -> None:
    assert phone_id(0, Place.BEGIN) == SILENCE == 1
    found = [phone_id(number, place) for number, place in itertools.product((1, 2), Place)]
    assert found == list(range(2, phone_count(len(CLASSES)) + 1))


def test_names_and_boundaries_are_in_the_same_order() -> None:
    names = list(phone_names(CLASSES))
    assert names[:6] == ["<eps>", "SIL", "a_B", "a_E", "a_I", "a_S"]
    lines = list(word_boundaries(len(CLASSES)))
    assert lines[:5] == ["1 nonword", "2 begin", "3 end", "4 internal", "5 singleton"]
    assert len(lines) == len(names) - 1


@pytest.mark.parametrize(
    ("classes", "phones"), [([1], [5]), ([1, 2], [2, 7]), ([2, 1, 2], [6, 4, 7])]
)
def test_a_words_phones(classes: list[int], phones: list[int]) -> None:
    assert word_phones(classes) == phones


def test_every_phone_has_two_transitions() -> None:
    phones = range(1, phone_count(len(CLASSES)) + 1)
    ids = [transition(phone) for phone in phones for transition in (further_frame, first_frame)]
    assert ids == list(range(1, 2 * len(phones) + 1))


def test_places_of_a_class_share_its_pdfs() -> None:
    written = transition_model(len(CLASSES))
    start = written.index(b"<Tuples> ") + len(b"<Tuples> ") + 5  # and their number
    tuples = []
    for index in range(phone_count(len(CLASSES))):
        entry = written[start + 20 * index : start + 20 * (index + 1)]
        tuples.append([int.from_bytes(entry[at + 1 : at + 5], "little") for at in (0, 5, 10, 15)])
    assert [pdfs for *_, pdfs in tuples] == [1, 3, 3, 3, 3, 5, 5, 5, 5]
    assert [(phone, state) for phone, state, *_ in tuples] == [(n, 0) for n in range(1, 10)]
    assert all(forward + 1 == loop for _, _, forward, loop in tuples)
