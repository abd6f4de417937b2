"""The running calls of a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.server.served import calling, serving

pytestmark = pytest.mark.integration


@pytest.mark.asyncio
async def test_running_calls_are_listed_without_what_was_said(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
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
                "scenario": "bench",
                "language": "fr",
            }
        await served.settles("calls_active", 0)
        assert json.loads((await served.get("/calls"))[2]) == {"calls": []}
