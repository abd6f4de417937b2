"""The sound of calls that ARI brings, dialled by either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from bench.asterisk import HOST, Asterisk
from server.app import Application
from server.asterisk.line import MediaError
from server.asterisk.media import AsteriskMedia
from server.settings import Settings
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, tone_ms
from tests.server.asterisk.engine import nothing_left
from tests.server.served import serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

START = (
    "MEDIA_START connection_id:7 channel:WebSocket/7/0x7f channel_id:lab-1.1 "
    "format:slin16 optimal_frame_size:640 ptime:20"
)
VARIABLES = {"MEDIA_WEBSOCKET_CONNECTION_ID": "7/é"}


def media(url: str = "ws://127.0.0.1:9", client: str = "") -> AsteriskMedia:
    application = Application(Settings(speech="null"))
    return AsteriskMedia(application.calls, application.listening, client=client, url=url)


@asynccontextmanager
async def asterisk_that(
    does: Callable[[ServerConnection], Any], **options: Any
) -> AsyncIterator[str]:
    """A WebSocket server in Asterisk's place; its URL."""
    async with (
        asyncio.timeout(PATIENCE_S),
        serve(does, HOST, 0, subprotocols=[Subprotocol("media")], **options) as server,
    ):
        yield f"ws://{HOST}:{next(iter(server.sockets)).getsockname()[1]}/asterisk"


def test_what_externalmedia_is_asked() -> None:
    common = {"transport": "websocket", "encapsulation": "none", "format": "slin16"}
    assert media().external_media("c1") == common | {
        "external_host": "INCOMING",
        "connection_type": "server",
        "transport_data": "f(json)",
    }
    assert media(client="media1").external_media("c1") == common | {
        "external_host": "media1",
        "transport_data": "f(json)v(call=c1)",
    }


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8088/ari", "ws://127.0.0.1:8088"),
        ("https://pbx.example.org:8089/asterisk/ari/", "wss://pbx.example.org:8089/asterisk"),
    ],
)
def test_where_asterisk_is_dialled(given: str, url: str) -> None:
    application = Application(Settings(speech="null"))
    settings = Settings(speech="null", ari_url=given)
    made = AsteriskMedia.of(application.calls, application.listening, settings)
    assert made._url == url


@pytest.mark.integration
@pytest.mark.asyncio
async def test_we_dial_asterisk_and_leave_nothing_open() -> None:
    paths: list[str] = []
    over = asyncio.Event()

    async def begin(socket: ServerConnection) -> None:
        assert socket.request is not None
        paths.append(socket.request.path)
        await socket.send(START)
        await socket.wait_closed()
        over.set()

    async with asterisk_that(begin) as url:
        async with media(url).expect("c1") as waiting:
            channel = await waiting.open(VARIABLES)
            assert channel.start.channel_id == "lab-1.1"
        await over.wait()
    assert paths == ["/asterisk/media/7%2F%C3%A9"]


async def _hold(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def _leave(socket: ServerConnection) -> None:
    await socket.close()


def _answer(status: int) -> Callable[[ServerConnection, Request], Response]:
    return lambda connection, request: connection.respond(status, "no\n")


@pytest.mark.integration
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("does", "options", "variables", "code", "says"),
    [
        (_hold, {"process_request": _answer(404)}, VARIABLES, "media_refused", "does not know"),
        (_hold, {"process_request": _answer(409)}, VARIABLES, "media_refused", "already"),
        (_hold, {"process_request": _answer(500)}, VARIABLES, "media_refused", "500"),
        (_leave, {}, VARIABLES, "media_lost", "ended"),
        (_hold, {}, {}, "media_refused", "MEDIA_WEBSOCKET_CONNECTION_ID"),
    ],
)
async def test_what_keeps_the_sound_from_coming(
    does: Callable[[ServerConnection], Any],
    options: dict[str, Any],
    variables: Mapping[str, str],
    code: str,
    says: str,
) -> None:
    async with asterisk_that(does, **options) as url, media(url).expect("c1") as waiting:
        with pytest.raises(MediaError, match=says) as caught:
            await waiting.open(variables)
        assert caught.value.code == f"asterisk.{code}"


@pytest.mark.integration
@pytest.mark.asyncio
async def test_nobody_is_there_or_nobody_dials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.asterisk.media.START_S", 0.1)
    async with media().expect("c1") as waiting:
        with pytest.raises(MediaError, match=r"http\.conf") as caught:
            await waiting.open(VARIABLES)
        assert caught.value.code == "asterisk.media_refused"
    async with media(client="media1").expect("c1") as waiting:
        with pytest.raises(MediaError, match=r"\[media1\] in websocket_client\.conf") as caught:
            await waiting.open({})
        assert caught.value.code == "asterisk.media_timeout"


@pytest.mark.integration
@pytest.mark.asyncio
@pytest.mark.parametrize("ari_media", ["server", "media1"])
async def test_calls_of_ari_have_their_sound_either_way(
    asterisk: Asterisk, tmp_path_factory: pytest.TempPathFactory, ari_media: str
) -> None:
    settings = {
        "PALABRE_ARI_URL": asterisk.ari_url,
        "PALABRE_ARI_USER": asterisk.ari_user,
        "PALABRE_ARI_PASSWORD": asterisk.ari_password,
        "PALABRE_ARI_MEDIA": ari_media,
    }
    log = tmp_path_factory.mktemp("served") / "log"
    with serving(log, "--port", str(asterisk.ports.media), **settings) as served:
        await served.logged("asterisk.connected")
        async with answered(asterisk, "300") as call:
            await eventually(lambda: tone_ms(call) >= 500, "the greeting")
            call.hang_up()
            await call.ended()
        ended = await served.logged("call.ended")
        assert (ended["reason"], ended["faults"]) == ("caller", {})
        await nothing_left(asterisk)
