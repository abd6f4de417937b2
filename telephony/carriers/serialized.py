"""The carriers whose streams pipecat's serializers speak: Telnyx, Plivo, Exotel, Vonage.

A serializer turns one connection's messages into pipecat's frames and back; it is `async`, though
none of these ever waits, and is run to its end by direct call. pipecat is an extra: it is imported
when the first such call comes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from engine.channel import Capabilities
from engine.errors import ConfigurationError, ProtocolError
from engine.frames import Audio, Dtmf, Frame, Hangup
from telephony.carriers.stream import Begun
from telephony.timeline import Timeline

if TYPE_CHECKING:
    from pipecat.serializers.base_serializer import FrameSerializer

__all__ = ["CARRIERS", "Carrier", "SerializedCodec"]

T = TypeVar("T")
Fields = Mapping[str, Any]
Make = Callable[[Fields], "FrameSerializer"]
"""A serializer, from the stream's first message."""

LEAD_S = 0.1
"""All four buffer what they have not played, and drop it when told to."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """How a carrier's stream begins, and the serializer for it.

    `begins` is the value of `event` in its first message about the call, `about` takes what that
    says of the call, `ends` are the events after which there is none.
    """

    rate_hz: int
    begins: str
    about: Callable[[Fields], Begun]
    load: Callable[[], Make]
    """Imports the serializer, which takes a second, and gives what makes one."""
    ends: frozenset[str] = frozenset({"stop"})


class SerializedCodec:
    """One stream of `carrier`; `called` is the number called, where its messages do not say it.

    Imports pipecat the first time, so it is made in a thread. Raises ConfigurationError where that
    is not installed.
    """

    def __init__(self, carrier: Carrier, called: str = "") -> None:
        try:
            from loguru import logger

            logger.disable("pipecat")  # it would log messages as they are, numbers included
            from pipecat.frames import frames

            self._make = carrier.load()
        except ImportError:
            raise ConfigurationError(
                "this carrier's stream needs pipecat: pip install 'palabre[pipecat]'"
            ) from None
        self.capabilities = Capabilities(rate_hz=carrier.rate_hz, clear=True, lead_s=LEAD_S)
        self._carrier = carrier
        self._called = called
        self._frames = frames
        self._serializer: FrameSerializer | None = None
        self._timeline = Timeline()

    def decode(self, message: bytes | str, now: float) -> Begun | Frame | None:
        """See `telephony.carriers.stream.StreamCodec`."""
        if isinstance(message, str):
            fields = _object(message)
            event = fields.get("event")
            if event == self._carrier.begins and self._serializer is None:
                return self._begin(fields)
            if event in self._carrier.ends:
                return Hangup("caller")
        if self._serializer is None:
            return None
        try:
            frame = _run(self._serializer.deserialize(message))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError("message.invalid", f"no message of this carrier: {error}") from None
        if isinstance(frame, self._frames.InputAudioRawFrame):
            at = self._timeline.stamp(len(frame.audio) / (2 * self._carrier.rate_hz), now)
            if at is None:
                raise ProtocolError("audio.too_fast", "sound is over 2 s ahead of real time")
            return Audio(frame.audio, self._carrier.rate_hz, at)
        if isinstance(frame, self._frames.InputDTMFFrame):
            return Dtmf(str(frame.button.value), now)
        return None

    def _begin(self, fields: Fields) -> Begun:
        try:
            begun = self._carrier.about(fields)
            serializer = self._make(fields)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(
                "message.invalid", f"the stream's first message lacks {error}"
            ) from None
        setup: Any = SimpleNamespace(
            audio_in_sample_rate=self._carrier.rate_hz, audio_out_sample_rate=self._carrier.rate_hz
        )
        _run(serializer.setup(setup))
        self._serializer = serializer
        return Begun(begun.call_id, begun.called or self._called)

    def sound(self, pcm: bytes) -> bytes | str | None:
        return self._encode(self._frames.OutputAudioRawFrame(pcm, self._carrier.rate_hz, 1))

    def mark(self, name: str) -> None:
        """These serializers know no marks: what was played is told by the pace."""

    def clear(self) -> bytes | str | None:
        return self._encode(self._frames.InterruptionFrame())

    def _encode(self, frame: Any) -> bytes | str | None:
        return None if self._serializer is None else _run(self._serializer.serialize(frame))


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("a serializer waits; it would hold every other call")


def _object(message: str) -> Fields:
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ProtocolError("message.not_json", "a TEXT message is a JSON object")
    return fields


def _telnyx() -> Make:
    from pipecat.serializers.telnyx import TelnyxFrameSerializer

    params = TelnyxFrameSerializer.InputParams(sample_rate=8000, auto_hang_up=False)

    def make(said: Fields) -> FrameSerializer:
        coding = said["start"]["media_format"]["encoding"]
        if coding not in {"PCMU", "PCMA"}:
            raise ValueError(f"PCMU or PCMA; {coding} is not taken")
        return TelnyxFrameSerializer(said["stream_id"], coding, coding, params=params)

    return make


def _plivo() -> Make:
    from pipecat.serializers.plivo import PlivoFrameSerializer

    params = PlivoFrameSerializer.InputParams(sample_rate=8000, auto_hang_up=False)
    return lambda said: PlivoFrameSerializer(said["start"]["streamId"], params=params)


def _exotel() -> Make:
    from pipecat.serializers.exotel import ExotelFrameSerializer

    params = ExotelFrameSerializer.InputParams(sample_rate=8000)
    return lambda said: ExotelFrameSerializer(said["stream_sid"], params=params)


def _vonage() -> Make:
    from pipecat.serializers.vonage import VonageFrameSerializer

    params = VonageFrameSerializer.InputParams(sample_rate=16000)
    return lambda said: VonageFrameSerializer(params)


CARRIERS: dict[str, Carrier] = {
    "telnyx": Carrier(
        8000,
        "start",
        lambda said: Begun(said["start"]["call_control_id"], said["start"].get("to", "")),
        _telnyx,
    ),
    "plivo": Carrier(8000, "start", lambda said: Begun(said["start"]["callId"]), _plivo),
    "exotel": Carrier(
        8000,
        "start",
        lambda said: Begun(said["start"]["call_sid"], said["start"].get("to", "")),
        _exotel,
    ),
    # Its first message carries the headers that the application configured; the rest is sound.
    "vonage": Carrier(
        16000,
        "websocket:connected",
        lambda said: Begun(str(said.get("uuid", "")), str(said.get("to", ""))),
        _vonage,
        frozenset(),
    ),
}
