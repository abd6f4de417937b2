"""Each phase once and small, with a real engine at a real Asterisk."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.quiet import Cores
from bench.served import own_command
from bench.telephony.caller import said
from bench.telephony.load import measure_chaos, measure_density
from bench.telephony.phases import measure_clearing, measure_response
from bench.telephony.rig import Plan, Rig
from tests.asterisk import asterisk_home

__all__ = ["asterisk_home"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

WORDS = said("oui bonjour madame je voudrais bien vous parler", "fr")


@asynccontextmanager
async def _rig(asterisk_home: Path, folder: Path) -> AsyncIterator[Rig]:
    del asterisk_home  # it is there, or the test was skipped
    core = min(os.sched_getaffinity(0))
    async with Rig.up(Plan(own_command(), 1, Cores(core, core), folder)) as rig:
        yield rig


async def test_response_and_clearing(asterisk_home: Path, tmp_path: Path) -> None:
    async with _rig(asterisk_home, tmp_path) as rig:
        response = await measure_response(rig, WORDS, turns=1)
        [cleared] = await measure_clearing(rig, WORDS, tries=1, seed=1)
    # The endpoint alone waits for 240 ms of silence.
    assert response.sip_ms[0] > 100
    assert response.websocket_ms[0] > 100
    assert 0 < cleared.silent_ms < cleared.decided_ms
    assert (tmp_path / "logs" / "telephony-clearing.log").exists()


async def test_load(asterisk_home: Path, tmp_path: Path) -> None:
    async with _rig(asterisk_home, tmp_path) as rig:
        density = await measure_density(rig, WORDS, calls=2, hold_s=6.0)
        chaos = await measure_chaos(rig, WORDS, calls=10, kills=1, seed=1)
    assert not density.left
    assert len(density.replies) + density.refused >= 2
    assert len(chaos.orphans) == 1
    assert not chaos.left
    assert not chaos.unended
