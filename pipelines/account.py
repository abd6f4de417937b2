"""Who speaks how much in a conversation between others, and how they take turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from pipelines.listening import Utterance

__all__ = ["account"]


def account(said: Sequence[tuple[str, Utterance]], since: float, now: float) -> dict[str, Any]:
    """Of a conversation that began at `since` and has come to `now`, as JSON values in seconds.

    `answers_s` is the median of the silence between one side's last sound and another's first;
    those who broke in are not in it, they are `interruptions`.
    """
    sides: defaultdict[str, dict[str, Any]] = defaultdict(
        lambda: {"talk_s": 0.0, "words": 0, "utterances": 0, "interruptions": 0}
    )
    edges: list[tuple[float, int]] = []
    gaps: list[float] = []
    last: tuple[str, float] | None = None
    for side, one in sorted(said, key=lambda entry: entry[1].began_at):
        mine = sides[side]
        mine["talk_s"] += one.ended_at - one.began_at
        mine["words"] += len(one.text.split())
        mine["utterances"] += 1
        if last is not None and side != last[0]:
            if one.began_at < last[1]:
                mine["interruptions"] += 1
            else:
                gaps.append(one.began_at - last[1])
        if last is None or one.ended_at > last[1]:
            last = side, one.ended_at
        edges += [(one.began_at, 1), (one.ended_at, -1)]
    silences, overlap_s = _silences(edges, since, now)
    for mine in sides.values():
        mine["talk_s"] = round(mine["talk_s"], 2)
    return {
        "lasts_s": round(now - since, 2),
        "sides": dict(sides),
        "overlap_s": round(overlap_s, 2),
        "silence_s": round(sum(silences), 2),
        "longest_silence_s": round(max(silences, default=0.0), 2),
        "answers_s": round(median(gaps), 2) if gaps else None,
    }


def _silences(
    edges: list[tuple[float, int]], since: float, now: float
) -> tuple[list[float], float]:
    """How long nobody spoke, each time, and for how long more than one did."""
    silences: list[float] = []
    overlap_s = 0.0
    speaking, at = 0, since
    for edge, step in [*sorted(edges), (now, 0)]:
        reached = min(max(edge, at), max(now, at))
        if speaking == 0 and reached > at:
            silences.append(reached - at)
        elif speaking > 1:
            overlap_s += reached - at
        speaking, at = speaking + step, reached
    return silences, overlap_s
