"""Offer and answer (SDP, RFC 8866, as browsers write it: RFC 9429): what a peer can do, and what we
take of it. No I/O.

One bundle carries everything: sound both ways in Opus, keys (telephone-event, RFC 4733) where they
are offered, and one data association. Other sound and all video is refused section by section.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ProtocolError

if TYPE_CHECKING:
    from aiortc import (
        RTCDtlsParameters,
        RTCIceCandidate,
        RTCIceParameters,
        RTCRtpCodecParameters,
        RTCSctpCapabilities,
    )
    from aiortc.sdp import MediaDescription, SessionDescription

__all__ = ["MAX_SDP_BYTES", "MOST_CANDIDATES", "Local", "Offer", "answer"]

MAX_SDP_BYTES = 64 * 1024
"""Chrome's offer of sound and data has 3 KB; one with video, whose codecs are many, 8."""

MOST_CANDIDATES = 24
"""What of a peer's candidates is tried: a browser on a machine with a VPN has six. Whoever names
hundreds would have us knock at hundreds of doors (RFC 8445, 19.5.1)."""

NOWHERE = "0.0.0.0"  # noqa: S104 nothing listens there
DISCARD = 9
"""Address and port of a section until ICE has found better (RFC 8840, 4.3.1)."""

OPUS = {"minptime": 10, "maxplaybackrate": 16000, "sprop-maxcapturerate": 16000}
"""We hear and speak up to 8 kHz (RFC 7587, 6.1): nothing above is worth its bits."""


