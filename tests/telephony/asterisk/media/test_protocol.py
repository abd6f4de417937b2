"""chan_websocket's control messages, literally as Asterisk 22.10.1 sent and took them."""

from __future__ import annotations

import pytest

from engine.errors import ProtocolError
from telephony.asterisk.media.protocol import (
    Command,
    Digit,
    Drained,
    Event,
    Flow,
    Marked,
    MediaStart,
    Refused,
    Status,
    command,
    is_json,
    parse,
)

START = MediaStart(
    connection_id="media1",
    channel="WebSocket/media1/0x7f7640005840",
    channel_id="lab-1795281202.2",
    format="slin16",
    frame_bytes=640,
    ptime_ms=20,
)

JSON: dict[str, Event] = {
    '{"event":"STATUS","channel_id":"lab-1795281202.2","queue_length":510,"xon_level":800,'
    '"xoff_level":900,"queue_full":false,"bulk_media":false,"media_paused":false}': Status(
        510, paused=False, full=False
    ),
    '{"event":"STATUS","channel_id":"lab-1795281202.2","queue_length":900,"xon_level":800,'
    '"xoff_level":900,"queue_full":true,"bulk_media":false,"media_paused":true}': Status(
        900, paused=True, full=True
    ),
    '{"event":"MEDIA_MARK_PROCESSED","channel_id":"lab-1795281202.2","correlation_id":"utt-1"}': (
        Marked("utt-1")
    ),
    '{"event":"MEDIA_XOFF","channel_id":"lab-1795281202.2"}': Flow(open=False),
    '{"event":"MEDIA_XON","channel_id":"lab-1795281202.2"}': Flow(open=True),
    '{"event":"QUEUE_DRAINED","channel_id":"lab-1795281202.2"}': Drained(),
    '{"event":"DTMF_END","channel_id":"lab-1795281202.2","digit":"5"}': Digit("5"),
    '{"event":"ERROR","channel_id":"lab-1795281202.2",'
    '"error_text":"MARK_MEDIA not supported in passthrough mode"}': Refused(
        "MARK_MEDIA not supported in passthrough mode"
    ),
}

PLAIN: dict[str, Event] = {
    "MEDIA_START connection_id:media1 channel:WebSocket/media1/0x7f7640005840 "
    "channel_id:lab-1795281202.2 format:slin16 optimal_frame_size:640 ptime:20": START,
    "STATUS channel_id:lab-1795281202.2 queue_length:20 xon_level:800 xoff_level:900 "
    "queue_full:false bulk_media:false media_paused:true": Status(20, paused=True, full=False),
    "MEDIA_MARK_PROCESSED 1.1": Marked("1.1"),
    "MEDIA_XOFF": Flow(open=False),
    "MEDIA_XON": Flow(open=True),
    "QUEUE_DRAINED": Drained(),
    "DTMF_END digit:# channel_id:lab-1795281202.2": Digit("#"),
    "ERROR channel_id:lab-1795281202.2 error_text:FLUSH_MEDIA not supported in passthrough mode": (
        Refused("FLUSH_MEDIA not supported in passthrough mode")
    ),
}


@pytest.mark.parametrize(("text", "event"), [*JSON.items(), *PLAIN.items()])
def test_what_asterisk_sends(text: str, event: Event) -> None:
    assert parse(text) == event
    assert is_json(text) == (text in JSON)


def test_the_first_message_tells_the_channels_variables() -> None:
    text = (
        '{"event":"MEDIA_START","connection_id":"media1","channel":"WebSocket/media1/0x7f76",'
        '"channel_id":"lab-1.2","format":"ulaw","optimal_frame_size":160,"ptime":20,'
        '"channel_variables":{"MEDIA_WEBSOCKET_CONNECTION_ID":"media1","__campaign":"demo"}}'
    )
    start = parse(text)
    assert isinstance(start, MediaStart)
    assert (start.format, start.frame_bytes) == ("ulaw", 160)
    assert start.variables["__campaign"] == "demo"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "asterisk.not_json"),
        ("{}", "asterisk.not_json"),
        ('{"event":7}', "asterisk.not_json"),
        ("[" * 100_000, "asterisk.unknown"),
        ('{"event":' + "[" * 100_000, "asterisk.not_json"),
        ("", "asterisk.unknown"),
        ('{"event":"MEDIA_SMELLED"}', "asterisk.unknown"),
        ('{"event":"MEDIA_START"}', "asterisk.invalid"),
        ('{"event":"STATUS","queue_length":"many"}', "asterisk.invalid"),
        ('{"event":"STATUS","queue_length":null}', "asterisk.invalid"),
        ('{"event":"DTMF_END","digit":"x"}', "asterisk.invalid"),
        ('{"event":"DTMF_END","digit":["1"]}', "asterisk.invalid"),
        ("DTMF_END", "asterisk.invalid"),
        ("DTMF_END digit:", "asterisk.invalid"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "correlation_id", "json", "plain"),
    [
        ("ANSWER", "", '{"command":"ANSWER"}', "ANSWER"),
        ("GET_STATUS", "", '{"command":"GET_STATUS"}', "GET_STATUS"),
        (
            "MARK_MEDIA",
            "utt-1",
            '{"command":"MARK_MEDIA","correlation_id":"utt-1"}',
            "MARK_MEDIA utt-1",
        ),
        (
            "MARK_MEDIA",
            'l\'"été"',
            '{"command":"MARK_MEDIA","correlation_id":"l\'\\"été\\""}',
            'MARK_MEDIA l\'"été"',
        ),
    ],
)
def test_what_asterisk_is_asked(name: Command, correlation_id: str, json: str, plain: str) -> None:
    assert command(name, correlation_id, as_json=True) == json
    assert command(name, correlation_id, as_json=False) == plain


def test_a_command_that_asterisk_would_ignore_is_not_made() -> None:
    assert len(command("MARK_MEDIA", "x" * 64, as_json=True)) <= 128
    with pytest.raises(ValueError, match="129 bytes"):
        command("MARK_MEDIA", "x" * 85, as_json=True)
    with pytest.raises(ValueError, match="131 bytes"):
        command("MARK_MEDIA", "é" * 60, as_json=False)
