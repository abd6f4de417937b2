"""Word error rates as dots: a row for each line and group of speakers, a colour for each system."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Dots", "render"]

WIDTH, LEFT, RIGHT, TOP, ROW, GROUP, FOOT = 860, 150, 40, 92, 24, 34, 58
TICKS = (0, 1, 2, 5, 10, 20, 50, 100)
COLOURS = (("#2563eb", "#58a6ff"), ("#ea580c", "#ff9b5c"), ("#6b7280", "#9198a1"))
"""On light and on dark; blue, orange and grey stay apart for every common colour blindness."""
STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.card{fill:#fff;stroke:#d1d9e0}.title{font-size:15px;font-weight:600}.soft{fill:#59636e}
.small{font-size:11px}.group{font-weight:600}.grid{stroke:#d1d9e0}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.card{fill:#0d1117;stroke:#30363d}
.soft{fill:#9198a1}.grid{stroke:#262c36}}
""".strip().replace("\n", "")


@dataclass(frozen=True, slots=True)
class Dots:
    """One row: for each system its word error rate in percent, or None."""

    group: str
    name: str
    values: Sequence[float | None]


def render(title: str, subtitle: str, systems: Sequence[str], rows: Sequence[Dots]) -> str:
    """The whole picture. The scale is that of the square root: what is small is told apart, and 0
    has a place."""
    groups = list(dict.fromkeys(row.group for row in rows))
    height = TOP + ROW * len(rows) + GROUP * len(groups) + FOOT

    def x(percent: float) -> float:
        return LEFT + math.sqrt(min(percent, 100.0) / 100.0) * (WIDTH - LEFT - RIGHT)

    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">'
    )
    out = [
        opening,
        f"<style>{STYLE}{_colours()}</style>",
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="28">{escape(title)}</text>',
        f'<text class="soft" x="20" y="47">{escape(subtitle)}</text>',
    ]
    at = 20.0
    for index, name in enumerate(systems):
        out.append(f'<circle class="c{index % len(COLOURS)}" cx="{at + 5}" cy="67" r="5"/>')
        out.append(f'<text x="{at + 16}" y="71">{escape(name)}</text>')
        at += 40 + 7.2 * len(name)
    bottom = height - FOOT + 6
    for tick in TICKS:
        out.append(f'<path class="grid" d="M{x(tick):.1f} {TOP}V{bottom}"/>')
        out.append(
            f'<text class="soft small" x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{tick}</text>"
        )
    out.append(
        f'<text class="soft small" x="{x(25):.1f}" y="{bottom + 38}" text-anchor="middle">'
        "word error rate, percent (scale of the square root)</text>"
    )
    top = float(TOP)
    for group in groups:
        out.append(f'<text class="group" x="20" y="{top + GROUP - 10}">{escape(group)}</text>')
        top += GROUP
        for row in (row for row in rows if row.group == group):
            out += _row(row, top, systems, x)
            top += ROW
    return "\n".join([*out, "</svg>", ""])


def _row(row: Dots, top: float, systems: Sequence[str], x: Callable[[float], float]) -> list[str]:
    middle = top + ROW / 2
    out = [f'<text class="soft" x="20" y="{middle + 4}">{escape(row.name)}</text>']
    for index, (system, value) in enumerate(zip(systems, row.values, strict=True)):
        if value is not None:
            told = f"{escape(system)}, {escape(row.group)}, {escape(row.name)}: {value:.1f} %"
            out.append(
                f'<circle class="c{index % len(COLOURS)}" cx="{x(value):.1f}" cy="{middle}" '
                f'r="5.5"><title>{told}</title></circle>'
            )
    return out


def _colours() -> str:
    light = "".join(f".c{i}{{fill:{a};fill-opacity:.8}}" for i, (a, _) in enumerate(COLOURS))
    dark = "".join(f".c{i}{{fill:{b}}}" for i, (_, b) in enumerate(COLOURS))
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"
