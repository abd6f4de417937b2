"""The user agent: places and takes calls over UDP, and paces their sound on absolute deadlines.

async with Agent("127.0.0.1", 0) as agent:
    call = agent.dial("sip:100@127.0.0.1:5070", caller="1001")
    await call.answered()
    call.mouth.say(samples)
    await call.ended()
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from bench.sip.call import Call
from bench.sip.leg import Leg
from bench.sip.message import Headers, Request, Response, SipError, parse
from bench.sip.sdp import PCMU
from bench.sip.udp import Address, Udp

__all__ = ["Agent", "Taken"]

Taken = Callable[[Call], Awaitable[None]]
"""What is done with a call that comes: it is answered, refused, or left to ring. The call may go on
when it returns."""


async def _unavailable(call: Call) -> None:
    call.refuse(480)


class Agent:
    """`taken` is run for every call that comes in. On leaving, calls that are left are hung up, and
    what `taken` does with them is cancelled."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        taken: Taken = _unavailable,
        payload_types: tuple[int, ...] = (PCMU,),
    ) -> None:
        self.calls: dict[str, Call] = {}
        """Every call there was, by its Call-ID."""
        self._host = host
        self._port = port
        self._taken = taken
        self._payload_types = payload_types
        self._udp: Udp | None = None
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._udp = Udp(self._host, self._port, self._received)
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._udp is not None
        try:
            for task in self._tasks:
                task.cancel()
            left = [call for call in self.calls.values() if call.end is None]
            for call in left:
                call.hang_up()
            if left and error is None:
                async with asyncio.timeout(2.0):
                    for call in left:
                        await call.ended()
        finally:
            for call in self.calls.values():
                call.close()
            try:
                await self._group.__aexit__(kind, error, trace)
            finally:
                self._udp.close()

    @property
    def address(self) -> Address:
        """Where we listen."""
        assert self._udp is not None
        return self._udp.address

    def dial(self, uri: str, *, caller: str = "1001") -> Call:
        """Call ``sip:name@host:port``; what becomes of it is the call's to tell."""
        _, _, where = uri.partition("@")
        host, _, port = where.partition(":")
        if not host or not port.isdecimal():
            raise SipError(f"{uri!r} is no sip:name@host:port")
        call = self._new((host, int(port)))
        call.dial(uri, caller)
        self.calls[call.leg.call_id] = call
        return call

    def _new(self, peer: Address) -> Call:
        assert self._udp is not None
        udp = self._udp
        leg = Leg(*udp.address, b"", lambda: secrets.token_hex(8))
        return Call(
            leg,
            self._host,
            lambda data: udp.send(data, peer),
            payload_types=self._payload_types,
            source=random.getrandbits(32),
        )

    def _received(self, data: bytes, sender: Address, at: float) -> None:
        try:
            message = parse(data)
            if message is None:
                return
            call = self.calls.get(message.headers.need("Call-ID"))
            if call is not None:
                call.receive(message, at)
            elif isinstance(message, Request):
                self._asked(message, sender, at)
        except SipError:
            return  # a datagram of somebody else's

    def _asked(self, request: Request, sender: Address, at: float) -> None:
        """A request outside of any call."""
        assert self._udp is not None
        if request.method == "INVITE":
            call = self._new(sender)
            call.take(request, at)
            self.calls[call.leg.call_id] = call
            task = self._group.create_task(self._take(call), name="call taken")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif request.method != "ACK":
            kept = ("Via", "From", "To", "Call-ID", "CSeq")
            fields = [field for field in request.headers if field[0] in kept]
            status = 200 if request.method == "OPTIONS" else 481
            self._udp.send(Response(status, Headers(fields)).encode(), sender)

    async def _take(self, call: Call) -> None:
        await self._taken(call)
