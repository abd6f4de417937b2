import pytest

from telephony.amd.evidence import Kind
from telephony.amd.witness import asterisk


@pytest.mark.parametrize(
    ("status", "cause", "likeliest"),
    [
        ("HUMAN", "HUMAN-800-800", Kind.HUMAN),
        ("MACHINE", "MAXWORDS-2-2", Kind.VOICEMAIL),
        ("MACHINE", "LONGGREETING-1500-1500", Kind.VOICEMAIL),
        ("MACHINE", "INITIALSILENCE-2500-2500", Kind.SILENCE),
    ],
)
def test_a_status_speaks_for_a_kind(status: str, cause: str, likeliest: Kind) -> None:
    statement = asterisk(status, cause, 1.6)
    assert max(statement.weights, key=lambda kind: statement.weights[kind]) is likeliest
    assert statement.at == 1.6
    assert statement.says == f"AMD {status} {cause.partition('-')[0]}"


@pytest.mark.parametrize("status", ["NOTSURE", "HANGUP", "", "anything"])
def test_who_is_not_sure_says_nothing(status: str) -> None:
    assert not asterisk(status, "TOOLONG-5000", 1.0).weights
