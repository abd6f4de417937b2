"""A WAV file that is whole at every moment."""

from __future__ import annotations

import stat
import wave
from pathlib import Path

import pytest

from engine.errors import StoreError
from storage import wav
from storage.wav import WavFile


def test_it_is_what_others_read(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "new" / "a.wav", 16000, 2)
    file.write(b"\1\0\2\0")
    file.write(b"\3\0\4\0")
    file.close()
    with wave.open(str(file.path)) as read:
        assert read.getparams()[:4] == (2, 2, 16000, 2)
        assert read.readframes(9) == b"\1\0\2\0\3\0\4\0"
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_what_was_written_is_there_before_it_is_closed(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "a.wav", 8000, 1)
    file.write(b"\1\0")
    data = file.path.read_bytes()
    assert data[:12] == b"RIFF\xff\xff\xff\xffWAVE"
    assert data[-6:] == b"\xff\xff\xff\xff\1\0"
    file.close()
    assert file.path.read_bytes()[-10:] == b"data\2\0\0\0\1\0"


def test_it_does_not_outgrow_its_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "MOST_BYTES", 4)
    file = WavFile(tmp_path / "a.wav", 8000, 1)
    for _ in range(3):
        file.write(b"\1\0")
    file.close()
    assert file.path.stat().st_size == 44 + 4


def test_one_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(StoreError, match="PALABRE_RECORDINGS"):
        WavFile(tmp_path / "a.wav", 8000, 1)


def test_a_full_disk_is_said() -> None:
    with pytest.raises(StoreError, match="PALABRE_RECORDINGS"):
        WavFile(Path("/dev/full/a.wav"), 8000, 1)
