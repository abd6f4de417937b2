"""A finding on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from server.asterisk.check.findings import Finding, Level

__all__ = ["tell"]

STYLES = {Level.OK: "green", Level.NOTE: "yellow", Level.CHANGE: "bold red"}


def tell(console: Console, finding: Finding) -> None:
    """One line for what is, one for what to do."""
    style = STYLES[finding.level]
    console.print(f"[{style}]{finding.level:<7}[/] {escape(finding.fact)}")
    if finding.do:
        console.print(f"{'':7} → {escape(finding.do)}")
