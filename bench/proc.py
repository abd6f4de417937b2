"""CPU time and memory of processes and cores, from ``/proc`` (proc(5)); Linux only.

Parsers take text, so that they can be tested with it; readers take the root to read under.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CoreTimes",
    "core_times",
    "parse_core_times",
    "parse_cpu_ticks",
    "parse_rss_kb",
    "process_cpu_s",
    "process_rss_mb",
    "process_tree",
]

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CoreTimes:
    """What one core has done since boot, in seconds."""

    busy_s: float
    idle_s: float
    steal_s: float

    def since(self, before: CoreTimes) -> CoreTimes:
        """What it did between ``before`` and now."""
        return CoreTimes(
            self.busy_s - before.busy_s,
            self.idle_s - before.idle_s,
            self.steal_s - before.steal_s,
        )


def parse_core_times(stat: str, core: int) -> CoreTimes:
    """One core's line of ``/proc/stat``; ``busy`` excludes idle, iowait and steal."""
    for line in stat.splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, idle, iowait, irq, softirq, steal = (
                int(field) / TICKS_PER_S for field in fields[:8]
            )
            return CoreTimes(user + nice + system + irq + softirq, idle + iowait, steal)
    raise ValueError(f"/proc/stat has no core {core}")


def parse_cpu_ticks(stat: str) -> int:
    """User and system ticks of ``/proc/<pid>/stat``: all threads, and children waited for."""
    # The command's name may hold spaces and brackets: fields are counted after the last ")".
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(int(field) for field in fields[11:15])


def parse_rss_kb(status: str) -> int:
    """Resident memory in kB, out of ``/proc/<pid>/status``; 0 for one that has exited."""
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def core_times(core: int, root: Path = PROC) -> CoreTimes:
    """What ``core`` has done since boot."""
    return parse_core_times((root / "stat").read_text(), core)


def process_tree(pid: int, root: Path = PROC) -> list[int]:
    """``pid`` and its living descendants; those that end meanwhile are left out."""
    tree = [pid]
    for parent in tree:
        for children in (root / str(parent) / "task").glob("*/children"):
            try:
                tree.extend(int(child) for child in children.read_text().split())
            except OSError:
                continue
    return tree


def process_cpu_s(pid: int, root: Path = PROC) -> float:
    """CPU seconds of a process with its threads and children, since it started."""
    ticks = 0
    for member in process_tree(pid, root):
        try:
            ticks += parse_cpu_ticks((root / str(member) / "stat").read_text())
        except OSError:
            continue
    return ticks / TICKS_PER_S


def process_rss_mb(pid: int, root: Path = PROC) -> float:
    """Resident memory of a process and its children, in MB of 10^6 bytes."""
    total_kb = 0
    for member in process_tree(pid, root):
        try:
            total_kb += parse_rss_kb((root / str(member) / "status").read_text())
        except OSError:
            continue
    return total_kb * 1024 / 1e6
