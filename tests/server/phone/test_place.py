"""One call placed through a real Asterisk, as it is shown."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from bench.asterisk import Asterisk
from bench.sip.agent import Agent, Taken
from bench.sip.call import Call
from engine.errors import ConfigurationError
from server.phone.place import Asked, application_name, place
from server.settings import Settings
from telephony.asterisk.ari.errors import AriError
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import eventually, said_by_caller, tone_ms
from tests.server.asterisk.engine import controlling, settings_for

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

real = pytest.mark.integration

NUMBER = "+33199000001"
PATIENCE_S = 100.0
"""An engine of its own is started for each call, which on a busy machine takes its time."""


def _place(settings: Settings, number: str = NUMBER) -> tuple[int, str]:
    out = io.StringIO()
    code = place(
        settings, Asked(number, timeout_s=20.0), Console(file=out, soft_wrap=True, highlight=False)
    )
    return code, out.getvalue()


async def _placed(asterisk: Asterisk, taken: Taken) -> tuple[int, str]:
    settings = settings_for(asterisk)
    async with asyncio.timeout(PATIENCE_S), Agent(port=asterisk.ports.far_end, taken=taken):
        return await asyncio.to_thread(_place, settings)


@real
@pytest.mark.asyncio
async def test_a_call_that_is_answered_is_shown_to_its_end(asterisk: Asterisk) -> None:
    async def taken(call: Call) -> None:
        call.ring()
        call.answer()
        await eventually(lambda: tone_ms(call) > 2900, "the greeting")
        call.mouth.say(said_by_caller())
        await eventually(lambda: tone_ms(call) > 3300, "the answer")
        call.hang_up()

    code, told = await _placed(asterisk, taken)
    assert code == 0, told
    for what in ("dialling", "ringing", "answered", "ENGINE", "« oui bonjour »", "turn 1",
                 "endpointing", "answered after", "ended: caller"):  # fmt: skip
        assert what in told
    assert told.splitlines()[-1].startswith("answered after")


@real
@pytest.mark.asyncio
async def test_a_call_that_is_refused_is_told_with_its_codes(asterisk: Asterisk) -> None:
    async def taken(call: Call) -> None:
        call.ring()
        call.refuse(486)

    code, told = await _placed(asterisk, taken)
    assert code == 1
    assert told.splitlines()[-1].startswith("busy (cause 17, SIP 486, session ")


@real
@pytest.mark.asyncio
async def test_a_server_that_runs_keeps_its_application(asterisk: Asterisk) -> None:
    async def taken(call: Call) -> None:
        call.refuse(603)

    async with controlling(asterisk) as server:
        code, _ = await _placed(asterisk, taken)
        assert code == 1
        assert server.asterisk is not None
        assert await server.asterisk.check() is None
        assert server.asterisk.control.connections == 1


@real
def test_without_a_way_to_asterisk_it_says_what_to_do(
    asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="PALABRE_ARI_URL"):
        _place(Settings(speech="null"))
    settings = settings_for(asterisk, ari_password="another")
    with pytest.raises(ConfigurationError, match=r"ari\.conf"):
        _place(settings)
    monkeypatch.setattr("server.phone.place.CONNECT_S", 0.5)
    settings = settings_for(asterisk, ari_url="http://127.0.0.1:1/ari")
    with pytest.raises(AriError):
        _place(settings)


def test_each_machine_and_call_has_an_application_of_its_own() -> None:
    names = {application_name("palabre", host, n) for host in ("a.b", "c") for n in (0, 1)}
    assert names == {f"palabre-call-{host}-{n}" for host in ("a-b", "c") for n in (0, 1)}
