"""A person talks to the whole engine through the page: the browser's microphone is a voice."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipelines.speech.espeak import synthesise
from tests.server.browser import chromium, needs_chromium

pytestmark = [pytest.mark.integration, pytest.mark.asyncio, needs_chromium]

BYTES_PER_S = 32000
GREETING_S = 12.0
"""The greeting of `leads` takes about nine seconds."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the engine learns from a scenario's examples, once for all tests here."""
    return tmp_path_factory.mktemp("cache")


@asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[str]:
    """`palabre serve` with its local speech; its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--port", "0", "--vad", "webrtc", "--log-json",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PALABRE_CACHE_DIR": str(folder)},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = ""
            async for line in process.stderr:
                said = line.decode()
                if '"server.ready"' in said:
                    break
        assert "server.ready" in said, said
        reading = asyncio.create_task(process.stderr.read())
        yield json.loads(said)["url"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    assert "exception" not in (await reading).decode()


async def test_a_person_talks_to_the_engine(cache: Path) -> None:
    answer = synthesise("oui allez-y je vous écoute", "fr+m3")
    silence = bytes(round(GREETING_S * BYTES_PER_S))
    async with engine(cache) as url, chromium(silence + answer + silence) as browser:
        await browser.open(f"{url}?transport=websocket")
        await browser.click("#call")
        await browser.until("document.querySelectorAll('#log .engine').length === 1")
        assert "Claire" in (await browser.texts("#log .engine"))[0]
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


async def test_a_person_breaks_into_the_greeting(cache: Path) -> None:
    answer = synthesise("oui allez-y je vous écoute", "fr+m3")
    async with (
        engine(cache) as url,
        chromium(bytes(4 * BYTES_PER_S) + answer + bytes(8 * BYTES_PER_S)) as browser,
    ):
        await browser.open(f"{url}?transport=websocket")
        await browser.click("#call")
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
