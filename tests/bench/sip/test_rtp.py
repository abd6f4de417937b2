import pytest

from bench.sip.message import SipError
from bench.sip.rtp import Keypad, Packet, digit_of, parse, press

DATA = bytes.fromhex("80 80 0001 000000a0 deadbeef") + b"\xff\x7f"
PACKET = Packet(0, True, 1, 160, 0xDEADBEEF, b"\xff\x7f")


def test_a_packet_is_its_bytes() -> None:
    assert parse(DATA) == PACKET
    assert PACKET.encode() == DATA


def test_sources_extension_and_padding_are_taken_off() -> None:
    data = bytes.fromhex(
        "b1 00 0001 000000a0 deadbeef"  # padding, extension, one contributing source
        "00000001"
        "bede0001 00000000"
        "ff7f 00 02"
    )
    assert parse(data) == PACKET._replace(marker=False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DATA[:11],
        b"\x40" + DATA[1:],
        b"\x8f" + DATA[1:],
        b"\x90" + DATA[1:],
        b"\xa0" + DATA[1:-1] + b"\x04",
    ],
)
def test_what_is_no_rtp_is_said_so(data: bytes) -> None:
    with pytest.raises(SipError):
        parse(data)


def test_a_key_is_held_and_its_end_said_three_times() -> None:
    pressed = list(press("#", packets=2))
    assert [one.payload.hex(" ") for one in pressed] == [
        "0b 0a 00 a0",
        "0b 0a 01 40",
        "0b 8a 01 40",
        "0b 8a 01 40",
        "0b 8a 01 40",
    ]
    assert [one.marker for one in pressed] == [True, False, False, False, False]
    assert digit_of(pressed[-1].payload) == ("#", True)
    with pytest.raises(SipError, match="no key"):
        list(press("x"))


def test_repetitions_are_one_key() -> None:
    keypad = Keypad()
    found = [
        keypad.press(Packet(101, False, 1, at, 1, one.payload))
        for at in (160, 4000)
        for one in press("7")
    ]
    assert [digit for digit in found if digit] == ["7", "7"]


def test_other_events_are_no_keys() -> None:
    with pytest.raises(SipError):  # 32: answer tone (RFC 4734)
        digit_of(bytes.fromhex("20 0a 00a0"))
    with pytest.raises(SipError):
        digit_of(b"\x01")
