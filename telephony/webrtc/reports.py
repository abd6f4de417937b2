"""What a peer is told of how its packets arrive: receiver reports (RFC 3550, 6.4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiortc.rtcrtpreceiver import StreamStatistics
    from aiortc.rtp import AnyRtcpPacket, RtpPacket

__all__ = ["Reports"]

EVERY_S = 1.0
"""A report of 32 bytes each second is 1 % of what Opus takes, well within RTCP's 5 %."""


class Reports:
    """Of one stream, by the receiver whose own source is `ssrc`. Times are in seconds of any
    clock."""

    def __init__(self, ssrc: int, rate_hz: int) -> None:
        self._ssrc = ssrc
        self._rate_hz = rate_hz
        self._source = 0
        self._statistics: StreamStatistics | None = None
        self._due = 0.0
        self._now = 0.0
        self._sender_report = 0
        """The middle 32 bits of the NTP time of the peer's last report; 0 before the first."""
        self._sender_report_at = 0.0

    def received(self, packet: RtpPacket, now: float) -> bytes | None:
        """A packet arrived; the report that is due with it, where one is."""
        if self._statistics is None or packet.ssrc != self._source:
            from aiortc.rtcrtpreceiver import StreamStatistics

            self._statistics = StreamStatistics(self._rate_hz)
            self._source = packet.ssrc
            self._due = now + EVERY_S
        self._statistics.add(packet)
        self._now = now
        if now < self._due:
            return None
        self._due = now + EVERY_S
        return self._report(self._statistics, now)

    def told(self, packet: AnyRtcpPacket) -> None:
        """The peer's own report: ours say how long ago it came, so that it knows the way's time."""
        from aiortc.rtp import RtcpSrPacket

        if isinstance(packet, RtcpSrPacket):
            self._sender_report = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
            self._sender_report_at = self._now

    def _report(self, statistics: StreamStatistics, now: float) -> bytes:
        from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

        since_s = now - self._sender_report_at if self._sender_report else 0.0
        assert statistics.max_seq is not None
        block = RtcpReceiverInfo(
            ssrc=self._source,
            fraction_lost=statistics.fraction_lost,
            packets_lost=statistics.packets_lost,
            highest_sequence=statistics.cycles + statistics.max_seq & 0xFFFFFFFF,
            jitter=max(0, statistics.jitter),
            lsr=self._sender_report,
            dlsr=min(round(since_s * 65536), 0xFFFFFFFF),
        )
        return bytes(RtcpRrPacket(self._ssrc, [block]))
