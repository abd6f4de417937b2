"""What is printed is what a real Asterisk runs with."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bench.asterisk import APPLICATION, PASSWORD, USER, Asterisk, Ports, running
from bench.errors import BenchError
from bench.sip.agent import Agent
from bench.sip.call import CallRefused
from engine.errors import ConfigurationError
from server.asterisk.configuration import CONTEXT, Wanted, configuration, endpoint_of
from server.asterisk.modules import MODULES
from tests.asterisk import asterisk_home
from tests.server.asterisk.calls import eventually, tone_ms
from tests.server.asterisk.engine import controlling

__all__ = ["asterisk_home"]

PATIENCE_S = 10.0

ARI = Wanted(
    "ws://10.0.0.5:8080",
    ari_url="http://10.0.0.7:8088/ari",
    ari_password="not-this-one",
    endpoint="PJSIP/{number}@trunk",
    numbers=("+33199000001", "1002"),
)


def test_with_ari_we_dial_asterisk() -> None:
    files = configuration(ARI)
    assert list(files) == [
        "http.conf",
        "ari.conf",
        "extensions.conf",
        "pjsip.conf",
        "modules.conf",
    ]
    assert "bindaddr = 10.0.0.7\nbindport = 8088\n" in files["http.conf"]
    assert "[palabre]\ntype = user\nread_only = no\npassword = not-this-one\n" in files["ari.conf"]
    assert files["extensions.conf"].endswith(
        "[palabre]\n"
        "exten => +33199000001,1,Stasis(palabre,inbound,${EXTEN})\n"
        ' same => n,GotoIf($["${STASISSTATUS}" = "SUCCESS"]?done)\n'
        " ; The engine is not connected: 34 tells the caller so (SIP 503).\n"
        " same => n,Hangup(34)\n"
        " same => n(done),Hangup()\n"
        "exten => 1002,1,Stasis(palabre,inbound,${EXTEN})\n"
        ' same => n,GotoIf($["${STASISSTATUS}" = "SUCCESS"]?done)\n'
        " ; The engine is not connected: 34 tells the caller so (SIP 503).\n"
        " same => n,Hangup(34)\n"
        " same => n(done),Hangup()\n"
        "\n"
        "; Asterisk's AMD() as one more witness of who answered calls that the engine places. It\n"
        "; listens beside the engine, and nobody waits for it. Calls work without this context.\n"
        "[palabre-amd]\n"
        "exten => s,1,AMD()\n"
        " same => n,Stasis(${PALABRE_APP},amd,${AMDSTATUS},${AMDCAUSE})\n"
        " same => n,Hangup()\n"
    )
    assert "([trunk], type = endpoint)" in files["pjsip.conf"]
    assert all(f"load = {module.name}.so\n" in files["modules.conf"] for module in MODULES)


def test_by_the_dialplan_alone_asterisk_dials_us() -> None:
    files = configuration(Wanted("wss://engine.example:8443/", media_user="engine"))
    assert list(files) == [
        "websocket_client.conf",
        "extensions.conf",
        "pjsip.conf",
        "modules.conf",
    ]
    client = files["websocket_client.conf"]
    assert "[palabre]\n" in client
    assert "uri = wss://engine.example:8443/media\n" in client
    assert "username = engine\npassword = CHANGE-ME\n" in client
    assert "tls_enabled = yes\n" in client
    assert (
        "exten => _+X.,1,Dial(WebSocket/palabre/c(slin16)f(json)n"
        "v(call=${URIENCODE(${UNIQUEID})},from=${URIENCODE(${CALLERID(num)})},"
        "to=${URIENCODE(${EXTEN})}),20)\n"
    ) in files["extensions.conf"]
    assert "AMD" not in files["extensions.conf"] + files["modules.conf"]
    assert "res_ari" not in files["modules.conf"]


def test_without_a_password_it_says_where_to_choose_one() -> None:
    wanted = Wanted("ws://10.0.0.5:8080", ari_url="https://pbx.example/ari")
    files = configuration(wanted)
    assert "PALABRE_ARI_PASSWORD" in files["ari.conf"]
    assert "password = CHANGE-ME\n" in files["ari.conf"]
    assert "tlsbindaddr = 0.0.0.0:8089\n" in files["http.conf"]


def test_ari_may_be_brought_to_us() -> None:
    files = configuration(dataclasses.replace(ARI, ari_dials="ws://10.0.0.5:8766"))
    assert files["ari.conf"].endswith(
        "[palabre-engine]\n"
        "type = outbound_websocket\n"
        "websocket_client_id = palabre-ari\n"
        "apps = palabre\n"
        "local_ari_user = palabre\n"
    )
    client = files["websocket_client.conf"]
    assert "[palabre-ari]\n" in client
    assert "uri = ws://10.0.0.5:8766/ari\n" in client
    assert "username = palabre\npassword = not-this-one\n" in client
    assert "per_call_config" not in client


@pytest.mark.parametrize(
    "wanted",
    [
        {"engine_url": "10.0.0.5:8080"},
        {"engine_url": "http://10.0.0.5:8080"},
        {"engine_url": "ws://h", "ari_url": "pbx:8088/ari"},
        {"engine_url": "ws://h", "ari_user": "a]b"},
        {"engine_url": "ws://h", "ari_app": "x,y"},
        {"engine_url": "ws://h", "numbers": ("12\nexten => s",)},
    ],
)
def test_what_would_break_the_configuration_is_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Wanted(**wanted)


@pytest.mark.parametrize(
    ("channel", "endpoint"),
    [
        ("PJSIP/{number}@trunk", "trunk"),
        ("PJSIP/trunk", "trunk"),
        ("PJSIP/trunk/sip:{number}@carrier.example", "carrier.example"),
        ("Local/{number}@x", ""),
        ("", ""),
    ],
)
def test_the_endpoint_of_a_channel(channel: str, endpoint: str) -> None:
    assert endpoint_of(channel) == endpoint


# With a real Asterisk


def _running(
    wanted: Wanted, ports: Ports, folder: Path, home: Path
) -> AbstractContextManager[Asterisk]:
    """An Asterisk that has exactly what was printed where calls to us are concerned."""
    printed = configuration(wanted)
    loads = printed.pop("modules.conf")
    del printed["pjsip.conf"]  # a comment: the endpoint is the customer's

    def modules(text: str) -> str:
        """Those that any Asterisk has which takes calls; the rest is loaded as printed."""
        ours = {f"load={module.name}.so" for module in MODULES}
        kept = [line for line in text.splitlines() if line not in ours]
        return "\n".join([*kept, loads])

    def pjsip(text: str) -> str:
        return text.replace("context=from-sip", f"context={CONTEXT}")

    # Nothing of the shared configuration does what the printed one should.
    empty = dict.fromkeys(("websocket_client.conf", "extensions.conf", "chan_websocket.conf"), "")
    if not wanted.ari:
        empty["ari.conf"] = "[general]\nenabled = no\n"
    return running(
        folder / "asterisk",
        ports=ports,
        files=empty | printed,
        changes={"modules.conf": modules, "pjsip.conf": pjsip},
        cache=home,
    )


def _with_ari(ports: Ports, media: str) -> Wanted:
    return Wanted(
        f"ws://127.0.0.1:{ports.media}",
        ari_url=f"http://127.0.0.1:{ports.http}/ari",
        ari_user=USER,
        ari_password=PASSWORD,
        ari_app=APPLICATION,
        media=media,
        numbers=("1002",),
    )


@asynccontextmanager
async def _engine(port: int) -> AsyncIterator[asyncio.Queue[ServerConnection]]:
    """What Asterisk dials; the connections that came."""
    came: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def handle(socket: ServerConnection) -> None:
        came.put_nowait(socket)
        await socket.wait_closed()

    async with serve(handle, "127.0.0.1", port, compression=None):
        yield came


async def _starts(socket: ServerConnection | ClientConnection) -> dict[str, Any]:
    """MEDIA_START, which comes first."""
    message = await socket.recv()
    assert isinstance(message, str)
    started: dict[str, Any] = json.loads(message)
    assert started["event"] == "MEDIA_START"
    assert (started["format"], started["optimal_frame_size"]) == ("slin16", 640)
    return started


@pytest.mark.integration
@pytest.mark.asyncio
async def test_the_printed_dialplan_brings_a_call(asterisk_home: Path, tmp_path: Path) -> None:
    ports = Ports.free()
    wanted = Wanted(f"ws://127.0.0.1:{ports.media}", media_user="engine", media_password="secret")
    with _running(wanted, ports, tmp_path, asterisk_home) as asterisk:
        async with asyncio.timeout(PATIENCE_S), Agent() as agent:
            call = agent.dial(asterisk.uri("+33199000001"), caller="1001")
            with pytest.raises(CallRefused):  # nobody is there to be dialled
                await call.answered()
            async with _engine(ports.media) as came:
                call = agent.dial(asterisk.uri("+33199000001"), caller="1001")
                socket = await came.get()
                request = socket.request
                assert request is not None
                url = urlsplit(request.path)
                asked = {name: value for name, [value] in parse_qs(url.query).items()}
                assert url.path == "/media"
                assert asked.pop("call")
                assert asked == {"from": "1001", "to": "+33199000001"}
                assert request.headers["Authorization"] == "Basic ZW5naW5lOnNlY3JldA=="
                await _starts(socket)
                await socket.send('{"command":"ANSWER"}')  # when the engine is ready to speak
                await call.answered()
                assert len(await socket.recv()) == 640
                await socket.close()
                await call.ended()


@asynccontextmanager
async def _events(ports: Ports) -> AsyncIterator[ClientConnection]:
    url = f"ws://127.0.0.1:{ports.http}/ari/events?app={APPLICATION}&api_key={USER}:{PASSWORD}"
    async with connect(url, compression=None, proxy=None) as socket:
        yield socket


async def _started(events: ClientConnection) -> dict[str, Any]:
    async for message in events:
        event: dict[str, Any] = json.loads(message)
        if event["type"] == "StasisStart":
            return event
    raise AssertionError("no channel came")


@pytest.mark.integration
@pytest.mark.asyncio
@pytest.mark.parametrize("media", ["server", "engine1"])
async def test_what_is_printed_for_ari_brings_a_call(
    media: str, asterisk_home: Path, tmp_path: Path
) -> None:
    ports = Ports.free()
    with _running(_with_ari(ports, media), ports, tmp_path, asterisk_home) as asterisk:
        async with asyncio.timeout(PATIENCE_S), Agent() as agent:
            call = agent.dial(asterisk.uri("1002"), caller="1001")
            with pytest.raises(CallRefused) as refused:  # the engine is not connected
                await call.answered()
            assert refused.value.status == 503
            async with _events(ports) as events, _engine(ports.media) as came:
                call = agent.dial(asterisk.uri("1002"), caller="1001")
                arrived = await _started(events)
                assert arrived["args"] == ["inbound", "1002"]
                assert arrived["channel"]["caller"]["number"] == "1001"
                where = "INCOMING&connection_type=server" if media == "server" else media
                ours = await asyncio.to_thread(
                    asterisk.ari,
                    f"/channels/externalMedia?app={APPLICATION}&transport=websocket&"
                    f"encapsulation=none&format=slin16&external_host={where}&"
                    "transport_data=f(json)",
                    "POST",
                )
                if media == "server":
                    number = ours["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"]
                    url = f"ws://127.0.0.1:{ports.http}/media/{number}"
                    async with connect(url, subprotocols=[Subprotocol("media")], proxy=None) as to:
                        await _starts(to)
                else:
                    await _starts(await came.get())
                for channel in (ours["id"], arrived["channel"]["id"]):
                    with suppress(BenchError):  # one may have ended with its WebSocket
                        await asyncio.to_thread(asterisk.ari, f"/channels/{channel}", "DELETE")
                await call.ended()
        assert asterisk.left() == []


@pytest.mark.integration
@pytest.mark.asyncio
async def test_an_engine_that_asterisk_dials_as_printed_answers(
    asterisk_home: Path, tmp_path: Path
) -> None:
    """All of it: ARI brought to us, and the sound."""
    ports = Ports.free()
    wanted = dataclasses.replace(
        _with_ari(ports, "server"), ari_dials=f"ws://127.0.0.1:{ports.ari}", numbers=()
    )
    with _running(wanted, ports, tmp_path, asterisk_home) as asterisk:
        async with (
            asyncio.timeout(3 * PATIENCE_S),
            controlling(asterisk, ari_listen=f"127.0.0.1:{ports.ari}"),
            Agent() as agent,
        ):
            call = agent.dial(asterisk.uri("+33199000001"))
            await call.answered()
            await eventually(lambda: tone_ms(call) > 100, "the greeting")
            call.hang_up()
            await call.ended()
