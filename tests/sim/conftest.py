"""What the rig's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.sim.call import Shared, prepare


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What all calls use."""
    return prepare(Path(tmp_path_factory.mktemp("sim")))
