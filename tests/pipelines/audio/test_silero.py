import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from engine.errors import ConfigurationError
from pipelines.audio import silero
from pipelines.audio.silero import SileroBatcher, SileroStream, weights_path
from pipelines.speech.espeak import synthesise

pytest.importorskip("onnxruntime", reason="the extra silero is not installed")
pytest.importorskip("pipecat", reason="the extra silero is not installed")

pytestmark = pytest.mark.integration

RECORDINGS = Path(__file__).parents[4] / "shared" / "audio" / "fleurs-fr"
FRAME = 640


@pytest_asyncio.fixture
async def batcher() -> AsyncIterator[SileroBatcher]:
    batcher = SileroBatcher()
    yield batcher
    batcher.close()


async def settled(batcher: SileroBatcher) -> None:
    """Everything pushed has been looked at."""
    for _ in range(5000):
        await asyncio.sleep(0.001)
        if not batcher._running and not batcher._gathered:
            return
    pytest.fail("the network did not come to an end")


async def together(batcher: SileroBatcher, sounds: list[bytes]) -> list[list[float]]:
    """Window by window, all of them at once."""
    streams = [batcher.stream() for _ in sounds]
    got: list[list[float]] = [[] for _ in sounds]
    for stream in streams:
        stream.open(b"")
    for at in range(0, max(map(len, sounds)) - 1023, 1024):
        alive = [one for one in zip(streams, sounds, got, strict=True) if at + 1024 <= len(one[1])]
        for stream, pcm, _ in alive:
            stream.push(pcm[at : at + 1024])
        await settled(batcher)
        for stream, _, found in alive:
            assert stream.probability is not None
            found.append(stream.probability)
    return got


async def probabilities(batcher: SileroBatcher, pcm: bytes) -> list[float]:
    """Window by window."""
    (got,) = await together(batcher, [pcm])
    return got


def reference(pcm: bytes) -> list[float]:
    """The network alone, as its authors run it."""
    network = silero._load(weights_path())
    state = np.zeros((2, 1, 128), np.float32)
    context: npt.NDArray[Any] = np.zeros((1, 64), np.float32)
    got = []
    for at in range(0, len(pcm) - 1023, 1024):
        window = np.frombuffer(pcm[at : at + 1024], "<i2").astype(np.float32)[None] / 32768
        given = np.concatenate((context, window), axis=1)
        out, state = network.run(
            None, {"input": given, "state": state, "sr": np.array(16000, np.int64)}
        )
        context = given[:, -64:]
        got.append(float(out[0, 0]))
    return got


@pytest.mark.asyncio
async def test_speech_is_told_from_noise_and_silence(batcher: SileroBatcher) -> None:
    noise = np.random.default_rng(1).normal(0, 1000, 16000).astype("<i2").tobytes()
    speech = synthesise("Bonjour, je vous appelle au sujet de votre épargne.")
    assert max(await probabilities(batcher, bytes(32000))) < 0.35
    assert max(await probabilities(batcher, noise)) < 0.35
    assert np.median(await probabilities(batcher, speech)) > 0.5


@pytest.mark.asyncio
async def test_a_batch_is_what_each_would_be_alone(batcher: SileroBatcher) -> None:
    lines = ["Bonjour.", "Je ne suis pas satisfait.", "Oui, bien sûr, allez-y.", "Non merci."]
    sounds = [(bytes(3200) + synthesise(line, voice) + bytes(64000))[:48000]
              for line in lines for voice in ("fr", "fr+f2", "fr-be+m3")] * 6  # fmt: skip
    wanted = [reference(pcm) for pcm in sounds[:12]] * 6
    streams = [batcher.stream() for _ in sounds]
    for stream in streams:
        stream.open(b"")
    for window in range(len(wanted[0])):
        for stream, pcm in zip(streams, sounds, strict=True):
            stream.push(pcm[window * 1024 : (window + 1) * 1024])
        await settled(batcher)
        got = [stream.probability for stream in streams]
        assert got == pytest.approx([alone[window] for alone in wanted], abs=1e-4)


