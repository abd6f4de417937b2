"""By which way calls leave."""

from __future__ import annotations

import pytest

from engine.errors import ConfigurationError
from server.asterisk.dialling import Exits


@pytest.mark.parametrize(
    ("number", "endpoint"),
    [
        ("+33 1 99 00 00 01", "PJSIP/+33199000001@trunk"),
        ("1001", "PJSIP/1001@trunk"),
        ("PJSIP/1001", "PJSIP/1001"),
    ],
)
def test_a_number_goes_out_by_the_trunk(number: str, endpoint: str) -> None:
    assert Exits("PJSIP/{number}@trunk").endpoint(number) == endpoint


@pytest.mark.parametrize(
    ("number", "pattern"), [("", "PJSIP/{number}"), ("1 or 2", "PJSIP/{number}"), ("1001", "")]
)
def test_what_cannot_be_called_is_said(number: str, pattern: str) -> None:
    with pytest.raises(ConfigurationError):
        Exits(pattern).endpoint(number)


def test_the_called_see_who_calls() -> None:
    assert Exits.as_caller("") is None
    assert Exits.as_caller("+33199000002") == {
        "CALLERID(num)": "+33199000002",
        "CONNECTEDLINE(num,i)": "+33199000002",
    }
