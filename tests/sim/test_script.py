from __future__ import annotations

from collections import Counter

from server.sim.network import NEVER
from server.sim.script import draw
from server.sim.sounds import CONDITIONS

SCRIPTS = [draw(seed, faults=True) for seed in range(400)]


def test_a_seed_is_a_script() -> None:
    assert draw(5) == draw(5)
    assert draw(5) != draw(6)
    assert draw(5).over == draw(5, faults=True).over  # faults change nothing else


def test_there_is_some_of_everything() -> None:
    kinds = Counter(over.kind for script in SCRIPTS for over in script.over if over)
    assert set(kinds) == {"backchannel", "interruption", "correction", "cough", "aside"}
    assert {script.condition for script in SCRIPTS} == set(CONDITIONS)
    replies = [reply for script in SCRIPTS for reply in script.replies]
    assert {reply.what for reply in replies} == {"answer", "key", "nothing"}
    assert any(len(reply.parts["digits"]) == 3 for reply in replies)
    faults = Counter((fault.of, fault.kind) for script in SCRIPTS for fault in script.faults)
    for of in ("stt", "tts", "mind"):
        assert all(faults[of, kind] for kind in ("slow", "hang", "refuse", "die")), of
    assert all(faults[of] for of in [("loop", "stall"), ("reader", "stall"), ("store", "hang")])
    assert any(script.network.vanishes_s != NEVER for script in SCRIPTS)
    assert any(script.echo for script in SCRIPTS)
    assert any(script.network.stalls for script in SCRIPTS)
    assert {script.leaves for script in SCRIPTS} == {"hangup", "close"}
    assert "" in {script.features for script in SCRIPTS}


def test_without_faults_there_are_none() -> None:
    assert not any(draw(seed).faults for seed in range(50))
