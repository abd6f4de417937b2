"""The forms of sound that Asterisk sends."""

from __future__ import annotations

import pytest

from telephony.asterisk.formats import FORMATS


@pytest.mark.parametrize(
    ("name", "rate_hz", "frame_bytes"),
    [("slin16", 16000, 640), ("slin", 8000, 320), ("ulaw", 8000, 160), ("alaw", 8000, 160)],
)
def test_a_frame_is_20_ms(name: str, rate_hz: int, frame_bytes: int) -> None:
    form = FORMATS[name]
    assert (form.rate_hz, form.frame_bytes) == (rate_hz, frame_bytes)
    assert form.duration_s(frame_bytes) == pytest.approx(0.02)
    assert len(form.decode(bytes(frame_bytes))) == rate_hz // 50 * 2


def test_linear_sound_stays_as_it_is() -> None:
    sound = bytes(range(256)) * 2
    assert FORMATS["slin16"].decode(sound) == FORMATS["slin16"].encode(sound) == sound


def test_the_telephones_codings_are_those_of_g711() -> None:
    assert FORMATS["ulaw"].encode(b"\x00\x00\xff\x7f\x00\x80") == b"\xff\x80\x00"
    assert FORMATS["ulaw"].decode(b"\xff\x80\x00") == b"\x00\x00\x7c\x7d\x84\x82"
    assert FORMATS["alaw"].decode(b"\xd5\xaa\x2a") == b"\x08\x00\x00\x7e\x00\x82"
