"""Records the recogniser: every sound that callers make, through Vosk, once.

Each is fed as the gate feeds it: 300 ms of the room before the voice, then pieces of 100 ms; with
the room's noise, on every line. Seconds of CPU for each minute of sound.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import SpeechError
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.early import CLOSING, OPENERS, verdict
from pipelines.speech.grammar import UNKNOWN, grammar
from pipelines.speech.hearing import Hearing
from scenarios.script import Script, ScriptFlow, load
from server.sim.heard import digest, key
from server.sim.phrases import spoken
from server.sim.sounds import CONDITIONS, COUGHS, Room, lines_sound, sound
from server.sim.voices import OURS, SCENARIO, VOICES

__all__ = ["checksum", "expectations", "record"]

LEAD_MS = 300
EARLY_MS = (160, 220, 280)
"""The gate says that speech began, and when, to a frame or three (`pipelines.turns.floor`)."""
CHUNK = RATE_HZ // 10 * 2


def checksum(model: Path) -> str:
    """Of all files of a model, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(path for path in model.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(model)).encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def expectations(script: Script) -> list[tuple[str, ...]]:
    """What the questions of `script` lead to expect."""
    flow = ScriptFlow(script)
    state = flow.start()
    questions = [flow.question({**state, "step": step}) for step in script.steps]
    return list(dict.fromkeys(q.phrases for q in questions if q.phrases))


def record(model_path: Path, out: Path, told: Callable[[str], None] = lambda name: None) -> int:
    """Write what the model makes of all sounds to `out`; their number. Raises SpeechError."""
    import vosk

    vosk.SetLogLevel(-1)
    try:
        model = vosk.Model(str(model_path))
    except Exception as error:  # the class Vosk raises
        raise SpeechError(f"{model_path} holds no model that vosk can load") from error
    script = load(SCENARIO)

    def knows(word: str) -> bool:
        return bool(model.vosk_model_find_word(word) >= 0)

    grammars = {digest(phrases): grammar(phrases, knows) for phrases in expectations(script)}
    opening = (*script.backchannels, *script.stop_words, *OPENERS[script.language])
    early = grammar(opening, knows)
    sounds: dict[str, Any] = {}
    for name, pcm, lead_ms, audible_ms in _sounds(script):
        told(name)
        made = _open(model, pcm, lead_ms)
        if audible_ms is not None:
            made["beginnings"] = _beginnings(model, early, pcm, lead_ms, audible_ms)
        if audible_ms is not None and not name.startswith("|"):  # coughs have no voice
            made["choices"] = {
                phrases: _choice(model, made_of, pcm) for phrases, made_of in grammars.items()
            }
        sounds[name] = made
    about = {
        "model": model_path.name,
        "sha256": checksum(model_path),
        "voices": VOICES,
        "sounds": len(sounds),
    }
    lines = ",\n".join(
        f"{json.dumps(name, ensure_ascii=False)}:"
        f"{json.dumps(made, ensure_ascii=False, separators=(',', ':'))}"
        for name, made in sounds.items()
    )
    out.write_text(
        f'{{"about":{json.dumps(about)},\n"sounds":{{\n{lines}\n}}}}\n', encoding="utf-8"
    )
    return len(sounds)


def _sounds(script: Script) -> Iterator[tuple[str, bytes, float, float | None]]:
    """Their names, sound at 16 kHz, how much of that comes before, and when they become audible,
    in milliseconds; None for an echo, which answers nothing."""
    for condition in CONDITIONS:
        for voice in VOICES:
            for text in spoken():
                yield key(text, voice, condition), *_heard(text, voice, condition)
        for cough in COUGHS:
            yield key(cough, "", condition), *_heard(cough, "", condition)
    for line in script.lines():
        pcm = lines_sound(line)
        yield key(line, OURS, "echo"), _faint(pcm), 0.0, None


def _heard(text: str, voice: str, condition: str) -> tuple[bytes, float, float]:
    """The sound in its room, the milliseconds before its first sample, and to its first audible."""
    line = CONDITIONS[condition]
    made = sound(text, voice, condition)
    room = Room(condition, 1)
    size = room.frame_samples
    lead = max(0, LEAD_MS * line.rate_hz // 1000 - made.first)
    count = -(-(lead + made.last + line.rate_hz // 4) // size)
    mixed = np.frombuffer(b"".join(room.frame() for _ in range(count)), "<i2").astype(np.int32)
    end = min(mixed.size, lead + made.samples.size)
    mixed[lead:end] += made.samples[: end - lead]
    pcm = np.clip(mixed, -32768, 32767).astype("<i2").tobytes()
    pcm = StreamResampler(line.rate_hz, RATE_HZ).feed(pcm, last=True)
    return pcm, lead * 1000 / line.rate_hz, made.first * 1000 / line.rate_hz


def _faint(pcm: bytes) -> bytes:
    """20 dB down, and a little silence around."""
    samples = np.frombuffer(pcm, "<i2") // 10
    return samples.astype("<i2").tobytes() + bytes(RATE_HZ // 2)


def _open(model: Any, pcm: bytes, lead_ms: float) -> dict[str, Any]:
    import vosk

    recogniser = vosk.KaldiRecognizer(model, RATE_HZ)
    recogniser.SetWords(True)
    settled: list[dict[str, Any]] = []
    interims: list[tuple[float, str]] = []
    for start in range(0, len(pcm), CHUNK):
        if recogniser.AcceptWaveform(pcm[start : start + CHUNK]):
            settled.append(json.loads(recogniser.Result()))
        texts = [part["text"] for part in settled]
        texts.append(json.loads(recogniser.PartialResult()).get("partial", ""))
        text = " ".join(word for said in texts for word in said.split() if word != UNKNOWN)
        at_ms = min(start + CHUNK, len(pcm)) * 1000 / (2 * RATE_HZ) - lead_ms
        if text != (interims[-1][1] if interims else ""):
            interims.append((round(at_ms), text))
    settled.append(json.loads(recogniser.FinalResult()))
    words = [word for part in settled for word in part.get("result", ())]
    return {
        "words": [
            [
                word["word"],
                round(word["start"] * 1000 - lead_ms),
                round(word["end"] * 1000 - lead_ms),
                round(min(1.0, word["conf"]), 3),
            ]
            for word in words
            if word["word"] != UNKNOWN
        ],
        "interims": interims,
    }


def _beginnings(
    model: Any, made_of: str | None, pcm: bytes, lead_ms: float, audible_ms: float
) -> list[tuple[int, str]]:
    """As `pipelines.speech.early` hears it, some while after it became audible."""
    made = []
    for after_ms in EARLY_MS:
        hearing = Hearing(model, made_of)
        end = round((lead_ms + audible_ms + after_ms) * RATE_HZ / 1000) * 2
        hearing.feed(pcm[:end] + CLOSING)
        made.append((round(audible_ms + after_ms), verdict(hearing.final())))
    return made


def _choice(model: Any, made_of: str | None, pcm: bytes) -> tuple[str, float | None, bool]:
    hearing = Hearing(model, made_of)
    for start in range(0, len(pcm), CHUNK):
        hearing.feed(pcm[start : start + CHUNK])
    heard = hearing.final()
    confidence = None if heard.confidence is None else round(heard.confidence, 3)
    return heard.text, confidence, heard.unknown
