import shlex
import shutil
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from bench.accuracy.speakers import (
    HUMAN,
    SEEN,
    UNSEEN,
    Synthesiser,
    available,
    human,
)
from bench.accuracy.voice import trimmed
from bench.errors import BenchError
from pipelines.speech.training.voices import voices

SHARED = Path(__file__).parents[4] / "shared" / "audio"
BEEPS = """
import sys, wave
with wave.open(sys.argv[1], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(8000)
    out.writeframes(bytes(800) + b"\\x10\\x10" * 100 * len(sys.argv[2]) + bytes(800))
"""


@pytest.fixture
def beeper(tmp_path: Path) -> str:
    script = tmp_path / "beeper.py"
    script.write_text(BEEPS)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{out}} {{text}}"


def write(path: Path, rate_hz: int = 16000, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(b"\x10\x10" * rate_hz)


@pytest.mark.integration
def test_groups_have_their_own_voices_and_repeat_themselves() -> None:
    texts = ["oui bien sûr", "j'ai un livret et une assurance-vie"] * 3
    with Synthesiser.opened("fr", 1, {}) as synthesiser:
        seen, unseen = (synthesiser.say(group, texts) for group in (SEEN, UNSEEN))
    with Synthesiser.opened("fr", 1, {}) as synthesiser:
        again = [synthesiser.say(group, texts) for group in (SEEN, UNSEEN)]
    kept = {voice.name for voice in voices() if voice.unseen}
    assert {one.speaker.partition("+")[2] for one in unseen} <= kept
    assert not {one.speaker.partition("+")[2] for one in seen} & kept
    for first, second in zip([*seen, *unseen], [*again[0], *again[1]], strict=True):
        assert (first.text, first.speaker) == (second.text, second.speaker)
        assert len(first.pcm) == pytest.approx(len(second.pcm), rel=0.02)
    assert [one.text for one in seen] == texts
    assert len({one.pcm for one in (*seen, *unseen)}) == 12
    for one in seen:
        level = np.abs(np.frombuffer(one.pcm, "<i2").astype(int))
        assert level.max() > 1000
        assert min(level[0], level[-1]) > 0


@pytest.mark.integration
def test_another_program_may_speak(beeper: str) -> None:
    assert "beeper" in available("fr", {"beeper": beeper})
    with Synthesiser.opened("fr", 1, {"beeper": beeper}) as synthesiser:
        (one,) = synthesiser.say("beeper", ["l'eau; $HOME"])
    assert one.speaker == "beeper"
    assert len(one.pcm) == pytest.approx(2 * 2 * 100 * 12, abs=100)  # twice the rate, no silence


@pytest.mark.integration
def test_a_program_that_does_not_speak_is_told() -> None:
    with pytest.raises(BenchError, match="did not speak"):
        available("fr", {"mute": f"{sys.executable} -c pass {{out}}"})
    with pytest.raises(BenchError, match="did not speak"):
        available("fr", {"none": "/nonexistent/voice {out} {text}"})


@pytest.mark.integration
def test_known_synthesisers_are_found_where_they_are() -> None:
    found = available("fr", {})
    assert ("pico" in found) == bool(shutil.which("pico2wave"))


def test_recordings_have_their_transcript_beside_them(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(f"Bonjour {name}.\n", "utf-8")
    write(folder / "a.wav", 8000)
    write(tmp_path / "c.wav")
    (one,) = human(tmp_path)
    assert (one.text, one.speaker) == ("Bonjour a.", "a")
    assert len(one.pcm) == pytest.approx(32000, abs=200)
    assert human(tmp_path / "none") == []


def test_a_recording_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("oui")
    (tmp_path / "a.wav").write_bytes(b"no")
    with pytest.raises(BenchError, match="cannot be read"):
        human(tmp_path)
    write(tmp_path / "a.wav", channels=2)
    with pytest.raises(BenchError, match="not mono"):
        human(tmp_path)


@pytest.mark.integration
def test_people_are_read_from_compressed_files() -> None:
    pytest.importorskip("av", reason="PyAV is not installed (extra webrtc)")
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    found = human(SHARED)
    assert found
    for one in found:
        assert 1 < len(one.pcm) / 32000 < 60
        assert one.text
    assert HUMAN == "human"


def test_sound_is_cut_to_what_is_heard() -> None:
    sound = np.array([0, 3, -3, 900, -1000, 500, 2, 0, 0], "<i2")
    assert np.frombuffer(trimmed(sound.tobytes()), "<i2").tolist() == [900, -1000, 500]
    assert trimmed(bytes(10)) == b""
    assert trimmed(b"") == b""
