"""ARI as whoever checks it needs it: every refusal is a finding in plain words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from server.asterisk.check.findings import Finding, Level
from server.asterisk.configuration import Wanted

__all__ = ["Ari", "Ping", "Unreachable"]

TIMEOUT_S = 5.0


class Unreachable(Exception):
    """Nothing more can be found out; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.fact)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Ping:
    """ARI answered after `rtt_s`; its clock was `ahead_s` before ours, within half of that."""

    rtt_s: float
    ahead_s: float


class Ari:
    """A connection to ARI."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._client = httpx.AsyncClient(
            auth=(wanted.ari_user, wanted.ari_password), timeout=TIMEOUT_S, trust_env=False
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def ping(self) -> Ping:
        """Raises Unreachable where ARI is not to be had. Cancelling is safe."""
        await self._ping()  # a connection is made first: it is not part of the time
        return await self._ping()

    async def _ping(self) -> Ping:
        sent_at, began = time.time(), time.monotonic()
        answer = await self.request("GET", "/asterisk/ping")
        rtt_s = time.monotonic() - began
        if answer.status_code != 200:
            raise Unreachable(self._refused(answer))
        try:
            told = datetime.strptime(answer.json()["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
        except (ValueError, KeyError, TypeError):
            raise Unreachable(
                Finding(
                    Level.CHANGE,
                    f"{self._wanted.ari_url} answers, and is no ARI",
                    "PALABRE_ARI_URL is like http://10.0.0.7:8088/ari",
                )
            ) from None
        return Ping(rtt_s, told.astimezone(UTC).timestamp() - (sent_at + rtt_s / 2))

    async def get(self, path: str) -> Any:
        """The JSON at `path`; None for a refusal."""
        answer = await self.request("GET", path)
        return answer.json() if answer.status_code == 200 else None

    async def request(
        self, method: str, path: str, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Raises Unreachable where nobody answers. Cancelling is safe."""
        url = self._wanted.ari_url.rstrip("/") + path
        try:
            return await self._client.request(method, url, params=params)
        except httpx.TimeoutException:
            fact = f"{self._wanted.ari_url} did not answer within {TIMEOUT_S:.0f} s"
            do = "let the firewall between the engine and Asterisk pass Asterisk's HTTP port"
        except httpx.HTTPError as error:
            fact = f"nothing answers at {self._wanted.ari_url}: {error}"
            do = (
                "in http.conf set enabled = yes, and bindaddr and bindport so that the engine "
                "reaches them; then `asterisk -rx 'module reload http'`"
            )
        raise Unreachable(Finding(Level.CHANGE, fact, do))

    def _refused(self, answer: httpx.Response) -> Finding:
        wanted = self._wanted
        match answer.status_code:
            case 401:
                return Finding(
                    Level.CHANGE,
                    f"Asterisk does not know the user {wanted.ari_user} with this password",
                    f"in ari.conf have [{wanted.ari_user}] with type = user and the password that "
                    "PALABRE_ARI_PASSWORD has; then `asterisk -rx 'module reload res_ari.so'`",
                )
            case 404:
                return Finding(
                    Level.CHANGE,
                    f"Asterisk's HTTP server answers at {wanted.ari_url}, but ARI is not there",
                    "in ari.conf set enabled = yes, load res_ari_asterisk.so, and see that the "
                    "path of PALABRE_ARI_URL is /ari after http.conf's prefix",
                )
            case status:
                return Finding(
                    Level.CHANGE,
                    f"{wanted.ari_url} answers with {status}",
                    "see Asterisk's log, and what stands between it and the engine",
                )
