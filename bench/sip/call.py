"""One call of the user agent: its signalling and its sound on real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.sip.leg import Answered, Ended, Event, Leg, Progress, Refused, State
from bench.sip.message import Message, Request, SipError, uri_in
from bench.sip.rtp import Packet
from bench.sip.sdp import Media, answer, offer
from bench.sip.stream import Ear, Mouth
from bench.sip.udp import Address, Udp

__all__ = ["PTIME_S", "Call", "CallRefused", "Step"]

PTIME_S = 0.02


class CallRefused(SipError):
    """The call was not answered; `status` is the SIP status, or 487 where it was given up."""

    code = "sip.refused"

    def __init__(self, status: int) -> None:
        super().__init__(f"the call was refused with {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to the call, and when."""

    at: float
    event: Event


class Call:
    """A call that was placed or came in.

    `heard` is told of each packet of sound, `sent` of each that goes out with the moment it did.
    """

    def __init__(
        self,
        leg: Leg,
        host: str,
        send: Callable[[bytes], None],
        *,
        payload_types: tuple[int, ...],
        source: int,
    ) -> None:
        self.leg = leg
        self.ear = Ear()
        self.steps: list[Step] = []
        """All that happened, in order."""
        self.answered_at: float | None = None
        self.end: Ended | Refused | None = None
        self.ended_at: float | None = None
        self.called = self.caller = ""
        """Of a call that came in: the URIs of whom it is for and from."""
        self.late_s = 0.0
        """The most that a packet of ours left after its time."""
        self.heard: Callable[[Packet, float], None] = lambda packet, at: None
        self.sent: Callable[[Packet, float], None] = lambda packet, at: None
        self._send = send
        self._source = source
        self._rtp = Udp(host, 0, self._sound)
        self._payload_types = payload_types
        self._media: Media | None = None
        self._mouth: Mouth | None = None
        self._to: Address = ("", 0)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._pace: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._changed = asyncio.Event()

    # Placing and taking

    def dial(self, uri: str, caller: str) -> None:
        self.leg.sdp = offer(*self._rtp.address, self._payload_types)
        self.leg.dial(uri, caller, time.monotonic())
        self._flush()

    def take(self, invite: Request, at: float) -> None:
        """A call that came in; raises SipError where it wants nothing that we have."""
        try:
            self._media = Media.parse(invite.body)
            self.leg.sdp = answer(*self._rtp.address, self._media)
            self.leg.take(invite)
        except SipError:
            self._rtp.close()
            raise
        self.called = invite.uri
        self.caller = uri_in(invite.headers.get("From"))
        self._flush()

    def ring(self) -> None:
        self.leg.ring()
        self._flush()

    def early(self) -> None:
        """Sound both ways before the answer."""
        self.leg.early()
        self._flush()
        self._begin()

    def answer(self) -> None:
        now = time.monotonic()
        self.leg.answer(now)
        self._flush()
        self.answered_at = now
        self._begin()

    def refuse(self, status: int) -> None:
        now = time.monotonic()
        self._happened(self.leg.refuse(status, now), now)
        self._flush()

    def hang_up(self) -> None:
        """End it, in whatever state it is; safe to call again."""
        if self.leg.state == State.PROCEEDING and self.called:
            self.refuse(480)
            return
        self.leg.hang_up(time.monotonic())
        self._stop()
        self._flush()

    def close(self) -> None:
        """Let go of sockets and timers, without a word to the other side."""
        self._stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rtp.close()

    # What becomes of it

    @property
    def mouth(self) -> Mouth:
        """What this side says. Raises SipError before there is a way for sound."""
        if self._mouth is None:
            raise SipError("nothing can be said before the answer, or early media")
        return self._mouth

    async def answered(self) -> None:
        """Wait for the answer; raises CallRefused without one. Cancelling is safe."""
        await self.until(lambda: self.answered_at is not None or self.end is not None)
        if self.answered_at is None:
            raise CallRefused(self.end.status if isinstance(self.end, Refused) else 487)

    async def progressed(self, status: int) -> None:
        """Wait for a provisional response; raises CallRefused without one. Cancelling is safe."""

        def came() -> bool:
            return any(
                isinstance(step.event, Progress) and step.event.status == status
                for step in self.steps
            )

        await self.until(lambda: came() or self.end is not None)
        if not came():
            raise CallRefused(self.end.status if isinstance(self.end, Refused) else 487)

    async def ended(self) -> Ended | Refused:
        """Wait for the end. Cancelling is safe."""
        await self.until(lambda: self.end is not None)
        assert self.end is not None
        return self.end

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for what the signalling or a key brings about. Cancelling is safe."""
        while not reached():
            self._changed.clear()
            await self._changed.wait()

    # Signalling

    def receive(self, message: Message, at: float) -> None:
        """A message of this call."""
        events = self.leg.receive(message, at)
        # The answer's ACK leaves before anything else is done with it.
        self._flush()
        for event in events:
            self._happened(event, at)

    def _happened(self, event: Event, at: float) -> None:
        self.steps.append(Step(at, event))
        match event:
            case Progress(body=body) if body:
                self._media = Media.parse(body)
                self._begin()
            case Answered(body=body):
                self._media = Media.parse(body)
                self.answered_at = at
                self._begin()
            case Refused() | Ended():
                self.end = event
                self.ended_at = at
                self._stop()
                self._rtp.close()
        self._changed.set()

    def _flush(self) -> None:
        for data in self.leg.out:
            self._send(data)
        self.leg.out.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.leg.due is not None:
            self._timer = self._loop.call_later(
                max(0.0, self.leg.due - time.monotonic()), self._tick
            )

    def _tick(self) -> None:
        self._timer = None
        now = time.monotonic()
        events = self.leg.tick(now)
        self._flush()
        for event in events:
            self._happened(event, now)

    # Sound

    def _begin(self) -> None:
        assert self._media is not None
        self._to = (self._media.host, self._media.port)
        if self._mouth is None:
            self._mouth = Mouth(self._media, self._source)
            # A packet leaves when its last sample has been taken.
            self._due = time.monotonic() + PTIME_S
            self._schedule()

    def _stop(self) -> None:
        if self._pace is not None:
            self._pace.cancel()
            self._pace = None

    def _schedule(self) -> None:
        self._pace = self._loop.call_later(max(0.0, self._due - time.monotonic()), self._speak)

    def _speak(self) -> None:
        """Send what is due; what was missed goes out at once, as from a sound card's buffer."""
        while (now := time.monotonic()) >= self._due - 0.0005:
            packet = self.mouth.packet()
            if packet is not None:
                self._rtp.send(packet.encode(), self._to)
                self.late_s = max(self.late_s, now - self._due)
                self.sent(packet, now)
            self._due += PTIME_S
            if self._pace is None:
                return  # what was sent ended the call
        self._schedule()

    def _sound(self, data: bytes, sender: Address, at: float) -> None:
        packet = self.ear.receive(data, at, self._media.events if self._media else None)
        if packet is not None:
            self.heard(packet, at)
        else:
            self._changed.set()  # it may have been a key
