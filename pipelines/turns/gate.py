"""The gate: from sound to the beginning and the end of what the user says.

Idle, it keeps the last moments and passes nothing on. Speech opens it: the kept moments go out
first, so that the recogniser hears the first consonant. Silence closes it: the endpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

from engine.frames import Audio, Frame, SpeechEnded, SpeechStarted
from pipelines.audio.vad import FRAME_BYTES, Vad
from pipelines.turns.level import level

__all__ = ["Confirm", "GateSettings", "SpeechGate"]

RATE_HZ = 16000
FRAME_S = 0.02
GAP_S = 0.1
"""Frames further apart than this are not of one piece: what came before is forgotten."""
SETTLE_FRAMES = 12
"""WebRTC VAD holds on for up to 240 ms after loud speech; further back the voice is trusted."""
QUIET = 10 ** (-30 / 20)
"""A frame 30 dB below the loudest of its utterance is no part of it, whatever the VAD says."""

ABOVE_NOISE = 2.5
"""Speech is 8 dB above the noise of the line: WebRTC VAD alone takes loud noise for speech."""
LEAST_ABOVE_NOISE = 1.5
"""Where the noise leaves a voice less room than twice that, half of it, down to 3.5 dB. Steady
noise is as far above its own estimate, which lies at its lower end, in a frame of a hundred."""
USUAL_VOICE = 1500.0
"""The `level` of a voice: -27 dBov, an active speech level as networks expect it (ITU-T P.56
has -26)."""
GOING_ON = 1.6
"""Within an utterance 4 dB do: words fade. In noise 2 dB, of 80 ms together."""
LEAST_GOING_ON = 1.3
HIDDEN_S = 0.16
LOUDEST_NOISE = 1000.0
"""Noise hides the weak ends of syllables, so that a stop within a word looks longer: by as much as
this where it is as loud as a voice, by a share of it where it is not. At 10 dB a silence of 160 ms
was one within words in 14 of 50 utterances, at 5 dB in 16; with this in 1 and 2."""
USUAL_NOISE = 400.0
"""The `level` of a line that was not heard yet: a loud one."""
MAX_NOISE = 2000.0
"""Above it (10 dB below a voice at its loudest) nothing could be told from noise."""
MIN_NOISE = 8.0
"""Digital silence: the first whisper of a line is no speech."""
LOOK_EVERY = 4
"""Frames between looks at how loud it is, while that decides nothing: it costs as much as the VAD.
"""
LOWEST_OF = 15
"""Looks within speech, 1.2 s, of which a voice is low at one at least, between two syllables. What
is louder even then is the line's noise (minimum statistics, Martin 2001)."""
NOISE_RISE = 1.028
"""At each look: the estimate follows a louder room by 3 dB a second, a quieter one at once."""


