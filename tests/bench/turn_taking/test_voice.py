import numpy as np
import pytest

from bench.turn_taking.voice import parts, record
from server.sim.sounds import COUGHS

VOICE = "fr+f3"


def test_a_sentence_is_cut_between_its_words() -> None:
    before, after = parts("je voudrais | un rendez-vous", VOICE, "clean")
    (whole,) = parts("je voudrais un rendez-vous", VOICE, "clean")
    assert (before.text, after.text) == ("je voudrais", "un rendez-vous")
    # espeak-ng does not say the same twice to the sample.
    joined = before.samples.size + after.samples.size
    assert joined == pytest.approx(whole.samples.size, rel=0.02)
    assert np.abs(before.samples[-8:]).max() < 2000
    assert np.abs(after.samples[:8]).max() < 2000
    assert before.samples.size < after.samples.size


def test_what_is_audible_lies_within_the_parts() -> None:
    for part in parts("un trois | zéro | zéro un", VOICE, "clean"):
        assert 0 <= part.first < part.last < part.samples.size
        assert np.abs(part.samples[part.first]) > 0


@pytest.mark.parametrize("text", ["oui | bien sûr", COUGHS[0]])
def test_a_line_at_8_khz_has_half_the_samples(text: str) -> None:
    for narrow, wide in zip(
        parts(text, VOICE, "8 kHz"), parts(text, VOICE, "telephone"), strict=True
    ):
        assert abs(2 * narrow.samples.size - wide.samples.size) <= 1


def test_a_recording_is_said_as_it_is() -> None:
    record("somebody", (np.sin(np.arange(16000) / 10) * 9000).astype("<i2").tobytes())
    (part,) = parts("somebody", VOICE, "clean")
    assert part.last - part.first == pytest.approx(16000, abs=50)
