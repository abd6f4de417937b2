import pytest

from telephony.amd.meanings import Meaning, Meanings, Meant
from telephony.amd.spectrum import HOP_S, Listener
from telephony.amd.tones import ToneTracker
from tests.telephony.amd.sounds import Sound, frames, line, silence, tone, voice

QUIET_DB = -45.0


def meant(*parts: Sound, noise_db: float = -70.0) -> list[Meant]:
    """What the tones on a line mean; voice is what is louder than `QUIET_DB` and no tone."""
    listener = Listener()
    tracker = ToneTracker(listener)
    meanings = Meanings()
    found: list[Meant] = []
    for frame in frames(line(*parts, noise_db=noise_db)):
        for block in listener.feed(frame):
            if ended := tracker.feed(block):
                found += meanings.ended(ended)
            if running := tracker.running():
                found += meanings.going_on(running)
            elif block.db > QUIET_DB:
                meanings.sounded(block.at)
            else:
                found += meanings.quiet(block.at + HOP_S)
    return found


def told(*parts: Sound) -> list[Meaning]:
    return [one.meaning for one in meant(*parts)]


def pulses(*hz: float, on_s: float, off_s: float, count: int = 3) -> list[Sound]:
    return [piece for _ in range(count) for piece in (tone(*hz, seconds=on_s), silence(off_s))]


@pytest.mark.parametrize(
    ("hz", "on_s", "off_s"),
    [((425,), 1.0, 4.0), ((440,), 1.5, 3.5), ((440, 480), 2.0, 4.0)],
    ids=["Europe", "France", "North America"],
)
def test_it_rings(hz: tuple[float, ...], on_s: float, off_s: float) -> None:
    assert told(*pulses(*hz, on_s=on_s, off_s=off_s, count=2)) == [Meaning.RINGBACK] * 2


def test_it_rings_twice_at_a_time_in_the_united_kingdom() -> None:
    two = [*pulses(400, 450, on_s=0.4, off_s=0.2, count=2), silence(1.8)]
    assert told(silence(0.3), *two) == [Meaning.RINGBACK]


@pytest.mark.parametrize(
    ("hz", "on_s", "meaning"),
    [
        ((425,), 0.5, Meaning.BUSY),
        ((440,), 0.5, Meaning.BUSY),
        ((480, 620), 0.5, Meaning.BUSY),
        ((400,), 0.375, Meaning.BUSY),
        ((425,), 0.25, Meaning.CONGESTION),
        ((480, 620), 0.25, Meaning.CONGESTION),
    ],
)
def test_it_is_busy(hz: tuple[float, ...], on_s: float, meaning: Meaning) -> None:
    assert told(silence(0.3), *pulses(*hz, on_s=on_s, off_s=on_s)) == [meaning] * 2


def test_a_dial_tone_does_not_end() -> None:
    (found,) = meant(silence(0.3), tone(350, 440, seconds=6))
    assert found.meaning is Meaning.DIAL
    assert found.at == pytest.approx(3.3, abs=0.1)


@pytest.mark.parametrize(
    ("hz", "lengths_s"),
    [
        ((950, 1400, 1800), (0.33, 0.33, 0.33)),
        ((985.2, 1428.5, 1776.7), (0.38, 0.276, 0.38)),
        ((913.8, 1370.6, 1776.7), (0.274, 0.274, 0.38)),
    ],
    ids=["E.180", "no circuit", "intercept"],
)
def test_special_information_tones(hz: tuple[float, ...], lengths_s: tuple[float, ...]) -> None:
    three = [tone(one, seconds=s) for one, s in zip(hz, lengths_s, strict=True)]
    (found,) = meant(silence(0.3), *three, silence(1))
    assert found.meaning is Meaning.SIT
    assert found.at == pytest.approx(0.3 + sum(lengths_s), abs=0.05)


def test_the_same_tones_in_another_order_are_none() -> None:
    three = [tone(hz, seconds=0.33) for hz in (1800, 1400, 950)]
    assert Meaning.SIT not in told(silence(0.3), *three, silence(1))


def test_a_fax_that_calls_and_one_that_answers() -> None:
    assert told(silence(0.3), *pulses(1100, on_s=0.5, off_s=3, count=2)) == [Meaning.CNG] * 2
    (found,) = meant(silence(0.3), tone(2100, seconds=3), silence(1))
    assert found.meaning is Meaning.CED
    assert found.at == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("hz", [360, 620, 1000, 1400, 1980])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0])
def test_a_beep_of_any_frequency_is_the_last_sound(hz: float, seconds: float) -> None:
    (found,) = meant(voice(1), silence(0.2), tone(hz, seconds=seconds), silence(0.5))
    assert found.meaning is Meaning.BEEP
    (beep,) = found.tones
    assert beep.hz == pytest.approx(hz, abs=2)
    assert beep.length_s == pytest.approx(seconds, abs=0.05)
    assert found.at - beep.end == pytest.approx(0.14, abs=0.04)


def test_a_beep_in_noise() -> None:
    parts = silence(0.5), tone(1000, seconds=0.4), silence(0.5)
    assert [one.meaning for one in meant(*parts, noise_db=-46)] == [Meaning.BEEP]


def test_a_beep_at_the_frequency_of_the_busy_tone_comes_only_once() -> None:
    (found,) = meant(voice(1), silence(0.2), tone(425, seconds=0.4), silence(2))
    assert found.meaning is Meaning.BEEP
    assert found.at - found.tones[0].end > 0.6


def test_a_note_that_another_follows_is_no_beep() -> None:
    melody = [tone(hz, seconds=0.4) for hz in (523, 587, 659, 784, 659, 523)]
    assert told(silence(0.3), *melody, tone(587, seconds=0.4), voice(1)) == []


def test_keys_and_glides_and_syllables_are_no_beeps() -> None:
    assert told(silence(0.3), tone(697, 1209, seconds=0.2), silence(0.5)) == []
    assert told(voice(4), silence(1)) == []


def test_what_is_outside_a_beeps_bounds_is_none() -> None:
    assert told(silence(0.3), tone(380, seconds=0.12), silence(0.5)) == []
    assert told(silence(0.3), tone(700, seconds=0.12), silence(0.5)) == [Meaning.BEEP]
    assert told(silence(0.3), tone(2500, seconds=0.4), silence(0.5)) == []
    assert told(silence(0.3), tone(1000, seconds=3.5), silence(0.5)) == []
