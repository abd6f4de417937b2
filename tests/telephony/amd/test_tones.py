import numpy as np
import pytest

from telephony.amd.spectrum import Listener
from telephony.amd.tones import LONGEST_S, Tone, ToneTracker
from tests.telephony.amd.sounds import Sound, frames, line, silence, tone, voice


def tracked(sound: Sound) -> tuple[list[Tone], ToneTracker]:
    listener = Listener()
    tracker = ToneTracker(listener)
    found = [
        ended
        for frame in frames(sound)
        for block in listener.feed(frame)
        if (ended := tracker.feed(block)) is not None
    ]
    return found, tracker


@pytest.mark.parametrize("noise_db", [-70.0, -36.0])
@pytest.mark.parametrize("seconds", [0.12, 0.3, 1.5])
@pytest.mark.parametrize("hz", [380.0, 1000.0, 1950.0])
def test_a_tone_begins_and_ends_where_it_does(noise_db: float, seconds: float, hz: float) -> None:
    (found,), _ = tracked(
        line(silence(0.5), tone(hz, seconds=seconds), silence(0.3), noise_db=noise_db)
    )
    assert found.at == pytest.approx(0.5, abs=0.03)
    assert found.length_s == pytest.approx(seconds, abs=0.04)
    assert found.hz == pytest.approx(hz, abs=2)
    assert found.end == found.at + found.length_s
    assert found.purity > 0.9
    assert found.ripple_db < 1
    assert found.drift_hz < 3
    assert found.near(hz + 20, 25)
    assert not found.near(hz + 60, 25)


@pytest.mark.parametrize(
    "name", [(425.0,), (440.0,), (440.0, 480.0), (400.0, 450.0), (480.0, 620.0), (350.0, 440.0)]
)
def test_call_progress_tones_have_their_names(name: tuple[float, ...]) -> None:
    (found,), _ = tracked(line(silence(0.3), tone(*name, seconds=0.5), silence(0.3)))
    assert found.name == name
    assert found.length_s == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("hz", [380.0, 1000.0, 1400.0])
def test_other_tones_have_none(hz: float) -> None:
    (found,), _ = tracked(line(silence(0.3), tone(hz, seconds=0.5), silence(0.3)))
    assert found.name == ()


def test_tones_without_a_pause_between_them_are_several() -> None:
    found, _ = tracked(line(*(tone(hz, seconds=0.33) for hz in (950, 1400, 1800)), silence(0.2)))
    assert [round(one.hz) for one in found] == [950, 1400, 1800]
    assert [one.length_s for one in found] == pytest.approx([0.33] * 3, abs=0.04)


def test_two_frequencies_at_once_are_one_tone_of_two() -> None:
    (found,), _ = tracked(line(silence(0.1), tone(697, 1209, seconds=0.3), silence(0.2)))
    assert (round(found.hz), round(found.other_hz)) == (697, 1209)
    assert not found.near(697, 20)


def test_a_click_within_a_tone_does_not_end_it() -> None:
    sound = line(silence(0.2), tone(1000, seconds=1.0), silence(0.2))
    sound[5000:5010] += 0.8
    (found,), _ = tracked(sound)
    assert found.length_s == pytest.approx(1.0, abs=0.05)


def test_a_packet_that_is_lost_does_not_end_it() -> None:
    sound = line(silence(0.2), tone(466, seconds=0.8), silence(0.2))
    sound[4800:4960] = 0.0
    (found,) = tracked(sound)[0]
    assert found.length_s == pytest.approx(0.8, abs=0.05)


def test_hum_and_voices_and_noise_are_no_tones_to_speak_of() -> None:
    assert tracked(line(tone(400, seconds=2, level=0.001), noise_db=-90))[0] == []
    assert tracked(line(silence(2), noise_db=-20))[0] == []
    assert all(one.drift_hz > 5 or one.purity < 0.9 for one in tracked(line(voice(5)))[0])


def test_a_tone_that_sounds_is_known_as_far_as_it_has_come() -> None:
    _, tracker = tracked(line(silence(0.2), tone(1000, seconds=1.0)))
    running = tracker.running()
    assert tracker.sounding
    assert running is not None
    assert running.length_s == pytest.approx(1.0, abs=0.05)
    _, tracker = tracked(line(tone(1000, seconds=1.0), silence(0.2)))
    assert not tracker.sounding
    assert tracker.running() is None


def test_of_an_endless_tone_only_so_much_is_kept() -> None:
    _, tracker = tracked(line(tone(425, seconds=3 * LONGEST_S)))
    running = tracker.running()
    assert running is not None
    assert running.length_s == pytest.approx(3 * LONGEST_S, abs=0.1)
    assert len(tracker._blocks) <= LONGEST_S * 50 + 1


def test_a_gliding_tone_drifts() -> None:
    time = np.arange(8000) / 8000
    glide = 0.1 * np.sin(2 * np.pi * (800 * time + 60 * time**2))
    (found, *_), _ = tracked(line(glide, silence(0.2)))
    assert found.drift_hz > 20
