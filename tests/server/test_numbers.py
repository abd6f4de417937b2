"""Which scenario answers which number."""

from __future__ import annotations

import pytest

from server.numbers import Numbers
from tests.server.served import run

NUMBERS = Numbers({"+33 1 99 00 00 01": "leads/fr", "1002": "bench"})


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("+33199000001", ("leads", "fr")),
        ("+33 (1) 99.00-00 01", ("leads", "fr")),
        ("1002", ("bench", "")),
        ("1003", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_number_is_known_however_it_is_written(called: str, expected: tuple[str, str]) -> None:
    assert NUMBERS.of(called) == expected


@pytest.mark.integration
@pytest.mark.parametrize(
    ("what", "complaint"), [("nothing", "there are: bench, leads"), ("leads/xx", "it speaks: fr")]
)
def test_a_number_that_leads_nowhere_is_told_before_the_first_call(
    what: str, complaint: str
) -> None:
    numbers = f'{{"1001": "{what}"}}'
    ended = run("--speech", "null", "--port", "0", PALABRE_NUMBERS=numbers, PALABRE_VAD="webrtc")
    assert ended.returncode == 1
    assert "setting numbers: 1001" in ended.stderr
    assert complaint in ended.stderr
