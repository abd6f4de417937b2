"""The page, in a real browser whose microphone is a sound file."""

from __future__ import annotations

import itertools
import re
from statistics import median
from typing import Any

import pytest

from server.waterfall import COLOURS
from tests.server.browser import chromium, needs_chromium
from tests.server.far_server import STATIC, FarCall, idle, page_server, tone

pytestmark = [pytest.mark.integration, pytest.mark.asyncio, needs_chromium]

RATE_HZ = 16000
LEDGER: dict[str, Any] = {
    "type": "turn",
    "turn": 2,
    "heard": "oui bien sûr",
    "said": "Très bien.",
    "interrupted": False,
    "marks": {
        "speech_end": 0.0, "endpoint": 251.2, "transcript": 264.9, "intent": 266.1,
        "first_sentence": 266.1, "first_audio": 268.4, "first_played": 381.0,
    },
    "spans": {
        "endpointing": 251.2, "transcription": 13.7, "understanding": 1.2,
        "speech": 2.3, "playout": 112.6,
    },
    "gap_ms": 381.0,
    "over": {"endpointing": 1.2, "playout": 62.6},
    "steps_down": [],
}  # fmt: skip


async def test_a_call_is_seen_and_heard() -> None:
    heard: dict[str, Any] = {}

    async def script(call: FarCall) -> None:
        heard["path"] = call.path
        await call.start(notice="Modèle de démonstration.")
        await call.send(type="state", state="responding")
        await call.send(type="reply", turn=1, text="Bonjour, c'est Claire.")
        await call.send(type="mark", name="1.0")
        await call.play(tone(1.0))
        await call.send(type="mark", name="1.1")
        assert (await call.expect("mark"))["name"] == "1.0"
        assert (await call.expect("mark"))["name"] == "1.1"
        await call.send(type="state", state="listening")
        await call.send(type="transcript", text="oui", final=False)
        await call.expect("dtmf")
        await call.send(type="transcript", text="oui bien sûr", final=True)
        await call.send(type="reply", turn=2, text="Très bien.")
        await call.send(**LEDGER)
        await call.expect("hangup")
        heard["sound"] = call.sound
        await call.send(type="hangup", reason="caller")

    async with page_server(script) as url, chromium(tone(3.0)) as browser:
        await browser.open(url + "?scenario=leads")
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'responding'")
        assert await browser.texts("#log .engine") == ["Bonjour, c'est Claire."]
        assert await browser.texts("#log .note") == ["Modèle de démonstration."]
        await browser.until("document.querySelector('#interim').textContent === 'oui'")
        assert await browser.evaluate("!document.querySelector('#interim').hidden")
        await browser.click("#keypad-toggle")
        await browser.click("#keypad button:nth-child(5)")
        await browser.until("document.querySelector('#waterfalls .turn') !== null")
        assert await browser.texts("#log .user") == ["oui bien sûr"]
        assert await browser.evaluate("document.querySelector('#interim').hidden")
        assert "touche 5" in await browser.texts("#log .remark")
        bars = await browser.evaluate(
            "[...document.querySelectorAll('.turn summary .segment')]"
            ".map((bar) => [bar.dataset.stage, Number(bar.dataset.ms)])"
        )
        assert dict(bars) == LEDGER["spans"]
        # Spans are drawn to scale: half of the budget is half of the way to the budget's line.
        width = await browser.evaluate(
            "(() => { const box = (one) => document.querySelector(one).getBoundingClientRect();"
            "return box('.turn summary .segment').width / box('.turn summary .track').width })()"
        )
        assert width == pytest.approx(251.2 / (800 * 1.04), abs=0.01)
        assert await browser.texts("#median, #turns, #within") == ["381\xa0ms", "1", "1 / 1"]
        await browser.until(
            f"document.querySelector('#vitals').dataset.playedSamples === '{RATE_HZ}'"
        )
        peak = await browser.evaluate("Number(document.querySelector('#vitals').dataset.peak)")
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'closed'")
        assert await browser.texts("#call-word") == ["Rappeler"]
        assert not browser.faults
    # A sine of half of full scale, as the loudspeaker gets it.
    assert peak == pytest.approx(0.5 / 2**0.5, rel=0.05)
    assert heard["path"] == "/media?scenario=leads&rate=16000&features=mark%2Cclear%2Cpause"
    sound = heard["sound"]
    assert {len(frame) for _, frame in sound} == {640}
    # Real time, whatever else the machine does: the frames' number is that of the time they took.
    took_s = sound[-1][0] - sound[0][0]
    assert len(sound) * 0.02 == pytest.approx(took_s, abs=0.5)
    assert max(max(memoryview(frame).cast("h")) for _, frame in sound) > 1000


