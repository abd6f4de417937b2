"""Echo: whether what comes in is our own voice, sent back by the far end.

What was heard is predicted from what was played, by a delay and a short filter. Where that leaves
little unexplained, nobody spoke; a person who speaks over the echo leaves much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["LONGEST_DELAY_S", "WINDOW_S", "echo_delay"]

RATE_HZ = 8000
"""The telephone band is enough to tell voices apart, and half the work."""
WINDOW_S = 0.36
"""What is looked at, up to now: the sound before the onset of speech, and the onset."""
LATEST_S = 0.12
"""The end of the window also counts alone: there a person begins to speak over the echo."""
LONGEST_DELAY_S = 0.5
"""Satellite and mobile round trips, with jitter buffers (ITU-T G.114 gives up at 400 ms)."""
EARLY_S = 0.1
"""The far end may play before our account of it says so: it was given a lead."""
TAPS = 48
"""6 ms: what a handset or a hybrid smears. A room's later echoes stay unexplained."""
BEFORE = 12
"""Taps before the strongest."""
LEFT = 0.55
"""What may be left unexplained, as a share of the amplitude: 5 dB below the echo. A person who
speaks louder than that is noticed."""
AUDIBLE = 4.0
"""Root mean square (of 32,768) below which nothing is compared: rounding."""

_Floats = npt.NDArray[np.float32]


def echo_delay(
    heard: bytes,
    until: float,
    played: Iterable[tuple[float, bytes]],
    rate_hz: int,
    *,
    floor: float = 0.0,
    known_s: float | None = None,
) -> float | None:
    """How much later `heard` (s16le at 16 kHz, its end at `until`) is what was `played`: pieces of
    s16le at `rate_hz`, each with the time it was due. None if it is anything else.

    What is left unexplained and is weaker than `floor` (root mean square) counts as explained.
    `known_s` is what the line's delay was before: the first moments of an echo say little of it.
    Takes 1.3 ms.
    """
    window = round(WINDOW_S * RATE_HZ)
    sound = _narrow(heard[-2 * window * 2 :], 16000)
    reach = round((LONGEST_DELAY_S + EARLY_S) * RATE_HZ)
    since = until + EARLY_S - (sound.size + reach) / RATE_HZ
    reference = _timeline(played, rate_hz, since, sound.size + reach)
    if not (_rms(sound) > AUDIBLE and _rms(reference) > AUDIBLE):
        return None
    if known_s is None and _rms(sound) < floor:
        return None  # too weak to be told from anything: "stop" begins above the telephone band
    for lag in _lags(sound, reference, reach, known_s):
        first = min(max(0, lag - (TAPS - BEFORE)), reference.size - sound.size - TAPS + 1)
        rest = sound - _predicted(sound, reference[first : first + sound.size + TAPS - 1])
        latest = round(LATEST_S * RATE_HZ)
        if all(
            _rms(left) < max(floor, LEFT * _rms(whole))
            for left, whole in ((rest, sound), (rest[-latest:], sound[-latest:]))
        ):
            return (reach - lag) / RATE_HZ - EARLY_S
    return None


def _predicted(sound: _Floats, played: _Floats) -> _Floats:
    """What a filter of `TAPS` makes of `played`, as near to `sound` as it can.

    By correlations and Fourier transforms: a product of matrices this size would wake the threads
    of the linear algebra, which on a busy machine takes a hundred times as long.
    """
    size = 1 << (played.size + TAPS).bit_length()
    ours, theirs = np.fft.rfft(played, size), np.fft.rfft(sound, size)
    alike = np.fft.irfft(ours * ours.conj(), size)[:TAPS]
    match = np.fft.irfft(ours * theirs.conj(), size)[:TAPS]
    alike[0] += 1e-3 * alike[0] + 1e-6
    n = np.arange(TAPS)
    taps = np.linalg.solve(alike[np.abs(n[:, None] - n)], match)
    return np.convolve(played, taps[::-1], mode="valid").astype(np.float32)


def _lags(sound: _Floats, reference: _Floats, reach: int, known_s: float | None) -> Iterator[int]:
    """Where in `reference` the beginning of `sound` may lie: where it was before, then at the
    highest correlation of the two, flattened so that no vowel outweighs the rest."""
    if known_s is not None:
        yield reach - round((known_s + EARLY_S) * RATE_HZ)
    size = 1 << (reference.size - 1).bit_length()
    ours = np.fft.rfft(reference, size)
    theirs = np.fft.rfft(sound, size)
    flat = np.sqrt(np.abs(ours) * np.abs(theirs)) + 1e-3
    match = np.fft.irfft(ours * theirs.conj() / flat, size)[: reach + 1]
    yield int(np.argmax(np.abs(match)))


def _timeline(
    played: Iterable[tuple[float, bytes]], rate_hz: int, since: float, samples: int
) -> _Floats:
    """What was played from `since` on, silence where nothing was."""
    factor = rate_hz // RATE_HZ
    whole = np.zeros(samples * factor, np.int16)
    for due, pcm in played:
        piece = np.frombuffer(pcm, "<i2")
        at = round((due - since) * rate_hz)
        start, end = max(at, 0), min(at + piece.size, whole.size)
        if start < end:
            whole[start:end] = piece[start - at : end - at]
    return _narrow(whole.tobytes(), rate_hz)


def _narrow(pcm: bytes, rate_hz: int) -> _Floats:
    """`pcm` at `RATE_HZ`."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    factor = rate_hz // RATE_HZ
    if factor == 1:
        return samples
    n = np.arange(-8 * factor, 8 * factor + 1)
    taps = (np.sinc(0.9 * n / factor) * np.hanning(n.size + 2)[1:-1]).astype(np.float32)
    low = np.convolve(samples, taps / taps.sum(), mode="same")
    return low[: samples.size - samples.size % factor : factor]


def _rms(sound: _Floats) -> float:
    return float(np.sqrt(sound.dot(sound) / max(1, sound.size)))
