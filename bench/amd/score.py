"""Precision, recall, confusion and time to decide, of a set of judged scenes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.amd.judge import Judged
from bench.amd.scenes import KINDS
from bench.stats import Summary
from telephony.amd import Kind

__all__ = ["Row", "Score", "score"]


@dataclass(frozen=True, slots=True)
class Row:
    """One kind: of `scenes` of it, `right` were told in the end; `told` is how many scenes of any
    kind were told to be it. Times, in seconds from the answer, are of those that were right: to
    the verdict that stood."""

    kind: Kind
    scenes: int
    right: int
    told: int
    took_s: Summary

    @property
    def recall(self) -> float | None:
        return self.right / self.scenes if self.scenes else None

    @property
    def precision(self) -> float | None:
        return self.right / self.told if self.told else None


@dataclass(frozen=True, slots=True)
class Score:
    """How well a set of scenes was told. `confusion` counts (what it was, what it was told to be);
    `hung_up` are people who were at any moment taken for what is hung up on; `revised` scenes of
    which the first verdict did not stand."""

    rows: tuple[Row, ...]
    confusion: Counter[tuple[Kind, Kind]]
    people: int
    hung_up: int
    revised: int
    beeps: int
    beeps_told: int
    beeps_false: int
    beep_late_s: Summary
    cpu_percent: float

    def as_json(self) -> dict[str, Any]:
        return {
            "kinds": [
                {
                    "kind": str(row.kind),
                    "scenes": row.scenes,
                    "right": row.right,
                    "told": row.told,
                    "took_s": row.took_s.as_json(),
                }
                for row in self.rows
            ],
            "confusion": {f"{was} told {told}": n for (was, told), n in self.confusion.items()},
            "people": self.people,
            "people_hung_up": self.hung_up,
            "revised": self.revised,
            "beeps": self.beeps,
            "beeps_told": self.beeps_told,
            "beeps_false": self.beeps_false,
            "beep_late_s": self.beep_late_s.as_json(),
            "cpu_percent_of_a_core": round(self.cpu_percent, 3),
        }


def score(found: Sequence[Judged]) -> Score:
    """Of `found`, in any order."""
    confusion = Counter((one.scene.kind, one.kind) for one in found)
    rows = []
    for kind in KINDS:
        of_kind = [one for one in found if one.scene.kind is kind]
        right = [one for one in of_kind if one.kind is kind]
        rows.append(
            Row(
                kind,
                len(of_kind),
                len(right),
                sum(one.kind is kind for one in found),
                Summary.of([one.took_s for one in right if one.took_s is not None]),
            )
        )
    people = [one for one in found if one.scene.kind is Kind.HUMAN]
    beeping = [one for one in found if one.scene.beep_until is not None]
    late = [one.beep_late_s for one in beeping if one.beep_late_s is not None]
    heard_s = sum(one.scene.sound.size / 16000 for one in found)
    return Score(
        tuple(rows),
        confusion,
        len(people),
        sum(one.hung_up for one in people),
        sum(len(one.verdicts) > 1 for one in found),
        len(beeping),
        len(late),
        sum(one.false_beeps for one in found),
        Summary.of(late),
        100.0 * sum(one.cpu_s for one in found) / heard_s if heard_s else 0.0,
    )
