"""One peer connection, put together from aiortc's parts: ICE, DTLS, SRTP, data channels.

aiortc's own `RTCPeerConnection` gives each call a decoder thread, holds its sound back by 80 ms,
by 280 after the first lost packet, and encodes in threads. Its parts are used as they are; packets
of sound come and go as packets (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from engine.errors import ConfigurationError
from telephony.webrtc.incoming import Packet
from telephony.webrtc.negotiation import Local, Offer, answer
from telephony.webrtc.reports import Reports

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCIceServer, RTCSctpTransport
    from aiortc.rtp import AnyRtcpPacket, RtpPacket

__all__ = ["Peer", "check_installed"]

RTP_HZ = 48000

GOODBYE_S = 1.0
"""How long a peer has to take what was said last over the data channel."""
LINGER_S = 0.25
"""A browser plays what it was sent up to 200 ms later; its last word is not cut off."""


def check_installed() -> None:
    """Raises ConfigurationError where aiortc is missing."""
    try:
        import aiortc  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            "WebRTC needs the extra `webrtc`; install palabre[webrtc]"
        ) from error


class Peer:
    """The connection that answers `offer`: `attach`, `answer`, `connect`, and in any case `close`.

    `ice_servers` are the STUN and TURN servers that help it; aiortc uses the first of each.
    """

    def __init__(self, offer: Offer, ice_servers: Sequence[RTCIceServer]) -> None:
        from aiortc import (
            RTCCertificate,
            RTCDtlsTransport,
            RTCIceGatherer,
            RTCIceTransport,
            RTCRtpSender,
            RTCSctpTransport,
        )

        self._offer = offer
        self._gatherer = RTCIceGatherer(list(ice_servers))
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [RTCCertificate.generateCertificate()])
        self._sender = RTCRtpSender("audio", self._dtls)
        self._receiver = _Receiver(self._dtls, self._sender._ssrc)  # noqa: SLF001 as below
        self._sctp: RTCSctpTransport | None = None
        if offer.data is not None:
            self._sctp = RTCSctpTransport(self._dtls)
            self._sctp.on("datachannel", self._opened)
        self._told: Callable[[str | bytes], None] = _ignore
        self._channel: RTCDataChannel | None = None
        self._unsent: list[str] = []
        self._unsent_bytes = 0
        self._over = asyncio.Event()

    def attach(
        self,
        next_packet: Callable[[], Awaitable[tuple[bytes, int]]],
        received: Callable[[Packet], None],
        told: Callable[[str | bytes], None],
    ) -> None:
        """`next_packet` gives our sound as (packet, timestamp) when it is due; `received` takes
        each packet of theirs, `told` each message: on the loop, and never after `close`."""
        self._sender.replaceTrack(_Track(next_packet))  # type: ignore[arg-type]
        self._receiver.received = received
        self._told = told

    async def answer(self) -> str:
        """Gather our candidates and answer. Cancelling is safe; `close` afterwards."""
        from aiortc import RTCSctpTransport

        await self._gatherer.gather()
        return answer(
            self._offer,
            Local(
                self._gatherer.getLocalParameters(),
                self._gatherer.getLocalCandidates(),
                self._dtls.getLocalParameters(),
                self._sender._ssrc,  # noqa: SLF001 aiortc's own RTCPeerConnection reads it too
                uuid4().hex,
                RTCSctpTransport.getCapabilities(),
            ),
        )

    async def connect(self) -> None:
        """Reach the peer, until sound can go both ways. Raises ConnectionError if it cannot be
        reached. Cancelling is safe; `close` afterwards."""
        from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters

        offer = self._offer
        codecs = [offer.opus, *offer.keys]
        # Before the handshake: the peer's first packets may overtake the end of it.
        self._dtls._register_rtp_receiver(  # noqa: SLF001 the way of every receiver
            self._receiver, RTCRtpReceiveParameters(codecs=codecs, muxId=offer.mid)
        )
        async with asyncio.TaskGroup() as group:
            adding = group.create_task(self._add_candidates())
            await self._ice.start(offer.ice)
            adding.cancel()  # some name in it may never be resolved
        if self._ice.state != "completed":
            raise ConnectionError("no way to the peer was found")
        await self._dtls.start(offer.dtls)
        if self._dtls.state != "connected":
            raise ConnectionError("the handshake failed")
        self._dtls.on("statechange", self._changed)
        await self._sender.send(RTCRtpSendParameters(codecs=[offer.opus], muxId=offer.mid))
        if self._sctp is not None and offer.data is not None:
            await self._sctp.start(offer.data.capabilities, offer.data.port)

    async def _add_candidates(self) -> None:
        candidates = [one for one in self._offer.candidates if one.protocol.lower() == "udp"]
        await asyncio.gather(*map(self._ice.addRemoteCandidate, candidates))
        if candidates:
            await self._ice.addRemoteCandidate(None)

    def _changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._over.set()

    async def gone(self) -> bool:
        """Wait until the peer is gone; whether without a word: 30 s unheard (RFC 7675, 5.1)
        instead of a goodbye. Cancelling is safe."""
        await self._over.wait()
        await asyncio.sleep(0)  # ICE ends DTLS first, and says so itself a step later
        return self._ice.state == "failed"

    # The data channel

    def _opened(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return  # the first one is the one
        self._channel = channel
        channel.on("message", self._message)
        unsent, self._unsent = self._unsent, []
        self._unsent_bytes = 0
        for text in unsent:
            channel.send(text)

    def _message(self, message: str | bytes) -> None:
        self._told(message)

    @property
    def waiting_bytes(self) -> int:
        """What was sent and is not with the peer yet."""
        return self._unsent_bytes if self._channel is None else self._channel.bufferedAmount

    def send(self, text: str) -> None:
        """A message to the peer: once its data channel is open, if it has one."""
        if self._channel is None:
            if self._sctp is not None:
                self._unsent.append(text)
                self._unsent_bytes += len(text)
        elif self._channel.readyState == "open":
            self._channel.send(text)

    # The end

    async def close(self, *, polite: bool = True) -> None:
        """Let go of everything: no task, thread or socket is left. A `polite` end gives the peer
        time to hear and read what was sent last. Cancelling hurries it, and leaves nothing."""
        try:
            if polite and not self._over.is_set():
                await self._goodbye()
        finally:
            await self._stop()

    async def _goodbye(self) -> None:
        await asyncio.sleep(LINGER_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                while self._unread and not self._over.is_set():  # noqa: ASYNC110 nothing tells
                    await asyncio.sleep(0.02)

    @property
    def _unread(self) -> bool:
        """The peer has not acknowledged all messages: aiortc counts one as gone once it is sent."""
        return self._sctp is not None and bool(self._sctp._sent_queue)  # noqa: SLF001 no other way

    async def _stop(self) -> None:
        self._receiver.received = self._told = _ignore
        await self._sender.stop()
        if self._sctp is not None:
            await self._sctp.stop()
        await self._dtls.stop()
        await self._ice.stop()
        self._dtls.remove_all_listeners()


class _Track:
    """What `RTCRtpSender` wants of a track: packets, which it sends as they are."""

    kind = "audio"

    def __init__(self, next_packet: Callable[[], Awaitable[tuple[bytes, int]]]) -> None:
        from av import Packet as AvPacket

        self.id = str(uuid4())
        self._next = next_packet
        self._packet = AvPacket
        self._time_base = Fraction(1, RTP_HZ)

    async def recv(self) -> Any:
        payload, timestamp = await self._next()
        packet = self._packet(payload)
        packet.pts = timestamp
        packet.time_base = self._time_base
        return packet

    def stop(self) -> None:
        """The sender has stopped; there is nothing to let go of."""


class _Receiver:
    """What `RTCDtlsTransport` wants of a receiver (its protocol `RtpReceiver`): the packets are
    handed on as they come, and reported on."""

    def __init__(self, dtls: Any, ssrc: int) -> None:
        self.received: Callable[[Packet], None] = _ignore
        self._dtls = dtls
        self._reports = Reports(ssrc, RTP_HZ)

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        report = self._reports.received(packet, arrival_time_ms / 1000)
        self.received(
            Packet(
                packet.ssrc,
                packet.sequence_number,
                packet.timestamp,
                packet.payload_type,
                packet.payload,
            )
        )
        if report is not None:
            await self._dtls._send_rtp(report)  # noqa: SLF001 the way of every report

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        self._reports.told(packet)

    def _handle_disconnect(self) -> None:
        """The transport is closed; `Peer.gone` tells."""


def _ignore(_: object) -> None:
    """Nobody listens yet, or any more."""
