import os
from pathlib import Path

import pytest

from bench.proc import (
    TICKS_PER_S,
    CoreTimes,
    core_times,
    parse_core_times,
    parse_cpu_ticks,
    parse_rss_kb,
    process_cpu_s,
    process_rss_mb,
    process_tree,
)

STAT = """cpu  9 9 9 9 9 9 9 9 0 0
cpu0 100 20 30 4000 50 6 7 80 0 0
cpu1 1 2 3 4 5 6 7 8 0 0
intr 1 2 3
"""


def test_core_times_tell_busy_idle_and_steal_apart() -> None:
    times = parse_core_times(STAT, 0)
    assert times.busy_s == pytest.approx(163 / TICKS_PER_S)
    assert times.idle_s == pytest.approx(4050 / TICKS_PER_S)
    assert times.steal_s == pytest.approx(80 / TICKS_PER_S)


def test_a_core_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no core 7"):
        parse_core_times(STAT, 7)


def test_core_times_since() -> None:
    assert CoreTimes(5.0, 7.0, 1.0).since(CoreTimes(2.0, 6.0, 1.0)) == CoreTimes(3.0, 1.0, 0.0)


def test_cpu_ticks_count_children_and_survive_any_command_name() -> None:
    fields = "S 1 1 1 0 -1 0 0 0 0 0 70 30 5 2 20 0 4 0 100"
    assert parse_cpu_ticks(f"42 (a) b (c)) {fields}") == 107


def test_rss() -> None:
    assert parse_rss_kb("Name:\tx\nVmRSS:\t   2048 kB\n") == 2048
    assert parse_rss_kb("Name:\tzombie\n") == 0


def _process(root: Path, pid: int, ticks: int, rss_kb: int, children: str = "") -> None:
    task = root / str(pid) / "task" / str(pid)
    task.mkdir(parents=True)
    (task / "children").write_text(children)
    (root / str(pid) / "stat").write_text(f"{pid} (x) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20")
    (root / str(pid) / "status").write_text(f"VmRSS:\t{rss_kb} kB\n")


def test_a_tree_of_processes_is_summed(tmp_path: Path) -> None:
    _process(tmp_path, 10, TICKS_PER_S, 1000, "11 12 ")
    _process(tmp_path, 11, TICKS_PER_S, 1000, "13 ")
    _process(tmp_path, 13, TICKS_PER_S, 1000)
    # 12 has ended since its parent was read.
    assert process_tree(10, tmp_path) == [10, 11, 12, 13]
    assert process_cpu_s(10, tmp_path) == 3.0
    assert process_rss_mb(10, tmp_path) == pytest.approx(3.072)


def test_this_process_can_be_read() -> None:
    assert process_rss_mb(os.getpid()) > 1.0
    assert process_cpu_s(os.getpid()) >= 0.0
    assert core_times(0).idle_s >= 0.0
