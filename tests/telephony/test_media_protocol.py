"""The media WebSocket's codec, with literal messages."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ProtocolError
from engine.frames import (
    Audio,
    Cleared,
    Delta,
    Dtmf,
    Frame,
    Hangup,
    Ledger,
    Mark,
    Notice,
    Played,
    Say,
    StateChanged,
    Transcript,
)
from telephony.media.protocol import MediaDecoder, MediaRequest, command, encode, start

KNOWN = ("leads", "bench")


def test_a_bare_request_takes_the_defaults() -> None:
    request = MediaRequest.parse("", KNOWN, "leads")
    assert request == MediaRequest("leads", "", 16000, frozenset())
    assert request.capabilities().lead_s == 0.02
    assert not request.capabilities().clear


def test_a_full_request() -> None:
    query = "scenario=bench&language=en&rate=8000&features=mark,clear,pause"
    request = MediaRequest.parse(query, KNOWN, "leads")
    assert request == MediaRequest("bench", "en", 8000, frozenset({"mark", "clear", "pause"}))
    assert request.capabilities().lead_s == 0.1


@pytest.mark.parametrize(
    ("query", "code", "known"),
    [
        ("scenario=none", "request.scenario", "bench, leads"),
        ("rate=11025", "request.rate", "8000, 16000, 24000, 48000"),
        ("features=mark,fly", "request.features", "clear, mark, noise, pause"),
    ],
)
def test_a_wrong_request_is_told_what_is_known(query: str, code: str, known: str) -> None:
    with pytest.raises(ProtocolError, match=known) as caught:
        MediaRequest.parse(query, KNOWN, "leads")
    assert (caught.value.code, caught.value.close_code) == (code, 4400)


def test_sound_becomes_audio() -> None:
    audio = MediaDecoder(16000).sound(b"\x01\x02" * 320, 7.0)
    assert audio == Audio(b"\x01\x02" * 320, 16000, 7.0 - 0.02)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00" * 641])
def test_half_a_sample_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        MediaDecoder(16000).sound(data, 0.0)
    assert (caught.value.code, caught.value.close_code) == ("audio.odd_bytes", None)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"type":"mark","name":"3.0"}', Played("3.0", 1.0)),
        ('{"type":"played","turn":3,"ms":1240}', Cleared(3, 1240.0, 1.0)),
        ('{"type":"dtmf","digit":"#"}', Dtmf("#", 1.0)),
        ('{"type":"hangup"}', Hangup("caller")),
    ],
)
def test_control_messages(text: str, frame: Frame) -> None:
    assert MediaDecoder(16000).control(text, 1.0) == frame


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "message.not_json"),
        ("bonjour", "message.not_json"),
        ("[" * 100_000, "message.not_json"),
        ("[]", "message.unknown"),
        ("3", "message.unknown"),
        ("{}", "message.unknown"),
        ('{"type":7}', "message.unknown"),
        ('{"type":"start"}', "message.unknown"),
        ('{"type":"mark"}', "message.invalid"),
        ('{"type":"mark","name":""}', "message.invalid"),
        ('{"type":"played","turn":1.5,"ms":3}', "message.invalid"),
        ('{"type":"played","turn":true,"ms":3}', "message.invalid"),
        ('{"type":"played","turn":1,"ms":-3}', "message.invalid"),
        ('{"type":"played","turn":1,"ms":NaN}', "message.invalid"),
        ('{"type":"played","turn":1,"ms":1e999}', "message.invalid"),
        ('{"type":"played","turn":1,"ms":1' + "0" * 400 + "}", "message.invalid"),
        ('{"type":"dtmf","digit":"12"}', "message.invalid"),
        ('{"type":"dtmf","digit":[]}', "message.invalid"),
    ],
)
def test_nonsense_is_refused_and_the_call_goes_on(text: str, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        MediaDecoder(16000).control(text, 1.0)
    assert (caught.value.code, caught.value.close_code) == (code, None)


@given(st.text())
def test_any_text_is_a_frame_or_a_protocol_error(text: str) -> None:
    with suppress(ProtocolError):
        MediaDecoder(16000).control(text, 0.0)


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Mark("3.0"), '{"type":"mark","name":"3.0"}'),
        (Transcript("oui", False, 0.0), '{"type":"transcript","text":"oui","final":false}'),
        (Say("Très bien.", epoch=3), '{"type":"reply","turn":3,"text":"Très bien."}'),
        (StateChanged("listening"), '{"type":"state","state":"listening"}'),
        (Hangup("completed"), '{"type":"hangup","reason":"completed"}'),
        (
            Notice("audio.odd_bytes", "no"),
            '{"type":"error","code":"audio.odd_bytes","message":"no","fatal":false}',
        ),
        (Ledger({"turn": 3}), '{"type":"turn","turn":3}'),
        (Delta("x"), None),
    ],
)
def test_frames_as_messages(frame: Frame, text: str | None) -> None:
    assert encode(frame) == text


def test_commands_and_start() -> None:
    assert command("clear", 3) == '{"type":"clear","turn":3}'
    capabilities = MediaRequest.parse("features=clear", KNOWN, "leads").capabilities()
    assert not capabilities.comfort_noise
    noisy = MediaRequest.parse("features=noise", KNOWN, "leads").capabilities()
    assert noisy.comfort_noise
    assert json.loads(start("ab", "leads", "fr", capabilities, "démo")) == {
        "type": "start",
        "session": "ab",
        "scenario": "leads",
        "language": "fr",
        "rate_hz": 16000,
        "frame_ms": 20,
        "lead_ms": 100,
        "notice": "démo",
    }
