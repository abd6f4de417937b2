import numpy as np
import pytest

from bench.telephony.caller import Caller, Said, said
from bench.telephony.sound import FRAME, Heard

WORDS = Said(np.full(3 * FRAME, 5000, np.int16), first=FRAME + 40, last=2 * FRAME + 79)


def _loud(at: float) -> Heard:
    return Heard(at, np.full(FRAME, 3000, np.int16), at)


def test_he_waits_for_the_engines_silence_and_speaks() -> None:
    caller = Caller(WORDS, think_s=0.4)
    now = 10.0
    assert not caller.frame(now).any()
    caller.hear(_loud(now))
    said_at = []
    for step in range(1, 40):
        now = 10.0 + step * 0.02
        if caller.frame(now).any():
            said_at.append(now)
        caller.sent(now + 0.02)
    # Three frames, from the first that is 0.4 s after the voice; then he waits to hear it again.
    assert said_at == pytest.approx([10.4, 10.42, 10.44])
    [(first, last)] = caller.spoken
    # The frame of 10.42 leaves at 10.44: its 41st sample was taken 119 samples before its last.
    assert first == pytest.approx(10.44 - 119 / 8000)
    assert last == pytest.approx(10.46 - 80 / 8000)
    assert not caller.speaking


def test_he_speaks_when_he_is_told_to() -> None:
    caller = Caller(WORDS, think_s=99.0)
    caller.say()
    assert caller.speaking
    assert caller.frame(1.0).all()


def test_words_are_made_at_8_khz_with_their_edges() -> None:
    words = said("oui bonjour", "fr")
    assert words.samples.size % FRAME == 0
    assert 0 < words.first < words.last < words.samples.size
    loud = np.abs(words.samples.astype(int))
    assert loud[: words.first].max() < loud.max() / 20
