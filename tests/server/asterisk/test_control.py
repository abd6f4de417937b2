"""Our part of an Asterisk: connections that come, go, and are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.asterisk import Asterisk, running
from engine.errors import ConfigurationError
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, tone_ms
from tests.server.asterisk.engine import controlling, nothing_left

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = pytest.mark.integration


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ari_password": "wrong"}, r"\[palabre\] in ari\.conf"),
        ({"ari_user": "nobody"}, r"\[nobody\] in ari\.conf"),
        ({"ari_url": "{}/x"}, "enabled=yes"),
        ({"ari_url": "pbx:8088"}, "http://127.0.0.1:8088/ari"),
        ({"ari_password": None}, "PALABRE_ARI_PASSWORD"),
        ({"ari_listen": "8766"}, "127.0.0.1:8766"),
    ],
)
async def test_what_will_never_work_is_said_at_once(
    asterisk: Asterisk, wrong: dict[str, str | None], said: str
) -> None:
    settings = {k: v.format(asterisk.ari_url) if v else v for k, v in wrong.items()}
    with pytest.raises(ConfigurationError, match=said):
        async with controlling(asterisk, **settings):
            pass


@pytest.mark.asyncio
async def test_a_port_that_is_taken_is_said(asterisk: Asterisk) -> None:
    listen = f"127.0.0.1:{asterisk.ports.http}"
    with pytest.raises(ConfigurationError, match="PALABRE_ARI_LISTEN"):
        async with controlling(asterisk, ari_listen=listen):
            pass


@pytest.mark.asyncio
async def test_an_application_belongs_to_one_engine(asterisk: Asterisk) -> None:
    async with controlling(asterisk) as first, answered(asterisk, "300") as call:
        assert first.asterisk is not None
        await eventually(lambda: tone_ms(call) > 100)
        async with controlling(asterisk) as second:
            assert second.asterisk is not None
            assert await second.asterisk.check() is None
            await call.ended()  # it is nobody's any more
            async with asyncio.timeout(PATIENCE_S):
                while not (problem := await first.asterisk.check()):  # noqa: ASYNC110 nobody tells
                    await asyncio.sleep(0.01)
            assert "PALABRE_ARI_APP" in problem
            await eventually(lambda: not first.calls.running)
            assert await second.asterisk.check() is None
    await nothing_left(asterisk)


@pytest.fixture
def dialling(asterisk_home: Path, tmp_path: Path) -> Iterator[Asterisk]:
    """One that dials us, as ari.conf and websocket_client.conf have it."""

    def named(text: str) -> str:
        return text.replace("protocols = ari", "protocols = ari\nusername = u\npassword = p")

    with running(
        tmp_path / "asterisk", changes={"websocket_client.conf": named}, cache=asterisk_home
    ) as started:
        yield started


@pytest.mark.asyncio
async def test_asterisk_dials_us_and_again_after_it_was_lost(dialling: Asterisk) -> None:
    async with controlling(
        dialling, ari_listen=f"127.0.0.1:{dialling.ports.ari}", ari_user="u", ari_password="p"
    ) as engine:
        assert engine.asterisk is not None
        control = engine.asterisk.control
        async with answered(dialling, "300") as call:
            await eventually(lambda: tone_ms(call) > 100, "a greeting")
            await asyncio.to_thread(dialling.cli, "module reload res_ari.so")
            call.hang_up()
            await eventually(lambda: not engine.calls.running)
            await nothing_left(dialling)
        assert control.connections >= 1
