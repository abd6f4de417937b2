"""A person talks to the whole engine through a real browser's WebRTC: its microphone is a voice."""

from __future__ import annotations

import pytest

pytest.importorskip("aiortc", reason="needs the extra webrtc")

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from pipelines.speech.espeak import synthesise
from tests.server.browser import Browser, chromium, needs_chromium
from tests.server.far_server import idle, page_server
from tests.server.served import BRIEF, Served, serving
from tests.server.test_page_call import BYTES_PER_S, GREETING_S, PLAYED, RATE_HZ
from tests.server.test_webrtc import needs_network

pytestmark = [pytest.mark.integration, pytest.mark.asyncio, needs_chromium, needs_network]

STATE = "document.body.dataset.state === '{}'"
WITHIN_S = 30

NO_UDP = """
  const open = ({ type, sdp }) => sdp.replaceAll(/a=candidate.*\\r\\n/g, "");
  const describe = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (given) {
    return describe.call(this, { ...given, sdp: open(given) });
  };
  const wait = window.setTimeout;
  window.setTimeout = (what, ms) => wait(what, Math.min(ms, 1500));
  const send = window.fetch;
  window.fetch = (url, options) =>
    send(url, options?.body ? { ...options, body: open({ sdp: options.body }) } : options);
"""
"""A network that lets no UDP through: what each side says of its addresses does not arrive. The
page waits six seconds for that, here a quarter of it."""


def pause(seconds: float) -> bytes:
    return bytes(round(seconds * BYTES_PER_S))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`palabre serve` with its local speech."""
    log = tmp_path_factory.mktemp("webrtc") / "log"
    with serving(log, "--speech", "local", "--scenario", BRIEF) as server:
        yield server
    assert "exception" not in server.log


@asynccontextmanager
async def page(
    served: Served, microphone: bytes | None = None, query: str = ""
) -> AsyncIterator[Browser]:
    """A page whose user says `microphone` from the call on; without it, what the test says."""
    async with chromium(microphone) as browser:
        if microphone is None:
            await browser.mouth()
        await browser.open(f"http://127.0.0.1:{served.port}/?{query}")
        await browser.until("document.body.dataset.transport === 'webrtc'")
        yield browser
        assert not browser.faults


@asynccontextmanager
async def calling(
    served: Served, microphone: bytes | None = None, query: str = ""
) -> AsyncIterator[Browser]:
    """A page that has called."""
    async with page(served, microphone, query) as browser:
        await browser.click("#call")
        await browser.until("document.querySelectorAll('#log .engine').length === 1", WITHIN_S)
        yield browser


async def origins(served: Served) -> list[str]:
    """What brought the calls that run."""
    _, _, body = await served.get("/calls")
    return [call["origin"] for call in json.loads(body)["calls"]]


async def over(browser: Browser) -> str:
    """Wait until the call is over; what the page says of it."""
    await browser.until(STATE.format("closed"), WITHIN_S)
    assert await browser.evaluate("document.querySelector('#problem').hidden")
    return (await browser.texts("#log .remark"))[-1]


async def test_a_person_is_heard_and_answered_aloud_and_hangs_up(served: Served) -> None:
    voice = pause(GREETING_S) + synthesise("oui allez-y je vous écoute", "fr+m3") + pause(20)
    async with calling(served, voice) as browser:
        assert await origins(served) == ["webrtc"]
        await browser.until("Number(document.querySelector('#vitals').dataset.peak) > 0.02")
        await browser.until("document.querySelectorAll('#log .user').length === 1", WITHIN_S)
        assert "oui" in (await browser.texts("#log .user"))[0]
        await browser.until("document.querySelectorAll('#log .engine').length === 2", WITHIN_S)
        await browser.until("document.querySelector('#turns').textContent === '1'", WITHIN_S)
        vitals = await browser.evaluate("({...document.querySelector('#vitals').dataset})")
        assert int(vitals["playedSamples"]) > 3 * RATE_HZ
        assert int(vitals["gaps"]) == 0
        assert "WebRTC" in await browser.evaluate("document.querySelector('#vitals').textContent")
        await browser.click("#call")
        assert await over(browser) == "Vous avez raccroché."
        await served.settles("calls_active", 0.0)


async def test_a_person_breaks_into_the_greeting_and_closes_the_page(served: Served) -> None:
    async with calling(served, query="scenario=leads") as browser:
        await browser.until(f"{PLAYED} > {2.5 * RATE_HZ}")
        await browser.say(synthesise("attendez attendez je n'ai pas compris", "fr+m3"))
        await browser.until("document.querySelector('#log .engine del') !== null", WITHIN_S)
        await browser.until("document.querySelectorAll('#log .engine').length >= 2", WITHIN_S)
        heard, _, unsaid = (await browser.texts("#log .engine"))[0].partition(" [coupé ici] ")
        assert heard.startswith("Bonjour, je suis Claire")
        assert unsaid.endswith("trois questions ?")
        await browser.command("Page.navigate", url="about:blank")
        await served.settles("calls_active", 0.0)


async def test_a_key_is_dialled_as_by_a_telephone_and_the_engine_hangs_up(served: Served) -> None:
    async with calling(served, query="scenario=leads") as browser:
        # The browser sends telephone-events (RFC 4733) itself: no message goes out.
        count = "window.told = 0; RTCDataChannel.prototype.send = () => (window.told += 1);"
        await browser.evaluate(count)
        keys = "[...document.querySelectorAll('#keypad button')]"
        await browser.evaluate(f"{keys}.find((one) => one.textContent === '2').click()")  # no
        await browser.until("document.querySelectorAll('#log .engine').length === 2", WITHIN_S)
        assert await over(browser) == "L'appel est terminé."
        assert (await browser.texts("#log .engine"))[1].endswith("Bonne journée.")
        assert await browser.evaluate("window.told") == 0
        await served.settles("calls_active", 0.0)


async def test_where_no_udp_goes_through_the_call_goes_over_websocket(served: Served) -> None:
    async with page(served) as browser:
        await browser.evaluate(NO_UDP)
        await browser.click("#call")
        await browser.until("document.querySelectorAll('#log .engine').length === 1", WITHIN_S)
        assert "WebSocket" in (await browser.texts("#log .remark"))[0]
        await browser.until("document.querySelector('#vitals').textContent.includes('WebSocket')")
        assert await origins(served) == ["media"]
        await browser.click("#call")
        assert await over(browser) == "Vous avez raccroché."
    await served.settles("calls_active", 0.0)


async def test_a_server_without_webrtc_is_called_over_websocket() -> None:
    async with page_server(idle) as url, chromium() as browser:
        await browser.open(url)
        await browser.until("document.body.dataset.transport === 'websocket'")
