"""A real Asterisk of our own: private, on loopback, up in a third of a second, ended by its id.

Its programs and its configuration are those of ``../shared/asterisk``; what a run needs otherwise
is changed in the copy that it runs with. Linux of Debian's kind.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.errors import BenchError

__all__ = ["HOST", "Asterisk", "AsteriskMissing", "Ports", "home", "running"]

HOST = "127.0.0.1"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "asterisk"
USER, PASSWORD, APPLICATION = "palabre", "palabre-test", "palabre"
"""Of its ARI: conf/ari.conf.in."""
MEDIA_USER, MEDIA_PASSWORD = "engine", "s3cret"
"""What it dials our media WebSocket with: conf/websocket_client.conf.in."""
START_S = 60.0
"""On a machine that is all taken; alone it takes 0.3 s."""
STOP_S = 5.0
SETUP_S = 300.0
FAR_END = f"{HOST}:5091"
"""Where conf/pjsip.conf.in sends calls of the endpoint `trunk`."""
PORTS = range(10_000, 19_000)
"""Below Linux's ephemeral ports, of which any socket may take one meanwhile."""
RTP_PORTS = range(20_000, 32_000)
"""Several instances may share them: Asterisk passes over ports that are taken."""


class AsteriskMissing(BenchError):
    """There is no Asterisk to run here."""

    code = "bench.asterisk_missing"


