"""Our own voice, sent back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.speech.espeak import synthesise
from pipelines.turns.echo import LONGEST_DELAY_S, WINDOW_S, echo_delay

Sound = npt.NDArray[np.float64]

RATE = 16000


def _speech(text: str, voice: str) -> Sound:
    """At the level of a call, -23 dBFS."""
    sound = np.frombuffer(synthesise(text, voice), "<i2").astype(np.float64)
    active = sound[np.abs(sound) > 0.04 * np.abs(sound).max()]
    return np.asarray(sound * 32768 * 10 ** (-23 / 20) / np.sqrt(np.mean(active**2)))


@pytest.fixture(scope="module")
def ours() -> Sound:
    return _speech("Bonjour, je suis Claire. Je vous appelle au sujet de votre épargne.", "fr")


@pytest.fixture(scope="module")
def theirs() -> Sound:
    return _speech("Attendez, je n'ai pas le temps, rappelez plus tard.", "fr+f3")


def _played(sound: Sound, rate_hz: int = RATE) -> Iterator[tuple[float, bytes]]:
    step = rate_hz // 50
    every = RATE // rate_hz
    narrow = sound[::every].astype("<i2")
    for first in range(0, narrow.size - step, step):
        yield first / rate_hz, narrow[first : first + step].tobytes()


def _heard(sound: Sound, until_s: float) -> bytes:
    end = round(until_s * RATE)
    return sound[end - round(WINDOW_S * RATE) : end].clip(-32768, 32767).astype("<i2").tobytes()


def is_echo(
    heard: bytes,
    until: float,
    played: Iterable[tuple[float, bytes]],
    rate_hz: int,
    floor: float = 0.0,
) -> bool:
    return echo_delay(heard, until, played, rate_hz, floor=floor) is not None


def _line(ours: Sound, delay_s: float, gain_db: float, noise_db: float = -70.0) -> Sound:
    """What comes back, in a little noise."""
    noise = np.random.default_rng(1).standard_normal(ours.size) * 32768 * 10 ** (noise_db / 20)
    delay = round(delay_s * RATE)
    noise[delay:] += ours[: ours.size - delay] * 10 ** (gain_db / 20)
    return np.asarray(noise)


MOMENTS = np.arange(1.0, 3.4, 0.1)


@pytest.mark.parametrize(
    ("delay_s", "gain_db"),
    [(0.0, -6.0), (0.043, -6.0), (0.2, -12.0), (LONGEST_DELAY_S - 0.01, -20.0), (0.1, -30.0)],
)
def test_our_voice_is_known_at_any_delay_and_level(
    ours: Sound, delay_s: float, gain_db: float
) -> None:
    line = _line(ours, delay_s, gain_db)
    audible = [  # the noise is at 10
        at for at in MOMENTS if line[round((at - 0.12) * RATE) : round(at * RATE)].std() > 25
    ]
    known = [is_echo(_heard(line, at), at, _played(ours), RATE) for at in audible]
    assert len(known) > 12
    assert sum(known) >= 0.9 * len(known)


def test_our_voice_is_known_through_a_narrow_line(ours: Sound) -> None:
    """Played at 8 kHz, smeared by a handset, through a coder that rounds."""
    narrow = np.convolve(ours, np.hanning(9) / np.hanning(9).sum(), "same")
    line = _line(np.convolve(narrow, [1.0, 0, 0, 0, 0.5, 0, 0, -0.3], "same"), 0.12, -12.0)
    line = np.round(line / 64) * 64
    known = [is_echo(_heard(line, at), at, _played(narrow, 8000), 8000) for at in MOMENTS]
    assert sum(known) >= 0.8 * len(known)


def test_another_voice_is_no_echo(ours: Sound, theirs: Sound) -> None:
    line = np.zeros(ours.size)
    line[RATE : RATE + theirs.size] = theirs[: line.size - RATE]
    assert not [
        at for at in MOMENTS if is_echo(_heard(line, at + 0.2), at + 0.2, _played(ours), RATE)
    ]


@pytest.mark.parametrize("gain_db", [-6.0, -12.0, -24.0])
def test_a_voice_over_the_echo_is_noticed(ours: Sound, theirs: Sound, gain_db: float) -> None:
    line = _line(ours, 0.15, gain_db)
    missed = 0
    for at in MOMENTS:
        both = line.copy()
        begun = round((at - 0.12) * RATE)
        both[begun : round(at * RATE)] += theirs[3000 : 3000 + round(at * RATE) - begun]
        missed += is_echo(_heard(both, at), at, _played(ours), RATE)
    assert missed <= 1


def test_what_is_left_below_the_noise_is_nobody(ours: Sound) -> None:
    line = _line(ours, 0.1, -40.0, noise_db=-50.0)
    heard = _heard(line, 2.0)
    assert echo_delay(heard, 2.0, _played(ours), RATE) is None
    assert echo_delay(heard, 2.0, _played(ours), RATE, floor=300.0, known_s=0.1) is not None


@pytest.mark.parametrize("voice", ["fr", "fr+f3", "fr+m7"])
def test_a_weak_beginning_is_no_echo_on_a_line_that_had_none(ours: Sound, voice: str) -> None:
    word = _speech("stop", voice)  # its hiss lies above the telephone band
    line = np.random.default_rng(1).standard_normal(ours.size) * 15
    begun = 2 * RATE
    line[begun : begun + word.size] += word
    for ms in (60, 100, 140):
        at = 2.0 + ms / 1000
        assert not is_echo(_heard(line, at), at, _played(ours), RATE, floor=80.0)


def test_silence_on_either_side_is_no_echo(ours: Sound) -> None:
    assert not is_echo(bytes(11520), 2.0, _played(ours), RATE)
    assert not is_echo(_heard(ours, 2.0), 2.0, [], RATE)


@pytest.mark.parametrize("delay_s", [0.0, 0.12, 0.4])
def test_the_delay_is_told_and_taken_from_then_on(ours: Sound, delay_s: float) -> None:
    line = _line(ours, delay_s, -12.0)
    found = echo_delay(_heard(line, 2.6), 2.6, _played(ours), RATE)
    assert found == pytest.approx(delay_s, abs=0.005)
    again = echo_delay(_heard(line, 3.0), 3.0, _played(ours), RATE, known_s=found)
    assert again == pytest.approx(delay_s, abs=0.01)
    assert echo_delay(_heard(line, 3.0), 3.0, _played(ours), RATE, known_s=0.3) is not None
