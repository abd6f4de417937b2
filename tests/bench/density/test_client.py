import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.frames import Frame, Opcode

from bench.density.client import CYCLE_S, Caller, Load
from bench.density.script import CYCLE_FRAMES, Script
from bench.density.wire import BINARY, CLOSE, PONG, TEXT

SCRIPT = Script(
    frames=tuple(bytes([number % 256]) * 640 for number in range(CYCLE_FRAMES)),
    speech_start_frame=202,
    speech_end_frame=CYCLE_FRAMES - 1,
    vad_release_ms=120.0,
)


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """What a server reads: opcode and unmasked payload."""
        for data in self.written:
            if data.startswith(b"GET"):
                continue
            start = 4 if data[1] & 0x7F == 126 else 2
            key, payload = data[start : start + 4], data[start + 4 :]
            yield (
                data[0] & 0x0F,
                bytes(byte ^ key[at % 4] for at, byte in enumerate(payload)),
            )


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def text(**message: object) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=False)


def sound(duration_ms: int = 20) -> bytes:
    return Frame(Opcode.BINARY, bytes(32 * duration_ms)).serialize(mask=False)


class Call:
    """One caller without a network."""

    def __init__(self, *, features: bool = False, opened: bool = True) -> None:
        self.time = Time()
        self.load = Load(
            SCRIPT, host="h", port=1, target="/media", calls=1, features=features, clock=self.time
        )
        self.caller: Caller = self.load._callers[0]
        self.wire = Wire()
        self.caller.connection_made(self.wire)
        if opened:
            self.caller.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.caller.tick()
            self.time.now_s += 0.02
            self.load._next_s = self.time.now_s


@pytest.fixture
def call() -> Call:
    return Call()


def test_nothing_is_sent_before_the_call_is_open() -> None:
    call = Call(opened=False)
    call.caller.tick()
    call.caller.data_received(b"HTTP/1.1 101 Switching")
    call.caller.tick()
    assert list(call.wire.messages()) == []
    call.caller.data_received(b" Protocols\r\nUpgrade: websocket\r\n\r\n" + sound())
    call.caller.tick()
    assert call.caller.opened
    assert call.load.stray_ms == 20.0
    assert [opcode for opcode, _ in call.wire.messages()] == [BINARY]


def test_the_cycle_is_sent_round_and_round(call: Call) -> None:
    call.ticks(CYCLE_FRAMES + 1)
    sent = [payload for _, payload in call.wire.messages()]
    assert sent == [*SCRIPT.frames, SCRIPT.frames[0]]


def test_a_turn_is_measured_from_the_last_frame_of_speech(call: Call) -> None:
    call.load._next_s = call.time.now_s
    call.load.open_window(CYCLE_S)
    call.ticks(CYCLE_FRAMES)
    call.time.now_s += 0.36
    for _ in range(150):
        call.caller.data_received(sound())
        call.time.now_s += 0.02
    call.load.close()
    replies = call.load.replies
    assert replies.counts(1)["complete"] == 1
    assert replies.response_ms == pytest.approx([380.0])


def test_a_reply_must_come_before_the_next_sentence(call: Call) -> None:
    call.load._next_s = call.time.now_s
    call.load.open_window(CYCLE_S)
    call.ticks(CYCLE_FRAMES + SCRIPT.speech_start_frame + 1)
    call.caller.data_received(sound())
    assert call.load.replies.counts(1)["missing"] == 1
    assert call.load.stray_ms == 20.0


def test_the_window_has_one_turn_of_every_caller(call: Call) -> None:
    call.load._next_s = call.time.now_s
    call.ticks(137)
    call.load.open_window(CYCLE_S)
    call.ticks(CYCLE_FRAMES * 3)
    call.caller.close_turn()
    counted = call.load.replies.counts(1)
    assert counted["missing"] == 1
    call.caller.data_received(sound())


def test_pings_are_answered(call: Call) -> None:
    call.caller.data_received(Frame(Opcode.PING, b"here").serialize(mask=False))
    assert list(call.wire.messages()) == [(PONG, b"here")]


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (Frame(Opcode.CLOSE, b"\x03\xf3").serialize(mask=False), "closed with 1011"),
        (text(type="hangup", reason="completed"), "hung up: completed"),
        (b"\x82\x81abcdx", "the server masked a frame"),
    ],
)
def test_a_call_that_the_server_ends_is_lost(call: Call, received: bytes, reason: str) -> None:
    call.caller.data_received(received)
    assert call.wire.closed
    call.load.close()
    assert call.load.lost == {reason: 1}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "refused with 503"),
        (b"nonsense\r\n\r\n", "the server's answer to the handshake is not HTTP"),
    ],
)
def test_a_call_that_is_refused_is_lost(answer: bytes, reason: str) -> None:
    call = Call(opened=False)
    call.caller.data_received(answer)
    call.load.close()
    assert call.load.lost == {reason: 1}


def test_a_call_that_nobody_answers_is_lost() -> None:
    call = Call(opened=False)
    call.load.close()
    assert call.load.lost == {"not connected": 1}


def test_a_call_that_we_end_is_not_lost(call: Call) -> None:
    call.load.close()
    assert call.load.lost == {}
    assert [opcode for opcode, _ in call.wire.messages()] == [CLOSE]


def test_errors_are_counted_by_code(call: Call) -> None:
    call.caller.data_received(text(type="error", code="audio.odd_bytes") * 2)
    assert call.load.errors == {"audio.odd_bytes": 2}


def test_a_lead_that_is_announced_is_kept_for_the_pace(call: Call) -> None:
    call.caller.data_received(text(type="start", lead_ms=20) + text(type="state", state="x"))
    assert call.load.lead_ms == 20.0


def test_without_features_no_control_message_is_answered(call: Call) -> None:
    call.caller.data_received(text(type="mark", name="1.0") + text(type="pause", turn=1))
    call.ticks(1)
    assert [opcode for opcode, _ in call.wire.messages()] == [BINARY]


def test_with_features_marks_pauses_and_clears_are_answered() -> None:
    call = Call(features=True)
    receive = call.caller.data_received
    receive(text(type="reply", turn=1, text="…") + sound(100) + text(type="mark", name="1.0"))
    call.ticks(4)
    receive(text(type="pause", turn=1))
    call.ticks(10)
    receive(text(type="resume", turn=1))
    call.ticks(3)
    receive(sound(100) + text(type="clear", turn=1))
    answers = [json.loads(payload) for opcode, payload in call.wire.messages() if opcode == TEXT]
    assert answers == [
        {"type": "played", "turn": 1, "ms": 80},
        {"type": "mark", "name": "1.0"},
        {"type": "played", "turn": 1, "ms": 100},
    ]


@pytest.mark.asyncio
async def test_the_clock_serves_slots_and_measures_its_own_lateness() -> None:
    load = Load(SCRIPT, host="h", port=1, target="/media", calls=2)
    wires = []
    for slot, caller in zip((0, 5), load._callers, strict=True):
        wire = Wire()
        caller.connection_made(wire)
        caller.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        load._slots[slot].append(caller)
        wires.append(wire)
    load._next_s = load.clock()
    load._tick()
    await asyncio.sleep(0.1)
    load.close()
    assert all(4 <= len(wire.written) <= 9 for wire in wires)
    assert load.send_lateness_ms
    assert min(load.send_lateness_ms) >= 0.0
