"""A microphone and a loudspeaker, through a stand-in for `sounddevice`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from server.talk.far_end import FarEnd
from server.talk.line import FRAME, RATE_HZ
from server.talk.microphone import BEHIND, Microphone, MicrophoneError


class Device:
    """What `sounddevice.RawStream` is called with and told."""

    def __init__(self, *arguments: Any, callback: Any, **options: Any) -> None:
        self.arguments = arguments
        self.callback = callback
        self.running = False

    def start(self) -> None:
        self.running = True

    def close(self) -> None:
        self.running = False

    def exchange(self, taken: bytes) -> bytes:
        to_play = bytearray(2 * FRAME)
        self.callback(taken, to_play, FRAME, None, None)
        return bytes(to_play)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    made: list[Device] = []

    def stream(*arguments: Any, **options: Any) -> Device:
        made.append(Device(*arguments, **options))
        return made[-1]

    fake = ModuleType("sounddevice")
    fake.__dict__.update(RawStream=stream, PortAudioError=RuntimeError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return made


FAR = FarEnd(RATE_HZ, 0.0)
SILENCE = bytes(2 * FRAME)


def sound(value: int) -> bytes:
    return bytes([value, 0]) * FRAME


def test_what_is_taken_is_sent_and_what_was_played_is_heard(devices: list[Device]) -> None:
    with Microphone() as microphone:
        (device,) = devices
        running = [device.running]
        assert microphone.frame(FAR, 0.0) == SILENCE
        microphone.play(sound(5) + sound(6))
        assert [device.exchange(sound(n)) for n in (1, 2, 3)] == [sound(5), sound(6), SILENCE]
        assert [microphone.frame(FAR, 0.0) for _ in range(4)] == [
            sound(1),
            sound(2),
            sound(3),
            SILENCE,
        ]
    assert [*running, device.running] == [True, False]
    assert microphone.spoken() == []


def test_a_device_that_drifts_loses_the_oldest(devices: list[Device]) -> None:
    with Microphone() as microphone:
        for number in range(BEHIND + 2):
            devices[0].exchange(sound(number))
        assert microphone.frame(FAR, 0.0) == sound(2)


def test_no_device_says_how_to_list_them(
    devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise RuntimeError("no default input device")

    monkeypatch.setattr(sys.modules["sounddevice"], "RawStream", none)
    with pytest.raises(MicrophoneError, match="python -m sounddevice"):
        Microphone()


def test_no_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MicrophoneError, match=r"palabre\[mic\]"):
        Microphone()
