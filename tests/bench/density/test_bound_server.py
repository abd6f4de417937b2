from bench.density.bound_server import Endpointer


def steps(endpointer: Endpointer, verdicts: str) -> list[int]:
    return [at for at, verdict in enumerate(verdicts) if endpointer.step(verdict == "#")]


def test_speech_ends_after_240_ms_of_silence_in_whole_frames() -> None:
    assert steps(Endpointer(20), "#" * 50 + "." * 40) == [50 + 11]
    assert steps(Endpointer(32), "#" * 50 + "." * 40) == [50 + 7]


def test_a_pause_within_speech_is_no_end() -> None:
    assert steps(Endpointer(20), "#" * 50 + "." * 11 + "#" * 50 + "." * 12) == [122]


def test_a_click_is_no_speech() -> None:
    assert steps(Endpointer(20), "#" * 9 + "." * 40) == []


def test_every_turn_ends_once() -> None:
    assert len(steps(Endpointer(20), ("#" * 150 + "." * 202) * 3)) == 3