async def test_a_reply_is_held_resumed_and_cut() -> None:
    answers: list[float] = []

    async def script(call: FarCall) -> None:
        await call.start()
        await call.send(type="reply", turn=1, text="un deux trois")
        await call.send(type="reply", turn=1, text="quatre")
        await call.play(tone(3.0))
        await call.send(type="mark", name="1.1")
        await call.send(type="state", state="paused")
        await call.send(type="pause", turn=1)
        answers.append((await call.expect("played"))["ms"])
        await call.send(type="pause", turn=1)
        answers.append((await call.expect("played"))["ms"])
        await call.send(type="resume", turn=1)
        await call.send(type="mark", name="later")
        await call.send(type="clear", turn=1)
        answers.append((await call.expect("played"))["ms"])
        await call.send(type="mark", name="after")
        assert (await call.expect("mark"))["name"] == "after"
        assert not [message for message in call.messages if message["type"] == "mark"]
        await call.send(
            **{**LEDGER, "turn": 1, "heard": "", "said": "un deux", "interrupted": True}
        )
        await call.send(type="hangup", reason="completed")
        await call.close()

    async with page_server(script) as url, chromium() as browser:
        await browser.open(url)
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'closed'")
        assert await browser.texts("#log .engine del") == ["trois quatre"]
        assert await browser.texts("#log .engine") == ["un deux [coupé ici] trois quatre"]
        assert await browser.texts("#log .remark") == ["La conversation est terminée."]
        assert await browser.evaluate("document.querySelector('#problem').hidden")
    first, again, cleared = answers
    assert first == again <= cleared < 3000


async def test_a_browser_that_keeps_to_its_own_rate_is_resampled() -> None:
    sound: list[bytes] = []

    async def script(call: FarCall) -> None:
        await call.start()
        await call.send(type="reply", turn=1, text="…")
        await call.play(tone(1.0))
        await call.send(type="mark", name="1.1")
        await call.expect("mark")
        await call.expect("hangup")
        sound.extend(frame for _, frame in call.sound)

    async with page_server(script) as url, chromium(tone(5.0)) as browser:
        await browser.open(url)
        await browser.evaluate(
            "(() => { const open = AudioContext.prototype.createMediaStreamSource;"
            "AudioContext.prototype.createMediaStreamSource = function (stream) {"
            "if (this.sampleRate === 16000) throw new DOMException('rate', 'NotSupportedError');"
            "return open.call(this, stream) } })()"
        )
        await browser.click("#call")
        await browser.until(
            f"document.querySelector('#vitals').dataset.playedSamples === '{RATE_HZ}'"
        )
        assert "16\u202f000" not in (await browser.texts("#vitals"))[0]
        peak = await browser.evaluate("Number(document.querySelector('#vitals').dataset.peak)")
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'closed'")
    assert peak == pytest.approx(0.5 / 2**0.5, rel=0.05)
    assert {len(frame) for frame in sound} == {640}
    # The microphone's 440 Hz, from one rise through zero to the next; a busy browser drops pieces.
    loud = [frame for frame in sound if max(memoryview(frame).cast("h")) > 1000][5:55]
    samples = memoryview(b"".join(loud)).cast("h").tolist()
    pairs = enumerate(itertools.pairwise(samples))
    rises = [at + a / (a - b) for at, (a, b) in pairs if a < 0 <= b]
    period = median(later - rise for rise, later in itertools.pairwise(rises))
    assert RATE_HZ / period == pytest.approx(440, abs=2)


