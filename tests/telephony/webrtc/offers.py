"""Offers as browsers write them, shortened."""

from __future__ import annotations

__all__ = ["AUDIO", "CHROME", "DATA", "FINGERPRINT", "VIDEO", "sdp"]

FINGERPRINT = ":".join(["3C"] * 32)

SESSION = """\
v=0
o=- 2006689527177974632 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {bundle}
a=extmap-allow-mixed
a=msid-semantic: WMS
"""

TRANSPORT = f"""\
a=ice-ufrag:+G0c
a=ice-pwd:cCuTcj1BxQ7cy7OY7/FQVaNQ
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
"""

AUDIO = f"""\
m=audio 52541 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:2568071633 1 udp 2122194687 192.0.2.2 52541 typ host generation 0 network-id 1
a=candidate:1740340549 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0
{TRANSPORT}a=mid:0
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:- b7bf6a32-ea1d-4c34-8426-041fcca69b84
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3291013364 cname:KHmOGFThO8bg64Ek
"""

DATA = f"""\
m=application 36824 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.0.2.2
{TRANSPORT}a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""

VIDEO = f"""\
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
{TRANSPORT}a=mid:2
a=sendrecv
a=rtcp-mux
a=rtpmap:96 VP8/90000
"""


def sdp(*sections: str, bundle: str = "0 1") -> str:
    """An offer of these sections."""
    return (SESSION.format(bundle=bundle) + "".join(sections)).replace("\n", "\r\n")


CHROME = sdp(AUDIO, DATA)
