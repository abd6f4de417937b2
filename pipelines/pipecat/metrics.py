"""What pipecat's services measure, under names with units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["OnMetrics", "measures"]

OnMetrics = Callable[[str, float], None]
"""Told the name and the value of a measurement, synchronously:

``ttfb_s`` (to a service's first byte; for STT from the end of speech to the final transcript),
``ttfa_s`` (to the first audible sample), ``ttfat_s`` (to the first token of the answer),
``processing_s``, ``text_aggregation_s``; and what is paid for: ``audio_s``, ``characters``,
``prompt_tokens``, ``completion_tokens``, ``cached_tokens``.
"""

_TOKENS = {
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "cache_read_input_tokens": "cached_tokens",
}


def measures(data: Iterable[Any]) -> Iterator[tuple[str, float]]:
    """Name and value of everything in the `data` of one MetricsFrame that we have a name for."""
    from pipecat.metrics import metrics as m

    for item in data:
        match item:
            case m.TTFBMetricsData(value=value):
                yield "ttfb_s", value
            case m.TTFAMetricsData(ttfa=value):
                yield "ttfa_s", value
            case m.TTFATMetricsData(ttfat=value):
                yield "ttfat_s", value
            case m.ProcessingMetricsData(value=value):
                yield "processing_s", value
            case m.TextAggregationMetricsData(value=value):
                yield "text_aggregation_s", value
            case m.STTUsageMetricsData(value=usage):
                yield "audio_s", usage.audio_seconds
            case m.TTSUsageMetricsData(value=characters):
                yield "characters", float(characters)
            case m.LLMUsageMetricsData(value=tokens):
                for field, name in _TOKENS.items():
                    count = getattr(tokens, field)
                    if count is not None:
                        yield name, float(count)
            case _:
                pass