async def test_what_goes_wrong_is_told() -> None:
    async def vanish(call: FarCall) -> None:
        await call.start()
        call.vanish()

    async def fail(call: FarCall) -> None:
        await call.start()
        await call.send(type="error", code="speech.unavailable", message="…", fatal=True)
        await call.close()

    full = {"status": "full", "calls": 1, "parts": {}, "obstacle": "all 1 lines are busy"}
    broken = {"status": "broken", "calls": 0, "parts": {"stt": "no model; palabre models fetch fr"}}
    async with chromium() as browser:
        for script, health, code, word in (
            (idle, full, "server.full", "occupées"),
            (idle, broken, "server.broken", "palabre models fetch fr"),
            (vanish, None, "connection.lost", "réseau"),
            (fail, None, "speech.unavailable", "/health"),
        ):
            async with page_server(script, health=health) as url:
                await browser.open(url)
                await browser.click("#call")
                await browser.until("document.body.dataset.state === 'closed'")
                assert (
                    await browser.evaluate("document.querySelector('#problem').dataset.code")
                    == code
                )
                assert word in (await browser.texts("#problem"))[0]
                assert await browser.texts("#call-word") == ["Rappeler"]
        async with page_server(idle) as url:
            await browser.open(url)
        await browser.click("#call")
        await browser.until("document.querySelector('#problem').dataset.code !== ''")
        assert "palabre serve" in (await browser.texts("#problem"))[0]


async def test_a_microphone_that_is_refused_or_missing_is_told() -> None:
    async with page_server(idle) as url, chromium(allow=False) as browser:
        await browser.command(
            "Browser.setPermission",
            permission={"name": "microphone"}, setting="denied", origin=url.rstrip("/"),
        )  # fmt: skip
        await browser.open(url)
        await browser.click("#call")
        await browser.until("document.body.dataset.state === 'closed'")
        assert "refusé" in (await browser.texts("#problem"))[0]
        await browser.evaluate(
            "navigator.mediaDevices.getUserMedia = () =>"
            " Promise.reject(new DOMException('none', 'NotFoundError'))"
        )
        await browser.click("#call")
        await browser.until("document.querySelector('#problem').dataset.code === 'microphone.none'")


async def test_an_address_without_a_microphone_is_told() -> None:
    async with page_server(idle) as url, chromium() as browser:
        await browser.open(url)
        await browser.evaluate(
            "void Object.defineProperty(window, 'isSecureContext', { value: false })"
        )
        await browser.click("#call")
        await browser.until("document.querySelector('#problem').dataset.code === 'origin.insecure'")
        assert "http://localhost" in (await browser.texts("#problem"))[0]


async def test_the_page_speaks_english_and_remembers_it() -> None:
    async with page_server(idle) as url, chromium() as browser:
        await browser.open(url)
        assert await browser.texts("#call-word") == ["Appeler"]
        assert await browser.evaluate("document.documentElement.lang") == "fr"
        await browser.click("#language")
        assert await browser.texts("#call-word") == ["Call"]
        await browser.open(url)
        assert await browser.evaluate("document.documentElement.lang") == "en"
        # Every word there is in one language is there in the other.
        source = (STATIC / "words.js").read_text()
        french, english = re.findall(r"const (?:FRENCH|ENGLISH) = (\{.*?\n\});", source, re.DOTALL)
        paths = "(function walk(o, p) { return typeof o === 'object' && !Array.isArray(o)"
        paths += " ? Object.entries(o).flatMap(([k, v]) => walk(v, `${p}.${k}`)) : [p] })"
        assert await browser.evaluate(f"{paths}({french}, '')") == await browser.evaluate(
            f"{paths}({english}, '')"
        )


async def test_stages_have_one_colour_everywhere() -> None:
    found = dict(re.findall(r"--(\w+): (#\w{6});", (STATIC / "page.css").read_text()))
    assert {stage: found[stage] for stage in COLOURS} == dict(COLOURS)
