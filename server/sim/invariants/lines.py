"""The lines of a turn, as they are played."""

from __future__ import annotations

from server.sim.sounds import whole_sound

__all__ = ["lasts_ms", "put_line"]


def put_line(lines: list[str], text: str) -> None:
    """A filler (the scenario's end with an ellipsis, and nothing else does) is announced after the
    line whose sound it goes before."""
    if text.endswith("…"):
        lines.insert(sum(line.endswith("…") for line in lines), text)
    else:
        lines.append(text)


def lasts_ms(line: str) -> float:
    return len(whole_sound(line)) / 32
