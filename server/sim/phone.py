"""The far end of a simulated call: a telephone on its own clock, at the other end of a network."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from server.sim.caller import SimCaller
from server.sim.ear import Ear
from server.sim.loop import World
from server.sim.network import NEVER, Way
from server.sim.script import Script
from server.sim.wire import SimWire
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message

__all__ = ["Phone"]

FRAME_S = 0.02
PING_S = 40.0
"""After this a server has noticed that a far end is gone: uvicorn's ping interval and timeout."""

NONSENSE: tuple[bytes | str, ...] = (
    b"\0",
    b"",
    "{",
    "[]",
    '{"type":"mark"}',
    '{"type":"mark","name":"99.1"}',
    '{"type":"played","turn":-1,"ms":5}',
    '{"type":"played","turn":1,"ms":1e9}',
    '{"type":"dtmf","digit":"x"}',
    '{"type":"unheard-of"}',
    bytes(64_000),
    bytes(64_000),
)
"""What a broken client sends."""


class Phone:
    """Everything at the caller's end. `sent` is told each TEXT message as it reaches the
    server, and when that is."""

    def __init__(
        self,
        script: Script,
        caller: SimCaller,
        ear: Ear,
        world: World,
        start: float,
        now: Callable[[], float],
        sent: Callable[[Message, float], None],
    ) -> None:
        self.far = FarEnd(script.rate_hz, start)
        self.messages: list[tuple[float, Message]] = []
        """What came, and when on the far end's clock."""
        self.arrived: dict[int, float] = {}
        """When the first sound of each turn came, on the far end's clock."""
        self.ended: HangUp | None = None
        self.gone = False
        self._script = script
        self._caller = caller
        self._ear = ear
        self._world = world
        self._start = start
        self._now = now
        self._sent = sent
        self._pace = 1 + script.network.drift_ppm * 1e-6
        chance = random.Random(f"network {script.seed}")
        self._up = Way(script.network, start, random.Random(chance.random()))
        self._down = Way(script.network, start, random.Random(chance.random()))
        self._chance = chance
        self._reads_from = [
            (start + fault.at_s, start + fault.at_s + fault.for_s)
            for fault in script.faults
            if fault.of == "reader"
        ]
        self._frames = 0
        self._samples = script.rate_hz // 50
        self.wire: SimWire

    def connect(self, wire: SimWire) -> None:
        """The call begins."""
        self.wire = wire
        self._ear.far = self.far
        self._world.at(self._true(1), self._frame)
        vanishes_s = self._script.network.vanishes_s
        if vanishes_s != NEVER:
            self._world.at(self._start + vanishes_s + PING_S, lambda due: wire.lost(1011))
        for fault in self._script.faults:
            if fault.of == "sender":
                self._world.at(self._start + fault.at_s, self._babble)

    def local(self, true: float) -> float:
        """The far end's clock at a moment of the server's."""
        return self._start + (true - self._start) * self._pace

    def _true(self, frame: int) -> float:
        return self._start + frame * FRAME_S / self._pace

    # To the server

    def _frame(self, due: float) -> None:
        if self.gone or self.ended is not None:
            return
        now = self.local(due)
        for answer in self.far.advance(now):
            self._send(answer, due)
        frame = self._caller.frame(self.far, now)
        if isinstance(frame, HangUp):
            self._hang_up(frame, due)
            return
        while self._caller.keys:
            self._send({"type": "dtmf", "digit": self._caller.keys.pop(0)}, due)
        sample = self._frames * self._samples
        self._frames += 1
        missing = self._script.network.missing
        if not (missing and self._chance.random() < missing):
            self._world.at(self._up.arrives(due), self._sound, frame, sample)
        self._world.at(self._true(self._frames + 1), self._frame)

    def _hang_up(self, how: HangUp, due: float) -> None:
        self.ended = how
        if self._script.leaves == "hangup":
            self._send({"type": "hangup"}, due)
        else:
            self._world.at(self._up.arrives(due), lambda at: self.wire.lost(1000))

    def _send(self, message: Message, due: float) -> None:
        self._world.at(self._up.arrives(due), self._control, json.dumps(message), message)

    def _sound(self, due: float, frame: bytes, sample: int) -> None:
        wire = self.wire
        if wire.open and wire.receiver is not None and due != NEVER:
            self._ear.arrived(self._now(), sample, self._samples)
            wire.receiver(frame)

    def _control(self, due: float, text: str, message: Message) -> None:
        wire = self.wire
        if wire.open and wire.receiver is not None and due != NEVER:
            self._sent(message, self._now())
            wire.receiver(text)

    def _babble(self, due: float) -> None:
        if self.wire.open and self.wire.receiver is not None and not self.gone:
            for message in NONSENSE:
                self.wire.receiver(message)

    # From the server

    def carry(self, message: bytes | str) -> float:
        """The server sends `message`: when it will be read here."""
        at = self._down.arrives(self._now())
        for since, until in self._reads_from:
            if since <= at < until:
                at = until
        if at != NEVER:
            self._world.at(at, self._receive, message)
        return at

    def closing(self, code: int, reason: str) -> None:
        """The server closes."""
        self._world.at(self._down.arrives(self._now()), self._closed)

    def _closed(self, due: float) -> None:
        self.gone = True

    def _receive(self, due: float, data: bytes | str) -> None:
        now = self.local(due)
        if isinstance(data, bytes):
            self.arrived.setdefault(self.far.turn, now)
            answers = self.far.receive(data, now)
        else:
            message = json.loads(data)
            answers = self.far.receive(message, now)
            self.messages.append((now - self._start, message))
            if message.get("type") == "reply":
                self._ear.replied(message["turn"], message["text"])
            self._caller.hear(message)
        for answer in answers:
            self._send(answer, due)
