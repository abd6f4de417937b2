"""What is printed, without a terminal: plain text."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from server.talk.call import Passed
from server.talk.measures import Backchannel, BargeIn, Measures, quantile
from server.talk.screen import Screen


def screen() -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(Console(file=out, highlight=False, soft_wrap=True), 800.0), out


def ledger(turn: int, heard_ms: float, **more: Any) -> dict[str, Any]:
    spans = {"endpointing": 250.0, "speech": 20.0}
    base = {"turn": turn, "heard": "oui", "spans": spans, "gap_ms": 270.0, "heard_ms": heard_ms}
    return {**base, **more}


def measures(*ledgers: dict[str, Any]) -> Measures:
    heard_ms = {ledger["turn"]: ledger["heard_ms"] for ledger in ledgers}
    return Measures(
        heard_ms, (BargeIn(3, 81.2),), (Backchannel(1, True, True, 640.0),), 20, 19, ledgers
    )


def test_messages_of_the_engine_are_told_in_order() -> None:
    shown, out = screen()
    for at_s, message in (
        (0.0, {"type": "start", "session": "s", "language": "fr", "notice": "demo [model]"}),
        (0.5, {"type": "reply", "turn": 1, "text": "Bonjour [vous]."}),
        (1.0, {"type": "pause", "turn": 1}),
        (1.0, {"type": "state", "state": "paused"}),
        (1.5, {"type": "transcript", "text": "", "final": True}),
        (1.6, {"type": "resume", "turn": 1}),
        (2.0, {"type": "clear", "turn": 1}),
        (2.1, {"type": "transcript", "text": "oui", "final": True}),
        (2.2, {"type": "error", "code": "audio.odd_bytes", "message": "half"}),
        (3.0, {"type": "hangup", "reason": "completed"}),
    ):
        shown.passed(Passed(at_s, message))
    shown.says(4.0, "pardon", "interruption")
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "  0.00s  connected   session s, fr",
        " " * 21 + "demo [model]",
        "  0.50s  ENGINE      Bonjour [vous].",
        "  1.00s  paused",
        "  1.50s  processing  heard no word",
        "  1.60s  resumed",
        "  2.00s  cleared     what was not heard is dropped",
        "  2.10s  processing  heard « oui »",
        "  2.20s  error       audio.odd_bytes: half",
        "  3.00s  hung up     by the engine: completed",
        "  4.00s  CALLER      pardon (interrupts)",
    ]


def test_a_turn_has_its_waterfall() -> None:
    shown, out = screen()
    steps = [{"left": "ollama", "why": "late"}]
    shown.turn(ledger(2, 300.0, interrupted=True, steps_down=steps), 300.0)
    lines = out.getvalue().splitlines()
    assert "270 ms of 800, heard by the caller after 300 ms, interrupted" in lines[0]
    assert lines[1].startswith("         endpointing    █████")
    assert "left ollama: late" in lines[3]


def test_the_summary_sets_what_was_heard_beside_the_ledger() -> None:
    shown, out = screen()
    shown.summary(measures(ledger(2, 300.0), ledger(3, 330.0)))
    text = out.getvalue()
    rows = {line.split("│")[0].strip(): line.split("│")[1:] for line in text.splitlines()}
    assert [int(cell) for cell in rows["response, as heard by the caller"]] == [300, 330, 330]
    assert [int(cell) for cell in rows["heard beyond the ledger"]] == [30, 60, 60]
    assert "81 ms from the caller's first sound to our silence" in text
    assert "paused: yes, resumed: yes, 640 ms held" in text
    assert "19 of 20 understood" in text
    assert "800 ms kept in 2 of 2 answers" in text


def test_a_budget_that_was_not_kept_is_said_so() -> None:
    shown, out = screen()
    shown.summary(measures(ledger(2, 300.0), ledger(3, 930.0)))
    assert "800 ms kept in 1 of 2 answers" in out.getvalue()


def test_quantiles_are_values_that_occurred() -> None:
    assert quantile([5.0], 0.95) == 5.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([float(n) for n in range(1, 101)], 0.95) == 95.0
