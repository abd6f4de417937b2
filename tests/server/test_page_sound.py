"""The page's sound: its playout queue and its resampler, in the browser that runs them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from server.talk.far_end import FarEnd
from tests.server.browser import chromium, needs_chromium
from tests.server.far_server import idle, page_server

pytestmark = [pytest.mark.integration, pytest.mark.asyncio, needs_chromium]

RATE_HZ = 16000


async def test_the_queue_plays_what_the_far_end_plays() -> None:
    """The page's queue and the far end that benches measure with are told the same, at random."""
    steps = _random_steps(random.Random(7), 400)
    far, expected = FarEnd(RATE_HZ, 0.0), []
    for index, message in enumerate(steps):
        now = index * 0.02
        expected += far.receive(bytes(message) if isinstance(message, list) else message, now)
        expected += far.advance(now + 0.02)
    run = f"""(async () => {{
      const {{ PlayoutQueue }} = await import("/static/queue.js");
      const answers = [], track = [];
      const queue = new PlayoutQueue({RATE_HZ}, (one) => answers.push(one));
      const frame = new Float32Array(320);
      for (const message of {json.dumps(steps)}) {{
        if (Array.isArray(message)) queue.sound(Uint8Array.from(message).buffer);
        else queue.control(message);
        queue.pull(frame);
        track.push(...Array.from(frame, (sample) => Math.round(sample * 32768)));
      }}
      return {{ answers, track }};
    }})()"""
    async with page_server(idle) as url, chromium() as browser:
        await browser.open(url)
        found = await browser.evaluate(run)
    assert found["track"] == list(memoryview(far.track()).cast("h"))
    assert [_rounded(answer) for answer in found["answers"]] == [_rounded(one) for one in expected]
    assert len(expected) > 50


def _rounded(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "ms": round(answer["ms"], 2)} if "ms" in answer else answer


def _random_steps(rng: random.Random, count: int) -> list[Any]:
    """Messages of a server: sound as bytes, control as objects."""
    turn, marks = 1, 0
    steps: list[Any] = []
    for _ in range(count):
        match rng.choice(("sound",) * 8 + ("mark", "mark", "pause", "resume", "clear", "reply")):
            case "sound":
                steps.append(list(rng.randbytes(2 * rng.choice((100, 320, 640)))))
            case "mark":
                marks += 1
                steps.append({"type": "mark", "name": f"{turn}.{marks}"})
            case "reply":
                turn += 1
                steps.append({"type": "reply", "turn": turn, "text": "…"})
            case kind:
                steps.append({"type": kind, "turn": rng.choice((turn, max(1, turn - 1)))})
    return steps


async def test_resampling_keeps_speech_and_nothing_else() -> None:
    run = """async (fromHz, toHz, hz) => {
      const { Resampler } = await import("/static/resampler.js");
      const resampler = new Resampler(fromHz, toHz), out = [], block = new Float32Array(128);
      for (let n = 0; n < fromHz; n += 100) {
        resampler.push(Float32Array.from({ length: 100 }, (_, i) =>
          Math.sin(2 * Math.PI * hz * (n + i) / fromHz)));
        for (let got; (got = resampler.take(block)); ) out.push(...block.subarray(0, got));
      }
      const steady = out.slice(out.length / 4, 3 * out.length / 4);
      const rms = Math.sqrt(steady.reduce((sum, x) => sum + x * x, 0) / steady.length);
      return { count: out.length, db: 20 * Math.log10(rms * Math.SQRT2 + 1e-9) };
    }"""
    async with page_server(idle) as url, chromium() as browser:
        await browser.open(url)
        for from_hz, to_hz in ((48000, 16000), (44100, 16000), (16000, 48000), (16000, 44100)):
            for hz in (100, 1000, 3400, 6500):
                found = await browser.evaluate(f"({run})({from_hz}, {to_hz}, {hz})")
                assert found["db"] == pytest.approx(0.0, abs=0.2)
                # A second in is a second out, less half of the filter.
                assert to_hz - 64 * max(1, to_hz // from_hz) < found["count"] <= to_hz
            if to_hz < from_hz:
                found = await browser.evaluate(f"({run})({from_hz}, {to_hz}, 9500)")
                assert found["db"] < -70
