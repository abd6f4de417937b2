from __future__ import annotations

import asyncio

from server.sim.loop import VirtualLoop
from server.sim.wire import KERNEL_BYTES, SimWire
from tests.virtual import virtual


class Line:
    """A far end that reads at `reads_at`."""

    def __init__(self, reads_at: float | None = None) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.carried: list[bytes | str] = []
        self.closed: list[tuple[int, str]] = []
        self.stalls = 0
        self.reads_at = reads_at
        self.wire = SimWire(loop.time, loop.world.at, self.carry, self.closing)
        self.wire.attach(lambda message: None, lambda code: None, self.stalled)

    def carry(self, message: bytes | str) -> float:
        self.carried.append(message)
        return asyncio.get_running_loop().time() if self.reads_at is None else self.reads_at

    def closing(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def stalled(self) -> None:
        self.stalls += 1


@virtual
async def test_messages_go_out_until_it_is_closed() -> None:
    line = Line()
    line.wire.write(b"sound")
    line.wire.write("text")
    line.wire.close(1000, "done")
    line.wire.close(1000, "again")
    line.wire.write("late")
    assert line.carried == [b"sound", "text"]
    assert line.closed == [(1000, "done")]
    assert (await line.wire.receive())["code"] == 1000
    assert line.wire.reason == "done"


@virtual
async def test_a_far_end_that_does_not_read_blocks_it_until_it_does() -> None:
    loop = asyncio.get_running_loop()
    line = Line(reads_at=loop.time() + 2)
    for _ in range((KERNEL_BYTES + 40_000) // 640):
        line.wire.write(bytes(640))
    assert line.wire.blocked
    assert line.stalls == 1
    assert 32_768 < line.wire.waiting_bytes <= 40_000
    await asyncio.sleep(3)
    assert line.wire.waiting_bytes == 0
    assert [line.wire.blocked] == [False]
    assert line.wire.most_waiting_bytes > 32_768


@virtual
async def test_one_that_is_gone_is_cut_off() -> None:
    line = Line(reads_at=float("inf"))
    for _ in range(200):
        line.wire.write(bytes(640))
    assert line.wire.blocked
    line.wire.close(1008, "client.stalled")
    assert line.closed == []  # nobody reads it
    assert (await line.wire.receive())["code"] == 1008


@virtual
async def test_the_far_end_closes() -> None:
    line = Line()
    line.wire.lost(1001)
    line.wire.lost(1000)
    assert (await line.wire.receive())["code"] == 1001
