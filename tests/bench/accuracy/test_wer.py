import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.accuracy.wer import Tally, compare, scored_words

words = st.lists(st.sampled_from("abcd"), max_size=8)


def distance(said: tuple[str, ...], heard: tuple[str, ...]) -> int:
    """The definition, without a table."""
    if not said or not heard:
        return len(said) + len(heard)
    if said[0] == heard[0]:
        return distance(said[1:], heard[1:])
    return 1 + min(
        distance(said[1:], heard), distance(said, heard[1:]), distance(said[1:], heard[1:])
    )


@pytest.mark.parametrize(
    ("said", "heard", "edits"),
    [
        ("oui bien sûr", "oui bien sûr", (0, 0, 0)),
        ("oui bien sûr", "oui", (0, 2, 0)),
        ("oui", "oui bien sûr", (0, 0, 2)),
        ("un livret et un pel", "un livret a un pel", (1, 0, 0)),
        ("", "oui", (0, 0, 1)),
        ("non", "", (0, 1, 0)),
        ("", "", (0, 0, 0)),
    ],
)
def test_edits(said: str, heard: str, edits: tuple[int, int, int]) -> None:
    made = compare(said.split(), heard.split())
    assert (made.substituted, made.deleted, made.inserted) == edits


@given(words, words)
def test_no_way_is_shorter(said: list[str], heard: list[str]) -> None:
    made = compare(said, heard)
    assert made.errors == distance(tuple(said), tuple(heard))
    assert made.words == len(said)
    assert len(made.kept) == len(said) - made.substituted - made.deleted
    assert len(made.kept) == len(heard) - made.substituted - made.inserted


@given(words, words, words)
def test_it_is_a_distance(a: list[str], b: list[str], c: list[str]) -> None:
    assert compare(a, b).errors == compare(b, a).errors
    assert (compare(a, b).errors == 0) == (a == b)
    assert compare(a, c).errors <= compare(a, b).errors + compare(b, c).errors


@given(words, words)
def test_what_was_kept_stands_in_both_in_order(said: list[str], heard: list[str]) -> None:
    kept = compare(said, heard).kept
    for text in (said, heard):
        rest = iter(text)
        assert all(word in rest for word in kept)


def test_whoever_wrote_it_is_scored_alike() -> None:
    written = scored_words("J’ai 2 livrets A, et l'assurance-vie !", "fr")
    heard = scored_words("j'ai deux livrets a et l' assurance vie", "fr")
    assert written == heard


def test_a_tally() -> None:
    tally = Tally({"livret", "pel"})
    tally.add(("un", "livret"), ("un", "livret"))
    tally.add(("un", "pel"), ("un",))
    assert (tally.wer_percent, tally.keyword_percent, tally.right_percent) == (25.0, 50.0, 50.0)
    assert (Tally().wer_percent, Tally().keyword_percent, Tally().right_percent) == (None,) * 3
