"""Connecting to Asterisk as an application, and again after it was gone."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from telephony.asterisk.ari.client import Ari
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Event

__all__ = ["Backoff", "connect", "events_url", "listening"]

SUBPROTOCOL = Subprotocol("ari")

OPEN_S = 5.0
PING_S = 5.0
"""An Asterisk that vanished without a word is noticed after two of these: its calls are silent
then, and their callers hang up."""
FIRST_WORD_S = 1.0
"""How long Asterisk may take to say ApplicationRegistered after it has dialled us."""
MAX_BYTES = 64 * 1024 * 1024
"""Of one message: a list of 1,000 channels is 1 MB."""


class Backoff:
    """How long to wait before the next attempt: doubling from `first_s` to `most_s`, and of that a
    random part between a half and the whole, so that many clients do not come back at once."""

    def __init__(
        self, first_s: float = 0.25, most_s: float = 10.0, rng: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s
        self._rng = rng or random.Random()

    def wait_s(self) -> float:
        waited, self._next_s = self._next_s, min(self._most_s, self._next_s * 2)
        return waited * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked."""
        self._next_s = self._first_s


def events_url(url: str, app: str) -> str:
    """Where `app` gets its events, of the ARI at `url` (``http://127.0.0.1:8088/ari``).

    Raises AriError for what is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise AriError(
            "ari.not_there", f"{url[:80]!r} is no URL of ARI; one is http://127.0.0.1:8088/ari"
        )
    scheme = {"http": "ws", "https": "wss"}[parts.scheme]
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/events?app={quote(app, safe='')}"


@asynccontextmanager
async def connect(
    url: str,
    user: str,
    password: str,
    app: str,
    on_event: Callable[[Event], None] = lambda event: None,
) -> AsyncIterator[Ari]:
    """An open connection; it may be lost meanwhile (`Ari.over`). Raises AriError."""
    socket = await _open(events_url(url, app), url, user, password, app)
    async with _talking(socket, app, on_event) as ari:
        yield ari


@asynccontextmanager
async def listening(
    host: str,
    port: int,
    user: str,
    password: str,
    app: str,
    hold: Callable[[Ari], Awaitable[None]],
    on_event: Callable[[Event], None] = lambda event: None,
) -> AsyncIterator[int]:
    """Have Asterisk dial us (``outbound_websocket`` in ari.conf), showing `user` and `password`;
    the port is yielded. Each connection is `hold`'s until that returns. Raises OSError."""

    async def handle(socket: ServerConnection) -> None:
        # What arrives together with our answer to the handshake is not seen by Asterisk (22.10.1)
        # before something else comes. It speaks first, so it is let finish.
        spoke = asyncio.Event()

        def happened(event: Event) -> None:
            spoke.set()
            on_event(event)

        async with _talking(socket, app, happened) as ari:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WORD_S):
                    await spoke.wait()
            await hold(ari)

    async with serve(
        handle,
        host,
        port,
        process_request=basic_auth(realm="palabre", credentials=(user, password)),
        subprotocols=[SUBPROTOCOL],
        compression=None,
        close_timeout=1.0,
        ping_interval=PING_S,
        ping_timeout=PING_S,
        max_size=MAX_BYTES,
        max_queue=None,
    ) as server:
        (listener, *_) = server.sockets
        yield listener.getsockname()[1]


@asynccontextmanager
async def _talking(
    socket: Connection, app: str, on_event: Callable[[Event], None]
) -> AsyncIterator[Ari]:
    outgoing: asyncio.Queue[str] = asyncio.Queue()
    ari = Ari(app, outgoing.put_nowait, on_event)

    async def write() -> None:
        while True:
            await socket.send(await outgoing.get())

    async def read() -> None:
        async for message in socket:
            ari.received(message)

    async def until_closed(work: Coroutine[None, None, None]) -> None:
        with suppress(ConnectionClosed):
            await work
        ari.lost(AriError("ari.lost", "Asterisk has closed the connection"))

    tasks = [
        asyncio.create_task(until_closed(read()), name="ari events"),
        asyncio.create_task(until_closed(write()), name="ari requests"),
    ]
    try:
        yield ari
    finally:
        ari.lost(AriError("ari.lost", "we have closed the connection to Asterisk"))
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await socket.close()


async def _open(address: str, url: str, user: str, password: str, app: str) -> ClientConnection:
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    try:
        return await open_websocket(
            address,
            additional_headers={"Authorization": f"Basic {basic}"},
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=1.0,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_size=MAX_BYTES,
            max_queue=None,
            proxy=None,
        )
    except InvalidStatus as error:
        raise _refused(error.response.status_code, url, user, app) from None
    except (InvalidURI, InvalidHandshake) as error:
        raise AriError(
            "ari.not_there", f"what answers at {url} is no ARI ({error}); check the URL"
        ) from None
    except TimeoutError:
        raise AriError(
            "ari.unreachable",
            f"{url} does not answer within {OPEN_S:g} s; check host, port and firewall",
        ) from None
    except OSError as error:
        raise AriError(
            "ari.unreachable",
            f"nothing answers at {url} ({error.strerror or error}); check that Asterisk runs, and "
            "enabled, bindaddr and bindport in http.conf",
        ) from None


def _refused(status: int, url: str, user: str, app: str) -> AriError:
    match status:
        case 401:
            return AriError(
                "ari.credentials",
                f"Asterisk does not accept the password of user {user!r}; compare [{user}] in "
                "ari.conf, and reload it (module reload res_ari.so)",
                status,
            )
        case 403:
            return AriError(
                "ari.forbidden", f"user {user!r} may not do that; see [{user}] in ari.conf", status
            )
        case 404:
            return AriError(
                "ari.not_there",
                f"there is an HTTP server at {url}, and no ARI: check the path (/ari, or with the "
                "prefix of http.conf), enabled=yes in ari.conf, and that res_ari_events.so is "
                "loaded",
                status,
            )
        case 503:
            return AriError("ari.starting", f"Asterisk at {url} has not booted yet", status)
        case _:
            return AriError(
                "ari.not_there",
                f"{url} answers {status} to application {app!r}; check the URL",
                status,
            )
