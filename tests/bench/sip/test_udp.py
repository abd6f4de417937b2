import asyncio
import time

import pytest

from bench.sip.udp import Address, Udp

pytestmark = pytest.mark.asyncio


async def test_a_datagram_has_the_time_it_came_not_that_it_was_read() -> None:
    came: asyncio.Queue[tuple[bytes, Address, float]] = asyncio.Queue()
    there = Udp("127.0.0.1", 0, lambda data, sender, at: came.put_nowait((data, sender, at)))
    here = Udp("127.0.0.1", 0, lambda data, sender, at: None)
    try:
        # The kernel begins to note times a little after it is asked to, for the first socket.
        for _ in range(20):
            sent_at = time.monotonic()
            here.send(b"one", there.address)
            time.sleep(0.05)  # noqa: ASYNC251 nobody reads meanwhile
            read_at = time.monotonic()
            data, sender, at = await came.get()
            assert (data, sender) == (b"one", here.address)
            if at < read_at - 0.02:
                break
        assert sent_at - 0.001 <= at < read_at - 0.02
    finally:
        for udp in (here, there, there):
            udp.close()


async def test_one_that_receives_may_close() -> None:
    done = asyncio.Event()

    def received(data: bytes, sender: Address, at: float) -> None:
        there.close()
        done.set()

    there = Udp("127.0.0.1", 0, received)
    here = Udp("127.0.0.1", 0, lambda data, sender, at: None)
    for _ in range(3):
        here.send(b"x", there.address)
    await asyncio.wait_for(done.wait(), 5.0)
    here.close()


async def test_a_port_that_is_taken_is_no_leak() -> None:
    there = Udp("127.0.0.1", 0, lambda data, sender, at: None)
    with pytest.raises(OSError, match="in use"):
        Udp("127.0.0.1", there.address[1], lambda data, sender, at: None)
    there.close()
