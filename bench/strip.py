"""Strip charts: a row of dots for each group of measurements, as SVG for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from bench.stats import Summary

__all__ = ["Strip", "render"]

WIDTH, LEFT, RIGHT, TOP, ROW, FOOT = 860, 250, 150, 78, 54, 58

STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.card{fill:#fff;stroke:#d1d9e0}.title{font-size:15px;font-weight:600}.soft{fill:#59636e}
.small{font-size:11px}.grid{stroke:#d1d9e0}.limit{stroke:#cf222e;stroke-dasharray:5 4}
.over{fill:#cf222e}.dot{fill:#3b82f6;fill-opacity:.55}.mark{stroke:#1f2328;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.card{fill:#0d1117;stroke:#30363d}
.soft{fill:#9198a1}.grid{stroke:#262c36}.limit{stroke:#ff7b72}.over{fill:#ff7b72}
.dot{fill:#58a6ff}.mark{stroke:#e6edf3}}
""".strip().replace("\n", "")


@dataclass(frozen=True, slots=True)
class Strip:
    """One row: measurements in ms, with a line under its name."""

    name: str
    note: str
    values_ms: Sequence[float]


def render(
    title: str, subtitle: str, strips: Sequence[Strip], *, limit: tuple[float, str] | None = None
) -> str:
    """The whole picture; bars stand at p50 and p95, `limit` is a line across."""
    highest = max([limit[0] if limit else 0.0, 1.0, *(v for s in strips for v in s.values_ms)])
    step = _step(highest)
    end = math.ceil(highest * 1.02 / step) * step
    bottom = TOP + ROW * len(strips)
    height = bottom + FOOT

    def x(ms: float) -> float:
        return LEFT + ms / end * (WIDTH - LEFT - RIGHT)

    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">'
    )
    out = [
        opening,
        f"<style>{STYLE}</style>",
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="28">{escape(title)}</text>',
        f'<text class="soft" x="20" y="47">{escape(subtitle)}</text>',
    ]
    for index in range(round(end / step) + 1):
        at = x(index * step)
        out.append(f'<path class="grid" d="M{at:.1f} {TOP}V{bottom}"/>')
        out.append(
            f'<text class="soft small" x="{at:.1f}" y="{bottom + 17}" text-anchor="middle">'
            f"{index * step:g}</text>"
        )
    out.append(
        f'<text class="soft small" x="{x(end / 2):.1f}" y="{bottom + 38}" text-anchor="middle">'
        "milliseconds; bars: p50 and p95</text>"
    )
    for index, strip in enumerate(strips):
        out += _row(strip, TOP + index * ROW, x)
    if limit:
        ms, label = limit
        out.append(f'<path class="limit" d="M{x(ms):.1f} {TOP - 6}V{bottom}"/>')
        out.append(
            f'<text class="small over" x="{x(ms):.1f}" y="{TOP - 10}" text-anchor="middle">'
            f"{escape(label)}</text>"
        )
    return "\n".join([*out, "</svg>", ""])


def _row(strip: Strip, top: float, x: Callable[[float], float]) -> list[str]:
    middle = top + ROW / 2
    out = [
        f'<text x="20" y="{middle - 2}">{escape(strip.name)}</text>',
        f'<text class="soft small" x="20" y="{middle + 14}">{escape(strip.note)}</text>',
    ]
    # Dots are moved up and down in turn, so that equal ones can be told apart.
    for index, ms in enumerate(sorted(strip.values_ms)):
        across = middle + (index % 5 - 2) * 5
        out.append(
            f'<circle class="dot" cx="{x(ms):.1f}" cy="{across:.1f}" r="3.6">'
            f"<title>{ms:.1f} ms</title></circle>"
        )
    told = "none"
    if strip.values_ms:
        summary = Summary.of(strip.values_ms)
        out += [
            f'<path class="mark" d="M{x(ms):.1f} {middle - 17}v34"/>'
            for ms in (summary.p50, summary.p95)
        ]
        told = f"{summary.p50:.0f} / {summary.p95:.0f} ms"
    out.append(f'<text x="{WIDTH - 20}" y="{middle + 4}" text-anchor="end">{told}</text>')
    return out


def _step(highest: float) -> float:
    """A round step that gives at most eight."""
    rough = highest / 8
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
