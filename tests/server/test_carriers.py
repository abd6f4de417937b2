"""Calls of carriers: the webhook as Twilio signs it, and streams by their own messages."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.talk.far_end import FarEnd
from telephony.carriers.twilio import signature
from telephony.g711 import MU_LAW
from tests.server.served import PATIENCE_S, Served, exchange, http, run, serving, speech

pytestmark = pytest.mark.integration

URL = "https://voice.example.org"
TOKEN = "12345"
FORM = {"CallSid": "CA9", "From": "+33199000002", "To": "+33199000001", "Direction": "inbound"}


@contextlib.contextmanager
def server(log: Path) -> Iterator[Served]:
    settings = {
        "PALABRE_TWILIO_AUTH_TOKEN": TOKEN,
        "PALABRE_CARRIER_TOKEN": "open",
        "PALABRE_PUBLIC_URL": URL,
        "PALABRE_CAPACITY": "1",
        "PALABRE_NUMBERS": '{"+33199000001": "bench/fr"}',
        "PALABRE_SCENARIO": "leads",
    }
    with serving(log, **settings) as served:
        yield served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with server(tmp_path / "log") as served:
        yield served


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For streams that never become a call: nothing in its log is taken for another test's."""
    with server(tmp_path_factory.mktemp("carriers") / "log") as served:
        yield served


