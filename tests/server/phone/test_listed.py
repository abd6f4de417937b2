import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from server.phone.listed import ServerSilentError, fetch, show
from tests.server.served import calling, serving

CALL = {
    "session": "0123456789abcdef",
    "origin": "asterisk",
    "scenario": "leads",
    "language": "fr",
    "state": "listening",
    "turns": 3,
    "lasts_s": 75.3,
}


@contextmanager
def _answering(body: bytes, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 its own name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _shown(calls: list[dict[str, object]]) -> str:
    out = io.StringIO()
    show(calls, Console(file=out, width=120, highlight=False))
    return out.getvalue()


def test_calls_are_listed() -> None:
    with _answering(json.dumps({"calls": [CALL]}).encode()) as url:
        told = _shown(fetch(url))
    cells = told.splitlines()[2].replace("│", " ").split()
    assert cells == ["0123456789abcdef", "asterisk", "leads", "fr", "listening", "3", "1:15"]


def test_no_calls() -> None:
    assert _shown([]) == "no calls\n"


@pytest.mark.parametrize(("body", "status"), [(b"{}", 200), (b"hello", 200), (b"{}", 500)])
def test_what_is_no_server_of_ours(body: bytes, status: int) -> None:
    with _answering(body, status) as url, pytest.raises(ServerSilentError, match=url):
        fetch(url)


def test_no_server() -> None:
    with pytest.raises(ServerSilentError, match="start `palabre serve`"):
        fetch("http://127.0.0.1:1")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_a_real_servers_calls(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
        async with calling(served) as client:
            await client.expect("start")
            [call] = fetch(f"http://127.0.0.1:{served.port}")
    assert set(call) >= set(CALL)
