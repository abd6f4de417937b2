import ast
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from engine import frames
from engine.frames import (
    DTMF_DIGITS,
    RATES_HZ,
    Audio,
    Cleared,
    Connect,
    Delta,
    Dtmf,
    Expected,
    Failed,
    Frame,
    Hangup,
    Heard,
    Interrupted,
    Ledger,
    Mark,
    Notice,
    Played,
    Recording,
    Say,
    SpeechEnded,
    SpeechStarted,
    StateChanged,
    Think,
    Transcript,
    Transfer,
)

ROOT = Path(__file__).parent.parent.parent

ONE_OF_EACH: list[Frame] = [
    Audio(b"\0\0" * 320, 16000, 1.0),
    Dtmf("#", 1.0),
    Expected(("oui", "non")),
    SpeechStarted(1.0, 1.0),
    SpeechEnded(1.0, 1.25),
    Transcript("oui", True, 1.0, 0.5),
    Heard("oui", 1.0, 1.0, 1.0, 1.0),
    Delta("ou"),
    Say("Oui ?", question=True),
    Think((("user", "oui"),), "Je ne sais pas."),
    Mark("3.0"),
    Played("3.0", 1.0),
    Cleared(3, 0.0, 1.0),
    Interrupted(3, 1.0),
    Hangup("completed"),
    Transfer("1002"),
    Connect(),
    Recording(on=True),
    Failed("stt", LookupError(), 1.0),
    StateChanged("listening"),
    Ledger({"turn": 3}),
    Notice("audio.odd_bytes", "send whole samples"),
]


def test_the_union_is_every_frame_and_every_frame_is_exported() -> None:
    union = set(get_args(Frame))
    assert {type(frame) for frame in ONE_OF_EACH} == union
    assert {cls for cls in vars(frames).values() if dataclasses.is_dataclass(cls)} == union
    assert {cls.__name__ for cls in union} == {n for n in frames.__all__ if n[1].islower()} - {
        "Frame"
    }
    assert "Frame" in frames.__all__


@pytest.mark.parametrize("frame", ONE_OF_EACH, ids=lambda frame: type(frame).__name__)
def test_a_frame_is_frozen_slotted_and_equal_by_value(frame: Frame) -> None:
    for field in dataclasses.fields(frame):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(frame, field.name, None)
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(frame, "metadata", {})
    assert not hasattr(frame, "__dict__")
    assert dataclasses.replace(frame) == frame


def test_no_frame_is_subclassed_anywhere() -> None:
    names = {cls.__name__ for cls in get_args(Frame)}
    subclasses = []
    for package in ("engine", "pipelines", "telephony", "storage", "scenarios", "server", "bench"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if "engine.frames" not in source and path.name != "frames.py":
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ClassDef):
                    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                    subclasses += [f"{path}: {node.name}"] if bases & names else []
    assert not subclasses


IMPOSSIBLE: dict[str, tuple[Callable[..., Frame], tuple[Any, ...], str]] = {
    "no sound": (Audio, (b"", 16000, 0.0), "0 bytes"),
    "half a sample": (Audio, (b"\0\0\0", 16000, 0.0), "3 bytes"),
    "no rate": (Audio, (b"\0\0", 0, 0.0), "0 Hz"),
    "a rate nobody has": (Audio, (b"\0\0", 11025, 0.0), "11025 Hz"),
    "no digit": (Dtmf, ("", 0.0), "no DTMF digit"),
    "two digits": (Dtmf, ("12", 0.0), "'12'"),
    "a small letter": (Dtmf, ("a", 0.0), "'a'"),
    "noticed before it began": (SpeechStarted, (2.0, 1.0), "before it did"),
    "over before it ended": (SpeechEnded, (2.0, 1.0), "before it did"),
    "endpoint before speech end": (Heard, ("", 2.0, 1.0, 3.0), "out of order"),
    "transcript before endpoint": (Heard, ("", 1.0, 3.0, 2.0), "out of order"),
    "no time at all": (Heard, ("", math.nan, 1.0, 2.0), "out of order"),
    "too sure": (Heard, ("", 1.0, 1.0, 1.0, 1.1), "confidence 1.1"),
    "less than not sure": (Transcript, ("", True, 1.0, -0.1), "confidence -0.1"),
    "sure of nothing": (Transcript, ("", True, 1.0, math.nan), "confidence nan"),
    "an empty line": (Say, ("",), "empty line"),
    "a line of blanks": (Say, (" \n",), "empty line"),
    "a mark without a name": (Mark, ("",), "1 to 64"),
    "a mark too long for the wire": (Mark, ("m" * 65,), "not 65"),
    "less than nothing played": (Cleared, (1, -1.0, 0.0), "negative"),
    "no number played": (Cleared, (1, math.nan, 0.0), "negative"),
    "a hang-up without a reason": (Hangup, ("",), "reason"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_frame_that_makes_no_sense_cannot_be_made(case: str) -> None:
    make, arguments, problem = IMPOSSIBLE[case]
    with pytest.raises(ValueError, match=problem):
        make(*arguments)


@pytest.mark.parametrize("rate_hz", sorted(RATES_HZ))
def test_sound_knows_its_length(rate_hz: int) -> None:
    audio = Audio(b"\0\0" * rate_hz, rate_hz, 0.0)
    assert audio.samples == rate_hz
    assert audio.duration_s == 1.0


def test_all_sixteen_keys_are_keys() -> None:
    assert len({Dtmf(digit, 0.0) for digit in DTMF_DIGITS}) == 16


def test_the_longest_mark_fits() -> None:
    assert Mark("m" * 64).name == "m" * 64


@pytest.mark.parametrize("wrong", [{"to": ""}, {"to": "1002", "mode": "polite"}])
def test_a_transfer_goes_to_somebody_and_in_a_known_way(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"transfer"):
        Transfer(**wrong)  # type: ignore[arg-type]
