"""The far end of a call over either transport: says words in real time, and notes when sound came.

Both hear at the same point, when a packet or message has arrived: what a loudspeaker's buffer adds
is the listener's own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol
from uuid import uuid4

import numpy as np

from bench.errors import ServerError
from bench.served import HOST

__all__ = ["FRAME_S", "Caller", "Line", "RtcCaller", "SocketCaller"]

RATE_HZ = 16000
FRAME_BYTES = RATE_HZ // 50 * 2
FRAME_S = 0.02
LOUD = 327
"""1 % of full scale is audible, as in the bench of responses."""
PAUSE_BYTES = 2
"""Opus says with so few that there is nothing to hear (RFC 6716, 2.1.9)."""


class Caller(Protocol):
    """One call. `listening` is set while the engine waits for an answer."""

    line: Line

    async def call(self) -> None:
        """Call, and go on until hung up or cancelled. Raises ServerError."""
        ...


class Line:
    """What both callers share: what is to be said, and what came."""

    def __init__(self) -> None:
        self.listening = asyncio.Event()
        self.spoken_at = 0.0
        """When the last sample was spoken; its frame went out up to 20 ms later."""
        self.loud_at: asyncio.Future[float] | None = None
        """Resolved with the time of the first audible sound, by whoever waits for it."""
        self.frames = 0
        self._said = bytearray()
        self._padding_s = 0.0

    def say(self, pcm: bytes, after_s: float = 0.0) -> None:
        """Say it, `after_s` after the beginning of the next frame: nobody waits for frames."""
        self._said += bytes(2 * round(after_s * RATE_HZ)) + pcm
        padding = -len(self._said) % FRAME_BYTES
        self._said += bytes(padding)
        self._padding_s = padding / (2 * RATE_HZ)

    def next_frame(self) -> bytes:
        """What goes out now: words, or a quiet room."""
        frame = bytes(self._said[:FRAME_BYTES])
        del self._said[:FRAME_BYTES]
        if frame:
            self.spoken_at = asyncio.get_running_loop().time() - self._padding_s
        return frame or bytes(FRAME_BYTES)

    @property
    def speaking(self) -> bool:
        return bool(self._said)

    def told(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "state":
            if message["state"] == "listening":
                self.listening.set()
            else:
                self.listening.clear()

    def heard(self, sound: Callable[[], bytes]) -> None:
        """Sound came, which is looked at where somebody waits for it."""
        now = asyncio.get_running_loop().time()
        self.frames += 1
        waits = self.loud_at
        if waits is None or waits.done() or self.speaking:
            return
        if np.abs(np.frombuffer(sound(), "<i2").astype(np.int32)).max(initial=0) > LOUD:
            waits.set_result(now)


class SocketCaller:
    """Over the media WebSocket."""

    def __init__(self, port: int) -> None:
        self.line = Line()
        self._url = f"ws://{HOST}:{port}/media?rate={RATE_HZ}&features=clear"

    async def call(self) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, WebSocketException

        try:
            async with connect(self._url, compression=None, proxy=None) as socket:
                sending = asyncio.create_task(self._send(socket))
                try:
                    async for message in socket:
                        if isinstance(message, bytes):
                            self.line.heard(lambda pcm=message: pcm)  # type: ignore[misc]
                        else:
                            self.line.told(message)
                except ConnectionClosed:
                    pass
                finally:
                    sending.cancel()
                    await asyncio.wait({sending})
        except (OSError, WebSocketException) as error:
            raise ServerError(f"the WebSocket was refused: {error}") from error

    async def _send(self, socket: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        due = asyncio.get_running_loop().time()
        while True:
            try:
                await socket.send(self.line.next_frame())
            except ConnectionClosed:
                return
            due += FRAME_S
            await asyncio.sleep(due - asyncio.get_running_loop().time())


class RtcCaller:
    """Over WebRTC, by aiortc. It encodes and decodes no more than it must, and without threads:
    it shares its core with many."""

    def __init__(self, port: int) -> None:
        self.line = Line()
        self._url = f"http://{HOST}:{port}/webrtc"

    async def call(self) -> None:
        from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        over = asyncio.Event()
        events = connection.createDataChannel("events")
        events.on("message", self.line.told)
        events.on("close", over.set)
        transceiver = connection.addTransceiver("audio")
        transceiver.sender.replaceTrack(_Microphone(self.line))  # type: ignore[arg-type]
        tap: Any = transceiver.receiver
        tap._handle_rtp_packet = _Ear(self.line)  # noqa: SLF001 before its buffer and its thread
        try:
            await connection.setLocalDescription(await connection.createOffer())
            answer = await self._post(connection.localDescription.sdp)
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await over.wait()
        finally:
            await connection.close()

    async def _post(self, offer: str) -> str:
        import httpx

        async with httpx.AsyncClient(trust_env=False) as client:
            kind = {"Content-Type": "application/sdp"}
            response = await client.post(self._url, content=offer, headers=kind)
        if response.status_code != 201:
            raise ServerError(f"{self._url} answered {response.status_code}: {response.text}")
        return response.text


class _Microphone:
    """A track of packets that are encoded already."""

    kind = "audio"

    def __init__(self, line: Line) -> None:
        from telephony.webrtc.opus import Encoder

        self.id = str(uuid4())
        self._line = line
        self._encoder = Encoder()
        self._count = 0
        self._start = 0.0

    async def recv(self) -> Any:
        import av

        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(self._start + self._count * FRAME_S - loop.time())
        packet = av.Packet(self._encoder.encode(self._line.next_frame()))
        packet.pts = self._count * 960
        packet.time_base = Fraction(1, 48000)
        self._count += 1
        return packet

    def stop(self) -> None:
        """There is nothing to let go of."""


class _Ear:
    """Takes packets as they arrive."""

    def __init__(self, line: Line) -> None:
        from telephony.webrtc.opus import Decoder

        self._line = line
        self._decoder = Decoder()

    async def __call__(self, packet: Any, arrival_time_ms: int) -> None:
        if len(packet.payload) > PAUSE_BYTES:
            self._line.heard(lambda: self._decoder.decode(packet.payload))
