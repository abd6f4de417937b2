"""A peer that calls, by aiortc's own RTCPeerConnection: what a browser does, and what none would.

Its sound and ours go over UDP of this machine (127.0.0.1, `loopback`).
"""

from __future__ import annotations

import asyncio
import fractions
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection

__all__ = ["PATIENCE_S", "RtcClient", "calling", "loopback"]

PATIENCE_S = 20.0
"""No test waits this long unless something is broken."""

RATE_HZ = 16000
FRAME = 320
LOUD = 500


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers in this process offer 127.0.0.1, which aioice leaves out, and nothing else."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


class _Microphone:
    """A track (`MediaStreamTrack`) that says what it is given, and else nothing."""

    kind = "audio"
    id = "microphone"
    readyState = "live"  # noqa: N815 aiortc's name

    def __init__(self) -> None:
        self.said = bytearray()
        self.last_said_at = 0.0
        """When the last frame of what was to be said went out."""
        self._count = 0
        self._start = 0.0

    async def recv(self) -> Any:
        import av

        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(max(0.0, self._start + self._count * 0.02 - loop.time()))
        pcm = bytes(self.said[: FRAME * 2])
        if pcm:
            self.last_said_at = loop.time()
        del self.said[: FRAME * 2]
        frame = av.AudioFrame("s16", "mono", FRAME)
        frame.planes[0].update(pcm + bytes(FRAME * 2 - len(pcm)))
        frame.sample_rate = RATE_HZ
        frame.pts = self._count * FRAME
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        self._count += 1
        return frame

    def stop(self) -> None:
        pass


class RtcClient:
    """One end of a call."""

    def __init__(self, connection: RTCPeerConnection, events: RTCDataChannel | None) -> None:
        self.connection = connection
        self.events = events
        self.microphone = _Microphone()
        self.messages: list[dict[str, Any]] = []
        self.heard: list[tuple[float, int]] = []
        """When each frame of sound came out, and how loud it was at most."""
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def _message(self, text: str) -> None:
        self.messages.append(json.loads(text))
        self._run(self._notify())

    def _run(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _listen(self, track: Any) -> None:
        from aiortc.mediastreams import MediaStreamError

        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            loudest = int(np.abs(frame.to_ndarray().astype(np.int32)).max())
            self.heard.append((loop.time(), loudest))
            await self._notify()

    @property
    def loud(self) -> list[float]:
        """When each frame came out that was no silence."""
        return [at for at, loudest in self.heard if loudest > LOUD]

    def say(self, pcm: bytes) -> None:
        self.microphone.said += pcm

    def send(self, **message: Any) -> None:
        assert self.events is not None
        self.events.send(json.dumps(message))

    async def until(self, condition: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
        async with self._changed:
            try:
                async with asyncio.timeout(within_s):
                    await self._changed.wait_for(condition)
            except TimeoutError:
                raise AssertionError(f"never came; told: {self.messages}") from None

    async def expect(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first message of `kind` with `fields`."""

        def found() -> dict[str, Any] | None:
            wanted = {"type": kind, **fields}.items()
            return next((one for one in self.messages if wanted <= one.items()), None)

        await self.until(lambda: found() is not None)
        message = found()
        assert message is not None
        return message

    def count(self, kind: str) -> int:
        return sum(message["type"] == kind for message in self.messages)

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        from aiortc import RTCSessionDescription

        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    def lose(self, share: float, seed: int) -> None:
        """From now on the network loses that share of what we send, and exchanges neighbours."""
        (transceiver,) = self.connection.getTransceivers()
        transport: Any = transceiver.sender.transport
        send, rng = transport._send_rtp, random.Random(seed)
        held: list[bytes] = []

        async def unreliably(data: bytes) -> None:
            if rng.random() < share:
                return
            if not held and rng.random() < share:
                held.append(data)
                return
            await send(data)
            if held:
                await send(held.pop())

        transport._send_rtp = unreliably

    async def gone(self) -> None:
        """Wait until the other side has let go."""
        async with asyncio.timeout(PATIENCE_S):
            while self.connection.connectionState != "closed":  # noqa: ASYNC110 nothing tells
                await asyncio.sleep(0.01)

    def vanish(self) -> None:
        """Be gone, without a word: the process was killed, the train went into a tunnel."""
        for transceiver in self.connection.getTransceivers():
            ice = transceiver.receiver.transport.transport._connection
            for protocol in ice._protocols:
                protocol.send_stun = lambda *_: None  # type: ignore[method-assign]
                protocol.transport.sendto = lambda *_: None  # type: ignore[method-assign]

    async def close(self) -> None:
        await self.connection.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))


@asynccontextmanager
async def calling(*, data: bool = True) -> AsyncIterator[RtcClient]:
    """A peer that can offer a call; it is let go of in the end."""
    from aiortc import RTCConfiguration, RTCPeerConnection

    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    events = connection.createDataChannel("events") if data else None
    client = RtcClient(connection, events)
    if events is not None:
        events.on("message", client._message)
    sender = connection.addTransceiver("audio").sender
    sender.replaceTrack(client.microphone)  # type: ignore[arg-type]
    connection.on("track", lambda track: client._run(client._listen(track)))
    try:
        yield client
    finally:
        await client.close()