@pytest.mark.asyncio
async def test_the_pieces_do_not_matter(batcher: SileroBatcher) -> None:
    pcm = bytes(3200) + synthesise("Bonjour, je vous appelle au sujet de votre épargne.")
    pcm = pcm[: len(pcm) // 1024 * 1024]
    preroll = 9600
    stream = batcher.stream()
    stream.open(pcm[:preroll])
    for at in range(preroll, len(pcm), FRAME):
        stream.push(pcm[at : at + FRAME])
    await settled(batcher)
    assert stream.probability == pytest.approx(reference(pcm)[-1], abs=1e-4)


def decoded(recording: Path) -> bytes:
    """s16le mono at 16 kHz."""
    av = pytest.importorskip("av", reason="PyAV, which decodes the recordings, is not installed")
    resampler = av.AudioResampler("s16", "mono", 16000)
    with av.open(str(recording)) as file:
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
    return b"".join(frame.to_ndarray().tobytes() for frame in [*frames, *resampler.resample(None)])


@pytest.mark.asyncio
@pytest.mark.skipif(not RECORDINGS.exists(), reason=f"there are no recordings in {RECORDINGS}")
async def test_people_are_heard(batcher: SileroBatcher) -> None:
    sounds = [decoded(recording)[: 32000 * 5] for recording in sorted(RECORDINGS.glob("*.ogg"))]
    for pcm, got in zip(sounds, await together(batcher, sounds), strict=True):
        assert got == pytest.approx(reference(pcm), abs=1e-4)
        assert np.mean(np.array(got) > 0.5) > 0.3  # some begin with two seconds of silence


@pytest.mark.asyncio
async def test_an_opinion_is_of_what_was_opened_last(batcher: SileroBatcher) -> None:
    speech = synthesise("Bonjour, je vous appelle au sujet de votre épargne.")
    stream = batcher.stream()

    async def opinion() -> float | None:
        await settled(batcher)
        return stream.probability

    stream.push(speech)
    assert await opinion() is None  # never opened
    stream.open(speech)
    stream.close()
    assert await opinion() is None  # closed before it was known
    stream.open(speech)
    await asyncio.sleep(0)
    stream.open(bytes(FRAME))
    assert await opinion() is None  # 20 ms are no window
    stream.push(bytes(FRAME))
    assert (await opinion() or 1.0) < 0.35


@pytest.mark.asyncio
async def test_windows_of_20_ms_run_together(
    batcher: SileroBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    step = silero._step

    def counted(network: object, episodes: list[silero._Episode], windows: bytes) -> list[float]:
        sizes.append(len(episodes))
        return step(network, episodes, windows)

    monkeypatch.setattr(silero, "_step", counted)
    streams = [batcher.stream() for _ in range(100)]
    for stream in streams:
        stream.open(bytes(1024))
    await settled(batcher)
    assert sum(sizes) == 100
    assert len(sizes) <= 4
    assert max(sizes) == 64
    assert all(stream.probability is not None for stream in streams)


@pytest.mark.asyncio
async def test_a_network_that_fails_makes_no_call_deaf(
    batcher: SileroBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(silero, "_step", fail)
    told: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    stream = batcher.stream()
    stream.open(bytes(1024))
    await settled(batcher)
    assert stream.probability == 1.0
    assert told == ["Silero VAD failed"]


@pytest.mark.asyncio
async def test_closing_ends_it_while_it_works() -> None:
    batcher = SileroBatcher()
    streams: list[SileroStream] = [batcher.stream() for _ in range(3)]
    for stream in streams:
        stream.open(bytes(32000))
    batcher.close()
    streams[0].push(bytes(32000))
    await asyncio.sleep(0.01)
    assert [stream.probability for stream in streams] == [None] * 3


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(silero, "find_spec", lambda _: None)
        with pytest.raises(ConfigurationError, match=r"pip install 'palabre\[silero\]'"):
            SileroBatcher()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'palabre\[silero\]'"):
        SileroBatcher()


def test_pipecat_is_found_and_not_imported() -> None:
    code = (
        "import sys; from pipelines.audio.silero import SileroBatcher; SileroBatcher().close(); "
        "print('pipecat' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