class Confirm(Protocol):
    """A slower, surer opinion that runs beside the gate (Silero)."""

    probability: float | None

    def open(self, preroll: bytes) -> None: ...

    def push(self, frame: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class GateSettings:
    """When speech begins and ends."""

    endpoint_ms: int = 240
    """Silence after which the user has finished: twelve frames, so that it fits a share of 250."""
    onset_frames: int = 3
    """Voiced frames of 20 ms, out of the last five, that make speech."""
    preroll_ms: int = 300
    """Sound from before the onset that the recogniser gets."""
    chunk_ms: int = 100
    """Sound is handed on in pieces of this length: fewer wake-ups than frame by frame."""
    confirm_ms: int = 500
    """How long an unconfirmed onset may last before it is given up as noise."""
    sure: float = 0.5
    unsure: float = 0.35
    """Silero's own thresholds for beginning and going on."""
    noisy: float = 0.4
    """Their share in noise (`SpeechGate.noisy`): what a voice leaves of Silero's certainty there.
    Steady noise and coughs stay below 0.08, with or without (docs/decisions.md)."""


class SpeechGate:
    """A transform: Audio at 16 kHz in, SpeechStarted, Audio and SpeechEnded out.

    `speaking` is true between the two events, `noisy` where noise leaves a voice little room.
    Other frames pass on. `endpoint_s` may be changed at any moment, also within a pause; `on_pause`
    is told the length (seconds) of pauses after which speech went on.
    """

    __slots__ = (
        "_above",
        "_candidate_s",
        "_chunk",
        "_chunk_at",
        "_chunk_bytes",
        "_confirm",
        "_going_on",
        "_heard_until",
        "_hidden_s",
        "_history",
        "_is_speech",
        "_level",
        "_look_in",
        "_looks",
        "_lowest",
        "_noise",
        "_recent",
        "_rest",
        "_room",
        "_settled",
        "_voiced_until",
        "endpoint_s",
        "noisy",
        "on_pause",
        "settings",
        "speaking",
    )

    def __init__(
        self, vad: Vad, settings: GateSettings | None = None, confirm: Confirm | None = None
    ) -> None:
        self.settings = settings or GateSettings()
        self.speaking = False
        self._is_speech = vad.is_speech
        self._confirm = confirm
        self.endpoint_s = self.settings.endpoint_ms / 1000
        self.on_pause: Callable[[float], None] = _ignore
        self._chunk_bytes = self.settings.chunk_ms * RATE_HZ // 1000 * 2
        self._rest = b""
        kept = max(SETTLE_FRAMES, self.settings.preroll_ms // 20)
        self._recent: deque[tuple[float, bytes]] = deque(maxlen=kept)
        self._history = 0  # of the last five frames, a bit each
        self._candidate_s: float | None = None
        self._chunk = bytearray()
        self._chunk_at = 0.0
        self._heard_until = 0.0
        self._voiced_until = 0.0
        self._settled = False
        self._level = 0.0
        self.noisy = False
        self._hidden_s = 0.0
        self._room = USUAL_NOISE
        self._set_noise(USUAL_NOISE)
        self._lowest = MAX_NOISE
        self._looks = 0
        self._look_in = LOOK_EVERY  # frames

    def feed(self, frame: Frame) -> Iterable[Frame]:
        if not isinstance(frame, Audio):
            return (frame,)
        if len(frame.pcm) == FRAME_BYTES and not self._rest:
            return self._step(frame.pcm, frame.at)
        return self._reblock(frame)

    def idle(self, now: float) -> Iterable[Frame]:
        """Time has come to `now` without sound: a far end that sends nothing is silent."""
        if self.speaking and now - self._heard_until > 3 * FRAME_S:
            self._settle()
            if now - self._voiced_until >= self.endpoint_s + self._hidden_s:
                return self._end(now)
        return ()

    @property
    def floor(self) -> float:
        """The `level` below which sound is the line's noise."""
        return self._above

    @property
    def noise(self) -> float:
        """The `level` of the line's noise, as far as it is known."""
        return self._noise

    @property
    def maybe(self) -> bool:
        """Speech may have begun just now, and is not sure yet."""
        return not self.speaking and (
            self._candidate_s is not None or self._history.bit_count() > 1
        )

    @property
    def pending(self) -> bytes:
        """Sound of what is being said that was not handed on yet."""
        return bytes(self._chunk)

    def dismiss(self, now: float) -> Iterable[Frame]:
        """It is no speech, however long it lasts: end it, and know it as noise from now on."""
        if not self.speaking:
            return ()
        heard = sorted(level(pcm) for _, pcm in self._recent)
        self._set_noise(max(self._noise, heard[len(heard) // 2]))
        return self.finish(now)

    def silent_s(self, now: float) -> float:
        """How long the pause in what is being said has lasted; 0 while it sounds."""
        if not self.speaking or not self._settled:
            return 0.0
        return now - self._voiced_until

    def finish(self, now: float) -> Iterable[Frame]:
        """No more sound will come: speech ends with what there was."""
        if not self.speaking:
            return ()
        self._settle()
        return self._end(max(now, self._heard_until))

    def _reblock(self, frame: Audio) -> list[Frame]:
        """Cut into 20 ms; the rest waits for the next message."""
        out: list[Frame] = []
        at = frame.at - len(self._rest) / (2 * RATE_HZ)
        pcm = self._rest + frame.pcm
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            out.extend(self._step(pcm[start : start + FRAME_BYTES], at + start / (2 * RATE_HZ)))
        self._rest = pcm[whole:]
        return out

    def _step(self, pcm: bytes, at: float) -> Iterable[Frame]:
        voiced = self._is_speech(pcm)
        if abs(at - self._heard_until) > GAP_S:  # back, after sound that came ahead of its time
            self._recent.clear()
            if not self.speaking:
                self._forget()
        self._recent.append((at, pcm))
        self._heard_until = at + FRAME_S
        self._look_in -= 1
        if self.speaking:
            return self._go_on(pcm, at, voiced and self._loud(pcm))
        heard = level(pcm) if voiced or self._look_in <= 0 else 0.0
        voiced = voiced and heard > self._above
        self._history = (self._history << 1 | voiced) & 0b11111
        if voiced:
            if self._history.bit_count() >= self.settings.onset_frames:
                return self._onset(pcm, at)
        elif self._look_in <= 0:
            self._look_in = LOOK_EVERY
            self._listen_to_noise(heard)
        return () if self._candidate_s is None else self._onset(pcm, at)

    def _loud(self, pcm: bytes) -> bool:
        """The utterance goes on above the noise. While it does, only now and then a look tells:
        its end is found back from there (`_settle`)."""
        if self._look_in > 0:
            return True
        heard = level(pcm)
        self._level = max(self._level, heard)
        self._lowest = min(self._lowest, heard)
        self._looks += 1
        if self._looks == LOWEST_OF:
            self._set_noise(max(self._noise, self._lowest))
            self._looks, self._lowest = 0, MAX_NOISE
        if self.noisy:
            heard = level(b"".join(sound for _, sound in list(self._recent)[-LOOK_EVERY:]))
        loud = heard > self._going_on
        if loud:
            self._look_in = LOOK_EVERY
        return loud

    def _listen_to_noise(self, heard: float) -> None:
        self._set_noise(min(heard, self._noise * NOISE_RISE))
        # What was given up a moment ago makes no noisy line: it may have been a voice.
        self._room = min(heard, self._room * NOISE_RISE)
        self.noisy = self._room > USUAL_VOICE / ABOVE_NOISE**2
        self._hidden_s = HIDDEN_S * min(1.0, self._room / LOUDEST_NOISE) if self.noisy else 0.0

    def _set_noise(self, noise: float) -> None:
        """What is louder than it by how much is speech: half of the way to a voice."""
        self._noise = noise = min(MAX_NOISE, max(MIN_NOISE, noise))
        half = sqrt(USUAL_VOICE / noise)
        self._above = noise * min(ABOVE_NOISE, max(LEAST_ABOVE_NOISE, half))
        self._going_on = noise * min(GOING_ON, max(LEAST_GOING_ON, half))

    def _onset(self, pcm: bytes, at: float) -> Iterable[Frame]:
        confirm = self._confirm
        if confirm is not None:
            if self._candidate_s is None:
                self._candidate_s = at
                confirm.open(b"".join(kept for _, kept in self._recent))
            else:
                confirm.push(pcm)
            sure = self.settings.sure * (self.settings.noisy if self.noisy else 1.0)
            if confirm.probability is None or confirm.probability < sure:
                if not self._history:
                    self._forget()
                elif at - self._candidate_s > self.settings.confirm_ms / 1000:
                    self._set_noise(max(self._noise, min(level(kept) for _, kept in self._recent)))
                    self._forget()
                return ()
        return self._start(at)

    def _forget(self) -> None:
        self._candidate_s = None
        self._history = 0
        if self._confirm is not None:
            self._confirm.close()

    def _start(self, at: float) -> list[Frame]:
        first = at if self._candidate_s is None else self._candidate_s
        since = first - self.settings.preroll_ms / 1000 - FRAME_S / 4
        kept = [(when, sound) for when, sound in self._recent if when >= since]
        onset_at = max(first - (self.settings.onset_frames - 1) * FRAME_S, kept[0][0])
        onset_at = min(onset_at, at + FRAME_S)
        self.speaking = True
        self._settled = False
        self._looks, self._lowest = 0, MAX_NOISE
        self._candidate_s = None
        self._voiced_until = at + FRAME_S
        self._level = max(level(pcm) for _, pcm in kept)
        sound = b"".join(pcm for _, pcm in kept)
        self._chunk.clear()
        return [SpeechStarted(onset_at, at + FRAME_S), Audio(sound, RATE_HZ, kept[0][0])]

    def _go_on(self, pcm: bytes, at: float, voiced: bool) -> Iterable[Frame]:
        confirm = self._confirm
        if confirm is not None:
            confirm.push(pcm)
            unsure = self.settings.unsure * (self.settings.noisy if self.noisy else 1.0)
            if confirm.probability is not None and confirm.probability < unsure:
                voiced = False
        if not self._chunk:
            self._chunk_at = at
        self._chunk += pcm
        if voiced:
            if self._settled:
                self._settled = False
                self.on_pause(at - self._voiced_until)
            self._voiced_until = at + FRAME_S
        else:
            self._settle()
            if at + FRAME_S - self._voiced_until >= self.endpoint_s + self._hidden_s - 1e-6:
                return self._end(at + FRAME_S)
        if len(self._chunk) >= self._chunk_bytes:
            return (self._take_chunk(),)
        return ()

    def _take_chunk(self) -> Audio:
        sound = bytes(self._chunk)
        self._chunk.clear()
        return Audio(sound, RATE_HZ, self._chunk_at)

    def _settle(self) -> None:
        """Take the VAD's hang-over off the end of speech, once per pause."""
        if self._settled:
            return
        self._settled = True
        quiet = max(self._level * QUIET, self._going_on)
        for when, pcm in reversed(self._recent):
            if when >= self._voiced_until - 1e-6:
                continue
            if level(pcm) > quiet:
                break
            self._voiced_until = when

    def _end(self, now: float) -> list[Frame]:
        out: list[Frame] = [self._take_chunk()] if self._chunk else []
        self.speaking = False
        self._recent.clear()  # the recogniser has had it
        self._forget()
        out.append(SpeechEnded(min(self._voiced_until, now), now))
        return out


def _ignore(pause_s: float) -> None:
    """Nobody asked about pauses."""
