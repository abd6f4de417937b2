"""The machine a bench ran on, and how quiet it was."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.errors import BenchError
from bench.proc import CoreTimes

__all__ = ["Noise", "choose_cores", "describe", "pin"]


@dataclass(frozen=True, slots=True)
class Noise:
    """What others did to a measurement; all in percent of one core.

    ``before`` is the load of the server's core before the server was started. ``others`` are
    what ran on each core besides the process measured there, kernel interrupts included;
    ``steal`` is what the hypervisor withheld.
    """

    server_core_before: float
    server_core_others: float
    server_core_steal: float
    client_core_others: float
    client_core_steal: float

    #: Percent of a core. Above it, a pinned server waits for others often enough to show
    #: in a p99.
    LIMIT = 5.0

    @property
    def polluted(self) -> bool:
        """Whether the row should be measured again."""
        return self.worst > self.LIMIT

    @property
    def worst(self) -> float:
        """The largest of the shares that were taken while the row was measured."""
        return max(
            self.server_core_others,
            self.server_core_steal,
            self.client_core_others,
            self.client_core_steal,
        )

    def as_json(self) -> dict[str, float | bool]:
        """Rounded to 2 decimals."""
        shares: dict[str, float | bool] = {
            name: round(value, 2) for name, value in asdict(self).items()
        }
        shares["polluted"] = self.polluted
        return shares

    @classmethod
    def measured(
        cls,
        *,
        before_percent: float,
        server_core: CoreTimes,
        server_cpu_s: float,
        client_core: CoreTimes,
        client_cpu_s: float,
        window_s: float,
    ) -> Noise:
        """From what both cores and both processes did over ``window_s``."""
        percent = 100.0 / window_s
        return cls(
            server_core_before=before_percent,
            server_core_others=max(0.0, server_core.busy_s - server_cpu_s) * percent,
            server_core_steal=server_core.steal_s * percent,
            client_core_others=max(0.0, client_core.busy_s - client_cpu_s) * percent,
            client_core_steal=client_core.steal_s * percent,
        )


def choose_cores(server: int | None, client: int | None) -> tuple[int, int]:
    """Two different cores out of those this process may run on: the server's, the client's."""
    allowed = sorted(os.sched_getaffinity(0))
    free = [core for core in allowed if core not in (server, client)]
    chosen_server = server if server is not None else (free.pop(0) if free else None)
    chosen_client = client if client is not None else (free.pop(0) if free else None)
    if (
        chosen_server is None
        or chosen_client is None
        or chosen_server == chosen_client
        or chosen_server not in allowed
        or chosen_client not in allowed
    ):
        raise BenchError(
            f"server and client need a core each, and this process may run on {allowed}; "
            "choose with --server-core and --client-core"
        )
    return chosen_server, chosen_client


def pin(core: int) -> None:
    """Keep this process, and those it starts from now on, on ``core``."""
    os.sched_setaffinity(0, {core})


def describe(packages: tuple[str, ...]) -> dict[str, object]:
    """The machine, the load it already had, and the versions of ``packages``."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["python", "-m", "bench", *sys.argv[1:]],
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "versions": {package: _version(package) for package in packages},
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
