"""A caller is handed over to a person, through a real Asterisk."""

from __future__ import annotations

import asyncio
import os
import signal
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.asterisk import Asterisk, running
from bench.sip.agent import Agent
from bench.sip.call import Call
from bench.sip.stream import decoded
from storage.journal import JournalStore
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, said_by_caller, tone_ms
from tests.server.asterisk.engine import controlling, nothing_left
from tests.server.served import serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

SCENARIO = """\
name: desk
languages: [fr]
start: agent
silence: gone
steps:
  agent:
    transfer: {transfer}
    then: busy
{more}  busy: {{hangup: nobody}}
  gone: {{hangup: silence}}
"""
WORDS = """\
language: fr
lines:
  agent: {{say: Ne quittez pas.{summary}}}
  busy: Personne ne répond.
  gone: Au revoir.
"""


def written(
    folder: Path, transfer: str, summary: str = ", summary: Un appel pour vous.", more: str = ""
) -> str:
    folder.mkdir()
    (folder / "fr.yaml").write_text(WORDS.format(summary=summary), encoding="utf-8")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO.format(transfer=transfer, more=more), encoding="utf-8")
    return str(path)


class Desk:
    """Where the person sits that calls are handed over to."""

    def __init__(self, status: int = 200) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self._status = status

    async def taken(self, call: Call) -> None:
        call.ring()
        if self._status == 200:
            call.answer()
        elif self._status:
            call.refuse(self._status)
        self.calls.put_nowait(call)

    @asynccontextmanager
    async def open(self, asterisk: Asterisk) -> AsyncIterator[Desk]:
        async with Agent(port=asterisk.ports.far_end, taken=self.taken):
            yield self


