"""Asterisk's AMD() beside calls that we place: what it says, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bench.asterisk import Asterisk, running
from bench.sip.agent import Agent
from bench.sip.call import Call
from engine.clock import LoopClock
from engine.store import StoredEvent
from server.asterisk.configuration import APP_VARIABLE, Wanted, configuration
from server.asterisk.control import Control
from server.asterisk.leg import Leg
from server.asterisk.witness import ASKED_AGAIN_S, Witness
from server.phone.place import application_name
from server.screening import Screening
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Channel, ChannelDestroyed, StasisStart
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, eventually
from tests.server.asterisk.engine import controlling, nothing_left, placed_and_cancelled
from tests.server.asterisk.test_screened import GREETING, placed, scenario, sound
from tests.telephony.amd.sounds import silence, voice
from tests.virtual import virtual

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

# Its part of a call, with an Asterisk that the test plays


class Pbx:
    """Takes snoops; `dialplan` says with what one comes back: arguments, None (it is gone at once),
    or "" (not yet). `errors` are raised by the next requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.dialplan: tuple[str, ...] | str | None = ""
        self.errors: list[AriError] = []
        self.connections = 1
        self.legs: dict[str, Leg] = {}
        self.discarded: list[str] = []
        self.ari = self
        self.app = "palabre"
        self.call = Leg("palabre.call.1")

    # server.asterisk.control.Control

    def name(self, kind: str, session_id: str) -> str:
        return f"palabre.{kind}.{session_id}"

    def leg(self, channel_id: str) -> Leg:
        leg = self.legs[channel_id] = Leg(channel_id)
        return leg

    def discard(self, channel_id: str) -> None:
        self.discarded.append(channel_id)

    # telephony.asterisk.ari.client.Ari

    async def snoop(self, channel_id: str, snoop_id: str, *, spy: str, whisper: str) -> None:
        await self._does(f"snoop {spy} {whisper} of {channel_id}")
        self.legs[snoop_id].take(StasisStart(Channel(snoop_id)))

    async def follow(self, channel_id: str) -> None:
        await self._does("follow")

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        await self._does(f"{name}={value}")

    async def go_on(self, channel_id: str, context: str, extension: str) -> None:
        await self._does(f"{extension}@{context}")
        leg, channel = self.legs[channel_id], Channel(channel_id)
        if self.dialplan is None:
            leg.take(ChannelDestroyed(channel, 0))
        elif isinstance(self.dialplan, tuple):
            leg.take(StasisStart(channel, self.dialplan))

    async def _does(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop()


class Heard:
    """A screening: `told` by Asterisk, and decided when the test says so."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.decided: Callable[[], None] = lambda: None

    def asterisk(self, status: str, cause: str, at: float) -> None:
        self.told.append((status, cause))

    def when_decided(self, callback: Callable[[], None]) -> None:
        self.decided = callback


@asynccontextmanager
async def answered(pbx: Pbx, witness: Witness) -> AsyncIterator[Heard]:
    """A call, from its answer to its end; a second has passed at first."""
    heard = Heard()
    async with witness.beside(pbx.call, "1", cast("Screening", heard)):
        await asyncio.sleep(1)
        yield heard


def witness_of(pbx: Pbx) -> Witness:
    return Witness(cast("Control", pbx), LoopClock())


@virtual
async def test_amd_is_asked_about_what_comes_in_and_then_let_go() -> None:
    pbx = Pbx()
    pbx.dialplan = ("amd", "MACHINE", "MAXWORDS-2-2")
    async with answered(pbx, witness_of(pbx)) as heard:
        assert heard.told == [("MACHINE", "MAXWORDS-2-2")]
        assert pbx.discarded == ["palabre.amd.1"]
    assert pbx.asked == [
        "snoop in none of palabre.call.1",
        "follow",
        f"{APP_VARIABLE}=palabre",
        "s@palabre-amd",
    ]


@virtual
async def test_with_the_verdict_it_is_let_go_unheard() -> None:
    pbx = Pbx()
    async with answered(pbx, witness_of(pbx)) as heard:
        assert pbx.discarded == []
        heard.decided()
        await asyncio.sleep(0.001)
        assert pbx.discarded == ["palabre.amd.1"]
        heard.decided()  # taken back
    assert heard.told == []


@virtual
async def test_with_the_call_it_is_let_go() -> None:
    pbx = Pbx()
    async with answered(pbx, witness_of(pbx)):
        assert pbx.discarded == []
    assert pbx.discarded == ["palabre.amd.1"]
    with pytest.raises(asyncio.CancelledError):
        async with answered(pbx, witness_of(pbx)):
            raise asyncio.CancelledError
    assert len(pbx.discarded) == 2


@virtual
async def test_nobody_is_asked_where_nobody_listens_for_who_answers() -> None:
    pbx = Pbx()
    async with witness_of(pbx).beside(pbx.call, "1", None):
        await asyncio.sleep(1)
    assert pbx.asked == []


@virtual
async def test_a_context_that_is_missing_is_logged_once_and_looked_for_again() -> None:
    pbx = Pbx()
    pbx.dialplan = None
    witness = witness_of(pbx)
    with capture_logs() as logs:
        async with answered(pbx, witness) as heard:
            assert heard.told == []
        (entry,) = logs
        assert entry["event"] == "asterisk.no_amd"
        assert "palabre-amd" in entry["problem"]
        assert "palabre asterisk config" in entry["do"]
        async with answered(pbx, witness):
            assert len(pbx.asked) == 4  # not again
        await asyncio.sleep(ASKED_AGAIN_S)
        async with answered(pbx, witness):
            assert len(pbx.asked) == 8
        assert len(logs) == 1
    pbx.dialplan = ("amd", "HUMAN", "HUMAN-800-800")
    await asyncio.sleep(ASKED_AGAIN_S)
    async with answered(pbx, witness) as heard:
        assert heard.told == [("HUMAN", "HUMAN-800-800")]
    async with answered(pbx, witness):
        assert len(pbx.asked) == 16


@virtual
async def test_a_call_that_ends_meanwhile_says_nothing_of_the_dialplan() -> None:
    pbx = Pbx()
    pbx.dialplan = None
    witness = witness_of(pbx)
    loop = asyncio.get_running_loop()
    loop.call_later(0.02, pbx.call.vanished)  # its snoop was quicker
    with capture_logs() as logs:
        async with answered(pbx, witness):
            pass
        pbx.errors = [AriError("ari.gone", "there is no such channel")]
        async with answered(pbx, witness):
            pass
    assert logs == []
    assert len(pbx.asked) == 5


@virtual
async def test_what_was_lost_with_the_connection_says_nothing_of_the_dialplan() -> None:
    pbx = Pbx()
    witness = witness_of(pbx)
    with capture_logs() as logs:
        async with answered(pbx, witness):
            pbx.connections += 1
            pbx.legs["palabre.amd.1"].vanished()
            await asyncio.sleep(1)
    assert logs == []


@virtual
async def test_a_request_that_fails_costs_the_call_nothing_but_the_witness() -> None:
    pbx = Pbx()
    pbx.errors = [AriError("ari.refused", "no snoop can be made")]
    with capture_logs() as logs:
        async with answered(pbx, witness_of(pbx)) as heard:
            assert heard.told == []
    assert [(entry["event"], entry["code"]) for entry in logs] == [
        ("asterisk.amd_not_asked", "ari.refused")
    ]
    assert pbx.discarded == ["palabre.amd.1"]


@virtual
async def test_a_dialplan_that_brings_less_says_nothing() -> None:
    pbx = Pbx()
    pbx.dialplan = ("amd",)
    async with answered(pbx, witness_of(pbx)) as heard:
        assert heard.told == [("", "")]


# With a real one

real = pytest.mark.integration
ROOT = Path(__file__).parents[3]
STARTED_S = 90.0
"""An engine of its own takes its time on a busy machine."""


@pytest.fixture(scope="module")
def configured(asterisk_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    """One with the context, as `palabre asterisk config` prints it."""
    printed = configuration(Wanted("ws://127.0.0.1:1", ari_url="http://127.0.0.1:1/ari"))

    def dialplan(text: str) -> str:
        return text + printed["extensions.conf"]

    folder = tmp_path_factory.mktemp("witness") / "run"
    with running(folder, changes={"extensions.conf": dialplan}, cache=asterisk_home) as started:
        yield started


def channels(asterisk: Asterisk, kind: str) -> list[str]:
    """What the channels of that kind are at."""
    return [
        channel["dialplan"]["app_name"]
        for channel in asterisk.ari("/channels")
        if f".{kind}." in channel["id"]
    ]


async def until(
    asterisk: Asterisk, kind: str, at: list[str], patience_s: float = PATIENCE_S
) -> None:
    async with asyncio.timeout(patience_s):
        while await asyncio.to_thread(channels, asterisk, kind) != at:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.02)


def evidence(log: list[StoredEvent]) -> tuple[str, dict[str, str]]:
    """The last verdict, and what each witness said."""
    verdict = [event.data for event in log if event.name == "amd"][-1]
    said = {one["witness"]: one["says"] for one in cast("list[Any]", verdict["evidence"])}
    return str(verdict["verdict"]), said


async def spoken_to(asterisk: Asterisk, folder: Path, *parts: Any) -> tuple[Any, list[StoredEvent]]:
    """A call to somebody who says `parts`, and hangs up once AMD() is let go."""

    async def taken(call: Call) -> None:
        call.answer()
        call.mouth.say(sound(*parts))
        await until(asterisk, "amd", ["AMD"])
        await until(asterisk, "amd", [])
        assert await asyncio.to_thread(channels, asterisk, "call") == ["Stasis"]
        await asyncio.sleep(0.2)
        call.hang_up()

    async with placed(asterisk, folder, "hangup", taken, "en") as found:
        await nothing_left(asterisk)
    return found


@real
@pytest.mark.asyncio
async def test_a_short_allo_is_a_person_sooner_with_amd(
    configured: Asterisk, tmp_path: Path
) -> None:
    """By its cadence alone that takes 2.5 s; AMD() waits 0.8 s after it."""
    result, log = await spoken_to(configured, tmp_path, silence(0.4), voice(0.2), silence(12))
    assert (result.answered_by, result.reason) == ("human", "caller")
    verdict, said = evidence(log)
    assert verdict == "human"
    assert said["asterisk"] == "AMD HUMAN HUMAN"


@real
@pytest.mark.asyncio
async def test_a_greeting_is_a_machines_for_amd_too(configured: Asterisk, tmp_path: Path) -> None:
    async def taken(call: Call) -> None:
        call.answer()
        call.mouth.say(sound(*GREETING))
        await call.ended()

    async with placed(configured, tmp_path, "hangup", taken, "en") as (result, log):
        assert (result.answered_by, result.reason) == ("voicemail", "voicemail")
        verdict, said = evidence(log)
        assert verdict == "voicemail"
        assert said["asterisk"].startswith("AMD MACHINE ")
        assert "beep" in said
        await nothing_left(configured)


@real
@pytest.mark.asyncio
@pytest.mark.parametrize("who", ["called", "engine"])
async def test_it_ends_with_the_call(configured: Asterisk, tmp_path: Path, who: str) -> None:
    hears = asyncio.Event()

    async def taken(call: Call) -> None:
        call.answer()
        await until(configured, "amd", ["AMD"])
        hears.set()
        if who == "called":
            call.hang_up()
        await call.ended()

    async with (
        asyncio.timeout(PATIENCE_S),
        controlling(configured, scenario=scenario(tmp_path, "hangup")) as engine,
        Agent(port=configured.ports.far_end, taken=taken),
    ):
        assert engine.asterisk is not None
        placing = asyncio.create_task(engine.asterisk.outbound.place("1001"))
        await hears.wait()
        if who == "engine":
            placing.cancel()
        await asyncio.wait({placing})
        await nothing_left(configured)


@real
@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(2))
async def test_both_sides_hang_up_at_any_moment(
    configured: Asterisk, tmp_path: Path, seed: int
) -> None:
    """Its first 20 ms are four requests and a channel that comes, goes and may be gone."""
    rng = random.Random(seed)

    async def taken(call: Call) -> None:
        call.answer()
        if rng.random() < 0.5:
            await asyncio.sleep(0.04 * rng.random())
            call.hang_up()

    with capture_logs() as logs:
        async with (
            asyncio.timeout(3 * PATIENCE_S),
            controlling(configured, scenario=scenario(tmp_path, "hangup")) as engine,
            Agent(port=configured.ports.far_end, taken=taken),
        ):
            await placed_and_cancelled(engine, rng)
            await nothing_left(configured)
            assert engine.admission.active == 0
    assert "asterisk.no_amd" not in {entry["event"] for entry in logs}


@contextmanager
def engine_process(asterisk: Asterisk, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`palabre call 1001`, an engine that a test may kill."""
    environment = {key: value for key, value in os.environ.items() if "PALABRE" not in key} | {
        "PYTHONPATH": str(ROOT),
        "PALABRE_ARI_URL": asterisk.ari_url,
        "PALABRE_ARI_PASSWORD": asterisk.ari_password,
        "PALABRE_ARI_ENDPOINT": f"PJSIP/trunk/sip:{{number}}@127.0.0.1:{asterisk.ports.far_end}",
        "PALABRE_CACHE_DIR": str(folder),
        "PALABRE_MAX_LAG_MS": "60000",
        "PALABRE_SCENARIO": scenario(folder, "hangup"),
    }
    with (folder / "shown").open("wb") as shown:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "server", "call", "1001", "--speech", "null"],
            env=environment, stdin=subprocess.DEVNULL, stdout=shown, stderr=shown,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@real
