"""What a run says: each number beside what it is to be, and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from bench.stats import Summary
from bench.telephony.load import Chaos, Density
from bench.telephony.phases import Clearing, Greeting, Response

__all__ = ["Goal", "Results"]

MORE_MS = 60.0
GREETING_MS = 150.0
"""What is to be reached."""


@dataclass(frozen=True, slots=True)
class Goal:
    """`what` was `measured`; `kept` says whether that is as it should be."""

    what: str
    measured: str
    wanted: str
    kept: bool


@dataclass(slots=True)
class Results:
    """What was measured; what was not is None."""

    response: Response | None = None
    greeting: Greeting | None = None
    clearing: Sequence[Clearing] = ()
    density: Density | None = None
    chaos: Chaos | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def goals(self) -> list[Goal]:
        """Every number that there is."""
        return [
            *(_of_response(self.response) if self.response else ()),
            *(_of_greeting(self.greeting) if self.greeting else ()),
            *(_of_clearing(self.clearing) if self.clearing else ()),
            *(_of_density(self.density) if self.density else ()),
            *(_of_chaos(self.chaos) if self.chaos else ()),
        ]

    def table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, title="telephony", title_justify="left")
        table.add_column("what")
        for column in ("measured", "wanted", ""):
            table.add_column(column, justify="right")
        for goal in self.goals():
            verdict = "[green]kept[/]" if goal.kept else "[red]missed[/]"
            table.add_row(goal.what, goal.measured, goal.wanted, verdict if goal.wanted else "")
        return table

    def write(self, directory: Path, machine: dict[str, object]) -> Path:
        """The numbers as JSON; the file's path."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "telephony.json"
        document: dict[str, Any] = {
            **machine,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "goals": [
                {"what": one.what, "measured": one.measured, "wanted": one.wanted, "kept": one.kept}
                for one in self.goals()
            ],
        }
        if self.response:
            document["response_ms"] = {
                "sip": _rounded(self.response.sip_ms),
                "websocket": _rounded(self.response.websocket_ms),
            }
        if self.greeting:
            document["greeting_ms"] = _rounded(self.greeting.waits_ms)
        document["clearing"] = [
            {
                "silent_ms": round(one.silent_ms, 1),
                "decided_ms": round(one.decided_ms, 1),
                "after": one.after,
                "tail_ms": round(one.tail_ms, 2),
            }
            for one in self.clearing
        ]
        if self.density:
            document["density"] = {
                "calls": self.density.calls,
                "late_ms": _rounded([reply.late_ms for reply in self.density.replies]),
                "quiet": self.density.quiet.as_json(),
            }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return path


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values]


def _of_response(response: Response) -> list[Goal]:
    sip, bare = Summary.of(response.sip_ms), Summary.of(response.websocket_ms)
    more_ms = sip.p50 - bare.p50
    return [
        Goal("response through Asterisk, p50 / p95", _ms(sip.p50, sip.p95), "", True),
        Goal("response on a bare WebSocket, p50 / p95", _ms(bare.p50, bare.p95), "", True),
        Goal("more through Asterisk, p50", _ms(more_ms), f"≤ {MORE_MS:.0f} ms", more_ms <= MORE_MS),
        Goal(
            "more through Asterisk, p95",
            _ms(sip.p95 - bare.p95),
            f"≤ {MORE_MS:.0f} ms",
            sip.p95 - bare.p95 <= MORE_MS,
        ),
    ]


def _of_greeting(greeting: Greeting) -> list[Goal]:
    waits = Summary.of(greeting.waits_ms)
    return [
        Goal(
            f"first sound of the greeting after the answer, p50 / worst of {waits.count}",
            _ms(waits.p50, waits.max),
            f"≤ {GREETING_MS:.0f} ms",
            waits.max <= GREETING_MS,
        )
    ]


def _of_clearing(clearing: Sequence[Clearing]) -> list[Goal]:
    silent = Summary.of(one.silent_ms for one in clearing)
    clean = sum(one.after == 0 for one in clearing)
    tail_ms = max(one.tail_ms for one in clearing)
    return [
        Goal(
            "interruptions without a packet of the old turn after the decision to clear",
            f"{clean} of {len(clearing)}",
            "all",
            clean == len(clearing),
        ),
        Goal("what Asterisk's resampler lets out of it later, at most", _ms(tail_ms), "", True),
        Goal(
            "caller's first sound to the last packet of the old turn, p50 / p95",
            _ms(silent.p50, silent.p95),
            "",
            True,
        ),
    ]


def _of_density(density: Density) -> list[Goal]:
    late = Summary.of(reply.late_ms for reply in density.replies)
    gaps = sum(reply.gaps for reply in density.replies)
    return [
        Goal(
            "calls at once, taken",
            f"{density.calls - density.refused} of {density.calls}",
            "all",
            density.refused == 0,
        ),
        Goal(
            f"frames beyond the lead, that is breaks in {late.count} replies",
            f"{gaps + density.cut}",
            "0",
            gaps + density.cut == 0 and late.count >= density.calls,
        ),
        Goal("latest packet of a reply, p50 / worst", _ms(late.p50, late.max), "", True),
        Goal("packets lost on the way", str(density.lost_packets), "0", density.lost_packets == 0),
        Goal("latest packet of a caller", _ms(density.caller_late_ms), "", True),
        Goal(
            "engine, of a core",
            f"{density.quiet.server_cpu_percent:.0f} %",
            "",
            True,
        ),
        Goal(
            "channels, bridges, sessions left afterwards",
            f"{len(density.left)} after {density.gone_s:.2f} s",
            "0",
            not density.left,
        ),
    ]


def _of_chaos(chaos: Chaos) -> list[Goal]:
    standing = ", ".join(map(str, chaos.orphans))
    return [
        Goal(
            f"{chaos.calls} calls hung up at random moments, {chaos.up} of them answered; the "
            f"engine killed {chaos.killed} times with {standing} channels and bridges standing: "
            "left afterwards",
            f"{len(chaos.left)} after {chaos.gone_s:.2f} s",
            "0",
            not chaos.left and not chaos.unended,
        )
    ]


def _ms(*values: float) -> str:
    return " / ".join(f"{value:.0f}" for value in values) + " ms"
