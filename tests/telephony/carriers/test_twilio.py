"""Twilio's messages, literally, and its signatures."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from engine.errors import ProtocolError
from engine.frames import Audio, Dtmf, Hangup, Played
from telephony.carriers.stream import Begun
from telephony.carriers.twilio import TwilioCodec, pass_of, refused, signed, stream

START = (
    '{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC0","streamSid":"MZ18ad3ab5",'
    '"callSid":"CA9","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw",'
    '"sampleRate":8000,"channels":1},"customParameters":{"to":"+33199000001","pass":"p"}},'
    '"streamSid":"MZ18ad3ab5"}'
)
# µ-law: the least level, then the greatest of either sign.
SOUND = base64.b64encode(b"\xff" * 158 + b"\x80\x00").decode()
MEDIA = (
    '{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1",'
    f'"timestamp":"5","payload":"{SOUND}"}},"streamSid":"MZ18ad3ab5"}}'
)


@pytest.fixture
def codec() -> TwilioCodec:
    codec = TwilioCodec()
    connected = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
    assert codec.decode(connected, 0.0) is None
    assert codec.decode(START, 0.0) == Begun(
        "CA9", "+33199000001", {"to": "+33199000001", "pass": "p"}
    )
    return codec


def test_sound_comes_in_as_mu_law(codec: TwilioCodec) -> None:
    frame = codec.decode(MEDIA, 1.02)
    assert isinstance(frame, Audio)
    assert (frame.rate_hz, frame.samples) == (8000, 160)
    assert frame.at == pytest.approx(1.0)
    assert frame.pcm == bytes(316) + (32124).to_bytes(2, "little") + (-32124).to_bytes(
        2, "little", signed=True
    )


def test_our_own_sound_is_no_callers(codec: TwilioCodec) -> None:
    assert codec.decode(MEDIA.replace('"inbound","chunk"', '"outbound","chunk"'), 1.0) is None


def test_keys_marks_and_the_end(codec: TwilioCodec) -> None:
    key = (
        '{"event":"dtmf","streamSid":"MZ18ad3ab5","sequenceNumber":"5",'
        '"dtmf":{"track":"inbound_track","digit":"1"}}'
    )
    mark = '{"event":"mark","sequenceNumber":"4","streamSid":"MZ18ad3ab5","mark":{"name":"1.0"}}'
    stop = (
        '{"event":"stop","sequenceNumber":"5","streamSid":"MZ18ad3ab5",'
        '"stop":{"accountSid":"AC0","callSid":"CA9"}}'
    )
    assert codec.decode(key, 1.0) == Dtmf("1", 1.0)
    assert codec.decode(mark, 2.0) == Played("1.0", 2.0)
    assert codec.decode(stop, 3.0) == Hangup("caller")


def test_what_goes_out_names_the_stream(codec: TwilioCodec) -> None:
    pcm = bytes(4) + (32124).to_bytes(2, "little")
    assert codec.sound(pcm) == (
        '{"event":"media","streamSid":"MZ18ad3ab5","media":{"payload":"//+A"}}'
    )
    assert codec.mark("1.0") == ('{"event":"mark","streamSid":"MZ18ad3ab5","mark":{"name":"1.0"}}')
    assert codec.clear() == '{"event":"clear","streamSid":"MZ18ad3ab5"}'


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no", "message.not_json"),
        ("[" * 100_000, "message.not_json"),
        ("[1]", "message.not_json"),
        (b"\xff\xfe", "message.not_json"),
        ('{"event":"media"}', "message.invalid"),
        ('{"event":"media","media":{"payload":5}}', "message.invalid"),
        ('{"event":"media","media":{"payload":""}}', "audio.size"),
        ('{"event":"media","media":{"payload":"=!"}}', "audio.not_base64"),
        ('{"event":"media","media":{"payload":"' + "A" * 86_004 + '"}}', "audio.size"),
        ('{"event":"media","media":{"payload":"' + "A" * 64_000 + '"}}', "audio.too_fast"),
        ('{"event":"dtmf","dtmf":{"digit":"x"}}', "message.invalid"),
        ('{"event":"mark","mark":{"name":"a\\"b"}}', "message.invalid"),
        ('{"event":"start","start":{"mediaFormat":{"encoding":"opus"}}}', "audio.format"),
        ('{"event":"start","start":{"callSid":"CA9"}}', "message.invalid"),
    ],
)
def test_what_makes_no_sense_is_told(codec: TwilioCodec, message: Any, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.decode(message, 1.0)
    assert caught.value.code == code


# The example of https://www.twilio.com/docs/usage/security, and the same for another caller.
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def form(caller: str) -> list[tuple[str, str]]:
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
    return [*fields.items(), ("Caller", caller), ("From", caller)]


@pytest.mark.parametrize(
    ("caller", "given"),
    [
        ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    ],
)
def test_twilios_own_signatures_are_known(caller: str, given: str) -> None:
    assert signed("12345", URL, form(caller), given)
    assert signed("12345", URL.replace(".com/", ".com:443/"), form(caller), given)
    assert not signed("12346", URL, form(caller), given)
    assert not signed("12345", URL + "&x", form(caller), given)
    assert not signed("12345", URL, [*form(caller), ("More", "1")], given)
    assert not signed("12345", URL, form(caller), "")
    assert not signed("12345", URL, form(caller), "é")


def test_a_pass_is_for_one_call() -> None:
    assert pass_of("t", "CA1") == pass_of("t", "CA1")
    assert len({pass_of("t", "CA1"), pass_of("t", "CA2"), pass_of("u", "CA1")}) == 3


def test_twiml_is_xml_whatever_it_is_given() -> None:
    from xml.etree import ElementTree

    tree = ElementTree.fromstring(stream("wss://x/y?a=1&b=2", {"to": '"<&>'}))
    element = tree.find("Connect/Stream")
    assert element is not None
    assert element.attrib == {"url": "wss://x/y?a=1&b=2"}
    parameter = element.find("Parameter")
    assert parameter is not None
    assert parameter.attrib == {"name": "to", "value": '"<&>'}
    assert ElementTree.fromstring(refused()).find("Reject") is not None


def test_messages_out_are_json(codec: TwilioCodec) -> None:
    for message in (codec.sound(bytes(320)), codec.mark("@1.0"), codec.clear()):
        assert json.loads(message)["streamSid"] == "MZ18ad3ab5"
