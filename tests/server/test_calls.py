"""The running calls of a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.frames import Frame, StateChanged
from engine.turn import State
from server.calls import Prepared
from tests.fakes import FlakyStore
from tests.server.served import BRIEF, calling, serving
from tests.server.test_listening import Server, Side, prepare
from tests.virtual import virtual


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare()


@pytest.mark.parametrize(("hung_up", "reason"), [(False, "cancelled"), (True, "caller")])
@virtual
async def test_a_call_that_is_cancelled_says_so_unless_it_had_ended(
    prepared: Prepared, hung_up: bool, reason: str
) -> None:
    store = FlakyStore(failures=10_000 if hung_up else 0)
    calls = Server(prepared, store).calls
    side = Side()
    running = asyncio.create_task(calls.run("s1", side, prepared, origin="test"))
    await asyncio.sleep(1)
    if hung_up:
        side.lost("caller")
        await asyncio.sleep(1)
    with capture_logs() as logs:
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()
    assert [log["reason"] for log in logs if log["event"] == "call.ended"] == [reason]
    assert side.closed == reason
    labels = {"scenario": "bench", "reason": reason}
    assert calls.metrics.registry.get_sample_value("calls_total", labels) == 1


@virtual
async def test_a_call_that_fails_says_so_and_not_that_it_was_cancelled(prepared: Prepared) -> None:
    calls = Server(prepared).calls
    side = Side()

    def act(frame: Frame) -> None:
        if isinstance(frame, StateChanged) and frame.state == State.PROCESSING:
            raise LookupError

    with capture_logs() as logs:
        assert await calls.run("s1", side, prepared, origin="test", act=act) == "error"
    (ended,) = (log for log in logs if log["event"] == "call.ended")
    assert (ended["reason"], ended["code"]) == ("error", "server.error")
    assert side.closed == "server.error"


@pytest.mark.integration
@pytest.mark.asyncio
async def test_running_calls_are_listed_without_what_was_said(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--scenario", BRIEF) as served:
        assert json.loads((await served.get("/calls"))[2]) == {"calls": []}
        async with calling(served) as client:
            await client.expect("start")
            await client.say()
            await client.expect("turn", turn=2)
            listed = json.loads((await served.get("/calls"))[2])["calls"]
            (call,) = listed
            assert call.pop("lasts_s") > 0
            assert call.pop("state") in {"listening", "processing", "responding"}
            assert call.pop("turns") >= 2
            session = served.expect("call.started")["call_id"]
            assert call == {
                "session": session,
                "origin": "media",
                "scenario": "brief",
                "language": "fr",
            }
        await served.settles("calls_active", 0)
        assert json.loads((await served.get("/calls"))[2]) == {"calls": []}
