"""What a caller of the bench says: silence, then a sentence of about 3 s, again and again.

The sentence is real (synthesised) speech that both VADs hear as one piece, so that an endpoint
never falls inside it. A cycle is a whole number of 20 ms frames and of Silero's 512
sample windows, so every cycle of every call meets the VAD alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.density.vad import SILERO_WINDOW_BYTES, SileroBatch, is_webrtc_speech, silero_model
from bench.errors import BenchError

__all__ = [
    "CYCLE_FRAMES",
    "ENDPOINTING_MS",
    "FRAME_BYTES",
    "FRAME_MS",
    "REPLY_MS",
    "WEBRTC_MODE",
    "Script",
    "caller_script",
    "reply_pcm",
    "speech_run",
]

FRAME_MS = 20
FRAME_BYTES = 640
#: 7,040 ms: about 3 s of speech, then 240 ms to the endpoint, 3,000 ms of reply, and a rest.
CYCLE_FRAMES = 352
#: Twelve whole frames: asked for 250, each server would round it its own way.
ENDPOINTING_MS = 240
REPLY_MS = 3_000
#: Aggressiveness of WebRTC VAD, the same in every server.
WEBRTC_MODE = 2
#: Silero's own default.
SILERO_THRESHOLD = 0.5

SENTENCE = "bonjour je voudrais revoir la maison de vos voisins lundi"
_WORDS_PER_MINUTE = 145
#: Standard deviation of the line's noise in s16 steps (-69 dBFS): no line is digitally silent.
_NOISE = 12.0
_HEARD_CYCLES = 4


@dataclass(frozen=True, slots=True)
class Script:
    """One cycle of a caller: ``frames`` of 20 ms, silence first.

    ``speech_end_frame`` is the last frame that holds the sentence; ``vad_release_ms`` is how
    much longer the VAD under test goes on hearing speech, which no server can know better.
    """

    frames: tuple[bytes, ...]
    speech_start_frame: int
    speech_end_frame: int
    vad_release_ms: float

    @property
    def speech_ms(self) -> int:
        """How long the sentence is."""
        return (self.speech_end_frame - self.speech_start_frame + 1) * FRAME_MS


def caller_script(vad: str, *, webrtc_mode: int = WEBRTC_MODE) -> Script:
    """Synthesise the cycle and hear it with ``vad`` (``webrtc`` or ``silero``)."""
    from bench.speech import speak

    sentence = to_last_loud_frame(speak(SENTENCE, words_per_minute=_WORDS_PER_MINUTE))
    speech_frames = len(sentence) // FRAME_BYTES
    silence_frames = CYCLE_FRAMES - speech_frames
    noise = np.random.default_rng(1).standard_normal(silence_frames * FRAME_BYTES // 2)
    cycle = (noise * _NOISE).astype("<i2").tobytes() + sentence
    heard = _hear_webrtc(cycle, webrtc_mode) if vad == "webrtc" else _hear_silero(cycle)
    step_ms = CYCLE_FRAMES * FRAME_MS / (len(heard) // _HEARD_CYCLES)
    start_ms, end_ms = (step_ms * at for at in speech_run(heard))
    release_ms = end_ms - CYCLE_FRAMES * FRAME_MS
    if not (abs(start_ms - silence_frames * FRAME_MS) <= 200 and -60 <= release_ms <= 200):
        raise BenchError(
            f"{vad} VAD hears the caller's sentence from {start_ms:.0f} to {end_ms:.0f} ms "
            f"instead of {silence_frames * FRAME_MS} to {len(cycle) // 32} ms; "
            "choose another sentence in bench/density/script.py"
        )
    return Script(
        frames=tuple(cycle[at : at + FRAME_BYTES] for at in range(0, len(cycle), FRAME_BYTES)),
        speech_start_frame=silence_frames,
        speech_end_frame=CYCLE_FRAMES - 1,
        vad_release_ms=release_ms,
    )


def to_last_loud_frame(sentence: bytes) -> bytes:
    """Whole frames, up to the last within 20 dB of the sentence's level.

    A voice that dies away leaves the end of speech to opinion, by a frame or two.
    """
    samples = np.frombuffer(sentence, "<i2")[: len(sentence) // FRAME_BYTES * FRAME_BYTES // 2]
    frames = samples.astype(np.float64).reshape(-1, FRAME_BYTES // 2)
    power = (frames**2).mean(axis=1)
    last = int(np.flatnonzero(power >= power.mean() / 100.0)[-1])
    return sentence[: (last + 1) * FRAME_BYTES]


def speech_run(heard: list[bool]) -> tuple[int, int]:
    """First and past-the-last verdict of a sentence, counted from the start of its cycle.

    ``heard`` are a VAD's verdicts over four cycles; the third is judged, when the VAD has
    settled, up to a quarter into the fourth. Gaps of less than half the endpointing silence are
    bridged, as every endpointer bridges them. Raises BenchError if there is more or less than
    one piece of speech.
    """
    cycle = len(heard) // _HEARD_CYCLES
    skipped = cycle // 4
    judged = [False, *heard[2 * cycle + skipped : 3 * cycle + skipped], False]
    edges = [at for at, (before, now) in enumerate(pairwise(judged)) if before != now]
    bridged = ENDPOINTING_MS / 2 / (CYCLE_FRAMES * FRAME_MS / cycle)
    at = 1
    while at + 1 < len(edges):
        if edges[at + 1] - edges[at] < bridged:
            del edges[at : at + 2]
        else:
            at += 2
    if len(edges) != 2:
        raise BenchError(
            f"the VAD hears {len(edges) // 2} pieces of speech where the caller says one sentence; "
            "choose another sentence in bench/density/script.py"
        )
    return edges[0] + skipped, edges[1] + skipped


def reply_pcm() -> bytes:
    """The fixed reply of the peers: 3 s of a quiet 220 Hz tone, s16le mono at 16 kHz."""
    time_s = np.arange(REPLY_MS * 16) / 16_000
    return (np.sin(2 * np.pi * 220 * time_s) * 4_000).astype("<i2").tobytes()


def _hear_webrtc(cycle: bytes, mode: int) -> list[bool]:
    is_speech = is_webrtc_speech(mode)
    stream = cycle * _HEARD_CYCLES
    return [is_speech(stream[at : at + FRAME_BYTES]) for at in range(0, len(stream), FRAME_BYTES)]


def _hear_silero(cycle: bytes) -> list[bool]:
    model = SileroBatch(silero_model())
    stream = cycle * _HEARD_CYCLES
    states = [model.new_state()]
    heard = []
    for at in range(0, len(stream), SILERO_WINDOW_BYTES):
        probabilities, states = model([stream[at : at + SILERO_WINDOW_BYTES]], states)
        heard.append(probabilities[0] >= SILERO_THRESHOLD)
    return heard