async def webhook(served: Served, **headers: str) -> tuple[int, str]:
    body = urlencode(FORM).encode()
    given = {"X-Twilio-Signature": signature(TOKEN, f"{URL}/twilio/voice", FORM.items())}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (given | headers).items())
    head = (
        f"POST /twilio/voice HTTP/1.0\r\nHost: x\r\n{lines}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    status, _, answer = http(await exchange(served.port, head.encode() + body))
    return status, answer.decode()


class Twilio:
    """Its side of a stream: plays what it is sent in real time, at 8 kHz."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self.far = FarEnd(8000, loop.time())
        self.events: list[dict[str, Any]] = []

    async def send(self, event: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"event": event, "streamSid": "MZ1", **fields}))

    async def start(self, parameters: dict[str, str]) -> None:
        await self.socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        media = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"streamSid": "MZ1", "callSid": "CA9", "mediaFormat": media}
        await self.send("start", start={**start, "customParameters": parameters})

    async def run(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        self._received(json.loads(await self.socket.recv()))
                for answer in self.far.advance(self._now()):
                    await self.send("mark", mark={"name": answer["name"]})

    def _received(self, message: dict[str, Any]) -> None:
        self.events.append(message)
        match message["event"]:
            case "media":
                assert message["streamSid"] == "MZ1"
                coded = base64.b64decode(message["media"]["payload"])
                self.far.receive(MU_LAW.decode(coded).tobytes(), self._now())
            case "mark":
                name = {"type": "mark", "name": message["mark"]["name"]}
                self.far.receive(name, self._now())

    async def say(self) -> None:
        samples = np.frombuffer(speech(), "<i2")[::2]
        began = self._now()
        for number, first in enumerate(range(0, len(samples) + 8000, 160)):
            piece = np.zeros(160, np.int16)
            spoken = samples[first : first + 160]
            piece[: len(spoken)] = spoken
            payload = base64.b64encode(MU_LAW.encode(piece)).decode()
            await self.send("media", media={"track": "inbound", "payload": payload})
            await asyncio.sleep(max(0.0, began + number * 0.02 - self._now()))


@asynccontextmanager
async def streaming(served: Served, path: str) -> AsyncIterator[Twilio]:
    url = f"ws://127.0.0.1:{served.port}{path}"
    async with connect(url, compression=None, ping_interval=None, proxy=None) as socket:
        twilio = Twilio(socket)
        playing = asyncio.create_task(twilio.run())
        try:
            yield twilio
        finally:
            await socket.close()
            await playing


def parameters(twiml: str) -> dict[str, str]:
    tree = ElementTree.fromstring(twiml)
    stream = tree.find("Connect/Stream")
    assert stream is not None
    assert stream.get("url") == "wss://voice.example.org/carriers/twilio"
    return {one.attrib["name"]: one.attrib["value"] for one in stream.findall("Parameter")}


@pytest.mark.asyncio
async def test_a_call_of_twilios_is_answered_heard_and_ended(served: Served) -> None:
    status, twiml = await webhook(served)
    assert status == 200
    async with streaming(served, "/carriers/twilio") as twilio:
        await twilio.start(parameters(twiml))
        await served.logged("call.started", scenario="bench", rate_hz=8000, origin="twilio")
        busy, answer = await webhook(served)
        assert (busy, "Reject" in answer) == (200, True), "the one line is taken"
        await served.logged("turn", turn=1)
        await twilio.say()
        turn = await served.logged("turn", turn=2)
        assert turn["latency_ms"] > 0
        track = np.frombuffer(twilio.far.track(), "<i2").astype(float)
        assert np.sqrt(np.mean(track**2)) > 200, "the greeting was audible"
        marks = [event["mark"]["name"] for event in twilio.events if event["event"] == "mark"]
        assert {"1.0", "@1.0", "@1.200"} <= set(marks)
        await twilio.send("stop", stop={"callSid": "CA9"})
        await served.logged("call.ended", reason="caller", faults={})
    for number in ("99000001", "99000002"):
        assert number not in served.log, "numbers are not logged"


@pytest.mark.asyncio
async def test_what_is_not_twilios_is_turned_away(shared: Served) -> None:
    status, answer = await webhook(shared, **{"X-Twilio-Signature": "no"})
    assert (status, "PALABRE_PUBLIC_URL" in answer) == (403, True)
    async with streaming(shared, "/carriers/twilio") as twilio:
        await twilio.start({"to": "+33199000001", "pass": "guess"})
        await shared.logged("call.rejected", origin="twilio", code="twilio.pass")
        async with asyncio.timeout(PATIENCE_S):
            await twilio.socket.wait_closed()
        assert twilio.socket.close_reason == "twilio.pass"
    async with streaming(shared, "/carriers/twilio") as twilio:
        await twilio.send("start", start={"callSid": 5})
        await shared.logged("call.rejected", code="request.no_start")
    await shared.settles("calls_active", 0)


@pytest.mark.asyncio
async def test_a_stream_that_ends_before_it_begins_leaves_nothing(shared: Served) -> None:
    async with streaming(shared, "/carriers/twilio"):
        assert await shared.metric("calls_active") == 1
    await shared.settles("calls_active", 0)
    shared.expect("server.ready")
    assert "call.failed" not in shared.log


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/carriers/plivo", 403, "PALABRE_CARRIER_TOKEN"),
        ("/carriers/plivo?token=wrong", 403, "PALABRE_CARRIER_TOKEN"),
        ("/carriers/nobody?token=open", 404, "telnyx, plivo, exotel, vonage"),
    ],
)
async def test_a_stream_that_may_not_come_is_told_why(
    shared: Served, path: str, status: int, says: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with streaming(shared, path):
            pass
    assert caught.value.response.status_code == status
    assert says in (caught.value.response.body or b"").decode()


@pytest.mark.asyncio
async def test_a_call_through_pipecats_serializer(served: Served) -> None:
    async with streaming(served, "/carriers/plivo?token=open&to=%2B33199000001") as plivo:
        start = {"callId": "c1", "streamId": "MZ1", "mediaFormat": {"sampleRate": 8000}}
        await plivo.socket.send(json.dumps({"event": "start", "start": start}))
        await served.logged("call.started", scenario="bench", origin="plivo")
        await plivo.socket.send('{"event":"dtmf","dtmf":{"digit":"5"}}')
        await served.logged("turn", turn=1, interrupted=True)
        await served.logged("turn", turn=2, interrupted=False)
        assert {event["event"] for event in plivo.events} == {"playAudio", "clearAudio"}
        await plivo.socket.send('{"event":"stop"}')
        await served.logged("call.ended", reason="caller")


def test_twilio_needs_to_know_where_it_reaches_us() -> None:
    ended = run("--speech", "null", "--port", "0", PALABRE_TWILIO_AUTH_TOKEN=TOKEN)
    assert ended.returncode == 1
    assert "PALABRE_PUBLIC_URL" in ended.stderr
