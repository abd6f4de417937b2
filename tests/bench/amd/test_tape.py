import numpy as np
import pytest

from bench.amd.tape import SPEECH_DB, Tape, at_level


def db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples**2)))


def test_what_is_put_on_it_comes_one_after_the_other() -> None:
    tape = Tape()
    tape.pause(0.5)
    tape.say("un", (np.ones(16000) * 1000).astype("<i2").tobytes())
    tape.tone(1000, seconds=0.25)
    assert tape.now == pytest.approx(1.75)
    assert tape.sound.size == 28000
    (said,) = tape.said
    assert (said.text, said.at, said.until) == ("un", 0.5, 1.5)
    assert db(tape.sound[8000:24000]) == pytest.approx(SPEECH_DB)


def test_a_beep_is_a_tone_whose_end_is_known() -> None:
    tape = Tape()
    tape.pause(1.0)
    assert tape.beep_until is None
    tape.beep(1000, 0.5, -20)
    assert tape.beep_until == pytest.approx(1.5)
    assert db(tape.sound[17000:23000]) == pytest.approx(-20, abs=0.1)


def test_pulses_and_keying() -> None:
    tape = Tape()
    tape.pulses(425, on_s=0.5, off_s=0.5, count=3)
    assert tape.now == pytest.approx(3.0)
    loud = np.abs(tape.sound).reshape(6, -1).max(axis=1) > 0.05
    assert loud.tolist() == [True, False] * 3
    tape.keyed([True, False] * 15, 300, 1650.0, 1850.0)
    assert tape.now == pytest.approx(3.1, abs=0.01)


def test_silence_has_no_level() -> None:
    assert not at_level(np.zeros(10), -20).any()
    assert not Tape().sound.size
