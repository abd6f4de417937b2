"""The media WebSocket's codec: messages in, frames out, and back. No I/O, no clock.

docs/protocols/media.md is the specification.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from engine.channel import Capabilities
from engine.errors import ProtocolError
from engine.frames import (
    DTMF_DIGITS,
    Audio,
    Cleared,
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
from telephony.timeline import Timeline

__all__ = [
    "FEATURES",
    "MAX_BYTES",
    "RATES_HZ",
    "MediaDecoder",
    "MediaRequest",
    "command",
    "encode",
    "ended",
    "farewell",
    "start",
]

RATES_HZ = (8000, 16000, 24000, 48000)
FEATURES = frozenset({"mark", "clear", "pause", "noise"})
MAX_BYTES = 64_000
"""Two seconds at 16 kHz, and what Asterisk's own media WebSocket takes (65,536 closes it)."""
MOST_MS = 24 * 3600 * 1000
"""No turn sounds for a day; and an int may be too large for a float."""
LEAD_S = 0.1
"""How far ahead of real time a far end is fed that can drop what it has not played."""

BAD_REQUEST = 4400
"""WebSocket close code: the request was wrong; 4000 to 4999 are private (RFC 6455, 7.4.2)."""


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """What the client asked for. `language` is empty where it left the choice to the scenario."""

    scenario: str
    language: str
    rate_hz: int
    features: frozenset[str]

    @classmethod
    def parse(cls, query: str, scenarios: Collection[str], default: str) -> MediaRequest:
        """From the query string. Raises ProtocolError with the code and what is known."""
        given = {name: values[-1] for name, values in parse_qs(query).items()}
        scenario = given.get("scenario", default)
        if scenario not in scenarios:
            raise _wrong("scenario", scenario, sorted(scenarios))
        rate = given.get("rate", "16000")
        if rate not in {str(known) for known in RATES_HZ}:
            raise _wrong("rate", rate, [str(known) for known in RATES_HZ])
        features = frozenset(part for part in given.get("features", "").split(",") if part)
        if features - FEATURES:
            raise _wrong("features", ",".join(sorted(features - FEATURES)), sorted(FEATURES))
        return cls(scenario, given.get("language", ""), int(rate), features)

    def capabilities(self) -> Capabilities:
        clear = "clear" in self.features
        return Capabilities(
            rate_hz=self.rate_hz,
            mark="mark" in self.features,
            clear=clear,
            pause="pause" in self.features,
            lead_s=LEAD_S if clear else 0.02,
            comfort_noise="noise" in self.features,
        )


def _wrong(name: str, given: str, known: Collection[str]) -> ProtocolError:
    return ProtocolError(
        f"request.{name}", f"unknown {name} {given[:40]!r}; known: {', '.join(known)}", BAD_REQUEST
    )


class MediaDecoder:
    """What comes in on one connection, as frames; what makes no sense, as ProtocolError."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._timeline = Timeline()

    def sound(self, data: bytes, now: float) -> Audio:
        """A BINARY message that arrived at `now`."""
        size = len(data)
        if size & 1 or not size:
            raise ProtocolError(
                "audio.odd_bytes", f"{size} bytes are no whole samples; send s16le, 2 bytes each"
            )
        at = self._timeline.stamp(size / (2 * self._rate_hz), now)
        if at is None:
            raise ProtocolError(
                "audio.too_fast", "sound is over 2 s ahead of real time; send it as it is spoken"
            )
        return Audio(data, self._rate_hz, at)

    def control(self, text: str, now: float) -> Frame:
        """A TEXT message that arrived at `now`."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise ProtocolError("message.not_json", "a TEXT message is a JSON object") from None
        kind = message.get("type") if isinstance(message, dict) else None
        match kind:
            case "mark":
                name = message.get("name")
                if isinstance(name, str) and 0 < len(name) <= 64:
                    return Played(name, now)
                raise _invalid("mark", "name", "the name of a mark that was sent")
            case "played":
                turn, ms = message.get("turn"), message.get("ms")
                if _whole(turn) and isinstance(ms, int | float) and 0 <= ms <= MOST_MS:
                    return Cleared(turn, float(ms), now)
                raise _invalid("played", "turn and ms", "a turn's number and milliseconds")
            case "dtmf":
                digit = message.get("digit")
                if isinstance(digit, str) and digit in DTMF_DIGITS:
                    return Dtmf(digit, now)
                raise _invalid("dtmf", "digit", "one of 0123456789*#ABCD")
            case "hangup":
                return Hangup("caller")
            case _:
                raise ProtocolError(
                    "message.unknown", "known types: mark, played, dtmf, hangup; it was ignored"
                )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _invalid(kind: str, field: str, expected: str) -> ProtocolError:
    return ProtocolError("message.invalid", f"{kind}: {field} should be {expected}")


def encode(frame: Frame) -> str | None:
    """The TEXT message for `frame`; None for one that this protocol has no message for."""
    match frame:
        case Mark(name=name):
            return f'{{"type":"mark","name":"{name}"}}'
        case Transcript(text=text, final=final):
            return _json(type="transcript", text=text, final=final)
        case Say(text=text, epoch=epoch):
            return _json(type="reply", turn=epoch, text=text)
        case StateChanged(state=state):
            return _json(type="state", state=state)
        case Ledger(turn=turn):
            return _json(type="turn", **turn)
        case Notice(code=code, message=message, fatal=fatal):
            return _json(type="error", code=code, message=message, fatal=fatal)
        case Hangup(reason=reason):
            return _json(type="hangup", reason=reason)
        case _:
            return None


BREACHES = {
    1002: Notice("message.malformed", "a frame broke RFC 6455; use a WebSocket library", True),
    1007: Notice("message.not_utf8", "a TEXT message is UTF-8; send sound as BINARY", True),
    1009: Notice("message.too_large", f"a message has at most {MAX_BYTES:,} bytes", True),
}
"""Breaches of the WebSocket protocol itself, by their close code (RFC 6455, 7.4.1)."""


def farewell(close_code: int) -> str | None:
    """The last TEXT message to a client that is closed with `close_code` for a breach."""
    notice = BREACHES.get(close_code)
    return None if notice is None else encode(notice)


def ended(close_code: int) -> str | None:
    """The error that a connection ended with by its close code; None for a decent goodbye."""
    if close_code in BREACHES:
        return BREACHES[close_code].code
    # 1006: gone without a word; 1011: it left our pings unanswered.
    return "client.vanished" if close_code in (1006, 1011) else None


def command(kind: str, turn: int) -> str:
    """``pause``, ``resume`` or ``clear`` for the sound of `turn`."""
    return f'{{"type":"{kind}","turn":{turn}}}'


def start(
    session: str, scenario: str, language: str, capabilities: Capabilities, notice: str
) -> str:
    """The server's first message."""
    fields: dict[str, Any] = {
        "type": "start",
        "session": session,
        "scenario": scenario,
        "language": language,
        "rate_hz": capabilities.rate_hz,
        "frame_ms": 20,
        "lead_ms": round(capabilities.lead_s * 1000),
    }
    if notice:
        fields["notice"] = notice
    return _json(**fields)


def _json(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
