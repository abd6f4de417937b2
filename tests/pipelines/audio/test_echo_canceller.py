"""The line without our own voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from engine.frames import Audio, Delta
from pipelines.audio.echo_canceller import EchoCanceller
from pipelines.speech.espeak import synthesise

Sound = npt.NDArray[np.float64]

RATE = 16000
START = 5000.0
OURS = "Je vous explique en deux mots comment cela se passe, un conseiller vous appelle."
ROOM = 7.0
SINCE_S, OVER_S = 0.7, 2.0
"""The filter is found by then; and when somebody speaks over us."""


def _speech(text: str, voice: str, rate_hz: int = RATE) -> Sound:
    """At the level of a call, -23 dBFS."""
    sound = np.frombuffer(synthesise(text, voice), "<i2").astype(np.float64)[:: RATE // rate_hz]
    active = sound[np.abs(sound) > 0.04 * np.abs(sound).max()]
    return np.asarray(sound * 32768 * 10 ** (-23 / 20) / np.sqrt(np.mean(active**2)))


def _line(
    ours: Sound, delay_s: float, gain_db: float, *, room: float = ROOM, rate_hz: int = RATE
) -> Sound:
    """What comes back of `ours`, smeared a little, in the noise of a room."""
    noise = np.random.default_rng(1).standard_normal(ours.size + rate_hz) * room
    smeared = np.convolve(ours, [1.0, 0.4, 0.0, -0.2])[: ours.size] * 10 ** (gain_db / 20)
    delay = round(delay_s * rate_hz)
    noise[delay : delay + smeared.size] += smeared
    return np.asarray(noise)


def _rms(sound: Sound, since_s: float, until_s: float, rate_hz: int = RATE) -> float:
    part = sound[round(since_s * rate_hz) : round(until_s * rate_hz)]
    return float(np.sqrt(np.mean(part**2)))


def _cancelled(
    line: Sound, ours: Sound, known_s: float | None, *, rate_hz: int = RATE, shift_s: float = 0.0
) -> Sound:
    """`line` through a canceller, as it comes; `ours` was due `shift_s` later than we thought."""
    step = rate_hz // 50
    pieces = [
        (START - shift_s + n / rate_hz, ours[n : n + step].astype("<i2").tobytes())
        for n in range(0, ours.size - step, step)
    ]
    now = START
    canceller = EchoCanceller(
        rate_hz,
        lambda: [one for one in pieces if one[0] <= now + 0.06][-56:],
        lambda: known_s,
        lambda: ROOM,
    )
    out = []
    for n in range(0, line.size - step, step):
        now = START + (n + step) / rate_hz
        pcm = line[n : n + step].clip(-32768, 32767).astype("<i2").tobytes()
        (frame,) = canceller.feed(Audio(pcm, rate_hz, START + n / rate_hz))
        assert isinstance(frame, Audio)
        assert (frame.at, len(frame.pcm)) == (START + n / rate_hz, len(pcm))
        out.append(np.frombuffer(frame.pcm, "<i2").astype(np.float64))
    return np.concatenate(out)


@pytest.fixture(scope="module")
def ours() -> Sound:
    return _speech(OURS, "fr")


@pytest.mark.parametrize(
    ("delay_s", "gain_db"), [(0.05, -6.0), (0.12, -15.0), (0.3, -15.0), (0.45, -25.0)]
)
def test_an_echo_is_taken_down_to_the_noise_of_the_line(
    ours: Sound, delay_s: float, gain_db: float
) -> None:
    line = _line(ours, delay_s, gain_db)
    left = _cancelled(line, ours, delay_s)
    until_s = ours.size / RATE
    assert _rms(left, SINCE_S, until_s) < 0.15 * _rms(line, SINCE_S, until_s)


def test_at_the_rate_of_a_telephone() -> None:
    ours = _speech(OURS, "fr", 8000)
    line = _line(ours, 0.2, -12.0, rate_hz=8000)
    left = _cancelled(line, ours, 0.2, rate_hz=8000)
    assert _rms(left, SINCE_S, 3.0, 8000) < 0.15 * _rms(line, SINCE_S, 3.0, 8000)


def test_a_delay_that_is_not_what_it_was_is_found_again(ours: Sound) -> None:
    line = _line(ours, 0.12, -12.0)
    for shift_s in (0.017, -0.023, 0.25):
        left = _cancelled(line, ours, 0.12, shift_s=shift_s)
        assert _rms(left, 1.0, 3.0) < 0.15 * _rms(line, 1.0, 3.0)


def test_who_speaks_over_an_echo_is_heard_as_if_there_were_none(ours: Sound) -> None:
    line = _line(ours, 0.12, -10.0)
    theirs = _speech("Attendez, je n'ai pas le temps.", "fr+f3")
    over = np.zeros(line.size)
    at = round(OVER_S * RATE)
    over[at : at + theirs.size] = theirs
    left = _cancelled(line + over, ours, 0.12)
    until_s = OVER_S + theirs.size / RATE
    wrong = left - over[: left.size]
    assert _rms(wrong, OVER_S, until_s) < 0.3 * _rms(line, OVER_S, until_s)
    assert _rms(wrong, OVER_S, until_s) < 0.15 * _rms(over, OVER_S, until_s)


def test_another_voice_is_left_as_it_is(ours: Sound) -> None:
    """Though the line is said to have an echo."""
    theirs = _speech("Oui bonjour, c'est pour un renseignement sur ma retraite.", "fr+m3")
    left = _cancelled(theirs, ours, 0.1)
    kept = theirs.astype("<i2")[: left.size]
    assert np.array_equal(left, kept)


def test_without_an_echo_nothing_is_touched_or_looked_at(ours: Sound) -> None:
    def never() -> list[tuple[float, bytes]]:
        raise AssertionError

    canceller = EchoCanceller(RATE, never, lambda: None, lambda: ROOM)
    frame = Audio(ours[:320].astype("<i2").tobytes(), RATE, START)
    assert list(canceller.feed(frame)) == [frame]
    assert list(canceller.feed(Delta("x"))) == [Delta("x")]


def test_once_we_are_silent_the_line_passes(ours: Sound) -> None:
    line = _line(ours, 0.12, -12.0)
    left = _cancelled(line, ours, 0.12)
    last = round((ours.size / RATE + 0.8) * RATE)
    assert np.array_equal(left[last:], line.astype("<i2")[last : left.size])
