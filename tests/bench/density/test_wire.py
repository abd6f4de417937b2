import pytest
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from bench.density.wire import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    FrameReader,
    WireError,
    handshake_status,
    masked_frame,
    upgrade_request,
)


def test_a_masked_frame_is_the_one_of_the_rfc() -> None:
    # RFC 6455 section 5.7: "Hello", masked.
    frame = masked_frame(TEXT, b"Hello", bytes.fromhex("37fa213d"))
    assert frame == bytes.fromhex("818537fa213d7f9f4d5158")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 640, 65_535, 65_536])
def test_a_server_reads_back_what_was_masked(size: int) -> None:
    payload = bytes(range(256)) * 257
    server = ServerProtocol(max_size=None)
    server.receive_data(upgrade_request("127.0.0.1:9", "/media?rate=16000"))
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    server.receive_data(masked_frame(BINARY, payload[:size]))
    (frame,) = server.events_received()
    assert frame.opcode is Opcode.BINARY  # type: ignore[union-attr]
    assert bytes(frame.data) == payload[:size]  # type: ignore[union-attr]


def test_frames_are_read_however_they_are_cut() -> None:
    stream = (
        b"\x82\x02ab"
         b"\x81\x7e\x00\x80" + b"t" * 128
        + b"\x89\x00"
        + b"\x82\x7f" + (70_000).to_bytes(8, "big") + b"z" * 70_000
        + b"\x88\x02\x03\xe8"
    )  # fmt: skip
    wanted = [(BINARY, 2), (TEXT, 128), (PING, 0), (BINARY, 70_000), (CLOSE, 2)]
    for step in (1, 3, 127, 4096, len(stream)):
        reader = FrameReader()
        got = [
            (opcode, len(payload))
            for at in range(0, len(stream), step)
            for opcode, payload in reader.feed(stream[at : at + step])
        ]
        assert got == wanted


def test_a_server_may_not_mask() -> None:
    with pytest.raises(WireError, match="masked"):
        list(FrameReader().feed(masked_frame(BINARY, b"x")))


def test_the_status_of_a_handshake() -> None:
    assert handshake_status(b"HTTP/1.1 101 Switching Protocols\r\nA: b") == 101
    assert handshake_status(b"HTTP/1.1 503 Service Unavailable") == 503
    with pytest.raises(WireError):
        handshake_status(b"\x00\x01\x02")
