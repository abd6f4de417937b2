"""A person talks to the whole engine through the page: the browser's microphone is a voice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pipelines.speech.espeak import synthesise
from tests.server.browser import chromium, needs_chromium
from tests.server.served import BRIEF, Served, serving

pytestmark = [pytest.mark.integration, pytest.mark.asyncio, needs_chromium]

RATE_HZ = 16000
BYTES_PER_S = 2 * RATE_HZ
PLAYED = "Number(document.querySelector('#vitals').dataset.playedSamples)"
GREETING_S = 5.0
"""The greeting of `BRIEF` takes two; the microphone is on before the call is, and a busy machine
connects late."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`palabre serve` with its local speech."""
    log = tmp_path_factory.mktemp("page") / "log"
    with serving(log, "--speech", "local", "--scenario", BRIEF) as server:
        yield server
    assert "exception" not in server.log


async def test_a_person_talks_to_the_engine(served: Served) -> None:
    answer = synthesise("oui allez-y je vous écoute", "fr+m3")
    silence = bytes(round(GREETING_S * BYTES_PER_S))
    async with chromium(silence + answer + 4 * silence) as browser:
        await browser.open(f"http://127.0.0.1:{served.port}/?transport=websocket")
        await browser.click("#call")
        await browser.until("document.querySelectorAll('#log .engine').length === 1")
        assert (await browser.texts("#log .engine"))[0] == "Bonjour, je vous écoute."
        await browser.until("Number(document.querySelector('#vitals').dataset.peak) > 0.02")
        await browser.until("document.body.dataset.state === 'listening'", within_s=20)
        await browser.until("!document.querySelector('#interim').hidden", within_s=20)
        await browser.until("document.querySelectorAll('#log .user').length === 1")
        assert "oui" in (await browser.texts("#log .user"))[0]
        await browser.until("document.querySelectorAll('#log .engine').length === 2")
        await browser.until("document.body.dataset.state === 'listening'", within_s=20)
        await browser.until("document.querySelector('#turns').textContent === '1'")
        stages = await browser.evaluate(
            "[...document.querySelectorAll(\"[data-turn='2'] summary .segment\")]"
            ".map((bar) => bar.dataset.stage)"
        )
        assert stages == ["endpointing", "transcription", "understanding", "speech", "playout"]
        assert re.fullmatch(r"\d[\d\s]*\sms", (await browser.texts("#median"))[0])
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'closed'")
        assert await browser.evaluate("document.querySelector('#problem').hidden")
        assert not browser.faults


async def test_a_person_breaks_into_the_greeting(served: Served) -> None:
    async with chromium() as browser:
        await browser.mouth()
        await browser.open(f"http://127.0.0.1:{served.port}/?transport=websocket&scenario=leads")
        await browser.click("#call")
        await browser.until(f"{PLAYED} > {2.5 * RATE_HZ}")
        await browser.say(synthesise("oui allez-y je vous écoute", "fr+m3"))
        await browser.until("document.body.dataset.state === 'paused'")
        await browser.until("document.querySelectorAll('#log .engine').length === 2")
        await browser.until("document.querySelector('#log .engine del') !== null")
        cut = (await browser.texts("#log .engine"))[0]
        heard, _, unsaid = cut.partition(" [coupé ici] ")
        assert heard.startswith("Bonjour, je suis Claire")
        assert unsaid.endswith("trois questions ?")
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'closed'")
        assert not browser.faults