@dataclass(frozen=True, slots=True)
class Ports:
    """Asterisk's own (`sip` UDP, `http`), and where it expects others: the engine's media WebSocket
    and AudioSocket, its ARI WebSocket, the far end of the endpoint `trunk` (UDP)."""

    sip: int
    http: int
    media: int
    audiosocket: int
    ari: int
    far_end: int

    @classmethod
    def free(cls) -> Ports:
        """Six that are free now."""
        found: list[int] = []
        for port in random.SystemRandom().sample(PORTS, len(PORTS)):
            if _free(port):
                found.append(port)
            if len(found) == 6:
                return cls(*found)
        raise BenchError(f"no six ports of {PORTS.start} to {PORTS.stop} are free")


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def home(cache: Path | None = None, shared: Path = SHARED) -> Path:
    """Where Asterisk's programs are; made on first use, in 15 s.

    Raises AsteriskMissing where that cannot be, with the reason.
    """
    cache = cache or Path.home() / ".cache" / "palabre" / "asterisk"
    if not (shared / "setup.sh").exists():
        raise AsteriskMissing(f"there is no {shared}")
    if list(cache.glob(".ok-*")):
        return cache
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise AsteriskMissing(f"{program} is needed to unpack Asterisk, and is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the next one finds it made
        try:
            made = subprocess.run(
                [shared / "setup.sh", cache], capture_output=True, text=True, timeout=SETUP_S,
                stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise AsteriskMissing(f"setup.sh did not end within {SETUP_S:.0f} s") from None
    if made.returncode:
        last = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
        raise AsteriskMissing(f"setup.sh failed: {' '.join(last)}")
    return cache


Change = Callable[[str], str]


@contextlib.contextmanager
def running(
    folder: Path,
    *,
    ports: Ports | None = None,
    files: Mapping[str, str] | None = None,
    changes: Mapping[str, Change] | None = None,
    rtp: range = RTP_PORTS,
    cores: Sequence[int] = (),
    cache: Path | None = None,
) -> Iterator[Asterisk]:
    """Asterisk in `folder`, which is made; ended however the block ends.

    `files` are configuration files written as they are, instead of the shared ones of that name or
    beside them; `changes` make others out of the shared ones' text. `cores` pin it.
    Raises AsteriskMissing, or BenchError where it does not start.
    """
    programs = home(cache)
    ports = ports or Ports.free()
    folder = folder.resolve()
    _configure(folder, programs, ports, files or {}, changes or {}, rtp)
    command = [str(programs / "bin" / "asterisk"), "-f", "-C", str(folder / "etc/asterisk.conf")]
    if cores:
        command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    # Should this process be killed, the kernel ends Asterisk.
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", "KILL", *command]
    with (folder / "out.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    asterisk = Asterisk(folder, ports, process, programs)
    try:
        asterisk.started()
        yield asterisk
    finally:
        asterisk.stop()


def _configure(
    folder: Path,
    programs: Path,
    ports: Ports,
    files: Mapping[str, str],
    changes: Mapping[str, Change],
    rtp: range,
) -> None:
    """What fixture.sh does with the shared configuration, and what is wanted otherwise."""
    for name in ("etc", "varlib", "spool", "run", "log", "cache", "agi"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    values = {
        "RUN": folder, "AST": programs, "SIP": ports.sip, "HTTP": ports.http, "WS": ports.media,
        "AS": ports.audiosocket, "ARIWS": ports.ari, "RTP0": rtp.start, "RTP1": rtp.stop,
        "CTRL": "json", "TSIL": "no",
    }  # fmt: skip
    for template in sorted((SHARED / "conf").glob("*.in")):
        name = template.name.removesuffix(".in")
        text = template.read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        text = text.replace(FAR_END, f"{HOST}:{ports.far_end}")
        if name in changes:
            text = changes[name](text)
        (folder / "etc" / name).write_text(text, encoding="utf-8")
    for name, text in files.items():
        (folder / "etc" / name).write_text(text, encoding="utf-8")


class Asterisk:
    """A running instance. Its methods wait for Asterisk: they are not for an event loop."""

    def __init__(
        self, folder: Path, ports: Ports, process: subprocess.Popen[bytes], programs: Path
    ) -> None:
        self.folder = folder
        self.ports = ports
        self.pid = process.pid
        self.ari_url = f"http://{HOST}:{ports.http}/ari"
        self.ari_user, self.ari_password, self.ari_app = USER, PASSWORD, APPLICATION
        self._process = process
        self._programs = programs

    def uri(self, extension: str) -> str:
        """The SIP URI of `extension` for a caller."""
        return f"sip:{extension}@{HOST}:{self.ports.sip}"

    def cli(self, command: str) -> str:
        """What Asterisk's console answers; 30 ms."""
        config = self.folder / "etc" / "asterisk.conf"
        answered = subprocess.run(
            [self._programs / "bin" / "asterisk", "-C", config, "-rx", command],
            capture_output=True, text=True, timeout=START_S, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return answered.stdout

    def ari(self, path: str, method: str = "GET") -> Any:
        """The JSON that ARI answers to a request for `path`, such as ``/channels``; None for an
        empty answer. Raises BenchError for a refusal."""
        connection = HTTPConnection(HOST, self.ports.http, timeout=START_S)
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        try:
            connection.request(method, f"/ari{path}", headers={"Authorization": f"Basic {basic}"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise BenchError(f"ARI answered {response.status} to {method} {path}: {body[:200]!r}")
        return json.loads(body) if body else None

    def left(self) -> list[str]:
        """Channels and bridges that there are."""
        return [
            *(f"channel {channel['name']}" for channel in self.ari("/channels")),
            *(f"bridge {bridge['id']}" for bridge in self.ari("/bridges")),
        ]

    def log(self, lines: int = 20) -> str:
        """The end of what it has logged."""
        text = (self.folder / "log" / "full").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def started(self) -> None:
        """Wait until it is fully booted; raises BenchError where it is not."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                said = (self.folder / "out.log").read_text(errors="replace")
                raise BenchError(f"Asterisk ended instead of starting:\n{said[-2000:]}")
            if "fully booted" in self.cli("core waitfullybooted"):
                return
            time.sleep(0.05)
        raise BenchError(f"Asterisk did not start within {START_S:.0f} s; see {self.folder}/log")

    def stop(self) -> None:
        """End it by its process id: asked first, then made to."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP_S)