@dataclass(frozen=True, slots=True)
class Data:
    """The association for data channels that a peer offers (RFC 8841)."""

    mid: str
    port: int
    capabilities: RTCSctpCapabilities | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What is taken of a peer's offer."""

    description: SessionDescription
    mid: str
    opus: RTCRtpCodecParameters
    keys: tuple[RTCRtpCodecParameters, ...]
    data: Data | None
    ice: RTCIceParameters
    dtls: RTCDtlsParameters
    candidates: tuple[RTCIceCandidate, ...]

    @property
    def sound_type(self) -> int:
        """The payload type of Opus."""
        return self.opus.payloadType or 0

    @property
    def key_types(self) -> frozenset[int]:
        """The payload types of telephone-event."""
        return frozenset(codec.payloadType or 0 for codec in self.keys)

    @classmethod
    def parse(cls, text: str) -> Offer:
        """Raises ProtocolError that says what an offer needs."""
        from aiortc.sdp import SessionDescription

        try:
            description = SessionDescription.parse(text)
        except Exception as error:  # the parser asserts, indexes and matches
            raise ProtocolError(
                "offer.malformed", "the body is no SDP; send the offer of an RTCPeerConnection"
            ) from error
        bundle = {
            mid for group in description.group if group.semantic == "BUNDLE" for mid in group.items
        }
        bundled = [media for media in description.media if media.rtp.muxId in bundle]
        audio = next((media for media in bundled if media.kind == "audio" and media.port), None)
        if audio is None:
            raise ProtocolError(
                "offer.audio", "no sound in the bundle; add an audio track to the connection"
            )
        opus = _codec(audio, "opus")
        if not opus:
            raise ProtocolError("offer.codec", "the audio section offers no Opus; it has to")
        if (audio.direction or "sendrecv") != "sendrecv":
            raise ProtocolError(
                "offer.direction", f"the audio is {audio.direction}; a call needs sendrecv"
            )
        if not audio.rtcp_mux:
            raise ProtocolError("offer.rtcp", "RTCP has a port of its own; offer a=rtcp-mux")
        data = next((media for media in bundled if media.kind == "application"), None)
        # The bundle's transport is that of the first section which is taken (RFC 9143, 7.3.1).
        first = next(media for media in bundled if media in (audio, data))
        _check_transport(first)
        assert first.ice is not None
        assert first.dtls is not None
        rate = opus[0].clockRate
        keys = [codec for codec in _codec(audio, "telephone-event") if codec.clockRate == rate]
        return cls(
            description,
            audio.rtp.muxId,
            opus[0],
            tuple(keys),
            None if data is None else _data(data),
            first.ice,
            first.dtls,
            tuple(first.ice_candidates[:MOST_CANDIDATES]),
        )


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of the connection."""

    ice: RTCIceParameters
    candidates: Iterable[RTCIceCandidate]
    dtls: RTCDtlsParameters
    ssrc: int
    cname: str
    data: RTCSctpCapabilities


def answer(offer: Offer, local: Local) -> str:
    """The SDP that takes `offer`, with all our candidates: none follow."""
    from aiortc.sdp import GroupDescription, SessionDescription

    description = SessionDescription()
    description.origin = f"- {local.ssrc} 1 IN IP4 127.0.0.1"
    taken = [
        media.rtp.muxId
        for media in offer.description.media
        if media.rtp.muxId == offer.mid or (offer.data and media.rtp.muxId == offer.data.mid)
    ]
    description.group.append(GroupDescription("BUNDLE", list(taken)))
    description.msid_semantic.append(GroupDescription("WMS", ["*"]))
    for media in offer.description.media:
        if media.rtp.muxId == offer.mid:
            section = _audio(offer, local)
        elif media.rtp.muxId in taken:
            section = _application(offer, local)
        else:
            section = _refused(media)
        section.rtp.muxId = media.rtp.muxId
        description.media.append(section)
    return str(description)


def _codec(audio: MediaDescription, name: str) -> list[RTCRtpCodecParameters]:
    return [codec for codec in audio.rtp.codecs if codec.mimeType.lower() == f"audio/{name}"]


def _check_transport(media: MediaDescription) -> None:
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise ProtocolError("offer.ice", "no ICE user name and password in the bundle")
    if media.dtls is None or not media.dtls.fingerprints:
        raise ProtocolError("offer.dtls", "no DTLS fingerprint; sound is sent encrypted only")
    if media.dtls.role == "client":
        raise ProtocolError("offer.dtls", "setup is active; offer actpass (RFC 8842, 5.2)")


def _data(media: MediaDescription) -> Data:
    port = media.sctp_port or next(iter(media.sctpmap), 5000)
    return Data(media.rtp.muxId, port, media.sctpCapabilities)


def _section(kind: str, profile: str, fmt: Sequence[object], local: Local) -> MediaDescription:
    from aiortc import RTCDtlsParameters
    from aiortc.sdp import MediaDescription

    section = MediaDescription(kind, DISCARD, profile, list(fmt))
    section.host = NOWHERE
    section.ice = local.ice
    # In every section, though the bundle's first would do: aiortc reads the last one's.
    section.ice_candidates = list(local.candidates)
    section.ice_candidates_complete = True
    # Whoever answers begins the handshake: it saves a way (RFC 8842, 5.3).
    fingerprints = [one for one in local.dtls.fingerprints if one.algorithm == "sha-256"]
    section.dtls = RTCDtlsParameters(fingerprints, "client")
    return section


def _audio(offer: Offer, local: Local) -> MediaDescription:
    from dataclasses import replace

    from aiortc.sdp import SsrcDescription

    opus = replace(offer.opus, rtcpFeedback=[], parameters=dict(OPUS))
    keys = [
        replace(codec, channels=None, rtcpFeedback=[], parameters={"0-15": None})
        for codec in offer.keys
    ]
    formats = [codec.payloadType for codec in (opus, *keys)]
    section = _section("audio", "UDP/TLS/RTP/SAVPF", formats, local)
    section.direction = "sendrecv"
    section.msid = "palabre voice"
    section.rtp.codecs = [opus, *keys]
    section.rtcp_host, section.rtcp_port, section.rtcp_mux = NOWHERE, DISCARD, True
    section.ssrc = [SsrcDescription(local.ssrc, cname=local.cname)]
    return section


def _application(offer: Offer, local: Local) -> MediaDescription:
    section = _section("application", "UDP/DTLS/SCTP", ["webrtc-datachannel"], local)
    assert offer.data is not None
    section.sctp_port = offer.data.port
    section.sctpCapabilities = local.data
    return section


def _refused(media: MediaDescription) -> MediaDescription:
    """Port 0 refuses a section (RFC 3264, 6)."""
    from aiortc import RTCIceParameters
    from aiortc.sdp import MediaDescription

    section = MediaDescription(media.kind, 0, media.profile, media.fmt)
    section.host = NOWHERE
    section.direction = "inactive"
    section.ice = RTCIceParameters()
    return section
