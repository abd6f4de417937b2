"""What a run says: tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from bench.amd.judge import Judged
from bench.amd.line import Line
from bench.amd.peer import Said
from bench.amd.scenes import KINDS, Scene
from bench.amd.score import Score, score
from bench.stats import Summary
from telephony.amd import Kind

__all__ = ["Binary", "Report"]

NOISY_DB = 20.0
"""Lines with less are told apart in the JSON."""
MACHINES = frozenset({Kind.VOICEMAIL, Kind.NETWORK, Kind.FAX, Kind.MUSIC})


@dataclass(frozen=True, slots=True)
class Binary:
    """Person or machine, for what knows no more: `people` were taken for machines, `machines` for
    people, so many times; the rest of either was left open."""

    name: str
    people: int
    people_wrong: int
    people_open: int
    machines: int
    machines_wrong: int
    machines_open: int
    took_s: Summary


@dataclass(slots=True)
class Report:
    """A run as far as it has come. `found` are the judged scenes by what was listened to."""

    directory: Path
    machine: Mapping[str, object]
    settings: Mapping[str, object]
    lines: Mapping[str, Line] = field(default_factory=dict)
    """Of each scene, by its name."""
    found: dict[str, list[Judged]] = field(default_factory=dict)
    peer: list[tuple[Scene, Said]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def tables(self) -> list[Table]:
        tables = [self._kinds(name, score(found)) for name, found in self.found.items()]
        tables += [_confusion(name, score(found)) for name, found in self.found.items()]
        return [*tables, self._binary()]

    def lines_of_text(self) -> list[str]:
        """What else is to be said."""
        told = []
        for name, found in self.found.items():
            one = score(found)
            told.append(
                f"{name}: {one.hung_up} of {one.people} people taken for what is hung up on; "
                f"{one.revised} first verdicts revised; beeps told {one.beeps_told} of {one.beeps},"
                f" {one.beep_late_s.p50:.2f} s after their end (p95 {one.beep_late_s.p95:.2f}), "
                f"{one.beeps_false} false; {one.cpu_percent:.2f} % of a core a call"
            )
        return [*told, *self.missing]

    def binaries(self) -> list[Binary]:
        """Us and the peer, on the same scenes."""
        rows = [_ours(name, found) for name, found in self.found.items()]
        return [*rows, _peers(self.peer)] if self.peer else rows

    def write(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "amd.json"
        document = json.dumps(self.as_json(), indent=1, ensure_ascii=False)
        path.write_text(f"{document}\n", encoding="utf-8")
        return path

    def as_json(self) -> dict[str, Any]:
        """The whole run; docs/bench/amd.md describes it."""
        return {
            "bench": "amd",
            "machine": dict(self.machine),
            "settings": dict(self.settings),
            "scores": {name: score(found).as_json() for name, found in self.found.items()},
            "noisy": {
                name: score(
                    [one for one in found if self.lines[one.scene.name].snr_db <= NOISY_DB]
                ).as_json()
                for name, found in self.found.items()
            },
            "scenes": {
                name: [self._scene(one) for one in found] for name, found in self.found.items()
            },
            "asterisk": [
                {"scene": scene.name, "status": said.status, "cause": said.cause,
                 "took_s": round(said.took_s, 2)}
                for scene, said in self.peer
            ],
            "missing": self.missing,
        }  # fmt: skip

    def _scene(self, one: Judged) -> dict[str, Any]:
        line = self.lines[one.scene.name]
        return {
            "scene": one.scene.name,
            "kind": str(one.scene.kind),
            "variety": one.scene.variety,
            "speaker": one.scene.speaker,
            "snr_db": line.snr_db,
            "loss": line.loss,
            "answered_s": one.scene.answered_s,
            "said": [said.text for said in one.scene.said],
            "verdicts": [verdict.as_json() for verdict in one.verdicts],
            "beep_until_s": one.scene.beep_until,
            "beeps": [beep.as_json() for beep, _ in one.beeps],
        }

    def _kinds(self, name: str, one: Score) -> Table:
        table = _table(
            name, "kind", right=("scenes", "recall", "precision", "p50", "p95", "slowest")
        )
        for row in one.rows:
            table.add_row(
                str(row.kind),
                str(row.scenes),
                _percent(row.recall),
                _percent(row.precision),
                *(_seconds(s) for s in (row.took_s.p50, row.took_s.p95, row.took_s.max)),
            )
        return table

    def _binary(self) -> Table:
        table = _table(
            "person or machine", "who says",
            right=("people", "taken for\nmachines", "left\nopen", "machines", "taken for\npeople",
                   "left\nopen", "p50", "p95"),
        )  # fmt: skip
        for row in self.binaries():
            table.add_row(
                row.name,
                *map(str, (row.people, row.people_wrong, row.people_open)),
                *map(str, (row.machines, row.machines_wrong, row.machines_open)),
                _seconds(row.took_s.p50),
                _seconds(row.took_s.p95),
            )
        return table


def _ours(name: str, found: Sequence[Judged]) -> Binary:
    people = [one for one in found if one.scene.kind is Kind.HUMAN]
    machines = [one for one in found if one.scene.kind in MACHINES]
    took = [one.took_s for one in (*people, *machines) if one.took_s is not None]
    return Binary(
        name,
        len(people),
        sum(one.kind in MACHINES for one in people),
        sum(one.kind not in MACHINES | {Kind.HUMAN} for one in people),
        len(machines),
        sum(one.kind is Kind.HUMAN for one in machines),
        sum(one.kind not in MACHINES | {Kind.HUMAN} for one in machines),
        Summary.of(took),
    )


def _peers(found: Sequence[tuple[Scene, Said]]) -> Binary:
    people = [said for scene, said in found if scene.kind is Kind.HUMAN]
    machines = [said for scene, said in found if scene.kind in MACHINES]
    decided = [said for said in (*people, *machines) if said.status in {"HUMAN", "MACHINE"}]
    return Binary(
        "Asterisk AMD()",
        len(people),
        sum(said.status == "MACHINE" for said in people),
        sum(said.status not in {"HUMAN", "MACHINE"} for said in people),
        len(machines),
        sum(said.status == "HUMAN" for said in machines),
        sum(said.status not in {"HUMAN", "MACHINE"} for said in machines),
        Summary.of([said.took_s for said in decided]),
    )


def _confusion(name: str, one: Score) -> Table:
    told = [*KINDS, Kind.UNKNOWN]
    table = _table(f"{name}: what it was, and was told to be", "was", right=[str(k) for k in told])
    for was in KINDS:
        counts = [one.confusion[was, kind] for kind in told]
        table.add_row(str(was), *(str(count) if count else "" for count in counts))
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _seconds(value: float) -> str:
    return "–" if value != value else f"{value:.1f} s"  # noqa: PLR0124 (NaN)


def _table(title: str, column: str, *, right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(column, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table
