import asyncio

import pytest

from bench.telephony.relay import Tap, relayed

REQUEST = b"GET /media/1 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
#: RFC 6455, 5.7: "Hello", masked.
HELLO = bytes.fromhex("81 85 37fa213d 7f9f4d5158")


def test_text_of_a_client_is_seen_through_its_mask() -> None:
    tap = Tap()
    sound = b"\x82\xfe\x00\x7e\x00\x00\x00\x00" + bytes(126)
    stream = REQUEST + sound + HELLO + b"\x81\x02hi" + HELLO[:7]
    found = []
    for byte in stream:
        found += tap.feed(bytes([byte]))
    assert found == ["Hello", "hi"]
    assert tap.feed(HELLO[7:]) == ["Hello"]


def test_what_comes_with_the_request_is_seen() -> None:
    assert Tap().feed(REQUEST + HELLO) == ["Hello"]


def test_the_longest_form_of_a_length() -> None:
    tap = Tap()
    data = b"\x81\x7f" + (5).to_bytes(8) + b"Hello"
    assert tap.feed(REQUEST + data) == ["Hello"]


@pytest.mark.asyncio
async def test_commands_are_noted_as_they_pass() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    async with (
        await asyncio.start_server(echo, "127.0.0.1", 0) as server,
        relayed(server.sockets[0].getsockname()[1]) as commands,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", commands.port)
        told = b'{"command":"FLUSH_MEDIA"}'
        data = REQUEST + bytes([0x81, len(told)]) + told
        writer.write(data)
        assert await reader.readexactly(len(data)) == data
        assert len(commands.times("FLUSH_MEDIA")) == 1
        assert not commands.times("PAUSE_MEDIA")
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""
