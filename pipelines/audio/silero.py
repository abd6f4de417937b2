"""Silero VAD: a network's opinion on whether there is speech, for many calls in one batch.

The weights (v5) are those in the wheel of pipecat, which is found and not imported. One window of
512 samples costs 98 µs alone and 41 µs in a batch of 64, so windows of all calls are gathered for
up to 20 ms and run together, in one thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigurationError

__all__ = ["SileroBatcher", "SileroStream", "weights_path"]

WINDOW = 512
"""Samples at 16 kHz that the network takes at a time, 32 ms."""
CONTEXT = 64
"""Samples of the window before that it wants in front."""
STATE = 128
BATCH = 64
"""More streams in a batch make a window no cheaper."""
EVERY_S = 0.02

_Floats = npt.NDArray[np.float32]


def weights_path() -> Path:
    """The network's file. Raises ConfigurationError where the extra is not installed."""
    spec = find_spec("pipecat")
    for place in (spec.submodule_search_locations if spec else None) or ():
        path = Path(place, "audio", "vad", "data", "silero_vad.onnx")
        if path.is_file():
            return path
    raise ConfigurationError(
        "the weights of Silero VAD are not here; run `pip install 'palabre[silero]'`, "
        "or do without with the setting vad=webrtc"
    )


class _Episode:
    """What the network remembers of a stream between `open` and `close`; a thread's own, but for
    `windows` while no job has it."""

    __slots__ = ("context", "state", "stream", "windows")

    def __init__(self, stream: SileroStream) -> None:
        self.stream = stream
        self.windows: list[bytes] = []
        self.state: _Floats = np.zeros((2, STATE), np.float32)
        self.context: _Floats = np.zeros(CONTEXT, np.float32)


_Job = list[tuple[_Episode, list[bytes]]]


class SileroStream:
    """One call's sound. `probability` (0 to 1) is the latest window's, None until one is known."""

    def __init__(self, batcher: SileroBatcher) -> None:
        self.probability: float | None = None
        self._batcher = batcher
        self._rest = b""
        self._episode: _Episode | None = None

    def open(self, preroll: bytes) -> None:
        """Begin anew with `preroll`, s16le mono at 16 kHz."""
        self.probability = None
        self._rest = b""
        self._episode = _Episode(self)
        self.push(preroll)

    def push(self, frame: bytes) -> None:
        """More sound. Does not wait; without `open` it is ignored."""
        episode = self._episode
        if episode is None:
            return
        sound = self._rest + frame
        whole = len(sound) - len(sound) % (2 * WINDOW)
        self._rest = sound[whole:]
        if whole:
            episode.windows.extend(
                sound[at : at + 2 * WINDOW] for at in range(0, whole, 2 * WINDOW)
            )
            self._batcher.gather(episode)

    def close(self) -> None:
        """No more of this; what is still being computed is not delivered."""
        self.probability = None
        self._episode = None

    def deliver(self, episode: _Episode, probability: float) -> None:
        if episode is self._episode:
            self.probability = probability


class SileroBatcher:
    """The network, and the thread that runs it. One of these per process.

    Raises ConfigurationError where the extra is not installed. `close` ends the thread.
    """

    def __init__(self) -> None:
        self._network = _load(weights_path())
        self._worker = ThreadPoolExecutor(1, "silero")
        self._gathered: dict[_Episode, None] = {}  # in their order
        self._running = False
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def stream(self) -> SileroStream:
        return SileroStream(self)

    def close(self) -> None:
        """End the thread after its job; nothing is delivered any more."""
        self._closed = True
        self._gathered.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._worker.shutdown(cancel_futures=True)

    def gather(self, episode: _Episode) -> None:
        """`episode` has windows to be looked at."""
        if self._closed:
            return
        self._gathered[episode] = None
        if self._running:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._not_before - loop.time()
        if wait_s <= 0 or len(self._gathered) >= BATCH:
            self._start()
        elif self._timer is None:
            self._timer = loop.call_later(wait_s, self._start)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        job: _Job = []
        for episode in self._gathered:
            job.append((episode, episode.windows))
            episode.windows = []
        self._gathered.clear()
        loop = asyncio.get_running_loop()
        self._running = True
        self._not_before = loop.time() + EVERY_S
        done = loop.run_in_executor(self._worker, _run, self._network, job)
        done.add_done_callback(lambda done: self._deliver(job, done))

    def _deliver(self, job: _Job, done: asyncio.Future[list[float]]) -> None:
        self._running = False
        if self._closed or done.cancelled():
            return
        loop = asyncio.get_running_loop()
        if (error := done.exception()) is not None:
            loop.call_exception_handler({"message": "Silero VAD failed", "exception": error})
        # Confirmation that cannot be had is not withheld: a call must not go deaf.
        results = [1.0] * len(job) if error is not None else done.result()
        for (episode, _), probability in zip(job, results, strict=True):
            episode.stream.deliver(episode, probability)
        if self._gathered:
            wait_s = max(0.0, self._not_before - loop.time())
            self._timer = loop.call_later(wait_s, self._start)


# In the thread


def _load(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigurationError(
            "onnxruntime, which runs Silero VAD, is not here; "
            "run `pip install 'palabre[silero]'`, or do without with the setting vad=webrtc"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )


def _run(network: Any, job: _Job) -> list[float]:
    """The probability of each episode's last window. Windows of one episode follow each other,
    those of different ones go side by side."""
    latest = [0.0] * len(job)
    for turn in range(max(len(windows) for _, windows in job)):
        places = [place for place, (_, windows) in enumerate(job) if turn < len(windows)]
        for batch in _batches(places):
            episodes = [job[place][0] for place in batch]
            windows = b"".join(job[place][1][turn] for place in batch)
            for place, probability in zip(batch, _step(network, episodes, windows), strict=True):
                latest[place] = probability
    return latest


def _batches(places: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(places), BATCH):
        yield places[start : start + BATCH]


def _step(network: Any, episodes: list[_Episode], windows: bytes) -> list[float]:
    """Look at one window of each of `episodes`, and let them remember it."""
    samples = np.frombuffer(windows, "<i2").astype(np.float32).reshape(len(episodes), WINDOW)
    samples /= 32768.0
    context = np.stack([episode.context for episode in episodes])
    state = np.stack([episode.state for episode in episodes], axis=1)
    probabilities, states = network.run(
        None,
        {
            "input": np.concatenate((context, samples), axis=1),
            "state": state,
            "sr": np.array(16000, np.int64),
        },
    )
    for place, episode in enumerate(episodes):
        episode.context = samples[place, -CONTEXT:]
        episode.state = states[:, place]
    return [float(probability) for probability in probabilities[:, 0]]
