"""A headless Chromium for tests, driven over the DevTools protocol, fed with a WAV as microphone.

async with chromium(microphone=pcm) as browser:
    await browser.open("http://127.0.0.1:8080/")
    await browser.click("#call")
    await browser.until("document.body.dataset.state === 'listening'")

A WAV says its words at a time that was fixed before the page was open, through the browser's own
microphone and echo canceller. Who answers what happens on the page speaks by `mouth` and `say`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import tempfile
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Browser", "chromium", "needs_chromium"]

_FOUND = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

needs_chromium = pytest.mark.skipif(
    _FOUND is None, reason="no Chromium here; `apt-get install chromium` runs this test"
)

START_S = 30.0
FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-extensions",
    "--hide-scrollbars",
)

MOUTH = """
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext();
    window.mouth = context.createMediaStreamDestination();
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(mouth);
    silence.start();
    await context.resume();
    return mouth.stream;
  };
"""
"""A microphone that nothing is before but what the test says. The browser does not process it: with
a loudspeaker that no microphone hears, Chromium's echo canceller takes whoever speaks over the
first seconds of a far end's voice for that voice, and mutes him."""

SAY = """
  const samples = Float32Array.from(new Int16Array(Uint8Array.from(
    atob("{}"), (one) => one.charCodeAt(0)).buffer), (one) => one / 32768);
  const buffer = new AudioBuffer({{ length: samples.length, sampleRate: 16000 }});
  buffer.copyToChannel(samples, 0);
  const said = new AudioBufferSourceNode(mouth.context, {{ buffer }});
  said.connect(mouth);
  said.start();
"""


class Browser:
    """One page of a running browser. `faults` are the errors that the page's code made."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._session: str | None = None
        self.faults: list[str] = []

    async def attach(self) -> None:
        """Take the page that the browser opened with."""
        targets = await self.command("Target.getTargets")
        page = next(info for info in targets["targetInfos"] if info["type"] == "page")
        attached = await self.command(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.command(f"{domain}.enable")

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Give a command and wait for its result; what happens meanwhile is noted."""
        number = next(self._ids)
        request = {"id": number, "method": method, "params": params}
        if self._session is not None:
            request["sessionId"] = self._session
        await self._socket.send(json.dumps(request))
        while True:
            answer = json.loads(await self._socket.recv())
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]  # type: ignore[no-any-return]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.faults.append(details.get("exception", details).get("description", "exception"))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["source"] == "security":
            self.faults.append(params["entry"]["text"])

    async def open(self, url: str, *, width: int = 1200, height: int = 900) -> None:
        await self.resize(width, height)
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def resize(self, width: int, height: int) -> None:
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        result = await self.command(
            "Runtime.evaluate",
            expression=expression, awaitPromise=True, returnByValue=True, userGesture=True,
        )  # fmt: skip
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    async def until(self, condition: str, within_s: float = 10.0) -> None:
        """Wait until a JavaScript expression is true."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    if await self.evaluate(condition):
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            text = await self.evaluate("document.body.innerText")
            raise AssertionError(f"never true: {condition}\nthe page:\n{text}") from None

    async def click(self, selector: str) -> None:
        await self.evaluate(f"document.querySelector({selector!r}).click()")

    async def mouth(self) -> None:
        """Before a page is opened: its microphone hears what is said by `say`, and nothing else."""
        await self.command("Page.addScriptToEvaluateOnNewDocument", source=MOUTH)

    async def say(self, pcm: bytes) -> None:
        """Begin to say `pcm`, s16le mono at 16 kHz, now; see `mouth`."""
        await self.evaluate(f"{{ {SAY.format(base64.b64encode(pcm).decode())} }}")

    async def texts(self, selector: str) -> list[str]:
        """What stands in each element that is found."""
        found = await self.evaluate(
            f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent)"
        )
        return list(found)

    async def screenshot(self) -> bytes:
        """What is seen, as PNG."""
        shot = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def chromium(
    microphone: bytes | None = None, *, allow: bool = True
) -> AsyncIterator[Browser]:
    """A browser with a fresh profile. `microphone` is what its user says, once, s16le mono at
    16 kHz; `allow` is whether he lets pages hear it."""
    assert _FOUND is not None
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        flags = [*FLAGS, f"--user-data-dir={folder}/profile"]
        if allow:
            flags.append("--use-fake-ui-for-media-stream")
        if microphone is not None:
            _write(Path(folder, "microphone.wav"), microphone)
            flags.append(f"--use-file-for-fake-audio-capture={folder}/microphone.wav%noloop")
        process = await asyncio.create_subprocess_exec(
            _FOUND, *flags, "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            url = await _devtools(Path(folder, "profile", "DevToolsActivePort"), process)
            async with connect(url, max_size=None, compression=None, proxy=None) as socket:
                browser = Browser(socket)
                await browser.attach()
                yield browser
        finally:
            # The browser leads its own process group: its children end with it.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            await _gone(process.pid)


def _write(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(pcm)


async def _devtools(path: Path, process: asyncio.subprocess.Process) -> str:
    """The address of the DevTools, once the browser has written it to `path`."""
    async with asyncio.timeout(START_S):
        while process.returncode is None:
            if (address := _address(path)) is not None:
                return address
            await asyncio.sleep(0.05)
    raise RuntimeError(f"Chromium ended with {process.returncode} before it was ready")


def _address(path: Path) -> str | None:
    lines = path.read_text().split() if path.exists() else []
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}" if len(lines) == 2 else None


async def _gone(group: int) -> None:
    """Wait until no process of the group runs. Ended ones may stay listed for a second: they are
    init's by now, which is in no hurry."""
    async with asyncio.timeout(5):
        while _runs(group):  # noqa: ASYNC110 nobody tells us
            await asyncio.sleep(0.02)


def _runs(group: int) -> bool:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # proc(5): the state comes after the name in brackets, then parent and group.
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == group and state not in "ZX":
            return True
    return False
