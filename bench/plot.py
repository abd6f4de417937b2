"""Line charts on logarithmic axes, as SVG that reads well in a page and in a README."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Axis", "Panel", "Point", "Series", "decade_ticks", "render"]

WIDTH, HEIGHT = 1040, 440
TOP, BOTTOM, LEFT, RIGHT = 104, 62, 58, 96
GAP = 36
INK, MUTED, GRID, PAPER, LIMIT = "#1f2937", "#6b7280", "#e5e7eb", "#ffffff", "#b91c1c"
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
LABEL_HEIGHT = 16


@dataclass(frozen=True, slots=True)
class Point:
    """A measured point; ``hollow`` marks one that failed its criterion."""

    x: float
    y: float
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A line with its name written at its end."""

    name: str
    colour: str
    points: Sequence[Point]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart; values below ``floor`` are drawn on it, ``limit`` is a line across."""

    title: str
    x_label: str
    series: Sequence[Series]
    floor: float
    limit: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from ``low`` to ``high``, drawn from ``start`` to ``end`` px."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, margin: float) -> Axis:
        """An axis with room for ``values`` and ``margin`` (a factor) on either side."""
        return cls(min(values) / margin, max(values) * margin, start, end)

    def at(self, value: float) -> float:
        """Where ``value`` stands, in px; outside values on the edge."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + min(share, 1.0) * (self.end - self.start)


def decade_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 in each decade between ``low`` and ``high``; only 1 over more than 3 decades."""
    steps = (1.0,) if math.log10(high / low) > 3 else (1.0, 2.0, 5.0)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [round(step * 10.0**decade, 6) for decade in decades for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def render(title: str, subtitle: str, panels: Sequence[Panel]) -> str:
    """The whole picture."""
    width = (WIDTH - GAP * (len(panels) - 1)) / len(panels)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="{escape(FONT)}">'
    )
    parts = [
        opening,
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="{PAPER}"/>',
        _text(24, 36, title, size=19, weight=650),
        _text(24, 59, subtitle, size=12.5, fill=MUTED),
    ]
    for index, panel in enumerate(panels):
        parts += _panel(panel, index * (width + GAP), width)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, left: float, width: float) -> list[str]:
    points = [point for series in panel.series for point in series.points]
    if not points:
        return [_text(left + LEFT, TOP, f"{panel.title}: nothing measured", fill=MUTED)]
    x = Axis.over([p.x for p in points], left + LEFT, left + width - RIGHT, margin=1.15)
    values = [max(p.y, panel.floor) for p in points]
    if panel.limit:
        values.append(panel.limit[0])
    y = Axis.over(values, HEIGHT - BOTTOM, TOP, margin=1.35)
    parts = [_text(left + 24, TOP - 16, panel.title, size=13.5, weight=600)]
    for tick in decade_ticks(y.low, y.high):
        parts.append(_line(x.start, y.at(tick), x.end, y.at(tick), GRID))
        parts.append(_text(x.start - 9, y.at(tick) + 4, f"{tick:g}", fill=MUTED, anchor="end"))
    for tick in decade_ticks(x.low, x.high):
        parts.append(_line(x.at(tick), y.start, x.at(tick), y.start + 5, MUTED))
        parts.append(_text(x.at(tick), y.start + 20, f"{tick:g}", fill=MUTED, anchor="middle"))
    parts.append(_line(x.start, y.start, x.end, y.start, MUTED))
    parts.append(
        _text((x.start + x.end) / 2, y.start + 43, panel.x_label, fill=MUTED, anchor="middle")
    )
    if panel.limit:
        value, label = panel.limit
        parts.append(_line(x.start, y.at(value), x.end, y.at(value), LIMIT, dashes="2 4"))
        parts.append(_text(x.start + 4, y.at(value) - 6, label, fill=LIMIT, size=11.5))
    drawn = [
        replace(series, points=[replace(p, y=max(p.y, panel.floor)) for p in series.points])
        for series in panel.series
    ]
    for series in drawn:
        parts += _series(series, x, y)
    return parts + _labels(drawn, x, y)


def _series(series: Series, x: Axis, y: Axis) -> list[str]:
    points = sorted(series.points, key=lambda point: point.x)
    path = " ".join(f"{x.at(p.x):.1f},{y.at(p.y):.1f}" for p in points)
    dashes = ' stroke-dasharray="6 5"' if series.dashed else ""
    line = (
        f'<polyline points="{path}" fill="none" stroke="{series.colour}" stroke-width="2.4" '
        f'stroke-linejoin="round" stroke-linecap="round"{dashes}/>'
    )
    dots = [
        f'<circle cx="{x.at(p.x):.1f}" cy="{y.at(p.y):.1f}" r="4.6" stroke-width="2" '
        f'stroke="{series.colour}" fill="{PAPER if p.hollow else series.colour}">'
        f"<title>{escape(series.name)}: {p.x:g} calls, {p.y:.3g}</title></circle>"
        for p in points
    ]
    return [line, *dots]


def _labels(series: Sequence[Series], x: Axis, y: Axis) -> list[str]:
    """Each line's name at its last point, moved apart where lines end close together."""
    ends = []
    for line in series:
        if line.points:
            last = max(line.points, key=lambda point: point.x)
            ends.append((y.at(last.y), x.at(last.x), line))
    parts = []
    placed: list[tuple[float, float]] = []
    for height, across, line in sorted(ends, key=lambda end: end[0]):
        lower = height
        for other_height, other_across in placed:
            near = abs(other_across - across) < RIGHT
            if near and lower - other_height < LABEL_HEIGHT:
                lower = other_height + LABEL_HEIGHT
        placed.append((lower, across))
        parts.append(
            _text(across + 11, lower + 4.5, line.name, fill=line.colour, size=12.5, weight=600)
        )
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    fill: str = INK,
    size: float = 12,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" '
        f'font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'
    )
