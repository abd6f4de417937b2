"""What is taken of an offer, what is refused, and how the answer reads."""

from __future__ import annotations

import pytest

from engine.errors import ProtocolError
from tests.telephony.webrtc.offers import AUDIO, CHROME, DATA, FINGERPRINT, VIDEO, sdp

pytest.importorskip("aiortc", reason="needs the extra webrtc")

from aiortc import (
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCIceCandidate,
    RTCIceParameters,
    RTCSctpCapabilities,
)

from telephony.webrtc.negotiation import MOST_CANDIDATES, Local, Offer, answer

LOCAL = Local(
    RTCIceParameters("user", "passwordpasswordpassword"),
    [RTCIceCandidate(1, "f", "192.0.2.9", 40000, 7, "udp", "host")],
    RTCDtlsParameters([RTCDtlsFingerprint("sha-256", "AB"), RTCDtlsFingerprint("sha-512", "CD")]),
    1234,
    "us",
    RTCSctpCapabilities(65536),
)


def test_what_a_browser_offers_is_taken() -> None:
    offer = Offer.parse(CHROME)
    assert (offer.mid, offer.sound_type, set(offer.key_types)) == ("0", 111, {110})
    assert offer.data is not None
    assert (offer.data.mid, offer.data.port) == ("1", 5000)
    assert offer.ice == RTCIceParameters("+G0c", "cCuTcj1BxQ7cy7OY7/FQVaNQ")
    assert [one.value for one in offer.dtls.fingerprints] == [FINGERPRINT]
    assert [(one.protocol, one.port) for one in offer.candidates] == [("udp", 52541), ("tcp", 9)]


def test_the_answer_to_the_letter() -> None:
    assert answer(Offer.parse(CHROME), LOCAL).split("\r\n") == [
        "v=0",
        "o=- 1234 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic:WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 110",
        "c=IN IP4 0.0.0.0",
        "a=sendrecv",
        "a=mid:0",
        "a=msid:palabre voice",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=rtcp-mux",
        "a=ssrc:1234 cname:us",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;maxplaybackrate=16000;sprop-maxcapturerate=16000",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:110 0-15",
        "a=candidate:f 1 udp 7 192.0.2.9 40000 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:user",
        "a=ice-pwd:passwordpasswordpassword",
        "a=fingerprint:sha-256 AB",
        "a=setup:active",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        "a=sctp-port:5000",
        "a=max-message-size:65536",
        "a=candidate:f 1 udp 7 192.0.2.9 40000 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:user",
        "a=ice-pwd:passwordpasswordpassword",
        "a=fingerprint:sha-256 AB",
        "a=setup:active",
        "",
    ]


def test_sound_alone_is_enough() -> None:
    offer = Offer.parse(sdp(AUDIO, bundle="0"))
    assert offer.data is None
    text = answer(offer, LOCAL)
    assert "a=group:BUNDLE 0\r\n" in text
    assert "m=application" not in text


def test_video_is_refused_and_the_rest_taken() -> None:
    text = answer(Offer.parse(sdp(VIDEO, AUDIO, DATA, bundle="2 0 1")), LOCAL)
    assert "a=group:BUNDLE 0 1\r\n" in text
    assert [line for line in text.split("\r\n") if line.startswith(("m=", "a=mid"))] == [
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "a=mid:2",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 110",
        "a=mid:0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:1",
    ]


def test_an_offer_without_keys_gets_none() -> None:
    audio = AUDIO.replace("telephone-event/48000", "unheard/48000")
    offer = Offer.parse(sdp(audio, DATA))
    assert offer.key_types == frozenset()
    assert "telephone-event" not in answer(offer, LOCAL)


def test_of_very_many_candidates_only_some_are_tried() -> None:
    line = "a=candidate:1 1 udp 1 192.0.2.7 {} typ host\n"
    many = "".join(line.format(port) for port in range(1000, 1300))
    offer = Offer.parse(sdp(AUDIO + many, DATA))
    assert len(offer.candidates) == MOST_CANDIDATES


def test_data_before_sound_carries_the_transport() -> None:
    data = DATA.replace("+G0c", "DATA")
    offer = Offer.parse(sdp(data, AUDIO, bundle="1 0"))
    assert offer.ice.usernameFragment == "DATA"
    assert "a=group:BUNDLE 1 0\r\n" in answer(offer, LOCAL)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "offer.audio"),
        ("hello", "offer.audio"),
        ("v=x\r\n", "offer.malformed"),
        ("m=\r\n", "offer.malformed"),
        (CHROME.replace("opus/48000/2", "opus/x"), "offer.malformed"),
        (CHROME.replace("a=fmtp:111", "a=fmtp:99"), "offer.malformed"),
        (CHROME.replace("a=setup:actpass", "a=setup:sometimes"), "offer.malformed"),
        (sdp(DATA, bundle="1"), "offer.audio"),
        (sdp(AUDIO, DATA, bundle="1"), "offer.audio"),
        (CHROME.replace("m=audio 52541", "m=audio 0"), "offer.audio"),
        (CHROME.replace("opus", "speex"), "offer.codec"),
        (CHROME.replace("sendrecv", "recvonly"), "offer.direction"),
        (CHROME.replace("sendrecv", "sendonly"), "offer.direction"),
        (CHROME.replace("a=rtcp-mux\r\n", ""), "offer.rtcp"),
        (CHROME.replace("a=ice-pwd:cCuTcj1BxQ7cy7OY7/FQVaNQ\r\n", ""), "offer.ice"),
        (CHROME.replace("a=setup:actpass", "a=setup:active"), "offer.dtls"),
        (
            CHROME.replace(f"a=fingerprint:sha-256 {FINGERPRINT}\r\n", ""),
            "offer.dtls",
        ),
    ],
)
def test_an_offer_that_cannot_be_a_call_says_what_it_lacks(text: str, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        Offer.parse(text)
    assert caught.value.code == code
