"""What Asterisk tells: the events that are used here as frozen values, any other as `Unknown`.

Observed on Asterisk 22.10.1. A channel that came to us ends, as far as we are told, with StasisEnd;
one that we made, with ChannelDestroyed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ProtocolError

__all__ = [
    "ApplicationReplaced",
    "Bridge",
    "Channel",
    "ChannelDestroyed",
    "ChannelHangupRequest",
    "ChannelStateChange",
    "Dial",
    "Event",
    "RecordingEnded",
    "StasisEnd",
    "StasisStart",
    "Unknown",
    "bridge_of",
    "channel_of",
    "event_of",
]

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of Asterisk. `state` is ``Down``, ``Ring`` (calls us), ``Ringing`` (we call it),
    ``Up`` …; `caller` and `extension` are the numbers that call and were called; `variables` those
    that the answer to its making shows; `application` is what the dialplan does with it."""

    id: str
    name: str = ""
    state: str = ""
    caller: str = ""
    context: str = ""
    extension: str = ""
    application: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """It is with an application of ARI's, or on its way to one, and not in the dialplan."""
        return self.application in {"", "Stasis", "AppDial2"}


@dataclass(frozen=True, slots=True)
class Bridge:
    """What joins channels, by their ids."""

    id: str
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StasisStart:
    """A channel has come into our application, with the arguments of the dialplan."""

    channel: Channel
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StasisEnd:
    """A channel has left our application."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelStateChange:
    """A channel rings, is answered …"""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelHangupRequest:
    """A channel is to end; `cause` is Q.850's, `tech_cause` SIP's, None where there is none."""

    channel: Channel
    cause: int | None = None
    tech_cause: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelDestroyed:
    """A channel is no more."""

    channel: Channel
    cause: int
    tech_cause: int | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """How far a call of ours is: `status` is empty at first, then ``RINGING``, ``PROGRESS``,
    ``ANSWER``. How one failed is the business of `ChannelDestroyed`."""

    peer: Channel
    status: str


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording is on disk, or failed (`error` says why)."""

    name: str
    seconds: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationReplaced:
    """Somebody else has connected as our application, and gets its events from now on."""

    application: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event without a use here."""

    kind: str
    fields: Fields


Event = (
    StasisStart
    | StasisEnd
    | ChannelStateChange
    | ChannelHangupRequest
    | ChannelDestroyed
    | Dial
    | RecordingEnded
    | ApplicationReplaced
    | Unknown
)


def channel_of(fields: Fields) -> Channel:
    """A channel from its JSON. Raises KeyError where it has no id."""
    dialplan = fields.get("dialplan") or {}
    return Channel(
        id=str(fields["id"]),
        name=str(fields.get("name", "")),
        state=str(fields.get("state", "")),
        caller=str((fields.get("caller") or {}).get("number", "")),
        context=str(dialplan.get("context", "")),
        extension=str(dialplan.get("exten", "")),
        application=str(dialplan.get("app_name", "")),
        variables={str(k): str(v) for k, v in (fields.get("channelvars") or {}).items()},
    )


def bridge_of(fields: Fields) -> Bridge:
    """A bridge from its JSON. Raises KeyError where it has no id."""
    return Bridge(str(fields["id"]), tuple(map(str, fields.get("channels") or ())))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _recording(fields: Fields) -> RecordingEnded:
    recording = fields["recording"]
    failed = fields["type"] == "RecordingFailed"
    error = str(recording.get("cause") or "unknown") if failed else ""
    return RecordingEnded(str(recording["name"]), int(recording.get("duration") or 0), error)


_KNOWN: Mapping[str, Callable[[Fields], Event]] = {
    "StasisStart": lambda fields: StasisStart(
        channel_of(fields["channel"]), tuple(map(str, fields.get("args") or ()))
    ),
    "StasisEnd": lambda fields: StasisEnd(channel_of(fields["channel"])),
    "ChannelStateChange": lambda fields: ChannelStateChange(channel_of(fields["channel"])),
    "ChannelHangupRequest": lambda fields: ChannelHangupRequest(
        channel_of(fields["channel"]),
        _whole(fields.get("cause")),
        _whole(fields.get("tech_cause")),
    ),
    "ChannelDestroyed": lambda fields: ChannelDestroyed(
        channel_of(fields["channel"]), int(fields["cause"]), _whole(fields.get("tech_cause"))
    ),
    "Dial": lambda fields: Dial(channel_of(fields["peer"]), str(fields.get("dialstatus", ""))),
    "RecordingFinished": _recording,
    "RecordingFailed": _recording,
    "ApplicationReplaced": lambda fields: ApplicationReplaced(str(fields.get("application", ""))),
}


def event_of(fields: Fields) -> Event:
    """An event from its JSON. Raises ProtocolError for one that lacks what it should tell."""
    kind = str(fields.get("type"))
    known = _KNOWN.get(kind)
    if known is None:
        return Unknown(kind, fields)
    try:
        return known(fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(
            "ari.malformed", f"Asterisk's {kind} lacks what it should tell: {error!r}"
        ) from error
