"""Why Smart Turn does not decide (docs/decisions.md): what it says of pauses within sentences that
people read, and of their ends; and what a look costs. `pytest -s` shows the figures."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.frames import Audio, SpeechEnded, SpeechStarted
from pipelines.audio.vad import WebRtcVad
from pipelines.turns.gate import GateSettings, SpeechGate

pytestmark = pytest.mark.integration

RECORDINGS = Path(__file__).parents[4] / "shared" / "audio" / "fleurs-fr"
RATE = 16000


def _read(path: Path) -> npt.NDArray[np.int16]:
    soundfile = pytest.importorskip("soundfile")
    sound, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    return np.concatenate([sound, np.zeros(RATE, np.int16)])


def _ends(sound: npt.NDArray[np.int16]) -> list[float]:
    """When speech was silent for 160 ms, in seconds; the last is the end."""
    gate = SpeechGate(WebRtcVad(), GateSettings(endpoint_ms=160))
    ends: list[float] = []
    for first in range(0, sound.size - 320, 320):
        for frame in gate.feed(Audio(sound[first : first + 320].tobytes(), RATE, first / RATE)):
            if isinstance(frame, SpeechEnded):
                ends.append(frame.decided_at)
            elif isinstance(frame, SpeechStarted):
                assert frame.at >= (ends or [0.0])[-1] - 0.3
    return ends


def test_it_takes_most_pauses_for_ends() -> None:
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings in {RECORDINGS}")
    smart_turn = pytest.importorskip("pipecat.audio.turn.smart_turn.local_smart_turn_v3")
    analyzer = smart_turn.LocalSmartTurnAnalyzerV3()
    analyzer._sample_rate = RATE
    pauses: list[float] = []
    ends: list[float] = []
    spent_s = 0.0
    for path in sorted(RECORDINGS.glob("*.ogg")):
        sound = _read(path)
        *within, last = _ends(sound)
        for found, moments in ((pauses, within), (ends, [last])):
            for at in moments:
                heard = sound[: round(at * RATE)].astype(np.float32) / 32768
                began = time.thread_time()
                found.append(analyzer._predict_endpoint(heard)["probability"])
                spent_s += time.thread_time() - began
    whole = sum(probability > 0.5 for probability in pauses)
    print(
        f"\n{len(pauses)} pauses, {whole} taken for ends; {len(ends)} ends, "
        f"{sum(probability > 0.5 for probability in ends)} known; "
        f"{1000 * spent_s / len(pauses + ends):.0f} ms of CPU a look"
    )
    assert len(pauses) > 15
    assert whole > len(pauses) / 2
