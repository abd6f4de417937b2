"""What the rig's tests share."""

from __future__ import annotations

from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from server.sim.call import Shared, prepare


@pytest.fixture(scope="session", autouse=True)
def tracker() -> None:
    """Python's own process beside those that it spawns: once there, it stays until the end."""
    resource_tracker.ensure_running()


@pytest.fixture(scope="session")
def shared(tracker: None, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What all calls use."""
    return prepare(Path(tmp_path_factory.mktemp("sim")))
