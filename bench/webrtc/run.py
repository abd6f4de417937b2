"""A run: one server, calls over both transports in turn, then many at once for their CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bench.errors import ServerError
from bench.proc import process_cpu_s
from bench.webrtc.callers import FRAME_S, Caller, RtcCaller, SocketCaller

__all__ = ["TRANSPORTS", "Cost", "measure_cpu", "measure_response"]

TRANSPORTS: dict[str, Callable[[int], Caller]] = {
    "WebSocket": SocketCaller,
    "WebRTC": RtcCaller,
}
PATIENCE_S = 20.0
THOUGHT_S = 0.3
"""Between the engine's last word and the caller's first: no barge-in is measured here."""
SETTLE_S = 3.0
"""From the last call's beginning to the first measure of CPU: connecting is dear, and once."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What `calls` at once took of one core, in percent a call."""

    transport: str
    calls: int
    percent: float

    @property
    def calls_a_core(self) -> int:
        """Until one core has nothing left."""
        return int(100 / self.percent)


async def _in_a_call(caller: Caller, work: Coroutine[Any, Any, None]) -> None:
    """Do `work` while the call lasts; then hang up. Raises ServerError for a call that ends
    before."""
    calling = asyncio.create_task(caller.call())
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({calling, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            calling.result()
            raise ServerError("the server hung up; see its log")
        working.result()
    finally:
        calling.cancel()
        working.cancel()
        await asyncio.wait({calling, working})


async def measure_response(transport: str, port: int, words: bytes, turns: int) -> list[float]:
    """Milliseconds from the last sample of `words` to the first audible packet of the answer, in
    one call of `turns` answers, which end at as many places within a frame. Raises ServerError.
    Cancelling hangs up."""
    caller = TRANSPORTS[transport](port)
    found = []

    async def talk() -> None:
        for turn in range(turns):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    found.append(await _answered(caller, words, FRAME_S * turn / turns))
            except TimeoutError:
                raise ServerError(f"no answer over {transport} in {PATIENCE_S:.0f} s") from None

    await _in_a_call(caller, talk())
    return found


async def _answered(caller: Caller, words: bytes, after_s: float = 0.0) -> float:
    line = caller.line
    await line.listening.wait()
    await asyncio.sleep(THOUGHT_S)
    line.listening.clear()  # until it has answered
    line.loud_at = asyncio.get_running_loop().create_future()
    line.say(words, after_s)
    loud_at = await line.loud_at
    return (loud_at - line.spoken_at) * 1000


async def measure_cpu(
    transport: str, port: int, pid: int, words: bytes, calls: int, seconds: float
) -> Cost:
    """The server's CPU while `calls` callers talk with it. Raises ServerError."""
    callers = [TRANSPORTS[transport](port) for _ in range(calls)]

    async def talk(caller: Caller) -> None:
        while True:
            await _answered(caller, words)

    talking = []
    try:
        for caller in callers:
            talking.append(asyncio.create_task(_in_a_call(caller, talk(caller))))
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        cpu_s, at = process_cpu_s(pid), asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
        spent_s = process_cpu_s(pid) - cpu_s
        lasted_s = asyncio.get_running_loop().time() - at
        for task in talking:
            if task.done():
                task.result()
    finally:
        for task in talking:
            task.cancel()
        await asyncio.wait(talking)
    return Cost(transport, calls, 100 * spent_s / lasted_s / calls)
