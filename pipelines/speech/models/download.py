"""One file over HTTP, resumed where it broke off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import SpeechError

if TYPE_CHECKING:
    import httpx

__all__ = ["Download", "download"]

TRIES = 5
"""Failures in a row without a new byte."""
PAUSE_S = 0.5
"""Before the second try; doubles with each."""
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Download:
    """`url` to `target`, which holds what is here of it; no more than `limit_bytes`."""

    url: str
    target: Path
    limit_bytes: int

    @property
    def validator(self) -> Path:
        """Names the version of what is here, without which it cannot be gone on with."""
        return self.target.with_name(self.target.name + ".version")

    @property
    def whole(self) -> Path:
        """Exists once the file is whole."""
        return self.target.with_name(self.target.name + ".whole")

    def forget(self) -> None:
        """Begin anew the next time."""
        for path in (self.whole, self.validator, self.target):
            path.unlink(missing_ok=True)


def download(file: Download, on_progress: Callable[[int, int | None], None]) -> None:
    """Fetch `file` until it is whole. Blocks; raises SpeechError, and OSError of the disk."""
    import httpx

    failures = 0
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
        while not file.whole.exists() or not file.target.exists():
            before = _size(file.target)
            try:
                _once(client, file, on_progress)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise SpeechError(f"{file.url} is no address; check PALABRE_MODELS_URL") from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                failures = 1 if _size(file.target) > before else failures + 1
                if failures >= TRIES:
                    raise SpeechError(
                        f"{file.url} cannot be fetched ({type(error).__name__}); "
                        "run the same command again to go on where it stopped"
                    ) from error
                time.sleep(PAUSE_S * 2 ** (failures - 1))


def _once(
    client: httpx.Client, file: Download, on_progress: Callable[[int, int | None], None]
) -> None:
    """Ask for what is missing, and take it."""
    headers = {"Accept-Encoding": "identity"}  # ranges count the bytes as they are
    here = _size(file.target)
    version = file.validator.read_text() if file.validator.exists() else ""
    if here and version:
        headers |= {"Range": f"bytes={here}-", "If-Range": version}
    with client.stream("GET", file.url, headers=headers) as response:
        status = response.status_code
        resumed = status == 206 and _starts_at(response, here)
        if "Range" in headers and status in (206, 416) and not resumed:
            file.forget()  # what is here is no beginning of what is there
            return
        if status != 200 and not resumed:
            raise SpeechError(f"{file.url} answers {status}; check the address or try later")
        done = here if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        _refuse_larger(file, max(done, total or 0))
        file.validator.write_text(_version(response))
        with file.target.open("ab" if resumed else "wb") as out:
            for chunk in response.iter_raw():  # as it comes: a larger piece would be lost whole
                done += len(chunk)
                _refuse_larger(file, done)
                out.write(chunk)
                on_progress(done, total)
    file.whole.touch()


def _version(response: httpx.Response) -> str:
    """What If-Range takes: a strong ETag, or a date (RFC 9110, section 13.1.5)."""
    etag = str(response.headers.get("ETag", ""))
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _starts_at(response: httpx.Response, here: int) -> bool:
    return bool(response.headers.get("Content-Range", "").startswith(f"bytes {here}-"))


def _refuse_larger(file: Download, size: int) -> None:
    if size > file.limit_bytes:
        file.forget()
        raise SpeechError(
            f"{file.url} is larger than {file.limit_bytes // 1_000_000} MB; check the address"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
