"""Echo cancelling: the line without our own voice, so that whoever speaks over it is heard.

What we played, delayed and through a short filter, is taken off what comes in. The filter is the
one that explains the last third of a second best (least squares), looked for ten times a second
while we sound; while somebody speaks as well, none explains it, and the last good one stays. What
is left of an echo that nobody speaks over is brought down to the noise of the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.frames import Audio, Frame

__all__ = ["EchoCanceller"]

WINDOW_S = 0.36
"""What a filter must explain: a syllable or two."""
LATEST_S = 0.12
"""The end of the window counts alone as well: there a person begins to speak."""
EVERY_S = 0.1
"""Between looks for a better filter, 1 ms each."""
LONGEST_DELAY_S = 0.5
EARLY_S = 0.1
"""As in `pipelines.turns.echo`: where the echo may lie."""
NEAR_S = 0.03
"""By how much a known delay moves from turn to turn: a frame of the far end's, and its jitter."""
TAPS_S = 0.01
"""Length of the filter: a hybrid, a handset, the first reflections of a room."""
BEFORE_S = 0.0015
"""Of that, before the strongest path."""
STEPS = 40
"""Of conjugate gradients: what they have not found by then is weak, and would be noise."""
FORGOTTEN = 0.8
"""What a look before counts for: of a vowel alone the filter learns nothing about an "s"."""
EXPLAINED = 0.45
"""What a filter may leave of the amplitude, 7 dB down."""
ALONE = 0.4
"""What is left of an echo and is weaker than this share of it, 8 dB down, is nobody's voice."""
LOUD_ROOM = 2.0
"""Over the line's noise, from where on there is an echo to be taken off."""
BARELY_NOISE = 1.5
"""What is left and no louder than this, over the noise, is the noise: its estimate is low."""
MISFITS = 10
"""Frames which a filter makes louder, after which it is another echo's."""
MOVED_S = 0.04
"""What tells where an echo has moved to that is known but for that: each of our turns, and each
hold, moves it by a few milliseconds."""

_Floats = npt.NDArray[np.float32]
Played = Sequence[tuple[float, bytes]]
"""Pieces of s16le, each with the time it was due."""


