"""A fork of a call's sound: app_audiofork of Asterisk, mod_audio_fork of FreeSWITCH.

Both send s16le as BINARY messages and can be played nothing. app_audiofork (subprotocol ``echo``)
has 8 kHz and one side, or both mixed, and reads nothing. mod_audio_fork (``audio.drachtio.org``)
has the rate and the channels that its command asks for, sends its metadata as the first TEXT, and
hands transcripts on to whoever controls FreeSWITCH.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

import numpy as np

from engine.channel import Capabilities
from engine.errors import ProtocolError
from engine.frames import Frame, Transcript
from telephony.asterisk.formats import FORMATS, Format
from telephony.asterisk.intake import Intake
from telephony.inlet import Inlet
from telephony.wire import Unread, Wire

__all__ = ["FREESWITCH", "SUBPROTOCOLS", "ForkRequest", "ForkSide", "ForkStream"]

FREESWITCH = "audio.drachtio.org"
SUBPROTOCOLS = ("echo", FREESWITCH)

FORMS = {"8000": FORMATS["slin"], "16000": FORMATS["slin16"]}
SIDES = ("caller", "agent")
"""Of a stereo fork, in the order of its channels: who is heard, and who is heard by him."""

MAX_NAME = 64
BAD_REQUEST = 4400
"""WebSocket close code, as of our own protocol."""


@dataclass(frozen=True, slots=True)
class ForkRequest:
    """What the URL of a fork asks for. Forks of one call have the same `call`; without a name they
    have nothing to do with each other."""

    call: str
    sides: tuple[str, ...]
    form: Format
    scenario: str
    language: str
    subprotocol: str

    @classmethod
    def parse(cls, query: str, offered: list[str]) -> ForkRequest:
        """From the query string and the subprotocols offered. Raises ProtocolError."""
        given = {name: values[-1] for name, values in parse_qs(query).items()}
        form = FORMS.get(given.get("rate", "8000"))
        if form is None:
            raise _wrong("rate", given["rate"], FORMS)
        channels = given.get("channels", "1")
        if channels not in ("1", "2"):
            raise _wrong("channels", channels, ("1", "2"))
        sides = SIDES if channels == "2" else (given.get("side", SIDES[0]),)
        call = given.get("call", "")
        for name, value in (("call", call), ("side", sides[0])):
            if len(value) > MAX_NAME or not value.isprintable():
                raise ProtocolError(
                    f"request.{name}", f"{name} has at most {MAX_NAME} characters", BAD_REQUEST
                )
        return cls(
            call,
            sides,
            form,
            given.get("scenario", ""),
            given.get("language", ""),
            next((name for name in SUBPROTOCOLS if name in offered), ""),
        )


def _wrong(name: str, given: str, known: Iterable[str]) -> ProtocolError:
    names = ", ".join(known)
    return ProtocolError(
        f"request.{name}", f"unknown {name} {given[:40]!r}; known: {names}", BAD_REQUEST
    )


class ForkSide:
    """One side of a call, to be listened to. What would be played is left out."""

    def __init__(self, name: str, request: ForkRequest, wire: Wire) -> None:
        self.name = name
        self.capabilities = Capabilities(rate_hz=request.form.rate_hz)
        self.dropped = 0
        self.inlet = Inlet()
        self.attach = self.inlet.attach
        self._intake = Intake(request.form, self.inlet.faults)
        self._transcripts = request.subprotocol == FREESWITCH
        self._wire = wire

    def heard(self, sound: bytes, now: float) -> None:
        if self.inlet.closed:
            return
        try:
            for audio in self._intake.take(sound, now):
                self.inlet.deliver(audio)
        except ProtocolError as error:
            self.inlet.faults[error.code] += 1

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The connection is gone; `fault` is the code of why, where that is one."""
        if not self.inlet.closed:
            for audio in self._intake.finish():
                self.inlet.deliver(audio)
        self.inlet.lost(reason, fault)

    def send(self, frame: Frame) -> None:
        """Transcripts go back to a FreeSWITCH, and become its events."""
        if self._transcripts and isinstance(frame, Transcript) and not self.inlet.closed:
            data = {"side": self.name, "text": frame.text, "final": frame.final}
            self._wire.write(json.dumps({"type": "transcription", "data": data}))

    def play(self, pcm: bytes) -> None: ...

    def pause(self, epoch: int) -> None: ...

    def resume(self, epoch: int) -> None: ...

    def clear(self, epoch: int) -> None: ...

    def close(self, reason: str) -> None:
        """The other side's connection as well: a copy is whole or not at all."""
        if self.inlet.close():
            self._wire.close(1000, reason)

    def fail(self, code: str, message: str) -> None:
        if self.inlet.close(code):
            self._wire.close(1011, code)


class ForkStream:
    """One connection of a fork, and its sides. `now` of its methods is the edge's clock."""

    def __init__(self, request: ForkRequest, wire: Wire) -> None:
        self.sides = [ForkSide(name, request, wire) for name in request.sides]
        self._wire = wire
        self._unread = Unread(wire)
        self._frame_bytes = 2 * len(self.sides)

    def received(self, message: bytes | str, now: float) -> None:
        """A whole message arrived. TEXT is metadata, which nothing here asks for."""
        if isinstance(message, str):
            return
        if len(self.sides) == 1:
            self.sides[0].heard(message, now)
        elif len(message) % self._frame_bytes:
            self.sides[0].inlet.faults["audio.odd_bytes"] += 1
        else:
            both = np.frombuffer(message, "<i2").reshape(-1, len(self.sides))
            for index, side in enumerate(self.sides):
                side.heard(both[:, index].tobytes(), now)

    def watch(self, now: float) -> None:
        """Called while the far end does not read, and once after: it may be given up."""
        if self._unread.too_long(now):
            self.lost("stalled", "client.stalled")
            self._wire.close(1008, "client.stalled")

    def lost(self, reason: str, fault: str | None = None) -> None:
        for side in self.sides:
            side.lost(reason, fault)

    def fail(self, code: str, message: str) -> None:
        for side in self.sides:
            side.fail(code, message)
