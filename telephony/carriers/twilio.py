"""Twilio Media Streams: TEXT messages of JSON, sound in them as µ-law of 8 kHz in base64.

https://www.twilio.com/docs/voice/media-streams/websocket-messages, and for the webhook
https://www.twilio.com/docs/usage/security and https://www.twilio.com/docs/voice/twiml/stream.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from xml.sax.saxutils import quoteattr

import numpy as np

from engine.channel import Capabilities
from engine.errors import ProtocolError
from engine.frames import DTMF_DIGITS, Audio, Dtmf, Frame, Hangup, Played
from telephony.carriers.stream import Begun
from telephony.g711 import MU_LAW
from telephony.timeline import Timeline

__all__ = ["TwilioCodec", "pass_of", "refused", "signature", "signed", "stream"]

RATE_HZ = 8000
LEAD_S = 0.1
"""Twilio buffers what it has not played, and drops it at `clear`."""

MOST_BASE64 = 86_000
"""Of one message: 8 s of sound. Twilio sends 20 ms."""


class TwilioCodec:
    """One stream; its id comes with `start` and goes into each message of ours."""

    capabilities = Capabilities(rate_hz=RATE_HZ, mark=True, clear=True, lead_s=LEAD_S)

    def __init__(self) -> None:
        self._stream = ""
        self._timeline = Timeline()

    def decode(self, message: bytes | str, now: float) -> Begun | Frame | None:
        """See `telephony.carriers.stream.StreamCodec`."""
        fields = _object(message)
        match fields.get("event"):
            case "media":
                return self._sound(_part(fields, "media"), now)
            case "mark":
                return Played(_text(_part(fields, "mark"), "name"), now)
            case "dtmf":
                digit = _text(_part(fields, "dtmf"), "digit")
                if digit not in DTMF_DIGITS:
                    raise ProtocolError("message.invalid", f"{digit[:9]!r} is no digit")
                return Dtmf(digit, now)
            case "start":
                return self._begin(_part(fields, "start"))
            case "stop":
                return Hangup("caller")
            case _:  # `connected`, and whatever Twilio adds
                return None

    def _begin(self, start: Mapping[str, Any]) -> Begun:
        media = _part(start, "mediaFormat")
        if (media.get("encoding"), media.get("sampleRate")) != ("audio/x-mulaw", RATE_HZ):
            raise ProtocolError("audio.format", f"Twilio offers {media}; µ-law at 8 kHz is taken")
        self._stream = _text(start, "streamSid")
        given = start.get("customParameters") or {}
        parameters = {str(name): str(value) for name, value in given.items()}
        return Begun(_text(start, "callSid"), parameters.get("to", ""), parameters)

    def _sound(self, media: Mapping[str, Any], now: float) -> Audio | None:
        if media.get("track") == "outbound":  # our own, where a stream has both tracks
            return None
        payload = _text(media, "payload")
        if not 0 < len(payload) <= MOST_BASE64:
            raise ProtocolError("audio.size", "a message carries 1 byte to 8 s of sound")
        try:
            coded = base64.b64decode(payload, validate=True)
        except binascii.Error:
            raise ProtocolError("audio.not_base64", "a payload is base64") from None
        at = self._timeline.stamp(len(coded) / RATE_HZ, now)
        if at is None:
            raise ProtocolError("audio.too_fast", "sound is over 2 s ahead of real time")
        return Audio(MU_LAW.decode(coded).tobytes(), RATE_HZ, at)

    def sound(self, pcm: bytes) -> str:
        payload = base64.b64encode(MU_LAW.encode(np.frombuffer(pcm, "<i2"))).decode()
        return f'{{"event":"media","streamSid":"{self._stream}","media":{{"payload":"{payload}"}}}}'

    def mark(self, name: str) -> str:
        return f'{{"event":"mark","streamSid":"{self._stream}","mark":{{"name":"{name}"}}}}'

    def clear(self) -> str:
        return f'{{"event":"clear","streamSid":"{self._stream}"}}'


def _object(message: bytes | str) -> Mapping[str, Any]:
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ProtocolError("message.not_json", "a message is a JSON object")
    return fields


def _part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = fields.get(name)
    if not isinstance(part, dict):
        raise ProtocolError("message.invalid", f"a message lacks its {name!r}")
    return part


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = fields.get(name)
    # What we send back stands in JSON that is not escaped; ids and names are plain.
    if not isinstance(text, str) or not text.isascii() or '"' in text or "\\" in text:
        raise ProtocolError("message.invalid", f"{name!r} is no plain text")
    return text


# The webhook


def signature(token: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """What Twilio signs a request with: the URL, then each parameter's name and value, sorted."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


def signed(token: str, url: str, form: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether `given` (X-Twilio-Signature) is that of the request; Twilio signs `https` URLs with
    their port or without it."""
    form = list(form)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    urls = {url, urlunsplit(parts._replace(netloc=host))}
    urls.add(urlunsplit(parts._replace(netloc=f"{host}:{port}")))
    told = given.encode()  # as bytes: of text only ASCII can be compared
    return any(hmac.compare_digest(signature(token, one, form).encode(), told) for one in urls)


def pass_of(token: str, call_id: str) -> str:
    """Given to Twilio with a call's stream, which is not signed, and shown by it there."""
    return hmac.new(token.encode(), f"stream {call_id}".encode(), hashlib.sha256).hexdigest()


def stream(url: str, parameters: Mapping[str, str]) -> str:
    """TwiML: connect the call to the WebSocket at `url`, both ways."""
    given = "".join(
        f"<Parameter name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in parameters.items()
    )
    return _twiml(f"<Connect><Stream url={quoteattr(url)}>{given}</Stream></Connect>")


def refused() -> str:
    """TwiML: the line is busy."""
    return _twiml('<Reject reason="busy"/>')


def _twiml(body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}</Response>'
