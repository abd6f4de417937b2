"""The peer: Asterisk's own AMD() on the same sound, over a real call.

AMD() listens from the answer on and is alone on the call; its verdict is HUMAN, MACHINE or NOTSURE.
Its settings are those that Asterisk ships (conf/amd.conf.in of the fixture).
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.amd.scenes import Scene
from bench.asterisk import Asterisk, running
from bench.sip.agent import Agent
from pipelines.audio.resample import RATE_HZ, StreamResampler

__all__ = ["AT_ONCE", "Said", "asterisk_amd"]

AT_ONCE = 12
"""Calls at a time: two per cent of a core for the user agent."""
PATIENCE_S = 20.0
"""AMD() decides within 5 s (total_analysis_time)."""
DIALPLAN = """
[from-sip]
exten => 500,1,Answer()
 same => n,AMD()
 same => n,Log(NOTICE,AMDRESULT ${CALLERID(num)} ${AMDSTATUS} ${AMDCAUSE})
 same => n,Hangup()
"""

RESULT = re.compile(r"AMDRESULT (\d+) (\w+) ([\w-]*)")


@dataclass(frozen=True, slots=True)
class Said:
    """AMDSTATUS and AMDCAUSE of the scene of that index, `took_s` after the answer; empty where
    the call was over before."""

    index: int
    status: str
    cause: str
    took_s: float


def asterisk_amd(sounds: Sequence[tuple[Scene, bytes]]) -> list[Said]:
    """What AMD() says of each, from its answer on (early media: from its beginning). `sounds` are
    s16le mono at 16 kHz. Raises AsteriskMissing, or BenchError if it does not start."""
    with tempfile.TemporaryDirectory(prefix="amd") as name:
        folder = Path(name) / "run"
        with running(folder, files={"extensions.conf": DIALPLAN}) as asterisk:
            times = asyncio.run(_calls(asterisk, sounds))
        log = (folder / "log" / "full").read_text("utf-8", "replace")
    told = {int(number): (status, cause) for number, status, cause in RESULT.findall(log)}
    return [Said(index, *told.get(index, ("", "")), took_s) for index, took_s in enumerate(times)]


async def _calls(asterisk: Asterisk, sounds: Sequence[tuple[Scene, bytes]]) -> list[float]:
    """How long each call lasted: AMD() hangs up when it has decided."""
    took: dict[int, float] = {}
    waiting = iter(enumerate(sounds))

    async def place(agent: Agent) -> None:
        for index, (scene, pcm) in waiting:
            begun = round((scene.answered_s or 0.0) * RATE_HZ) * 2
            narrow = StreamResampler(RATE_HZ, 8000).feed(pcm[begun:], last=True)
            call = agent.dial(asterisk.uri("500"), caller=str(index))
            await call.answered()
            call.mouth.say(np.frombuffer(narrow, "<i2"))
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await call.ended()
            except TimeoutError:
                call.hang_up()
                await call.ended()
            answered_at, ended_at = call.answered_at, call.ended_at
            assert answered_at is not None
            assert ended_at is not None
            took[index] = ended_at - answered_at

    async with Agent() as agent, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(place(agent))
    return [took[index] for index in range(len(sounds))]
