import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.channel import AudioChannel, Capabilities
from engine.frames import Dtmf, Frame, Mark
from tests.engine.conformance import channel as conformance
from tests.fakes import FakeAudioChannel
from tests.virtual import virtual


class FarEnd:
    def __init__(self, channel: FakeAudioChannel) -> None:
        self.deliver = channel.deliver
        self.channel = channel

    @property
    def heard(self) -> bytes:
        return bytes(self.channel.played)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_the_fake_conforms(
    case: Callable[[AudioChannel, conformance.FarEnd], Awaitable[None]],
) -> None:
    channel = FakeAudioChannel()
    await case(channel, FarEnd(channel))


def test_capabilities_of_text_and_of_sound() -> None:
    assert not Capabilities(max_chars=4096).audio
    assert Capabilities(rate_hz=8000).audio
    assert Capabilities().lead_s == 0.02, "one frame, where nothing can be dropped again"


@virtual
async def test_a_far_end_that_can_do_nothing_promises_nothing() -> None:
    channel = FakeAudioChannel(Capabilities(rate_hz=8000))
    received: list[Frame] = []
    channel.attach(received.append)
    channel.play(b"\0\0" * 80)
    channel.send(Mark("1.0"))
    channel.pause(1)
    channel.clear(1)
    await asyncio.sleep(1)
    assert received == []


@virtual
async def test_nobody_listens_before_somebody_is_attached() -> None:
    FakeAudioChannel().deliver(Dtmf("1", 0.0))
