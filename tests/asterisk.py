"""A real Asterisk for tests: `from tests.asterisk import asterisk`, and take it as a fixture.

One instance serves the whole session; every test must leave it without channels and bridges. It
dials the engine at `asterisk.ports.media` and so on (bench/asterisk.py), and sends calls of its
endpoint `trunk` to a far end at `asterisk.ports.far_end`: `bench.sip.agent.Agent` is one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.asterisk import Asterisk, AsteriskMissing, home, running

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

GRACE_S = 2.0
"""How long a channel may take to go once its call is over."""


@pytest.fixture(scope="session")
def asterisk_home() -> Path:
    """Where its programs are; skips the test where there are none, and none can be had."""
    cache = os.environ.get("ASTERISK_HOME")
    try:
        return home(Path(cache) if cache else None)
    except AsteriskMissing as error:
        pytest.skip(f"no Asterisk: {error}")


@pytest.fixture(scope="session")
def asterisk_instance(
    asterisk_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asterisk]:
    with running(tmp_path_factory.mktemp("asterisk"), cache=asterisk_home) as started:
        yield started


@pytest.fixture
def asterisk(asterisk_instance: Asterisk) -> Iterator[Asterisk]:
    """The session's Asterisk, as empty before as afterwards."""
    assert not asterisk_instance.left()
    yield asterisk_instance
    deadline = time.monotonic() + GRACE_S
    while (left := asterisk_instance.left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for name in left:
        kind, _, what = name.partition(" ")
        if kind == "channel":
            asterisk_instance.cli(f"channel request hangup {what}")
        else:
            asterisk_instance.ari(f"/bridges/{what}", "DELETE")
    if left:
        pytest.fail("outlive the test:\n  " + "\n  ".join(left), pytrace=False)
