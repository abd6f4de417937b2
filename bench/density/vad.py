"""The two VADs of the bench: as the bound runs them, and as the reference for the callers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError

__all__ = ["SILERO_WINDOW_BYTES", "SileroBatch", "is_webrtc_speech", "silero_model"]

SAMPLE_RATE_HZ = 16_000
#: Silero v5 takes 512 samples at 16 kHz, and before them the last 64 of the window before.
SILERO_WINDOW_BYTES = 1024
_CONTEXT_SAMPLES = 64

Floats = npt.NDArray[np.float32]


def is_webrtc_speech(mode: int) -> _WebRtc:
    """A function from a 20 ms frame at 16 kHz to whether WebRTC VAD hears speech in it."""
    return _WebRtc(mode)


class _WebRtc:
    __slots__ = ("_vad",)

    def __init__(self, mode: int) -> None:
        import webrtcvad  # type: ignore[import-untyped, unused-ignore]

        self._vad = webrtcvad.Vad(mode)

    def __call__(self, frame: bytes) -> bool:
        return bool(self._vad.is_speech(frame, SAMPLE_RATE_HZ))


def silero_model() -> Path:
    """The weights that the pipecat wheel carries; pipecat itself is not imported."""
    spec = importlib.util.find_spec("pipecat")
    for root in (spec.submodule_search_locations or []) if spec else []:
        path = Path(root) / "audio" / "vad" / "data" / "silero_vad.onnx"
        if path.exists():
            return path
    raise BenchError("the weights of Silero VAD are missing; pip install 'palabre[bench]'")


class SileroBatch:
    """Silero over the windows of many calls at once: one session, one state row a call."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._rate = np.array(SAMPLE_RATE_HZ, dtype=np.int64)

    @staticmethod
    def new_state() -> tuple[Floats, Floats]:
        """The recurrent state and the context of a call that begins."""
        return np.zeros((2, 128), np.float32), np.zeros(_CONTEXT_SAMPLES, np.float32)

    def __call__(
        self, windows: list[bytes], states: list[tuple[Floats, Floats]]
    ) -> tuple[list[float], list[tuple[Floats, Floats]]]:
        """Speech probabilities of ``windows`` (1,024 bytes each), and the states after them."""
        samples = np.stack([np.frombuffer(window, "<i2") for window in windows])
        context = np.stack([context for _, context in states])
        batch = np.concatenate([context, samples.astype(np.float32) / 32768.0], axis=1)
        state = np.stack([state for state, _ in states], axis=1)
        probabilities, after = self._session.run(
            None, {"input": batch, "state": state, "sr": self._rate}
        )
        tails = batch[:, -_CONTEXT_SAMPLES:]
        return (
            [float(row[0]) for row in probabilities],
            [(after[:, row], tails[row]) for row in range(len(windows))],
        )
