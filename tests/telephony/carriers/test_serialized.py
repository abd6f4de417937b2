"""The carriers that pipecat's serializers speak, by their literal messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from engine.errors import ProtocolError
from engine.frames import Audio, Dtmf, Frame, Hangup
from telephony.carriers.serialized import CARRIERS, SerializedCodec, _run
from telephony.carriers.stream import Begun
from tests.pipelines.pipecat.hosted import PIPECAT

pytestmark = [mark for mark in PIPECAT if mark.name != "asyncio"]

MU_LAW = base64.b64encode(b"\xff" * 160).decode()
LINEAR = base64.b64encode(bytes(320)).decode()

STARTS: dict[str, tuple[Any, Begun]] = {
    "telnyx": (
        {
            "event": "start",
            "sequence_number": "1",
            "start": {
                "user_id": "u",
                "call_control_id": "v3:1",
                "from": "+33199000002",
                "to": "+33199000001",
                "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
            },
            "stream_id": "s1",
        },
        Begun("v3:1", "+33199000001"),
    ),
    "plivo": (
        {
            "sequenceNumber": 0,
            "event": "start",
            "start": {
                "callId": "c1",
                "streamId": "s1",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
            },
        },
        Begun("c1", "1001"),
    ),
    "exotel": (
        {
            "event": "start",
            "sequence_number": 1,
            "stream_sid": "s1",
            "start": {
                "stream_sid": "s1",
                "call_sid": "c1",
                "account_sid": "a1",
                "from": "0199000002",
                "to": "0199000001",
                "media_format": {"encoding": "raw/slin", "sample_rate": "8000"},
            },
        },
        Begun("c1", "0199000001"),
    ),
    "vonage": (
        {"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "uuid": "c1"},
        Begun("c1", "1001"),
    ),
}
SOUNDS: dict[str, str | bytes] = {
    "telnyx": json.dumps({"event": "media", "media": {"payload": MU_LAW}}),
    "plivo": json.dumps({"event": "media", "media": {"payload": MU_LAW}}),
    "exotel": json.dumps({"event": "media", "media": {"payload": LINEAR}}),
    "vonage": bytes(640),
}


def opened(name: str) -> SerializedCodec:
    codec = SerializedCodec(CARRIERS[name], "1001")
    start, begun = STARTS[name]
    assert codec.decode(SOUNDS[name], 0.0) is None, "nothing before the call has begun"
    assert codec.decode(json.dumps(start), 0.0) == begun
    return codec


@pytest.mark.parametrize("name", CARRIERS)
def test_sound_comes_in(name: str) -> None:
    codec = opened(name)
    heard = [codec.decode(SOUNDS[name], 1.0 + 0.02 * count) for count in range(50)]
    sound = [frame for frame in heard if isinstance(frame, Audio)]
    samples = sum(frame.samples for frame in sound)
    rate_hz = CARRIERS[name].rate_hz
    assert {frame.rate_hz for frame in sound} == {rate_hz}
    assert samples == rate_hz


@pytest.mark.parametrize("name", CARRIERS)
def test_sound_and_clear_go_out(name: str) -> None:
    codec = opened(name)
    pcm = bytes(CARRIERS[name].rate_hz // 50 * 2)
    message = codec.sound(pcm)
    if name == "vonage":
        assert message == pcm
        assert codec.clear() == '{"action": "clear"}'
        return
    assert isinstance(message, str)
    sent = json.loads(message)
    assert sent["media"]["payload"] == (LINEAR if name == "exotel" else MU_LAW)
    clear = codec.clear()
    assert isinstance(clear, str)
    assert json.loads(clear)["event"] in {"clear", "clearAudio"}


KEYS = {
    "telnyx": {"event": "dtmf", "dtmf": {"digit": "5"}},
    "plivo": {"event": "dtmf", "dtmf": {"track": "inbound", "digit": "5"}},
    "exotel": {"event": "dtmf", "dtmf": {"digit": "5", "duration": "250"}},
    "vonage": {"event": "websocket:dtmf", "digit": "5", "duration": 250},
}


@pytest.mark.parametrize("name", CARRIERS)
def test_keys_and_the_end_come_in(name: str) -> None:
    codec = opened(name)
    assert codec.decode(json.dumps(KEYS[name]), 1.0) == Dtmf("5", 1.0)
    expected: Frame | None = None if name == "vonage" else Hangup("caller")
    assert codec.decode('{"event":"stop"}', 2.0) == expected


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize("message", ["no", "[1]", '{"event":"media","media":{"payload":5}}'])
def test_what_makes_no_sense_is_told_or_dropped(name: str, message: str) -> None:
    codec = opened(name)
    if name == "vonage" and message.startswith("{"):
        assert codec.decode(message, 1.0) is None
        return
    with pytest.raises(ProtocolError):
        codec.decode(message, 1.0)


@pytest.mark.parametrize("name", ["telnyx", "plivo", "exotel"])
def test_a_stream_that_does_not_say_which_it_is_is_refused(name: str) -> None:
    codec = SerializedCodec(CARRIERS[name])
    with pytest.raises(ProtocolError, match="lacks"):
        codec.decode('{"event":"start","start":{}}', 0.0)


async def _waits() -> None:
    import asyncio

    await asyncio.sleep(0)


def test_a_serializer_that_waits_is_a_fault_of_ours() -> None:
    waiting: Coroutine[Any, Any, None] = _waits()
    with pytest.raises(RuntimeError, match="waits"):
        _run(waiting)