class EchoCanceller:
    """A transform: Audio in and out at `rate_hz`, that of what is `played`; other frames pass.

    Does nothing until `delay_s` says that the line has an echo, and about when it comes back;
    `noise` is the root mean square (of 32,768) of the line without it.
    """

    def __init__(
        self,
        rate_hz: int,
        played: Callable[[], Played],
        delay_s: Callable[[], float | None],
        noise: Callable[[], float],
    ) -> None:
        self._rate_hz = rate_hz
        self._played = played
        self._delay_s = delay_s
        self._noise_of_line = noise
        self._window = round(WINDOW_S * rate_hz)
        self._latest = round(LATEST_S * rate_hz)
        self._taps = round(TAPS_S * rate_hz)
        self._before = round(BEFORE_S * rate_hz)
        self._heard: _Floats = np.zeros(0, np.float32)
        self._heard_until = 0.0
        self._noise = 0.0
        self._filter: _Floats | None = None
        self._known: Sequence[_Floats] = ()  # what the filter was made from
        self._lag = 0  # samples: of the strongest path, after what was played
        self._misfits = 0
        self._look_in = 0  # samples

    def feed(self, frame: Frame) -> Iterable[Frame]:
        """See `engine.stage.Transform`."""
        if not isinstance(frame, Audio) or self._delay_s() is None:
            return (frame,)
        played = self._played()
        sound = np.frombuffer(frame.pcm, "<i2").astype(np.float32)
        until = frame.at + frame.duration_s
        self._take(sound, frame.at, until)
        reach_s = LONGEST_DELAY_S + TAPS_S + frame.duration_s
        if not sound.size or not played or played[-1][0] + reach_s < frame.at:
            self._look_in = 0
            return (frame,)
        self._noise = self._noise_of_line()
        self._look_in -= sound.size
        if self._look_in <= 0:
            self._look(played, until)
        left = self._cancel(sound, played, until)
        if left is sound:
            return (frame,)
        return (replace(frame, pcm=np.rint(left).clip(-32768, 32767).astype("<i2").tobytes()),)

    def _take(self, sound: _Floats, at: float, until: float) -> None:
        if abs(at - self._heard_until) > WINDOW_S:
            self._heard = self._heard[:0]
        self._heard = np.concatenate((self._heard, sound))[-self._window :]
        self._heard_until = until

    # The filter

    def _look(self, played: Played, until: float) -> None:
        """Find the filter that explains what was heard: about where the echo was before, or, where
        it is not known, anywhere."""
        heard = self._heard
        if heard.size < self._latest or _rms(heard[-self._latest :]) < LOUD_ROOM * self._noise:
            return
        self._look_in = round(EVERY_S * self._rate_hz)
        near = round(NEAR_S * self._rate_hz)
        if self._filter is not None:
            if not self._better(played, until):
                self._try(played, until, self._lag - near, self._lag + near)
            return  # if neither is it, somebody speaks over it
        known = round((self._delay_s() or 0.0) * self._rate_hz)
        early, longest = round(EARLY_S * self._rate_hz), round(LONGEST_DELAY_S * self._rate_hz)
        if not self._try(played, until, known - near, known + near):
            self._try(played, until, -early, longest)

    def _better(self, played: Played, until: float) -> bool:
        """Whether the echo is where it was; then what was heard of it makes the filter better."""
        heard = self._heard
        end = until - (self._lag - self._before) / self._rate_hz
        part = self._reference(played, end, heard.size + self._taps - 1)
        known = [
            FORGOTTEN * one + more
            for one, more in zip(self._known, _alike(part, heard, self._taps), strict=True)
        ]
        return self._adopt(part, known, self._lag)

    def _try(self, played: Played, until: float, least: int, most: int) -> bool:
        """Whether an echo was found that comes back after `least` to `most` samples."""
        heard = self._heard
        after = self._taps - self._before
        end = until - (least - self._before) / self._rate_hz
        whole = self._reference(played, end, heard.size + most - least + self._taps - 1)
        if _rms(whole) < 1.0:
            return False
        part = whole[after - 1 : whole.size - self._before]
        size = 1 << (part.size - 1).bit_length()
        ours, theirs = np.fft.rfft(part, size), np.fft.rfft(heard, size)
        flat = np.sqrt(np.abs(ours) * np.abs(theirs)) + 1e-3
        match = np.abs(np.fft.irfft(ours * theirs.conj() / flat, size)[: most - least + 1])
        first = int(np.argmax(match))
        part = whole[first : first + heard.size + self._taps - 1]
        return self._adopt(part, _alike(part, heard, self._taps), most - first)

    def _adopt(self, part: _Floats, known: Sequence[_Floats], lag: int) -> bool:
        """Take the filter that `known` makes, if with it `part` explains what was heard."""
        found = _solve(*known)
        if not self._explains(self._heard - np.convolve(part, found, mode="valid"), self._heard):
            return False
        self._filter, self._known, self._lag, self._misfits = found, known, lag, 0
        return True

    def _explains(self, rest: _Floats, heard: _Floats) -> bool:
        enough = BARELY_NOISE * self._noise
        return all(
            _rms(rest[-size:]) < max(enough, EXPLAINED * _rms(heard[-size:]))
            for size in (heard.size, self._latest)
        )

    def _cancel(self, sound: _Floats, played: Played, until: float) -> _Floats:
        """What is left of `sound`; itself where there is no echo in it."""
        if self._filter is None:
            return sound
        heard = _rms(sound)
        echo = self._expected(played, until, sound.size, 0)
        rest = sound - echo
        if _rms(rest) > EXPLAINED * heard > LOUD_ROOM * self._noise and self._follow(played, until):
            echo = self._expected(played, until, sound.size, 0)
            rest = sound - echo
            self._look_in = 0
        echoes, left = _rms(echo), _rms(rest)
        if echoes < self._noise / LOUD_ROOM:
            return sound
        if left > heard:
            self._misfits += heard > LOUD_ROOM * self._noise and echoes > heard / LOUD_ROOM
            if self._misfits > MISFITS:
                self._filter, self._look_in = None, 0
            return sound
        self._misfits = 0
        if left < ALONE * echoes and left > self._noise:
            rest *= self._noise / left
        return rest

    def _follow(self, played: Played, until: float) -> bool:
        """Whether the echo is the same as before, a little earlier or later."""
        heard = self._heard[-round(MOVED_S * self._rate_hz) :]
        near = round(NEAR_S * self._rate_hz)
        whole = self._expected(played, until, heard.size, near)
        power = np.convolve(whole * whole, np.ones(heard.size, np.float32), mode="valid")
        match = np.correlate(whole, heard, mode="valid") / np.sqrt(power + 1.0)
        first = int(np.argmax(match))
        echo = whole[first : first + heard.size]
        if _rms(heard - echo) > EXPLAINED * _rms(heard):
            return False
        self._lag += near - first
        return True

    def _expected(self, played: Played, until: float, samples: int, near: int) -> _Floats:
        """The echo of the last `samples`, with `near` more before and after them."""
        assert self._filter is not None
        # The newest that is needed was due `lag - before` ago.
        end = until - (self._lag - near - self._before) / self._rate_hz
        part = self._reference(played, end, samples + 2 * near + self._taps - 1)
        return np.convolve(part, self._filter, mode="valid")

    def _reference(self, played: Played, until: float, samples: int) -> _Floats:
        """The last `samples` of what was played up to `until`, silence where nothing was."""
        whole = np.zeros(samples, np.float32)
        rate_hz, last = self._rate_hz, played[-1][0]
        base = samples + round((last - until) * rate_hz)
        for due, pcm in reversed(played):
            at = base + round((due - last) * rate_hz)
            end = at + len(pcm) // 2
            if end <= 0:
                break
            if at < whole.size:
                piece = np.frombuffer(pcm, "<i2")
                first, stop = max(at, 0), min(end, whole.size)
                whole[first:stop] = piece[first - at : stop - at]
        return whole


