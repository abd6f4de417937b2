"""The search with a model of known capacity; the program itself runs in `test_run`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.accuracy import capacity
from bench.accuracy.capacity import search, streams
from pipelines.speech.espeak import synthesise
from pipelines.speech.models import find_model
from pipelines.speech.vosk import VoskModel


@pytest.mark.parametrize("most", [0, 4, 5, 26, 300])
def test_the_search_closes_in(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    asked: list[int] = []

    async def fake(model: Any, sounds: Sequence[bytes], count: int, seconds: float) -> Any:
        asked.append(count)
        return {"carried": count <= most, "cpu_percent": 4.0}

    monkeypatch.setattr(capacity, "streams", fake)
    found = asyncio.run(search(None, [], 12, 0.1))  # type: ignore[arg-type]
    assert found["carried"] <= most < (found["not_carried"] or 10**9)
    assert len(asked) <= 12
    assert len(set(asked)) == len(asked)
    if most >= 26:
        assert found["carried"] >= most / 1.35


@pytest.mark.integration
def test_streams_at_the_pace_of_speech() -> None:
    async def run() -> Any:
        model = VoskModel(find_model("fr", Path("nowhere")).path, workers=1)
        await model.load()
        try:
            sound = bytes(3200) + synthesise("oui bien sûr", "fr") + bytes(7680)
            return await streams(model, [sound], 2, 2.0)
        finally:
            model.close()

    found = asyncio.run(run())
    assert found["streams"] == 2
    assert found["finals"] >= 2
    assert found["final_ms"]["count"] == found["finals"]
    assert found["first_interim_ms"]["p50"] > 0
    assert found["cpu_percent"] > 0
