"""How the server starts, refuses, drains and stops, as a process."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.server.served import Client, Served, calling, run, serving

pytestmark = pytest.mark.integration

LEADS = Path(__file__).parents[2] / "scenarios" / "leads"


async def refused(served: Served) -> tuple[int, str, dict[str, str]]:
    with pytest.raises(InvalidStatus) as caught:
        async with calling(served):
            pass
    response = caught.value.response
    body: dict[str, str] = json.loads(response.body or b"{}")
    return response.status_code, response.headers["Retry-After"], body


@pytest.mark.asyncio
async def test_a_full_server_says_so_and_has_room_again(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--capacity", "2") as served:
        async with calling(served) as first, calling(served) as second:
            await first.expect("start")
            await second.expect("start")
            status, retry_after, body = await refused(served)
            assert (status, retry_after) == (503, "5")
            assert body == {
                "code": "admission.full",
                "message": "all 2 lines are busy; try again in 5 s",
            }
            status, _, health = await served.get("/health")
            assert (status, json.loads(health)["status"]) == (503, "full")
            assert await served.metric("calls_active") == 2
            assert await served.metric("calls_refused_total") == 1
        await served.settles("calls_active", 0)
        assert (await served.get("/health"))[0] == 200
        async with calling(served) as again:
            await again.expect("start")


@pytest.mark.asyncio
async def test_a_draining_server_lets_its_calls_end_and_leaves(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
        async with calling(served) as client:
            await client.expect("start")
            served.signal(signal.SIGTERM)
            await served.logged("server.draining", calls=1)
            status, _, body = await refused(served)
            assert status == 503
            assert "stopping" in body["message"]
            status, _, health = await served.get("/health")
            assert (status, json.loads(health)["status"]) == (503, "draining")
            await client.say()
            await client.expect("transcript", final=True)
            await client.expect("turn", turn=1)
        assert await served.ended() == 0
        assert served.records()[-1]["event"] == "server.stopped"


async def told_to_call_again(client: Client) -> None:
    await client.expect("error", code="server.draining", fatal=True)
    assert await client.ended() == (1012, "server.draining")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT,), (signal.SIGTERM, signal.SIGINT)]
)
async def test_calls_that_cannot_go_on_are_told(
    tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    with serving(tmp_path / "log") as served:
        async with calling(served) as client:
            await client.expect("start")
            for number, which in enumerate(signals):
                served.signal(which)
                if number < len(signals) - 1:
                    await served.logged("server.draining")
            await told_to_call_again(client)
            assert await served.ended() == 0
        served.expect("call.ended", reason="draining", code="server.draining")
        served.expect("server.calls_ended", why="signal", calls=1)
        assert served.records()[-1]["event"] == "server.stopped"


@pytest.mark.asyncio
async def test_draining_ends_when_its_time_is_up(tmp_path: Path) -> None:
    with serving(tmp_path / "log", PALABRE_DRAIN_S="0.2") as served:
        async with calling(served) as client:
            await client.expect("start")
            served.signal(signal.SIGTERM)
            await told_to_call_again(client)
            assert await served.ended() == 0
        served.expect("server.calls_ended", why="drain_s")


@pytest.mark.asyncio
async def test_a_killed_server_is_seen_and_its_port_taken_up_at_once(tmp_path: Path) -> None:
    with serving(tmp_path / "first") as served:
        async with calling(served) as client:
            await client.until(lambda: bool(client.arrivals))
            served.signal(signal.SIGKILL)
            assert (await client.ended())[0] == 1006
        assert await served.ended() == -signal.SIGKILL
        with serving(tmp_path / "second", "--port", str(served.port)) as again:
            assert again.port == served.port
            async with calling(again) as client:
                await client.expect("start")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("--speech", "null", "--port", port)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; choose" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "named"),
    [
        (["--speech", "loud"], {}, "setting speech:"),
        (["--port", "70000"], {}, "setting port:"),
        ([], {"PALABRE_CAPACITY": "many"}, "setting capacity:"),
        ([], {"PALABRE_ENDPOINT_MS": "5"}, "setting endpoint_ms:"),
    ],
)
def test_a_wrong_setting(arguments: list[str], env: dict[str, str], named: str) -> None:
    ended = run(*arguments, **env)
    assert ended.returncode == 2
    assert named in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_recogniser_that_is_missing(tmp_path: Path) -> None:
    ended = run("--port", "0", "--model", str(tmp_path / "none"))
    assert ended.returncode == 1
    assert "palabre models" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_scenario() -> None:
    ended = run("--speech", "null", "--port", "0", "--scenario", "none")
    assert ended.returncode == 1
    assert "no scenario 'none'; there are: bench, leads" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broken_scenario_is_refused_with_file_and_line(tmp_path: Path) -> None:
    for file in LEADS.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "scenario.yaml":
            text = text.replace("start: hello", "start: hallo")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    path = tmp_path / "scenario.yaml"
    ended = run("--speech", "null", "--port", "0", "--scenario", str(path))
    assert ended.returncode == 1
    assert f"{path}:4: " in ended.stderr
    assert "expected" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.asyncio
async def test_a_scenario_of_ones_own_goes_before_ours_of_that_name(tmp_path: Path) -> None:
    for file in (LEADS.parent / "bench").glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("Merci, j'ai bien noté", "À vous")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    path = tmp_path / "scenario.yaml"
    with serving(tmp_path / "log", "--scenario", str(path)) as served:
        async with calling(served) as client:
            assert (await client.expect("start"))["scenario"] == "bench"
            assert (await client.expect("reply"))["text"].startswith("À vous")
