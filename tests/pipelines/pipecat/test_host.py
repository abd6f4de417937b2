"""What a host gives a service of pipecat, and what it does with one that misbehaves."""

from __future__ import annotations

import asyncio
import sys
from time import monotonic
from typing import Any

import pytest

from engine.errors import ConfigurationError, StageError
from pipelines.pipecat import host as module
from pipelines.pipecat.host import pipecat
from tests.pipelines.pipecat.hosted import Seen, complain, eventually, hang, text

pytestmark = pytest.mark.asyncio


async def deaf(service: Any, frame: Any) -> None:
    """Hangs, and takes no cancellation for an answer at first."""
    for _ in range(2):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def test_a_service_gets_what_a_pipeline_gives_it() -> None:
    seen = Seen()
    host = seen.host()
    await host.open()
    given = host.service.given
    assert (given.audio_in_sample_rate, given.audio_out_sample_rate) == (16000, 16000)
    assert given.enable_metrics
    assert given.enable_usage_metrics
    assert given.clock.get_time() > 0
    await host.send(text())
    await eventually(lambda: host.pending == 0)
    await host.close()
    await host.close()
    assert seen.frames == ["StartFrame", "TextFrame"]
    assert not host.spent


async def test_what_an_interrupted_service_still_pushes_does_not_get_out() -> None:
    async def stale(service: Any, frame: Any) -> None:
        await service.push_frame(text("stale"))

    seen = Seen(InterruptionFrame=stale)
    host = seen.host()
    await host.open()
    await host.interrupt()
    assert await host.settled()
    await host.send(text())
    await eventually(lambda: host.pending == 0)
    await host.close()
    assert seen.frames == ["StartFrame", "TextFrame"]


async def test_an_error_is_a_failure_once() -> None:
    seen = Seen(TextFrame=complain("no voice of that name"))
    host = seen.host()
    await host.open()
    await host.send(text())
    await host.send(text())
    await eventually(lambda: host.pending == 0)
    await host.close()
    assert seen.failures == 1
    assert host.spent
    assert str(host.failure).startswith("the service Scripted failed: no voice of that name; check")


async def test_one_that_does_not_connect_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_S", 0.05)
    with pytest.raises(StageError, match="did not connect within"):
        await Seen(setup=hang).host().open()


async def test_one_that_complains_while_it_connects_is_not_waited_for() -> None:
    async def refused(service: Any, frame: Any) -> None:
        await service.push_error("refused")
        await asyncio.Event().wait()

    began = monotonic()
    with pytest.raises(StageError, match="refused"):
        await Seen(setup=refused).host().open()
    assert monotonic() - began < 2.0


async def test_a_fault_while_connecting_is_raised_as_it_is() -> None:
    async def fault(service: Any, frame: Any) -> None:
        raise LookupError("no such model")

    with pytest.raises(LookupError, match="no such model"):
        await Seen(setup=fault).host().open()


@pytest.mark.parametrize("end", ["CancelFrame", "cleanup"])
@pytest.mark.parametrize("how", [hang, deaf])
async def test_one_that_does_not_end_is_ended(end: str, how: Any) -> None:
    host = Seen(**{end: how}).host()
    await host.open()
    began = monotonic()
    await host.close()
    assert monotonic() - began < 2.0


async def test_pipecat_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "loguru", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'palabre\[pipecat\]'"):
        pipecat("frames.nothing_yet")