@pytest.mark.asyncio
@pytest.mark.parametrize("followed", [True, False])
async def test_a_killed_engine_leaves_no_witness(
    configured: Asterisk, tmp_path: Path, followed: bool
) -> None:
    """The next engine ends it, and what else is left. Without one AMD() comes to its end, after
    2.5 s of silence, and its channel finds nobody to come back to."""

    async def taken(call: Call) -> None:
        call.answer()
        await call.ended()

    async with (
        asyncio.timeout(STARTED_S + PATIENCE_S),
        Agent(port=configured.ports.far_end, taken=taken),
    ):
        with engine_process(configured, tmp_path):
            await until(configured, "amd", ["AMD"], STARTED_S)
        application = application_name("palabre", socket.gethostname(), 0)
        if not followed:
            await until(configured, "amd", [])
            assert await asyncio.to_thread(channels, configured, "call") == ["Stasis"]
        async with controlling(configured, ari_app=application):
            await nothing_left(configured)


@real
@pytest.mark.asyncio
async def test_without_the_context_calls_go_on_and_it_is_logged_once(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    talk = asyncio.Event()

    async def taken(call: Call) -> None:
        call.answer()
        call.mouth.say(sound(silence(0.4), voice(0.5), silence(12)))
        await talk.wait()
        call.hang_up()

    with capture_logs() as logs:
        async with (
            asyncio.timeout(PATIENCE_S),
            controlling(asterisk, scenario=scenario(tmp_path, "hangup")) as engine,
            Agent(port=asterisk.ports.far_end, taken=taken),
        ):
            assert engine.asterisk is not None
            for _ in range(2):
                talk.clear()
                placing = asyncio.create_task(engine.asterisk.outbound.place("1001"))
                await eventually(lambda: any(one["event"] == "asterisk.no_amd" for one in logs))
                talk.set()
                assert (await placing).reason == "caller"
                await nothing_left(asterisk)
    assert [one["event"] for one in logs].count("asterisk.no_amd") == 1
