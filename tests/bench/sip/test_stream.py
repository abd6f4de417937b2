import numpy as np
import pytest

from bench.sip.message import SipError
from bench.sip.rtp import PACKET, Packet
from bench.sip.sdp import PCMA, PCMU, Media
from bench.sip.stream import Ear, Mouth
from telephony.g711 import MU_LAW

MEDIA = Media("127.0.0.1", 4000, PCMU, 101)


def test_a_mouth_says_silence_and_what_it_is_told() -> None:
    mouth = Mouth(MEDIA, 7)
    mouth.say(np.full(PACKET + 10, 1000, np.int16))
    packets, speaking = [], []
    for _ in range(3):
        speaking.append(mouth.speaking)
        packets.append(mouth.packet())
    assert speaking == [True, True, False]
    loud = MU_LAW.encode(np.full(1, 1000, np.int16))
    assert packets == [
        Packet(PCMU, True, 1, 160, 7, loud * PACKET),
        Packet(PCMU, False, 2, 320, 7, loud * 10 + b"\xff" * 150),
        Packet(PCMU, False, 3, 480, 7, b"\xff" * PACKET),
    ]


def test_a_mouth_can_hush_and_be_silent() -> None:
    mouth = Mouth(MEDIA, 7)
    mouth.silent = True
    assert mouth.packet() is None
    mouth.say(np.ones(400, np.int16))
    first = mouth.packet()
    assert first is not None
    # Time went on, the sequence did not: the marker says so.
    assert (first.sequence, first.timestamp, first.marker) == (1, 320, True)
    mouth.hush()
    assert mouth.packet() is None


def test_keys_stand_on_the_time_of_their_beginning() -> None:
    mouth = Mouth(MEDIA, 7)
    mouth.press("1")
    packets = [mouth.packet() for _ in range(9)]
    keys = [packet for packet in packets if packet is not None and packet.payload_type == 101]
    assert len(keys) == 8
    assert {packet.timestamp for packet in keys} == {160}
    assert [packet.sequence for packet in keys] == list(range(1, 9))
    with pytest.raises(SipError, match="no telephone events"):
        Mouth(Media("127.0.0.1", 4000, PCMU, None), 7).press("1")


def _packet(sequence: int, timestamp: int, payload_type: int = PCMU) -> bytes:
    return Packet(payload_type, False, sequence, timestamp, 9, b"\x80" * PACKET).encode()


def test_an_ear_keeps_sound_on_its_time() -> None:
    ear = Ear()
    for number, timestamp in ((65535, 2**32 - PACKET), (0, 0), (3, 3 * PACKET)):
        assert ear.receive(_packet(number, timestamp), float(number), 101) is not None
    assert [at for at, _ in ear.packets] == [65535.0, 0.0, 3.0]
    track = ear.track()
    assert track.size == 5 * PACKET
    assert not track[2 * PACKET : 4 * PACKET].any()
    assert (track[: 2 * PACKET] == 32124).all()
    assert ear.track(2).size == PACKET
    assert ear.lost == 2


def test_an_ear_knows_what_is_no_sound() -> None:
    ear = Ear()
    assert ear.receive(b"SIP/2.0", 0.0, 101) is None
    assert ear.receive(_packet(1, 160, 13), 0.0, 101) is None  # comfort noise
    assert ear.receive(Packet(101, True, 1, 160, 9, b"\x05\x0a\x00\xa0").encode(), 0.0, 101) is None
    assert (ear.digits, ear.strange) == ("5", 2)
    assert not ear.track().size


def test_a_jump_of_the_timestamps_is_an_error() -> None:
    ear = Ear()
    ear.receive(_packet(1, 160), 0.0, None)
    ear.receive(_packet(2, 160 + 8000 * 61), 0.0, None)
    with pytest.raises(SipError, match="jump"):
        ear.track()


def test_a_law_is_that_of_the_payload_type() -> None:
    mouth = Mouth(Media("127.0.0.1", 4000, PCMA, None), 7)
    packet = mouth.packet()
    assert packet is not None
    assert packet.payload == b"\xd5" * PACKET
