"""Metrics of one server, in its own registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.5, 2.5, 5.0, 10.0)
"""Buckets around the shares of the latency budget."""

SPOKEN_BY_MODEL = "ollama"


class Metrics:
    """What is counted. The names are those of the operators' dashboards."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def seconds(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(name, text, labels, buckets=SECONDS, registry=registry)

        self.stt_requests = counter("stt_requests", "Utterances recognised")
        self.stt_latency = seconds("stt_latency_seconds", "End of speech known, to transcript")
        self.llm_requests = counter("llm_requests", "Requests to language models", "model")
        self.llm_latency = seconds("llm_latency_seconds", "Latency of language models", "model")
        self.tts_requests = counter("tts_requests", "Replies spoken")
        self.cache_hits = counter("cache_hits", "Lines found in a cache", "cache")
        self.cache_misses = counter("cache_misses", "Lines not found in a cache", "cache")
        self.websockets = Gauge("websocket_connections", "Open WebSockets", registry=registry)
        self.api_requests = counter("api_requests", "HTTP requests", "route", "status")
        self.api_latency = seconds("api_latency_seconds", "HTTP latency", "route")
        self.calls = counter("calls", "Calls ended", "scenario", "reason")
        self.refused = counter("calls_refused", "Calls refused for want of room")
        self.turns = counter("turns", "Turns ended", "scenario", "interrupted")
        self.gap = seconds("turn_gap_seconds", "User's last sound to our first", "scenario")
        self.stage = seconds("turn_stage_seconds", "Share of the gap", "stage")
        self.overruns = counter("budget_overruns", "Stages over their share", "stage")
        self.steps = counter("ladder_steps", "Steps down the ladder", "left", "why")
        self.dropped = counter("audio_frames_dropped", "Frames not sent: nobody read them")
        self.faults = counter("protocol_faults", "Messages that made no sense", "code")

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def turn(self, scenario: str, ledger: Mapping[str, Any]) -> None:
        """Count a turn from its ledger."""
        spans = ledger["spans"]
        self.turns.labels(scenario, str(ledger["interrupted"]).lower()).inc()
        for stage, ms in spans.items():
            self.stage.labels(stage).observe(ms / 1000)
        if "transcription" in spans:
            self.stt_requests.inc()
            self.stt_latency.observe(spans["transcription"] / 1000)
        if "first_audio" in ledger["marks"]:
            self.tts_requests.inc()
        if "first_played" in ledger["marks"]:
            self.gap.labels(scenario).observe(ledger["gap_ms"] / 1000)
        for stage in ledger["over"]:
            self.overruns.labels(stage).inc()
        for step in ledger["steps_down"]:
            self.steps.labels(step["left"], step["why"]).inc()

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)
