"""Draws latency ledgers as waterfalls: SVG for pages, consoles and READMEs, text for terminals.

A ledger is the object of docs/protocols/media.md; its spans are laid one after the other on an
axis of milliseconds after the caller's last sound, against the budget's line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["BUDGET_MS", "COLOURS", "text_waterfall", "turn_svg", "turns_svg"]

Ledger = Mapping[str, Any]

BUDGET_MS = 800.0
"""The default budget's total, where none is given."""

COLOURS: Mapping[str, str] = {
    "endpointing": "#8b95a5",
    "transcription": "#3b82f6",
    "understanding": "#a855f7",
    "speech": "#10b981",
    "playout": "#f59e0b",
}
"""A stage has the same colour everywhere; waiting is grey. All stand out on white and on black."""

OTHER = "#64748b"

WIDTH, MARGIN, LABEL, VALUE, ROW, BAR = 860, 20, 232, 86, 30, 16
HEAD, FOOT = 64, 54

STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.card{fill:#fff;stroke:#d1d9e0}.title{font-size:15px;font-weight:600}.soft{fill:#59636e}
.small{font-size:11px}.value{font-weight:600}.over{fill:#cf222e}.grid{stroke:#d1d9e0}
.budget{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:5 4}.far{fill:#1f2328}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.card{fill:#0d1117;stroke:#30363d}
.soft{fill:#9198a1}.over{fill:#ff7b72}.grid{stroke:#262c36}.budget{stroke:#ff7b72}
.far{fill:#e6edf3}}
""".strip().replace("\n", "")


@dataclass(frozen=True, slots=True)
class _Bar:
    stage: str
    start_ms: float
    ms: float


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    bars: tuple[_Bar, ...]
    value: str
    over: bool = False
    soft: bool = False
    far_ms: float | None = None
    """When the caller heard it, by the caller's own clock."""


def _bars(ledger: Ledger) -> tuple[_Bar, ...]:
    bars, at = [], 0.0
    for stage, ms in ledger.get("spans", {}).items():
        bars.append(_Bar(stage, at, float(ms)))
        at += float(ms)
    return tuple(bars)


def _short(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def _ms(ms: float) -> str:
    return f"{ms:,.0f} ms".replace(",", " ")  # a narrow no-break space


def _label(ledger: Ledger) -> str:
    if "label" in ledger:
        return str(ledger["label"])
    turn, heard = ledger.get("turn", "?"), str(ledger.get("heard") or "")
    if heard:
        return f"{turn}  « {_short(heard, 24)} »"
    return f"{turn}  " + ("greeting" if turn == 1 else "no words")


def turns_svg(
    ledgers: Sequence[Ledger],
    *,
    budget_ms: float = BUDGET_MS,
    title: str = "Response by turn",
    subtitle: str = "milliseconds after the caller's last sound",
    limit: str = "budget",
) -> str:
    """All turns, a row each, named by their ``label`` where they have one; `limit` is what the
    line at `budget_ms` is called. ``heard_ms`` in a ledger, where a caller measured it, is when our
    first sound was audible to him: drawn as a diamond."""
    rows = [
        _Row(
            _label(ledger),
            _bars(ledger),
            _ms(float(ledger.get("gap_ms", 0.0))),
            over=float(ledger.get("gap_ms", 0.0)) > budget_ms,
            soft=not ledger.get("heard"),
            far_ms=ledger.get("heard_ms"),
        )
        for ledger in ledgers
    ]
    return _draw(rows, budget_ms, title, subtitle, legend=True, limit=limit)


def turn_svg(
    ledger: Ledger, *, budget_ms: float = BUDGET_MS, title: str = "", subtitle: str = ""
) -> str:
    """One turn, a row for each stage."""
    over = ledger.get("over", {})
    rows = [_Row(bar.stage, (bar,), _ms(bar.ms), over=bar.stage in over) for bar in _bars(ledger)]
    gap_ms = float(ledger.get("gap_ms", 0.0))
    title = title or f"{_ms(gap_ms)} from the caller's last sound to our first"
    heard = str(ledger.get("heard") or "")
    subtitle = subtitle or (f"« {_short(heard, 80)} »" if heard else "")
    return _draw(rows, budget_ms, title, subtitle, legend=False)


def _draw(
    rows: Sequence[_Row],
    budget_ms: float,
    title: str,
    subtitle: str,
    *,
    legend: bool,
    limit: str = "budget",
) -> str:
    ends = [bar.start_ms + bar.ms for row in rows for bar in row.bars]
    ends += [row.far_ms for row in rows if row.far_ms is not None]
    longest_ms = max([budget_ms, *ends])
    left, right = MARGIN + LABEL, WIDTH - MARGIN - VALUE
    scale = (right - left) / (longest_ms * 1.04)
    top = HEAD
    bottom = top + ROW * max(1, len(rows))
    height = bottom + (FOOT if legend else FOOT - 20)

    def x(ms: float) -> float:
        return left + ms * scale

    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">'
        ),
        f"<style>{STYLE}</style>",
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="{MARGIN}" y="28">{escape(title)}</text>',
        f'<text class="soft" x="{MARGIN}" y="47">{escape(subtitle)}</text>',
    ]
    for ms in _ticks(longest_ms):
        out.append(f'<path class="grid" d="M{x(ms):.1f} {top}V{bottom}"/>')
        out.append(
            f'<text class="soft small" x="{x(ms):.1f}" y="{bottom + 16}" '
            f'text-anchor="middle">{ms:g}{" ms" if ms == 0 else ""}</text>'
        )
    for index, row in enumerate(rows):
        out += _row(row, top + index * ROW, x, scale)
    out.append(f'<path class="budget" d="M{x(budget_ms):.1f} {top - 6}V{bottom}"/>')
    out.append(
        f'<text class="small over" x="{x(budget_ms):.1f}" y="{top - 10}" '
        f'text-anchor="middle">{escape(limit)} {_ms(budget_ms)}</text>'
    )
    if legend:
        far = any(row.far_ms is not None for row in rows)
        out += _legend(_stages(rows), far, left, bottom + 38)
    return "\n".join([*out, "</svg>", ""])


def _row(row: _Row, y: float, x: Any, scale: float) -> Iterable[str]:
    soft = ' class="soft"' if row.soft else ""
    yield f'<text{soft} x="{MARGIN}" y="{y + 20}">{escape(row.label)}</text>'
    for bar in row.bars:
        yield (
            f'<rect data-stage="{escape(bar.stage)}" data-ms="{bar.ms:.3f}" '
            f'x="{x(bar.start_ms):.2f}" y="{y + (ROW - BAR) / 2}" width="{bar.ms * scale:.2f}" '
            f'height="{BAR}" fill="{COLOURS.get(bar.stage, OTHER)}">'
            f"<title>{escape(bar.stage)} {bar.ms:.1f} ms</title></rect>"
        )
    if row.far_ms is not None:
        middle, size = y + ROW / 2, 5
        yield (
            f'<path class="far" d="M{x(row.far_ms):.2f} {middle - size}l{size} {size}'
            f'-{size} {size}-{size}-{size}z"><title>heard by the caller after '
            f"{row.far_ms:.1f} ms</title></path>"
        )
    kind = "value over" if row.over else "value"
    yield (
        f'<text class="{kind}" x="{WIDTH - MARGIN}" y="{y + 20}" '
        f'text-anchor="end">{escape(row.value)}</text>'
    )


def _stages(rows: Sequence[_Row]) -> list[str]:
    found = {bar.stage for row in rows for bar in row.bars}
    return [*(stage for stage in COLOURS if stage in found), *sorted(found - set(COLOURS))]


def _legend(stages: Sequence[str], far: bool, x: float, y: float) -> Iterable[str]:
    for stage in stages:
        yield (
            f'<rect x="{x}" y="{y - 10}" width="11" height="11" rx="2" '
            f'fill="{COLOURS.get(stage, OTHER)}"/>'
        )
        yield f'<text class="soft small" x="{x + 16}" y="{y}">{escape(stage)}</text>'
        x += 32 + 6.2 * len(stage)
    if far:
        yield f'<path class="far" d="M{x + 5} {y - 10}l5 5-5 5-5-5z"/>'
        yield f'<text class="soft small" x="{x + 16}" y="{y}">heard by the caller</text>'


def _ticks(longest_ms: float) -> list[float]:
    """Round numbers from 0, at most nine of them."""
    rough = longest_ms / 8
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * index for index in range(int(longest_ms / step) + 1)]


def text_waterfall(ledger: Ledger, *, budget_ms: float = BUDGET_MS, width: int = 44) -> list[str]:
    """One line for each stage: its name, its bar (`width` characters are the budget, or the gap
    where that is longer; ``┊`` is the budget's end) and its milliseconds."""
    bars = _bars(ledger)
    total_ms = sum(bar.ms for bar in bars)
    scale = width / max(budget_ms, total_ms, 1.0)
    limit = round(budget_ms * scale)
    over = ledger.get("over", {})
    lines = []
    for bar in bars:
        start, end = round(bar.start_ms * scale), round((bar.start_ms + bar.ms) * scale)
        drawn = "█" * (end - start) or ("▏" if bar.ms > 0 else "")
        line = list((" " * start + drawn).ljust(width + 1))
        if line[limit] == " ":
            line[limit] = "┊"
        late = f"  +{over[bar.stage]:.0f} over" if bar.stage in over else ""
        lines.append(f"{bar.stage:<14} {''.join(line).rstrip()} {bar.ms:6.1f} ms{late}")
    return lines
