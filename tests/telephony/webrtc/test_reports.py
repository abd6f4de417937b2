"""Receiver reports: when they are due, and what they say."""

from __future__ import annotations

import pytest

pytest.importorskip("aiortc", reason="needs the extra webrtc")

from aiortc.rtp import RtcpPacket, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket, RtpPacket

from telephony.webrtc.reports import EVERY_S, Reports

OURS, THEIRS = 7, 99


def packet(number: int, ssrc: int = THEIRS) -> RtpPacket:
    return RtpPacket(sequence_number=number & 0xFFFF, timestamp=number * 960, ssrc=ssrc)


def parsed(report: bytes | None) -> RtcpRrPacket:
    assert report is not None
    (one,) = RtcpPacket.parse(report)
    assert isinstance(one, RtcpRrPacket)
    return one


def test_one_a_second_and_none_before() -> None:
    reports = Reports(OURS, 48000)
    due = [n for n in range(200) if reports.received(packet(n), n * 0.02) is not None]
    assert due == [50, 100, 150]
    assert EVERY_S == 1.0


def test_it_counts_what_was_lost() -> None:
    reports = Reports(OURS, 48000)
    for number in range(65500, 65548):
        if number != 65540:
            reports.received(packet(number), 0.0)
    report = parsed(reports.received(packet(65549), 1.0))
    (block,) = report.reports
    assert (report.ssrc, block.ssrc) == (OURS, THEIRS)
    assert block.packets_lost == 2
    assert block.fraction_lost == 2 * 256 // 50
    assert block.highest_sequence == 65549
    assert (block.lsr, block.dlsr) == (0, 0)


def test_it_says_how_long_ago_the_peers_own_report_came() -> None:
    reports = Reports(OURS, 48000)
    reports.received(packet(1), 10.0)
    info = RtcpSenderInfo(0x1122334455667788, 0, 0, 0)
    reports.told(RtcpSrPacket(THEIRS, info))
    (block,) = parsed(reports.received(packet(2), 11.5)).reports
    assert block.lsr == 0x33445566
    assert block.dlsr == 1.5 * 65536


def test_another_source_is_counted_anew() -> None:
    reports = Reports(OURS, 48000)
    reports.received(packet(1), 0.0)
    assert reports.received(packet(500, ssrc=5), 1.2) is None
    (block,) = parsed(reports.received(packet(501, ssrc=5), 2.2)).reports
    assert (block.ssrc, block.packets_lost) == (5, 0)