def hum(hz: float, seconds: float = 3.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    at = np.arange(int(seconds * 8000)) / 8000
    return (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def hears(call: Call, hz: float) -> bool:
    """Whether the last fifth of a second is mostly a tone of that pitch."""
    sound = np.concatenate([np.zeros(1), *(decoded(p) for _, p in call.ear.packets[-10:])])
    if np.abs(sound).max() < 1000:
        return False
    spectrum = np.abs(np.fft.rfft(sound))
    peak = np.fft.rfftfreq(sound.size, 1 / 8000)[int(spectrum.argmax())]
    return bool(abs(peak - hz) < 20)


async def talk(caller: Call, agent: Call) -> None:
    """The two hear each other."""
    caller.mouth.say(hum(1000))
    agent.mouth.say(hum(700))
    await eventually(lambda: hears(agent, 1000), "the caller's voice at the desk")
    await eventually(lambda: hears(caller, 700), "the voice of the desk")


async def logged(journal: Path) -> list[tuple[str, dict[str, Any]]]:
    """The log of the only session."""
    (path,) = await asyncio.to_thread(lambda: list(journal.glob("*.jsonl")))
    events = await JournalStore(journal).read(path.stem)
    return [(event.name, dict(event.data)) for event in events]


async def test_who_takes_the_call_is_told_first_and_then_they_talk(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    scenario = written(tmp_path / "desk", '{to: "1002"}')
    journal = tmp_path / "journal"
    async with (
        controlling(asterisk, scenario=scenario, journal=journal) as engine,
        Desk().open(asterisk) as desk,
        answered(asterisk, "300") as caller,
    ):
        agent = await desk.calls.get()
        before = tone_ms(caller)
        await eventually(lambda: tone_ms(agent) > 500, "the summary")
        assert tone_ms(caller) - before < 200  # it is not for the caller
        await eventually(lambda: not engine.calls.running, "the end of our part")
        await eventually(lambda: engine.admission.active == 0)
        await talk(caller, agent)
        agent.hang_up()
        await caller.ended()
        await nothing_left(asterisk)
    events = await logged(journal)
    names = [name for name, _ in events]
    assert [name for name in names if name.startswith("transfer")] == [
        "transfer",
        "transfer.answered",
        "transfer.connected",
    ]
    told = dict(events)["transfer"]
    assert (told["to"], told["mode"], told["summary"]) == (
        "1002",
        "attended",
        "Un appel pour vous.",
    )
    assert events[-1] == ("session.closed", {"reason": "transferred"})


@pytest.mark.parametrize(("status", "outcome"), [(486, "busy"), (0, "no_answer")])
async def test_where_nobody_takes_it_the_caller_is_told(
    asterisk: Asterisk, tmp_path: Path, status: int, outcome: str
) -> None:
    scenario = written(tmp_path / "desk", '{to: "1002", timeout_s: 1}')
    journal = tmp_path / "journal"
    async with (
        controlling(asterisk, scenario=scenario, journal=journal) as engine,
        Desk(status).open(asterisk) as desk,
        answered(asterisk, "300") as caller,
    ):
        await desk.calls.get()
        before = tone_ms(caller)
        await eventually(lambda: tone_ms(caller) > before + 500, "word of it")
        await caller.ended()
        await nothing_left(asterisk)
        await eventually(lambda: not engine.calls.running)
    events = await logged(journal)
    assert dict(events)["transfer.failed"] == {"outcome": outcome}
    assert events[-1] == ("session.closed", {"reason": "nobody"})


async def test_an_agent_who_hangs_up_while_being_told_gives_the_caller_back(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    summary = ", summary: Un appel pour vous au sujet d'une commande qui n'est pas arrivée."
    scenario = written(tmp_path / "desk", '{to: "1002"}', summary)
    async with (
        controlling(asterisk, scenario=scenario),
        Desk().open(asterisk) as desk,
        answered(asterisk, "300") as caller,
    ):
        agent = await desk.calls.get()
        await eventually(lambda: tone_ms(agent) > 200, "the summary")
        before = tone_ms(caller)
        agent.hang_up()
        await eventually(lambda: tone_ms(caller) > before + 200, "word of it")
        await caller.ended()
        await nothing_left(asterisk)


async def test_a_caller_who_hangs_up_while_it_rings_ends_all(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    scenario = written(tmp_path / "desk", '{to: "1002"}')
    async with (
        controlling(asterisk, scenario=scenario) as engine,
        Desk(0).open(asterisk) as desk,
        answered(asterisk, "300") as caller,
    ):
        agent = await desk.calls.get()
        caller.hang_up()
        await agent.ended()
        await nothing_left(asterisk)
        await eventually(lambda: engine.admission.active == 0)


async def test_a_blind_transfer_leaves_the_call_to_the_dialplan(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    scenario = written(tmp_path / "desk", '{to: "400", mode: blind}', "")
    others = {"scenario": scenario, "ari_transfer_context": "from-sip"}
    async with controlling(asterisk, **others) as engine, answered(asterisk, "300") as caller:
        await eventually(lambda: tone_ms(caller) > 500)
        await eventually(lambda: not engine.calls.running, "the end of our part")
        caller.mouth.say(hum(1000))
        await eventually(lambda: hears(caller, 1000), "the echo of extension 400")
    await nothing_left(asterisk)


async def test_in_a_conference_we_stay(asterisk: Asterisk, tmp_path: Path) -> None:
    scenario = written(
        tmp_path / "desk", '{to: "1002", mode: conference}', "", more="    next: gone\n"
    )
    async with (
        controlling(asterisk, scenario=scenario),
        Desk().open(asterisk) as desk,
        answered(asterisk, "300") as caller,
    ):
        agent = await desk.calls.get()
        before = tone_ms(agent)
        await eventually(lambda: tone_ms(agent) > before + 300, "our voice at the desk")
        await caller.ended()
        await agent.ended()
        await nothing_left(asterisk)


async def test_who_listens_hears_both_out_and_says_nothing(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    scenario = written(tmp_path / "desk", '{to: "1002", listen: true}')
    async with (
        controlling(asterisk, scenario=scenario) as engine,
        Desk().open(asterisk) as desk,
        answered(asterisk, "300") as caller,
    ):
        agent = await desk.calls.get()
        (session_id,) = engine.calls.running
        await eventually(lambda: tone_ms(agent) > 500, "the summary")
        await eventually(lambda: session_id in engine.listening.open, "a conversation")
        conversation = engine.listening.open[session_id]
        await eventually(lambda: conversation.sides == {"caller", "agent"}, "both sides")
        caller.mouth.say(said_by_caller())
        await eventually(lambda: len(conversation.said) == 1, "words of the caller")
        agent.mouth.say(said_by_caller())
        await eventually(lambda: len(conversation.said) == 2, "words of the desk")
        assert [side for side, _ in conversation.said] == ["caller", "agent"]
        agent.hang_up()
        await caller.ended()
        await nothing_left(asterisk)
        await eventually(lambda: engine.admission.active == 0)
        assert not engine.listening.open


async def test_who_waits_hears_music(asterisk_home: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    with wave.open(str(music / "hold.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(hum(600, 20).tobytes())
    classes = f"[waiting]\nmode = files\ndirectory = {music}\n"

    def modules(text: str) -> str:
        return f"{text}\nload=res_musiconhold.so\n"

    scenario = written(tmp_path / "desk", '{to: "1002"}')
    with running(
        tmp_path / "asterisk",
        files={"musiconhold.conf": classes},
        changes={"modules.conf": modules},
        cache=asterisk_home,
    ) as asterisk:
        async with (
            controlling(asterisk, scenario=scenario, ari_music="waiting"),
            Desk(0).open(asterisk) as desk,
            answered(asterisk, "300") as caller,
        ):
            agent = await desk.calls.get()
            await eventually(lambda: hears(caller, 600), "music")
            agent.answer()
            await eventually(lambda: tone_ms(agent) > 500, "the summary")
            assert hears(caller, 600)
            caller.hang_up()
            await nothing_left(asterisk)


async def test_people_talk_on_when_the_engine_is_killed_and_the_next_one_sees_them_off(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    scenario = written(tmp_path / "desk", '{to: "1002"}')
    settings = {
        "PALABRE_ARI_URL": asterisk.ari_url,
        "PALABRE_ARI_PASSWORD": asterisk.ari_password,
        "PALABRE_ARI_ENDPOINT": f"PJSIP/trunk/sip:{{number}}@127.0.0.1:{asterisk.ports.far_end}",
        "PALABRE_SCENARIO": scenario,
    }
    with serving(tmp_path / "log", **settings) as served:
        await served.logged("asterisk.connected")
        async with Desk().open(asterisk) as desk, answered(asterisk, "300") as caller:
            agent = await desk.calls.get()
            await served.logged("asterisk.transfer", what="connected")
            os.kill(served.pid, signal.SIGKILL)
            await served.ended()
            await talk(caller, agent)
            async with controlling(asterisk):
                await talk(caller, agent)
                caller.hang_up()
                async with asyncio.timeout(PATIENCE_S):
                    await agent.ended()
                await nothing_left(asterisk)
