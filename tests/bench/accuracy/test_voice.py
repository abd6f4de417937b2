"""The program that speaks; `test_speakers` has it speak with all its voices."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.integration
def test_each_line_is_answered_with_a_length_and_sound() -> None:
    import espeakng_loader

    lines = [["oui", "fr", 160, 50], ["non merci", "fr-be+f2", 200, 40]]
    done = subprocess.run(
        [sys.executable, "-m", "bench.accuracy.voice", espeakng_loader.get_data_path()],
        input="".join(json.dumps(line) + "\n" for line in lines).encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    sounds, rest = [], done.stdout
    while rest:
        size = int.from_bytes(rest[:4], "little")
        sounds.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    assert len(sounds) == 2
    assert all(4000 < len(sound) < 64000 and len(sound) % 2 == 0 for sound in sounds)
