"""Metrics of one server, in its own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pipelines.speech.decoding import Decoder

__all__ = ["Metrics"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.5, 2.5, 5.0, 10.0)
"""Buckets around the shares of the latency budget."""


class Metrics(Collector):
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
        self.llm_tokens = counter("llm_tokens", "Tokens of language models", "model", "kind")
        # Its name has no _total, so it is a gauge that only grows.
        self.llm_cost = Gauge(
            "llm_cost_dollars", "Cost of language models", ("model",), registry=registry
        )
        self.tts_requests = counter("tts_requests", "Replies spoken")
        self._caches: dict[str, Callable[[], tuple[int, int]]] = {}
        self._decoder: Decoder | None = None
        registry.register(self)
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

    def recognition(self, decoder: Decoder) -> None:
        """Show how far recognition is behind, and what gave way to that."""
        self.gauge("stt_lag_seconds", "Sound's age once decoded, p95 of 5 s", lambda: decoder.lag_s)
        self.gauge("stt_backlog_seconds", "Sound not decoded yet", lambda: decoder.backlog_s)
        longest = "The same, of the call with most of it"
        self.gauge("stt_backlog_longest_seconds", longest, lambda: decoder.longest_s)
        self._decoder = decoder

    def cache(self, name: str, counts: Callable[[], tuple[int, int]]) -> None:
        """Show the cache `name`, which counts its hits and misses itself."""
        self._caches[name] = counts

    def collect(self) -> Iterator[Metric]:
        """What is read when it is asked for: see prometheus_client.registry.Collector."""
        hits = CounterMetricFamily("cache_hits", "Found in a cache", labels=["cache"])
        misses = CounterMetricFamily("cache_misses", "Not found in a cache", labels=["cache"])
        for name, counts in self._caches.items():
            for family, count in zip((hits, misses), counts(), strict=True):
                family.add_metric([name], count)
        yield hits
        yield misses
        if self._decoder is not None:
            skipped, dropped_s = self._decoder.interims_skipped, self._decoder.sound_dropped_s
            yield CounterMetricFamily("stt_interims_skipped", "Too late to be of use", skipped)
            yield CounterMetricFamily("stt_dropped_seconds", "Sound never decoded", dropped_s)

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
