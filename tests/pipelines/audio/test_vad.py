import numpy as np
import pytest

from pipelines.audio.vad import FRAME_BYTES, WebRtcVad
from pipelines.speech.espeak import synthesise


def voiced(pcm: bytes, mode: int = 2) -> float:
    """The share of frames that are speech."""
    vad = WebRtcVad(mode)
    frames = range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)
    return float(np.mean([vad.is_speech(pcm[at : at + FRAME_BYTES]) for at in frames]))


def test_speech_is_told_from_silence() -> None:
    assert voiced(synthesise("Bonjour, je vous appelle au sujet de votre épargne.")) > 0.8
    assert voiced(bytes(32000)) == 0


def test_a_higher_mode_is_harder_to_please() -> None:
    noise = np.random.default_rng(1).normal(0, 800, 64000).astype("<i2").tobytes()
    assert voiced(noise, 3) <= voiced(noise, 0)


@pytest.mark.parametrize("size", [0, 639, 642])
def test_other_lengths_are_refused(size: int) -> None:
    with pytest.raises(Exception, match="Error while processing frame"):
        WebRtcVad().is_speech(bytes(size))
