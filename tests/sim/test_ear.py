"""What is on the line, by the engine's clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.sim.ear import Ear
from server.sim.heard import load
from server.sim.line import Mixer
from server.sim.script import draw
from server.sim.sounds import Room, sound
from server.talk.far_end import FarEnd

SCRIPT = replace(draw(1), condition="clean", echo=None)


def listen(ear: Ear, line: Mixer, frames: int, late_s: float = 0.05) -> None:
    """Frames arrive `late_s` after they were spoken, from 1000 s on."""
    for _ in range(frames):
        at = line.at
        line.frame()
        ear.arrived(1000.0 + (at + 320) / 16000 + late_s, at, 320)


def test_a_sound_is_heard_where_its_samples_are() -> None:
    line = Mixer(Room("clean", 1))
    ear = Ear(SCRIPT, line, load())
    listen(ear, line, 50)
    said = line.put(sound("oui bien sûr", "fr+m1", "clean"))
    listen(ear, line, 100)
    assert said.start == 16000
    assert ear.heard_until == pytest.approx(1003.05)
    assert ear.parts(1000.0, 1001.0) == []
    (part,) = ear.parts(1000.8, 1001.65)  # the network's 50 ms are part of the engine's times
    assert part.recording is load().of("oui bien sûr", "fr+m1", "clean")
    assert part.from_ms == pytest.approx(-250, abs=1)
    assert part.to_ms == pytest.approx(600, abs=1)


def test_of_two_sounds_the_louder_is_heard() -> None:
    line = Mixer(Room("clean", 1))
    ear = Ear(SCRIPT, line, load())
    line.put(sound("qui est là", "fr+f2", "clean", -20), level_db=-20.0)
    line.put(sound("oui", "fr+m1", "clean"))
    listen(ear, line, 60)
    assert [part.recording for part in ear.parts(1000.0, 1001.0)] == [
        load().of("oui", "fr+m1", "clean")
    ]


def test_our_own_line_is_heard_when_it_comes_back() -> None:
    line = Mixer(Room("clean", 1))
    ear = Ear(replace(SCRIPT, echo=(0.2, -20.0)), line, load())
    ear.far = far = FarEnd(16000, 0.0)
    far.receive({"type": "reply", "turn": 3, "text": "Merci."}, 0.0)
    ear.replied(3, "Merci.")
    far.receive(bytes(32000), 0.0)
    far.advance(1.0)
    listen(ear, line, 60, late_s=0.0)
    assert ear.parts(1000.0, 1000.15) == []
    (part,) = ear.parts(1000.0, 1000.9)
    assert part.recording is load().of("Merci.", "fr", "echo")
    assert part.from_ms == pytest.approx(0, abs=1)
    assert part.to_ms == pytest.approx(700, abs=1)
