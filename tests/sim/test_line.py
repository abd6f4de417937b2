from __future__ import annotations

import numpy as np

from server.sim.line import Mixer
from server.sim.sounds import CONDITIONS, COUGHS, Room, Sound, sound, whole_sound


def _sound(samples: list[int]) -> Sound:
    return Sound("x", "", np.array(samples, "<i2"), 0, len(samples) - 1)


def _level(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


def test_sounds_lie_on_the_room_at_the_sample() -> None:
    quiet = Mixer(Room("clean", 1))
    line = Mixer(Room("clean", 1))
    line.put(_sound([1000] * 400), offset=10)
    frames = [np.frombuffer(line.frame(), "<i2") for _ in range(3)]
    noise = [np.frombuffer(quiet.frame(), "<i2") for _ in range(3)]
    added = np.concatenate(frames) - np.concatenate(noise)
    assert not added[:10].any()
    assert (added[10:410] == 1000).all()
    assert not added[410:].any()
    assert line.at == quiet.at == 960


def test_what_is_too_loud_is_clipped() -> None:
    line = Mixer(Room("clean", 1))
    line.put(_sound([30000] * 320))
    line.put(_sound([30000] * 320))
    assert set(np.frombuffer(line.frame(), "<i2")) == {32767}


def test_the_echo_comes_back() -> None:
    line = Mixer(Room("clean", 1), lambda at: np.full(320, 500, "<i2").tobytes() if at else b"")
    assert _level(line.frame()) < 300 < _level(line.frame())


def test_a_room_is_as_loud_as_its_condition_says() -> None:
    levels = {name: _level(Room(name, 1).frame()) for name in CONDITIONS}
    assert levels["clean"] < levels["telephone"] < levels["noise 10 dB"] < levels["noise 5 dB"]
    assert Room("clean", 1).frame() == Room("clean", 1).frame()
    assert Room("clean", 1).frame() != Room("clean", 2).frame()


def test_sounds_are_the_same_every_time_and_at_their_level() -> None:
    voice = sound("oui", "fr+m1", "clean")
    faint = sound("oui", "fr+m1", "clean", -20.0)
    assert 0 <= voice.first < voice.last < voice.samples.size
    assert _level(faint.samples.tobytes()) * 9 < _level(voice.samples.tobytes())
    narrow = sound("oui", "fr+m1", "8 kHz")
    assert abs(narrow.samples.size - voice.samples.size / 2) <= 1
    assert all(sound(cough, "", "clean").samples.any() for cough in COUGHS)


def test_a_line_of_ours_has_its_pause() -> None:
    assert whole_sound("Merci.").endswith(bytes(6400))
