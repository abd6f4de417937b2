"""Events as Asterisk 22.10.1 sent them."""

from __future__ import annotations

import pytest

from engine.errors import ProtocolError
from telephony.asterisk.ari.events import (
    ApplicationReplaced,
    Channel,
    ChannelDestroyed,
    ChannelHangupRequest,
    ChannelStateChange,
    Dial,
    Event,
    RecordingEnded,
    StasisEnd,
    StasisStart,
    Unknown,
)
from telephony.asterisk.ari.wire import parse

CALLER = (
    '{"id":"palabre-1795281123.31","name":"PJSIP/trunk-0000001e","state":"Ring",'
    '"protocol_id":"1-11505@127.0.0.1","caller":{"name":"","number":"1001"},'
    '"connected":{"name":"","number":""},"accountcode":"",'
    '"dialplan":{"context":"from-sip","exten":"300","priority":1,"app_name":"Stasis",'
    '"app_data":"palabre,inbound,300"},"creationtime":"2026-11-21T17:12:03.415+0000",'
    '"language":"en"}'
)
CALLED = (
    '{"id":"n1-c-1","name":"PJSIP/trunk-00000000","state":"Ringing","protocol_id":"e31f",'
    '"caller":{"name":"","number":""},"connected":{"name":"","number":""},"accountcode":"",'
    '"dialplan":{"context":"from-sip","exten":"s","priority":1,"app_name":"","app_data":""},'
    '"creationtime":"2026-11-21T17:10:21.470+0000","language":"en"}'
)
REST = '"timestamp":"2026-11-21T17:12:03.415+0000","asterisk_id":"02:fc","application":"palabre"'

caller = Channel(
    "palabre-1795281123.31", "PJSIP/trunk-0000001e", "Ring", "1001", "from-sip", "300", "Stasis"
)
called = Channel("n1-c-1", "PJSIP/trunk-00000000", "Ringing", "", "from-sip", "s")


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            f'{{"type":"StasisStart","args":["inbound","300"],"channel":{CALLER},{REST}}}',
            StasisStart(caller, ("inbound", "300")),
        ),
        (f'{{"type":"StasisEnd","channel":{CALLER},{REST}}}', StasisEnd(caller)),
        (f'{{"type":"ChannelStateChange","channel":{CALLED},{REST}}}', ChannelStateChange(called)),
        (
            f'{{"cause":32,"soft":true,"type":"ChannelHangupRequest","channel":{CALLED},{REST}}}',
            ChannelHangupRequest(called, 32),
        ),
        (
            f'{{"cause":17,"tech_cause":486,"type":"ChannelHangupRequest","channel":{CALLED},{REST}}}',
            ChannelHangupRequest(called, 17, 486),
        ),
        (
            f'{{"type":"ChannelHangupRequest","channel":{CALLER},{REST}}}',
            ChannelHangupRequest(caller),
        ),
        (
            f'{{"type":"ChannelDestroyed","cause":17,"tech_cause":486,"channel":{CALLED},{REST}}}',
            ChannelDestroyed(called, 17, 486),
        ),
        (
            f'{{"type":"Dial","dialstatus":"RINGING","forward":"","peer":{CALLED},{REST}}}',
            Dial(called, "RINGING"),
        ),
        (
            f'{{"type":"RecordingFinished","recording":{{"name":"r1","duration":3}},{REST}}}',
            RecordingEnded("r1", 3),
        ),
        (
            f'{{"type":"RecordingFailed","recording":{{"name":"r1","cause":"disk"}},{REST}}}',
            RecordingEnded("r1", 0, "disk"),
        ),
        (
            '{"type":"ApplicationReplaced","application":"palabre"}',
            ApplicationReplaced("palabre"),
        ),
        (
            '{"type":"PeerStatusChange","application":"palabre"}',
            Unknown("PeerStatusChange", {"type": "PeerStatusChange", "application": "palabre"}),
        ),
    ],
)
def test_an_event_is_typed(text: str, event: Event) -> None:
    assert parse(text) == event


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '"StasisStart"',
        '{"type":"StasisStart"}',
        '{"type":"StasisStart","channel":{}}',
        '{"type":"StasisStart","channel":null}',
        '{"type":"ChannelDestroyed","channel":{"id":"1"}}',
        '{"type":"RecordingFailed","recording":7}',
    ],
)
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    assert caught.value.code == "ari.malformed"
