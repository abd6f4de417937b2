"""What a host gives a service of pipecat, and what it does with one that misbehaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from engine.errors import ConfigurationError, StageError
from pipelines.pipecat import host as module
from pipelines.pipecat.host import Host, Kept, pipecat
from tests.pipelines.pipecat.hosted import eventually

pytestmark = pytest.mark.asyncio


def scripted(**hooks: Any) -> Any:
    """A frame processor that does what `hooks` say at each frame of a name, or in `setup` and
    `cleanup`, and passes everything on."""
    from pipecat.processors.frame_processor import FrameProcessor

    class Scripted(FrameProcessor):
        async def setup(self, setup: Any) -> None:
            await super().setup(setup)
            self.given = setup
            await self._act("setup", setup)

        async def cleanup(self) -> None:
            await super().cleanup()  # type: ignore[no-untyped-call]
            await self._act("cleanup", None)

        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            await self._act(type(frame).__name__, frame)
            await self.push_frame(frame, direction)

        async def _act(self, name: str, frame: Any) -> None:
            if name in hooks:
                await hooks[name](self, frame)

    return Scripted()


class Seen:
    """Hosts that are made, and what comes out of them."""

    def __init__(self, **hooks: Any) -> None:
        self.hooks = hooks
        self.frames: list[str] = []
        self.failures = 0
        self.hosts: list[Host] = []

    def host(self) -> Host:
        made = Host(
            lambda: scripted(**self.hooks), StageError, self._take, self._fail, lambda *_: None
        )
        self.hosts.append(made)
        return made

    async def _take(self, frame: Any) -> None:
        self.frames.append(type(frame).__name__)

    def _fail(self) -> None:
        self.failures += 1


def text(content: str = "x") -> Any:
    return pipecat("frames.frames").TextFrame(content)


async def hang(service: Any, frame: Any) -> None:
    await asyncio.Event().wait()


async def deaf(service: Any, frame: Any) -> None:
    """Hangs, and takes no cancellation for an answer at first."""
    for _ in range(2):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


def complain(message: str) -> Callable[[Any, Any], Any]:
    async def act(service: Any, frame: Any) -> None:
        await service.push_error(message)

    return act


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


async def test_one_that_cannot_be_interrupted_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.05)
    seen = Seen(InterruptionFrame=hang)
    async with Kept(seen.host) as kept:
        with pytest.raises(KeyError):
            async with kept.turn():
                raise KeyError
        async with kept.turn() as host:
            assert host is seen.hosts[1]


async def test_a_kept_one_connects_before_it_is_needed_and_is_reused() -> None:
    seen = Seen()
    async with Kept(seen.host) as kept:
        await eventually(lambda: seen.frames == ["StartFrame"])
        async with kept.turn() as first:
            pass
        async with kept.turn() as second:
            pass
        assert first is second
    assert len(seen.hosts) == 1


async def test_one_that_failed_is_replaced_at_once() -> None:
    seen = Seen(TextFrame=complain("gone"))
    async with Kept(seen.host) as kept:
        async with kept.turn() as host:
            await host.send(text())
            await eventually(lambda: host.failure is not None)
        await eventually(lambda: seen.frames.count("StartFrame") == 2)
        async with kept.turn() as host:
            assert host is seen.hosts[1]


async def test_a_call_may_end_while_it_connects() -> None:
    async with Kept(Seen(setup=hang).host):
        await asyncio.sleep(0)


async def test_without_a_call_around_it_a_turn_connects_and_disconnects() -> None:
    seen = Seen()
    kept = Kept(seen.host)
    for _ in range(2):
        async with kept.turn():
            pass
    assert len(seen.hosts) == 2


async def test_pipecat_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "loguru", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'palabre\[pipecat\]'"):
        pipecat("frames.nothing_yet")
