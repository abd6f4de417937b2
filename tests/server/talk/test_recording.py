"""Recordings of any rate and width are read, others are refused with what to do."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from server.talk.recording import RecordingError, read_wav, write_stereo


def write(path: Path, rate_hz: int, width: int, channels: int, seconds: float = 0.5) -> Path:
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    signal = np.repeat(0.5 * np.sin(2 * np.pi * 440 * t), channels)
    if width == 1:
        data = np.rint(signal * 127 + 128).astype("u1").tobytes()
    else:
        whole = np.rint(signal * (2**31 - 1)).astype("<i4").view("u1").reshape(-1, 4)
        data = whole[:, 4 - width :].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(data)
    return path


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_width_and_channels(
    tmp_path: Path, rate_hz: int, width: int, channels: int
) -> None:
    pcm = np.frombuffer(read_wav(write(tmp_path / "a.wav", rate_hz, width, channels)), "<i2")
    assert pcm.size == pytest.approx(8000, abs=2)
    middle = pcm[2000:6000].astype(float)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 * 32768 / 2**0.5, rel=0.02)
    peak = np.argmax(np.abs(np.fft.rfft(middle))) * 16000 / middle.size
    assert peak == pytest.approx(440, abs=5)


def test_what_is_16_khz_already_is_left_as_it_is(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(struct.pack("<4h", -32768, 32767, 1, -1))
    assert read_wav(tmp_path / "a.wav") == struct.pack("<4h", -32768, 32767, 1, -1)


def test_a_file_that_is_no_wav_says_how_to_convert_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3" * 100)
    with pytest.raises(RecordingError, match=r"convert it: ffmpeg -i .*a\.mp3 -ac 1 -ar 16000"):
        read_wav(path)


def test_a_wav_of_floats_says_how_to_convert_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 8000, 4, 1)
    data = bytearray(path.read_bytes())
    data[20:22] = b"\x03\x00"  # WAVE_FORMAT_IEEE_FLOAT
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="no WAV of integers"):
        read_wav(path)


@pytest.mark.parametrize("content", [b"", b"RIFF"])
def test_a_file_that_ends_too_soon(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(RecordingError):
        read_wav(tmp_path / "a.wav")


def test_no_file_and_no_sound(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(RecordingError, match="no sound"):
        read_wav(write(tmp_path / "a.wav", 8000, 2, 1, seconds=0))


def test_both_tracks_keep_their_side_and_their_time(tmp_path: Path) -> None:
    write_stereo(tmp_path / "a.wav", struct.pack("<3h", 1, 2, 3), struct.pack("<h", 9))
    with wave.open(str(tmp_path / "a.wav"), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 16000)
        assert struct.unpack("<6h", file.readframes(3)) == (1, 9, 2, 0, 3, 0)
