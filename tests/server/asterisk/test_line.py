"""A connection from its first message on."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import ConfigurationError, PalabreError
from engine.frames import Audio, Frame, Hangup
from server.asterisk.line import Line, MediaError, ended
from tests.virtual import virtual

START = (
    "MEDIA_START connection_id:media1 channel:WebSocket/media1/0x7f channel_id:lab-1.1 "
    "format:slin16 optimal_frame_size:640 ptime:20"
)


class FakeWire:
    def __init__(self) -> None:
        self.blocked = False
        self.waiting_bytes = 0
        self.closed: tuple[int, str] | None = None

    def write(self, message: bytes | str) -> None: ...

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


@virtual
async def test_its_first_message_makes_the_channel() -> None:
    line = Line(FakeWire())
    starting = asyncio.create_task(line.start())
    await asyncio.sleep(0.1)
    line.received(bytes(640), 0.9)
    line.watch(0.9)
    line.received(START, 1.0)
    channel = await starting
    assert channel.start.channel_id == "lab-1.1"
    came: list[Frame] = []
    channel.attach(came.append)
    line.received(bytes(640), 1.02)
    line.watch(1.02)
    line.lost("caller", "asterisk.vanished")
    assert isinstance(came[0], Audio)
    assert came[1:] == [Hangup("caller")]
    assert channel.inlet.fault == "asterisk.vanished"


@virtual
async def test_a_form_of_sound_that_cannot_be_is_told() -> None:
    line = Line(FakeWire())
    line.received(START.replace("slin16", "opus"), 1.0)
    line.received(START, 1.0)
    line.lost("caller")
    with pytest.raises(ConfigurationError, match="slin16"):
        await line.start()


@pytest.mark.parametrize(("gone", "code"), [(True, "media_lost"), (False, "media_timeout")])
@virtual
async def test_one_that_never_begins(gone: bool, code: str) -> None:
    line = Line(FakeWire())
    if gone:
        line.lost("caller")
    with pytest.raises(MediaError) as caught:
        await line.start()
    assert caught.value.code == f"asterisk.{code}"
    assert isinstance(caught.value, PalabreError)


@virtual
async def test_a_fault_closes_it_begun_or_not() -> None:
    for message in ("", START):
        wire = FakeWire()
        line = Line(wire)
        if message:
            line.received(message, 1.0)
        line.fail("server.error", "the server failed")
        assert wire.closed == (1011, "server.error")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (1000, None),
        (1001, None),
        (1006, "asterisk.vanished"),
        (1002, "asterisk.closed"),
        (1009, "asterisk.closed"),
    ],
)
def test_what_its_end_stands_for(code: int, fault: str | None) -> None:
    assert ended(code) == fault
