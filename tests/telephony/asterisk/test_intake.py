"""Sound on its way in: decoded, timed, and not stale."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.errors import ProtocolError
from telephony.asterisk.formats import FORMATS
from telephony.asterisk.intake import Intake


def intake(form: str = "slin16") -> tuple[Intake, Counter[str]]:
    faults: Counter[str] = Counter()
    return Intake(FORMATS[form], faults), faults


def test_sound_is_decoded_and_timed() -> None:
    taken, faults = intake("ulaw")
    (audio,) = taken.take(b"\xff\x80" * 80, 1.0)
    assert (audio.pcm, audio.rate_hz) == (b"\x00\x00\x7c\x7d" * 80, 8000)
    assert audio.at == pytest.approx(0.98)
    assert not faults


def test_its_time_begins_anew_after_a_gap() -> None:
    taken, faults = intake()
    for number in range(20):
        taken.take(bytes(640), number * 0.02)
    assert not taken.take(bytes(640), 9.0)
    assert not taken.take(bytes(640), 9.02)
    times = [audio.at for audio in taken.take(bytes(640), 9.04)]
    assert times == pytest.approx([8.98, 9.0, 9.02])
    assert not faults


def test_what_a_stall_made_stale_is_counted() -> None:
    taken, faults = intake()
    taken.take(bytes(640), 0.0)
    for _ in range(60):
        assert not taken.take(bytes(640), 3.0)
    assert len(taken.finish()) == 50
    assert faults == {"audio.stale": 10}


def test_what_comes_far_too_fast_is_counted() -> None:
    taken, faults = intake()
    heard = sum(len(taken.take(bytes(640), 0.0)) for _ in range(120))
    assert heard == 100
    assert faults == {"audio.too_fast": 20}


@pytest.mark.parametrize("sound", [b"", b"x"])
def test_sound_has_whole_samples(sound: bytes) -> None:
    taken, _ = intake()
    with pytest.raises(ProtocolError, match="whole samples"):
        taken.take(sound, 0.0)
