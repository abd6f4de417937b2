"""chan_websocket's control messages: text in, events out; and commands as text. No I/O, no clock.

Two dialects, as the dial string's ``f(json)`` or ``f(plain-text)`` says. Observed on Asterisk
22.10.1; marks, pauses and JSON need 22.8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import ProtocolError
from engine.frames import DTMF_DIGITS

__all__ = [
    "MAX_BYTES",
    "MAX_COMMAND_BYTES",
    "Command",
    "Digit",
    "Drained",
    "Event",
    "Flow",
    "Marked",
    "MediaStart",
    "Refused",
    "Status",
    "command",
    "is_json",
    "parse",
]

MAX_BYTES = 64_000
"""The most that one message of sound carries: at 65,536 bytes Asterisk closes the connection (1009)
and ends the call."""

MAX_COMMAND_BYTES = 128
"""A longer TEXT message is ignored without a word (chan_websocket.c, MAX_TEXT_MESSAGE_LEN)."""

Command = Literal[
    "ANSWER",
    "HANGUP",
    "MARK_MEDIA",
    "FLUSH_MEDIA",
    "PAUSE_MEDIA",
    "CONTINUE_MEDIA",
    "GET_STATUS",
    "REPORT_QUEUE_DRAINED",
]
"""What the engine asks of Asterisk. An unknown command is logged there and not answered."""


@dataclass(frozen=True, slots=True)
class MediaStart:
    """The first message: sound of `format` in frames of `frame_bytes`, one each `ptime_ms`.

    `frame_bytes` is 0 where Asterisk only passes sound through, and can neither mark nor flush.
    """

    connection_id: str
    channel: str
    channel_id: str
    format: str
    frame_bytes: int
    ptime_ms: int
    variables: Mapping[str, str] = field(default_factory=dict)
    """The channel's; in the plain-text dialect none are told."""


@dataclass(frozen=True, slots=True)
class Status:
    """Frames of sound that wait in Asterisk's queue; marks between them do not count."""

    queue_length: int
    paused: bool
    full: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """Everything before the mark `name` has left the queue."""

    name: str


@dataclass(frozen=True, slots=True)
class Digit:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The queue takes more (XON, below 800 frames) or is nearly full (XOFF, at 900 of 1,000)."""

    open: bool


@dataclass(frozen=True, slots=True)
class Drained:
    """The queue is empty, as REPORT_QUEUE_DRAINED asked to be told."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Asterisk could not do what was asked; `text` is its own."""

    text: str


Event = MediaStart | Status | Marked | Digit | Flow | Drained | Refused


def is_json(text: str) -> bool:
    """Which dialect `text` is of."""
    return text.startswith("{")


def parse(text: str) -> Event:
    """The event of a TEXT message, in either dialect.

    Raises ProtocolError for one that is none, which later versions may well send.
    """
    name, fields = _json(text) if is_json(text) else _plain(text)
    try:
        return _event(name, fields)
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(
            "asterisk.invalid", f"{name} lacks a field or has a wrong one; see docs/asterisk.md"
        ) from None


def _event(name: str, fields: Mapping[str, Any]) -> Event:
    match name:
        case "MEDIA_MARK_PROCESSED":
            return Marked(str(fields["correlation_id"]))
        case "STATUS":
            length = int(fields["queue_length"])
            return Status(length, _true(fields["media_paused"]), _true(fields["queue_full"]))
        case "DTMF_END":
            if fields["digit"] not in DTMF_DIGITS:
                raise ValueError(fields["digit"])
            return Digit(fields["digit"])
        case "MEDIA_XOFF" | "MEDIA_XON":
            return Flow(open=name == "MEDIA_XON")
        case "QUEUE_DRAINED":
            return Drained()
        case "ERROR":
            return Refused(str(fields["error_text"]))
        case "MEDIA_START":
            return MediaStart(
                connection_id=str(fields["connection_id"]),
                channel=str(fields["channel"]),
                channel_id=str(fields["channel_id"]),
                format=str(fields["format"]),
                frame_bytes=int(fields["optimal_frame_size"]),
                ptime_ms=int(fields["ptime"]),
                variables=dict(fields.get("channel_variables") or {}),
            )
        case _:
            raise ProtocolError(
                "asterisk.unknown", f"no event of chan_websocket is called {name[:40]!r}"
            )


def _json(text: str) -> tuple[str, Mapping[str, Any]]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("event"), str):
        raise ProtocolError("asterisk.not_json", "a control message is a JSON object with an event")
    return message["event"], message


def _plain(text: str) -> tuple[str, Mapping[str, Any]]:
    """``NAME key:value key:value``; a mark's name and an error's text go on to the end."""
    name, _, rest = text.strip().partition(" ")
    if name == "MEDIA_MARK_PROCESSED":
        return name, {"correlation_id": rest}
    head, found, last = rest.partition("error_text:")
    pairs = (word.partition(":") for word in head.split())
    fields = {key: value for key, _, value in pairs}
    return name, fields | {"error_text": last} if found else fields


def _true(value: Any) -> bool:
    return value is True or value == "true"


def command(name: Command, correlation_id: str = "", *, as_json: bool) -> str:
    """The TEXT message of a command. Raises ValueError where Asterisk would ignore it."""
    if not as_json:
        text = f"{name} {correlation_id}".rstrip()
    elif correlation_id:
        message = {"command": name, "correlation_id": correlation_id}
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    else:
        text = f'{{"command":"{name}"}}'
    if len(text.encode()) > MAX_COMMAND_BYTES:
        raise ValueError(f"{len(text.encode())} bytes; Asterisk reads {MAX_COMMAND_BYTES} at most")
    return text
