from pathlib import Path

from bench.turn_taking.callers import CONDITIONS
from bench.turn_taking.engines import ENGINES, Kit

KIT = Kit(("palabre",), "python3", "vosk-fr-demo")


def test_ours_runs_with_its_defaults() -> None:
    command = ENGINES["palabre"].command(KIT, 9000)
    assert command[:2] == ["palabre", "serve"]
    options = command[2::2]
    assert options == ["--port", "--scenario", "--model"]
    assert Path(command[command.index("--scenario") + 1]).exists()


def test_both_hear_with_the_same_recogniser_and_say_the_same() -> None:
    ours, theirs = (engine.command(KIT, 9000)[-6:] for engine in ENGINES.values())
    assert ours == theirs


def test_a_call_has_the_rate_of_its_line() -> None:
    urls = [ENGINES["pipecat"].url(9000, condition) for condition in CONDITIONS[:2]]
    assert ["rate=16000" in urls[0], "rate=8000" in urls[1]] == [True, True]
