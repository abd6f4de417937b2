"""Calls that AudioSocket brings: a listener of our own, beside the routes (docs/asterisk.md).

AudioSocket tells nothing of a call but its UUID and asks for no password: each address that we
listen on answers with one scenario, and should be reached by Asterisk alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from typing import cast

import structlog

from engine.errors import AdmissionError, ConfigurationError, PalabreError, ProtocolError
from server.calls import Calls
from server.edge import HIGH_WATER_BYTES, SEND_BUFFER_BYTES
from telephony.asterisk.audiosocket.channel import AudioSocketChannel
from telephony.asterisk.audiosocket.protocol import HANGUP, Decoder, Event, Identified, Sound

__all__ = ["AudioSocketListener"]

log = structlog.get_logger()

IDENTIFY_S = 5.0
"""How long a connection may take to say which call it is; Asterisk does so at once."""

SOUND_S = 0.2
"""How long the first sound is waited for, which shows the rate. A caller whose telephone sends
nothing while he is silent is taken to be in the application of the dialplan, which has 8 kHz."""

USUAL_HZ = 8000

GOODBYE_S = 2.0
"""How long the other side has to read our hang-up."""

BACKLOG = 1024
"""As the server's own listener has."""


class AudioSocketListener:
    """Answers calls on `addresses`, ``host:port`` to scenario, or to ``scenario/language``."""

    def __init__(self, calls: Calls, addresses: Mapping[str, str]) -> None:
        """Raises ConfigurationError for what is no address."""
        self._calls = calls
        self._addresses = {_address(given): what for given, what in addresses.items()}

    async def run(self) -> None:
        """Until cancelled, which ends its calls. Raises ConfigurationError for an address that is
        taken, or a scenario that is not there."""
        with ExitStack() as stack:
            listening = []
            for (host, port), what in self._addresses.items():
                scenario, _, language = what.partition("/")
                self._check(scenario, language)
                sock = stack.enter_context(_listen(host, port))
                listening.append((sock, scenario, language))
            async with asyncio.TaskGroup() as group:
                for sock, scenario, language in listening:
                    await self._accept(group, sock, scenario, language)
                await asyncio.Event().wait()

    async def _accept(
        self, group: asyncio.TaskGroup, sock: socket.socket, scenario: str, language: str
    ) -> None:
        def accepted() -> _Wire:
            wire = _Wire(self._calls)
            group.create_task(self._serve(wire, scenario, language), name="AudioSocket call")
            return wire

        await asyncio.get_running_loop().create_server(accepted, sock=sock, backlog=BACKLOG)
        log.info("audiosocket.ready", port=sock.getsockname()[1], scenario=scenario)

    def _check(self, scenario: str, language: str) -> None:
        try:
            self._calls.prepare(scenario, language)
        except ProtocolError as error:
            raise ConfigurationError(f"setting audiosocket: {error}") from None

    async def _serve(self, wire: _Wire, scenario: str, language: str) -> None:
        calls = self._calls
        session_id = calls.new_id()
        facts = log.bind(call_id=session_id)
        try:
            uuid = await wire.identified()
            with calls.admit():
                prepared = calls.prepare(scenario, language)
                channel = AudioSocketChannel(await wire.rate_hz(), wire)
                facts.info("asterisk.call", channel_id=uuid)
                wire.bring_to(channel, session_id)
                await calls.run(session_id, channel, prepared, origin="audiosocket")
        except AdmissionError:
            pass  # counted and logged where the place was asked for
        except (PalabreError, TimeoutError) as error:
            code = getattr(error, "code", "audiosocket.silent")
            facts.info("call.rejected", code=code, origin="audiosocket")
        except Exception as error:  # noqa: BLE001 the border: the next call must not notice
            facts.error("call.failed", error=type(error).__name__, exc_info=error)
        finally:
            await wire.hang_up()


class _Wire(asyncio.Protocol):
    """One connection: telephony.wire.Wire, and what comes over it as events."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None
        self._channel: AudioSocketChannel | None = None
        self._session_id = ""
        self._first: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._rate_hz: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._goodbye: asyncio.TimerHandle | None = None
        self.blocked = False

    async def identified(self) -> str:
        """The call's UUID. Raises ProtocolError, or TimeoutError where nothing comes."""
        async with asyncio.timeout(IDENTIFY_S):
            uuid = await self._first
        if uuid is None:
            raise ProtocolError("audiosocket.no_uuid", "a connection begins with the call's UUID")
        return uuid

    async def rate_hz(self) -> int:
        """That of the sound that comes."""
        await asyncio.wait({self._rate_hz}, timeout=SOUND_S)
        return self._rate_hz.result() if self._rate_hz.done() else USUAL_HZ

    def bring_to(self, channel: AudioSocketChannel, session_id: str) -> None:
        """From now on what arrives goes to `channel`."""
        self._channel = channel
        self._session_id = session_id
        if self._ended.is_set():
            channel.lost("caller")

    async def hang_up(self) -> None:
        """Close, and wait for the end. Cancelling is safe."""
        self.write(HANGUP)
        self.close(1000, "")
        await self._ended.wait()

    # telephony.wire.Wire

    @property
    def waiting_bytes(self) -> int:
        assert self._transport is not None
        return self._transport.get_write_buffer_size()

    def write(self, message: bytes | str) -> None:
        transport = self._transport
        assert transport is not None
        assert isinstance(message, bytes)
        if not transport.is_closing():
            transport.write(message)

    def close(self, code: int, reason: str) -> None:
        """TCP has neither code nor reason."""
        transport = self._transport
        assert transport is not None
        if self.blocked:
            transport.abort()
        elif not transport.is_closing():
            transport.close()
            loop = asyncio.get_running_loop()
            self._goodbye = loop.call_later(GOODBYE_S, transport.abort)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def data_received(self, data: bytes) -> None:
        now = self._calls.clock.now()
        for event in self._decoder.feed(data):
            try:
                self._take(event, now)
            except Exception as error:  # the border: the next call must not notice
                channel = self._channel
                if channel is None:
                    raise
                self._calls.failed(channel, self._session_id, error)
                channel.lost("error")

    def _take(self, event: Event | ProtocolError, now: float) -> None:
        channel = self._channel
        if not self._first.done():
            self._first.set_result(str(event.uuid) if isinstance(event, Identified) else None)
        elif isinstance(event, ProtocolError):
            if channel is not None:
                channel.inlet.faults[event.code] += 1
        elif channel is not None:
            channel.received(event, now)
        elif isinstance(event, Sound) and not self._rate_hz.done():
            self._rate_hz.set_result(event.rate_hz)

    def eof_received(self) -> None:
        """Asterisk closes where the caller hangs up, and so do we."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()
        if not self._first.done():
            self._first.set_result(None)
        if self._goodbye is not None:
            self._goodbye.cancel()
        if self._channel is not None:
            self._channel.lost("caller")

    def pause_writing(self) -> None:
        self.blocked = True
        if self._channel is not None:
            self._calls.ticker.add(self, self._watch_reader)

    def resume_writing(self) -> None:
        self.blocked = False

    def _watch_reader(self, now: float) -> None:
        assert self._channel is not None
        self._channel.watch(now)
        if not self.blocked or self._ended.is_set():
            self._calls.ticker.remove(self)


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(
            f"setting audiosocket: {given!r} is no address; write it as 127.0.0.1:9092"
        )
    return host.strip("[]"), int(port)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"setting audiosocket: cannot listen on {host}:{port}: {error.strerror or error}"
        ) from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return sock
