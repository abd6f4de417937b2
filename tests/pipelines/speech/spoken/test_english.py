# ruff: noqa: E501  a sentence is a line
"""English as it is said: literal cases."""

import pytest

from pipelines.speech.spoken import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is −3 °C, 21 or 1,250.5.", "It is minus 3 degrees, 21 or 1,250.5."),
        (
            "On 3/12/2026 at 8:00, 8:00 am, 2:05pm, 13:00, 14:30 and 25:10.",
            "On 3rd of December, twenty twenty six at 8 o’clock, 8 a.m., 2 oh 5 p.m., 13 hundred, 14 30 and 25:10.",
        ),
        ("On 45/45/2026, on 2026-03-12.", "On 45/45/2026, on 12th of March, twenty twenty six."),
        (
            "On March 1, in 1998, since 2005, May 32, March 12, 2026.",
            "On March 1st, in nineteen ninety eight, since two thousand and five, May 32, March 12th, twenty twenty six.",
        ),
        (
            "$1, $1,250.50, $0.50, £0.01, £0.20, US$20.",
            "1 dollar, 1,250 dollars 50, 50 cents, 1 penny, 20 pence, 20 dollars.",
        ),
        (
            "$1.5 million, €3m, $10k, £2bn, £1.234, 12 EUR.",
            "1.5 million dollars, 3 million euros, 10 thousand dollars, 2 billion pounds, 1.234 pounds, 12 euros.",
        ),
        ("5,000 XAF, 1 FCFA.", "5,000 C.F.A. francs, 1 C.F.A. franc."),
        (
            "Call +44 20 7946 0018, (212) 555-0123, 555-0123 or 020 7946 0018.",
            "Call plus 44, 2 0, 7 9 4 6, 0 0 1 8, 2 1 2, 5 5 5, 0 1 2 3, 5 5 5, 0 1 2 3 or 0 2 0, 7 9 4 6, 0 0 1 8.",
        ),
        (
            "1 kg, 5 km, 1.5 m, 60 mph, 100 km/h, 5 lbs, 5's.",
            "1 kilogram, 5 kilometres, 1.5 metres, 60 miles per hour, 100 kilometres per hour, 5 pounds, 5's.",
        ),
        (
            "5-10 minutes, score 3-0, 9am-5pm, 9:00-17:00.",
            "5 to 10 minutes, score 3-0, 9am to 5pm, 9 o’clock to 17 hundred.",
        ),
        ("$20/month, 24/7, 1/2.", "20 dollars per month, 24 7, one half."),
        (
            "Ms Smith, Prof. Jones, Mr Brown, at No. 5 Baker St., St Paul, 12 Park Ave.",
            "Miz Smith, Professor Jones, Mr Brown, at number 5 Baker Street, Saint Paul, 12 Park Avenue",
        ),
        (
            "i.e. now, approx. 5, e.g. tea vs. coffee.",
            "that is now, approximately 5, e.g. tea versus coffee.",
        ),
        ("The VAT FAQ, NASA and the PIN.", "The V.A.T. F.A.Q., NASA and the PIN."),
        ("3 × 4, the 21st, 20%.", "3 times 4, the 21st, 20%."),
        (
            "Write to info@palabre.com or see https://palabre.com/help.",
            "Write to info at palabre dot com or see palabre dot com slash help.",
        ),
    ],
)
def test_said(written: str, said: str) -> None:
    assert spoken("en")(written) == said
