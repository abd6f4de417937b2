"""Metrics: their names, and a ledger counted right."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.metrics import Metrics

WANTED = Path(__file__).parents[3] / "shared" / "specs" / "applications.md"

LEDGER = {
    "turn": 3,
    "interrupted": False,
    "marks": {"speech_end": 0.0, "first_audio": 268.4, "first_played": 281.0},
    "spans": {"endpointing": 251.2, "transcription": 13.7, "playout": 16.1},
    "gap_ms": 281.0,
    "over": {"endpointing": 1.2},
    "steps_down": [{"left": "ollama", "why": "late"}],
}


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_names_that_dashboards_ask_for() -> None:
    if not WANTED.is_file():
        pytest.skip("the specification of the applications is not beside the project")
    line = next(x for x in WANTED.read_text("utf-8").splitlines() if "Metrics by name" in x)
    names = line.split("Metrics by name:")[1].split(";")[0].replace(" ", "").split(",")
    shown = Metrics().text().decode()
    known = {word for word in shown.split() if word.replace("_", "").isalpha()}
    families = {family.name for family in text_string_to_metric_families(shown)}
    assert {name for name in names if name not in known | families} == set()
    assert len(names) == 12


def test_a_turn_is_counted_from_its_ledger() -> None:
    metrics = Metrics()
    metrics.turn("leads", LEDGER)
    assert sample(metrics, "turns_total", scenario="leads", interrupted="false") == 1
    assert sample(metrics, "stt_requests_total") == 1
    assert sample(metrics, "stt_latency_seconds_sum") == pytest.approx(0.0137)
    assert sample(metrics, "tts_requests_total") == 1
    assert sample(metrics, "turn_gap_seconds_sum", scenario="leads") == pytest.approx(0.281)
    assert sample(metrics, "turn_stage_seconds_sum", stage="playout") == pytest.approx(0.0161)
    assert sample(metrics, "budget_overruns_total", stage="endpointing") == 1
    assert sample(metrics, "ladder_steps_total", left="ollama", why="late") == 1


def test_a_turn_that_nobody_heard_counts_no_gap() -> None:
    metrics = Metrics()
    silent = {"marks": {"speech_end": 0.0}, "spans": {}, "gap_ms": 0.0, "over": {}}
    metrics.turn("leads", {**LEDGER, **silent, "interrupted": True, "steps_down": []})
    assert sample(metrics, "turns_total", scenario="leads", interrupted="true") == 1
    assert sample(metrics, "turn_gap_seconds_count", scenario="leads") is None
    assert sample(metrics, "stt_requests_total") == 0
    assert sample(metrics, "tts_requests_total") == 0


def test_caches_and_gauges_are_read_when_asked_for() -> None:
    metrics = Metrics()
    counts = [0, 0]
    metrics.cache("phrases", lambda: (counts[0], counts[1]))
    metrics.gauge("calls_active", "Running calls", lambda: counts[0])
    counts[:] = [3, 2]
    assert sample(metrics, "cache_hits_total", cache="phrases") == 3
    assert sample(metrics, "cache_misses_total", cache="phrases") == 2
    assert sample(metrics, "calls_active") == 3
