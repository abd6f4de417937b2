"""What stands between pipecat and the wire; test_run.py has whole calls."""

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("pipecat", reason="the bench extra is not installed")

from pipecat.frames.frames import (
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    StartFrame,
)

from bench.turn_taking.lines import lines
from bench.turn_taking.pipecat_server import MediaSerializer, _sounds

PCM = bytes(320)


def sent(serializer: MediaSerializer, frame: Any) -> Any:
    return asyncio.run(serializer.serialize(frame))


def test_sound_goes_both_ways_as_it_is() -> None:
    serializer = MediaSerializer(8000)
    assert sent(serializer, OutputAudioRawFrame(PCM, 8000, 1)) == PCM
    frame = asyncio.run(serializer.deserialize(PCM))
    assert isinstance(frame, InputAudioRawFrame)
    assert (frame.audio, frame.sample_rate) == (PCM, 8000)
    assert asyncio.run(serializer.deserialize('{"type":"played"}')) is None


def test_an_interruption_clears_the_turn_that_was_announced() -> None:
    serializer = MediaSerializer(16000)
    reply = {"type": "reply", "turn": 3, "text": "Voici."}
    assert json.loads(sent(serializer, OutputTransportMessageFrame(reply))) == reply
    assert json.loads(sent(serializer, InterruptionFrame())) == {"type": "clear", "turn": 3}
    assert sent(serializer, StartFrame()) is None


def test_every_sentence_has_its_sound() -> None:
    said = lines()
    sounds = _sounds(said, 8000)
    assert set(sounds) == {sentence for line in said for sentence in line.sentences}