def _alike(played: _Floats, heard: _Floats, taps: int) -> list[_Floats]:
    """How `played`, which has `taps - 1` more samples, is like itself and like `heard`, from 0 to
    `taps` later. Without the fall of speech towards high frequencies, where the filter would be
    known last."""
    played, heard = np.diff(played, prepend=np.float32(0)), np.diff(heard, prepend=np.float32(0))
    size = 1 << (played.size + taps).bit_length()
    ours, theirs = np.fft.rfft(played, size), np.fft.rfft(heard, size)
    itself = np.fft.irfft(ours * ours.conj(), size)[:taps]
    match = np.fft.irfft(ours * theirs.conj(), size)[:taps]
    return [itself.astype(np.float32), match.astype(np.float32)]


def _solve(itself: _Floats, match: _Floats) -> _Floats:
    """The filter that makes of what was played nearly what was heard, as `numpy.convolve` takes it.

    By conjugate gradients: a solver would wake the threads of the linear algebra, which on a busy
    machine takes a hundred times as long.
    """
    itself = itself.copy()
    itself[0] *= 1.001
    both = np.concatenate((itself[:0:-1], itself))
    found = np.zeros(match.size)
    rest = match.copy()
    way = rest.copy()
    power = rest.dot(rest)
    for _ in range(STEPS):
        moved = np.convolve(both, way, mode="valid")
        slope = way.dot(moved)
        if slope <= 0:
            break
        by = power / slope
        found += by * way
        rest -= by * moved
        before, power = power, rest.dot(rest)
        way = rest + (power / before) * way
    return found[::-1].astype(np.float32)


def _rms(sound: _Floats) -> float:
    return float(np.sqrt(sound.dot(sound) / max(1, sound.size)))
