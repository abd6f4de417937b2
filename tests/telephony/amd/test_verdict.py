import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.amd.evidence import Kind, Statement
from telephony.amd.verdict import PRIOR, SURE, concluded, posterior, verdict

KNOWN = [kind for kind in Kind if kind is not Kind.UNKNOWN]


def said(witness: str = "words", at: float = 2.0, **nats: float) -> dict[str, Statement]:
    return {witness: Statement(witness, "so", at, {Kind(kind): n for kind, n in nats.items()})}


def test_without_a_word_only_the_prior_speaks() -> None:
    assert posterior([]) == pytest.approx(dict(PRIOR))
    assert sum(PRIOR.values()) == pytest.approx(1.0)
    assert concluded({}, None, 3.0, 1.0) is None
    assert all(PRIOR[kind] < SURE[kind] for kind in KNOWN)


@given(st.dictionaries(st.sampled_from(KNOWN), st.floats(-50, 50)))
def test_probabilities_add_up(weights: dict[Kind, float]) -> None:
    likely = posterior([Statement("one", "", 0.0, weights)])
    assert sum(likely.values()) == pytest.approx(1.0)
    assert all(0 <= one <= 1 for one in likely.values())


def test_a_verdict_says_who_said_what_and_when() -> None:
    all_said = {
        **said("cadence", 2.9, human=1.0),
        **said("words", 2.5, voicemail=6.0),
        **said("music", 2.0),
    }
    told = concluded(all_said, None, 3.0, 1.0)
    assert told is not None
    assert told.kind is Kind.VOICEMAIL
    assert told.confidence == pytest.approx(0.98, abs=0.02)
    assert (told.at, told.took_s) == (3.0, 2.0)
    assert [(one.witness, one.at_s, one.weight) for one in told.evidence] == [
        ("words", 1.5, 6.0),
        ("cadence", 1.9, -1.0),
        ("music", 1.0, 0.0),
    ]
    assert told.revises is None


def test_what_was_said_is_not_said_again() -> None:
    assert concluded(said(human=5.0), Kind.HUMAN, 3.0, 1.0) is None


def test_to_take_it_back_more_is_needed() -> None:
    enough = said(voicemail=3.5)
    first = concluded(enough, None, 3.0, 1.0)
    assert first is not None
    assert 0.92 < first.confidence < 0.95
    assert concluded(enough, Kind.HUMAN, 3.0, 1.0) is None
    revised = concluded(said(voicemail=6.0), Kind.HUMAN, 3.0, 1.0)
    assert revised is not None
    assert revised.revises is Kind.HUMAN


def test_who_was_unknown_or_silent_may_turn_out_to_be_a_person() -> None:
    for before in (Kind.UNKNOWN, Kind.SILENCE):
        told = concluded(said(human=2.2), before, 3.0, 1.0)
        assert told is not None
        assert told.kind is Kind.HUMAN
        assert told.revises is before


def test_nobody_known_is_said_without_confidence() -> None:
    told = verdict(Kind.UNKNOWN, said("cadence", human=0.3), 12.0, 0.0)
    assert told.confidence == 0.0
    assert told.evidence[0].witness == "cadence"
