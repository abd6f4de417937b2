"""The server: HTTP routes, the media WebSocket beside them, and how it starts and stops."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from engine.clock import Clock, SystemClock
from engine.errors import ConfigurationError
from pipelines.audio.ticker import Ticker
from server.admission import Admission
from server.asterisk.audiosocket import AudioSocketListener
from server.asterisk.fork import ForkRoute
from server.asterisk.media import SUBPROTOCOL, AsteriskMedia
from server.asterisk.service import AsteriskCalls
from server.calls import Calls
from server.carriers import CarrierRoutes
from server.edge import SEND_BUFFER_BYTES, ImpatientHttp, MediaWebSocket
from server.health import Health
from server.listening import Listening
from server.media import MediaRoute
from server.metrics import Metrics
from server.numbers import Numbers
from server.overheard import Overheard
from server.parts import Parts
from server.settings import Settings
from server.webrtc import WebRtc
from telephony.media.protocol import MAX_BYTES

__all__ = ["Application", "serve"]

log = structlog.get_logger()

GC_THRESHOLD = (10_000, 20, 50)
"""Frames are freed by reference counting; the collector looks for cycles every 10,000 objects, not
every 700, which is many times a second at hundreds of calls."""

STATIC = Path(__file__).parent / "static"


class Background(Protocol):
    """What works beside the routes as long as the server runs: a connection, a listener."""

    async def run(self) -> None:
        """Until cancelled, which is safe. What raises ends the server, so only what nobody but
        its operator can mend does: ConfigurationError."""
        ...


class Application:
    """One server: an ASGI application that owns its parts, admission and metrics."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self.settings = settings
        self.ticker = Ticker(clock)
        self.parts = Parts(settings, clock, self.ticker)
        self.metrics = Metrics()
        decoder = self.parts.decoder
        self.admission = Admission(
            settings.capacity,
            settings.max_lag_ms / 1000,
            self.ticker.lag_s,
            lambda: decoder.lag_s,
        )
        self.numbers = Numbers(settings.numbers)
        self.calls = Calls(
            self.parts,
            self.admission,
            self.metrics,
            self.ticker,
            numbers=self.numbers,
            recordings=settings.recordings,
        )
        self.media = MediaRoute(self.calls)
        self.listening = Listening(self.calls)
        self.overheard = Overheard(self.listening, settings.listen_token)
        self.asterisk_media = AsteriskMedia.of(self.calls, self.listening, settings)
        self.fork = ForkRoute(self.calls, self.listening)
        self.asterisk = AsteriskCalls.of(self.calls, self.asterisk_media, self.listening, settings)
        self.carriers = CarrierRoutes(self.calls, settings)
        self.webrtc = WebRtc(self.calls, settings.ice_servers)
        self.metrics.gauge("calls_active", "Running calls", lambda: self.admission.active)
        self.metrics.gauge("loop_lag_seconds", "Ticks' lateness, p95 of 5 s", self.ticker.lag_s)
        self.metrics.recognition(decoder)
        self.metrics.gauge("asyncio_tasks", "Tasks of the loop", lambda: len(asyncio.all_tasks()))
        for name, counts in self.parts.caches().items():
            self.metrics.cache(name, counts)
        self.services: list[Background] = [self.webrtc]
        if settings.audiosocket:
            self.services.append(AudioSocketListener(self.calls, settings.audiosocket))
        checks = {**self.parts.checks(), "loop": self._check_loop}
        if self.asterisk is not None:
            self.services.append(self.asterisk)
            checks["asterisk"] = self.asterisk.check
        self.health = Health(checks)
        self._http = self._routes()

    async def _check_loop(self) -> str | None:
        lag_ms = self.ticker.lag_s() * 1000
        return f"ticks come {lag_ms:.0f} ms late" if lag_ms > self.settings.max_lag_ms else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket" and scope["path"] == "/media":
            of_asterisk = SUBPROTOCOL in scope["subprotocols"]
            await (self.asterisk_media if of_asterisk else self.media)(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == "/fork":
            await self.fork(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"].startswith("/carriers/"):
            await self.carriers(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    def _routes(self) -> FastAPI:
        app = FastAPI(title="Palabre", docs_url=None, redoc_url=None)

        @app.middleware("http")
        async def measure(
            request: Request, call_next: Callable[[Request], Awaitable[Response]]
        ) -> Response:
            began = time.perf_counter()
            response = await call_next(request)
            route = getattr(request.scope.get("route"), "path", "other")
            self.metrics.api_requests.labels(route, response.status_code).inc()
            self.metrics.api_latency.labels(route).observe(time.perf_counter() - began)
            return response

        @app.get("/health")
        async def health() -> JSONResponse:
            obstacle = self.admission.obstacle()
            problems = await self.health.all()
            status = "draining" if self.admission.draining else "full" if obstacle else "ok"
            # A loop that is late is what the obstacle says.
            if any(problem for name, problem in problems.items() if name != "loop"):
                status = "broken"
            parts = {name: problem or "ok" for name, problem in problems.items()}
            body = {"status": status, "calls": self.admission.active, "parts": parts}
            if obstacle:
                body["obstacle"] = obstacle
            return JSONResponse(body, 200 if status == "ok" else 503)

        @app.get("/health/{part}")
        async def part_health(part: str) -> JSONResponse:
            if part not in self.health.parts:
                known = ", ".join(self.health.parts)
                return JSONResponse({"status": "unknown", "problem": f"parts are: {known}"}, 404)
            problem = await self.health.part(part)
            if problem:
                return JSONResponse({"status": "broken", "problem": problem}, 503)
            return JSONResponse({"status": "ok"})

        @app.get("/metrics")
        async def metrics() -> Response:
            return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")

        @app.get("/calls")
        async def calls() -> JSONResponse:
            return JSONResponse({"calls": self.calls.listed()})

        @app.get("/media")
        async def media() -> JSONResponse:
            body = {"code": "request.upgrade", "message": "open /media as a WebSocket"}
            return JSONResponse(body, 426, {"Upgrade": "websocket", "Connection": "Upgrade"})

        @app.get("/")
        async def page() -> FileResponse:
            return FileResponse(STATIC / "index.html")

        app.include_router(self.carriers.router)
        app.include_router(self.overheard.router)
        app.include_router(self.webrtc.router())
        app.mount("/static", StaticFiles(directory=STATIC), name="static")
        return app


class _Server(uvicorn.Server):
    """uvicorn, but a first SIGTERM lets running calls end before anything is closed; a second
    one, or SIGINT, ends them. A third does not wait for their sockets."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application
        self._loop = asyncio.get_running_loop()
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not uvicorn's own: it raises the signal again at the end, and the parts are never closed.
        # A signal comes in the midst of anything; what it asks for is the loop's next step.
        self._loop.call_soon_threadsafe(self._told_to_stop, sig)

    def _told_to_stop(self, sig: int) -> None:
        if self.should_exit:
            self.force_exit = True
        elif sig == signal.SIGTERM and self._draining is None:
            self._draining = asyncio.create_task(self._drain(), name="drain")
        else:
            self.stop("signal")

    def stop(self, why: str) -> None:
        """End the calls that are left, and serve no more."""
        admission = self._application.admission
        admission.draining = True
        if admission.active:
            log.warning("server.calls_ended", why=why, calls=admission.active)
        self._application.calls.stop()
        self.should_exit = True

    async def _drain(self) -> None:
        admission = self._application.admission
        admission.draining = True
        log.info("server.draining", calls=admission.active)
        try:
            async with asyncio.timeout(self._application.settings.drain_s):
                await admission.drained()
        except TimeoutError:
            self.stop("drain_s")
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._draining is not None:
            self._draining.cancel()
            await asyncio.wait({self._draining})
        await super().shutdown(sockets)


async def _run(settings: Settings, listener: socket.socket) -> None:
    application = Application(settings)
    config = uvicorn.Config(
        application,
        http=ImpatientHttp,
        ws=MediaWebSocket,
        ws_max_size=MAX_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    try:
        await application.parts.start()
        application.numbers.check(application.parts)
        # What was loaded stays: the collector need not walk it again while calls run.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        host, port = listener.getsockname()[:2]
        log.info("server.ready", url=f"http://{host}:{port}/")
        await _serve(_Server(config, application), application.services, listener)
    finally:
        await application.parts.close()


async def _serve(server: _Server, services: Sequence[Background], listener: socket.socket) -> None:
    """Serve with `services` beside. One that fails stops the server, and is raised."""
    failures: list[BaseException] = []

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failures.append(error)
            server.stop(type(error).__name__)

    tasks = [asyncio.create_task(one.run(), name=type(one).__name__) for one in services]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
    if failures:
        raise failures[0]


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        why, _, _ = (error.strerror or str(error)).partition(" (")
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {why}; choose another with --host or --port"
        ) from error


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises ConfigurationError for a port that is taken, before anything loads; ConfigurationError
    or SpeechError for parts that are missing.
    """
    with _listen(settings.host, settings.port) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        log.info("server.starting", speech=settings.speech, scenario=settings.default_scenario)
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        with runner, suppress(KeyboardInterrupt):
            runner.run(_run(settings, listener))
    log.info("server.stopped")
