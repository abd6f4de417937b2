"""What a call looks like while it lasts, and its summary. Plain text where it is no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.talk.call import Passed
from server.talk.measures import Measures, quantile
from server.waterfall import COLOURS, text_waterfall

__all__ = ["Screen"]

SAYS = {"answer": "", "interruption": "interrupts", "backchannel": "backchannel"}


class Screen:
    """Prints one call. Times are seconds since it began."""

    def __init__(self, console: Console, budget_ms: float) -> None:
        self._console = console
        self._budget_ms = budget_ms
        self._notice = ""

    def line(self, at_s: float | None, label: str, text: str, style: str = "") -> None:
        time = " " * 7 if at_s is None else f"{at_s:6.2f}s"
        padded = f"{label:<11}"
        if style:
            padded = f"[{style}]{padded}[/]"
        self._console.print(f"[dim]{time}[/]  {padded} {text}", highlight=False)

    def says(self, at_s: float, text: str, kind: str) -> None:
        """The caller begins to speak."""
        how = f" [yellow]({SAYS[kind]})[/]" if SAYS[kind] else ""
        self.line(at_s, "CALLER", f"{escape(text)}{how}", "bold cyan")

    def passed(self, passed: Passed) -> None:
        """A message of the engine's; ledgers have `turn`."""
        at_s = passed.at_s
        match passed.message:
            case {"type": "start", "session": session, "language": language, **rest}:
                self.line(at_s, "connected", f"[dim]session {session}, {language}[/]", "dim")
                if rest.get("notice"):
                    self._notice = str(rest["notice"])
                    self.line(None, "", f"[yellow]{escape(self._notice)}[/]")
            case {"type": "state", "state": "listening" | "paused" | "closed" as state}:
                self.line(at_s, state, "", "yellow" if state == "paused" else "dim")
            case {"type": "resume"}:
                self.line(at_s, "resumed", "", "yellow")
            case {"type": "clear"}:
                self.line(at_s, "cleared", "[dim]what was not heard is dropped[/]", "yellow")
            case {"type": "transcript", "final": True, "text": str(text)}:
                heard = f"[dim]heard[/] « {escape(text)} »" if text else "[dim]heard no word[/]"
                self.line(at_s, "processing", heard, "dim")
            case {"type": "reply", "text": str(text)}:
                self.line(at_s, "ENGINE", escape(text), "bold green")
            case {"type": "error", "code": code, "message": message}:
                self.line(at_s, "error", f"{escape(str(code))}: {escape(str(message))}", "red")
            case {"type": "hangup", "reason": reason}:
                who = "the caller" if reason == "caller" else f"the engine: {escape(str(reason))}"
                self.line(at_s, "hung up", f"[dim]by {who}[/]", "dim")
            case _:
                pass

    def turn(self, ledger: Mapping[str, Any], heard_ms: float | None) -> None:
        """The waterfall of a turn that answered somebody."""
        gap_ms = float(ledger["gap_ms"])
        style = "bold" if gap_ms <= self._budget_ms else "bold red"
        heard = "" if heard_ms is None else f", heard by the caller after {heard_ms:.0f} ms"
        cut = ", interrupted" if ledger.get("interrupted") else ""
        self.line(
            None,
            f"turn {ledger['turn']}",
            f"[{style}]{gap_ms:.0f} ms[/] of {self._budget_ms:.0f}{heard}{cut}",
            "bold",
        )
        for line in text_waterfall(ledger, budget_ms=self._budget_ms):
            stage, rest = line[:14], line[14:]
            colour = COLOURS.get(stage.strip(), "white")
            self._console.print(f"{'':9}{stage}[{colour}]{rest}[/]", highlight=False)
        for step in ledger.get("steps_down", ()):
            self.line(None, "", f"[dim]left {escape(step['left'])}: {escape(step['why'])}[/]")

    def summary(self, measures: Measures) -> None:
        """The table, and the verdict."""
        turns = measures.responses()
        console = self._console
        console.print()
        if turns:
            title = "1 answer" if len(turns) == 1 else f"{len(turns)} answers"
            table = Table(title=title, title_justify="left", show_edge=False)
            table.add_column("milliseconds")
            for column in ("p50", "p95", "worst"):
                table.add_column(column, justify="right")
            rows = {"response, as heard by the caller": [turn["heard_ms"] for turn in turns]}
            rows["response, by the engine's ledger"] = [turn["gap_ms"] for turn in turns]
            for stage in COLOURS:
                rows[f"  {stage}"] = [turn["spans"].get(stage, 0.0) for turn in turns]
            # The network, the far end's frames, and where the voice was taken to end.
            rows["heard beyond the ledger"] = [turn["heard_ms"] - turn["gap_ms"] for turn in turns]
            for label, values in rows.items():
                numbers = (quantile(values, 0.5), quantile(values, 0.95), max(values))
                table.add_row(label, *(f"{number:.0f}" for number in numbers))
            console.print(table)
            console.print()
        for barge_in in measures.barge_ins:
            console.print(
                f"barge-in     {barge_in.ms:.0f} ms from the caller's first sound to our silence",
                highlight=False,
            )
        for one in measures.backchannels:
            after = f", {one.held_ms:.0f} ms held" if one.resumed else ""
            console.print(
                f"backchannel  paused: {_yes(one.paused)}, resumed: {_yes(one.resumed)}{after}",
                highlight=False,
            )
        if measures.words_said:
            console.print(
                f"words        {measures.words_understood} of {measures.words_said} understood",
                highlight=False,
            )
        if turns:
            console.print(self._verdict([turn["heard_ms"] for turn in turns]), highlight=False)

    def _verdict(self, heard_ms: list[float]) -> str:
        kept = sum(ms <= self._budget_ms for ms in heard_ms)
        style = "bold green" if kept == len(heard_ms) else "bold red"
        return (
            f"[{style}]budget       {self._budget_ms:.0f} ms kept in {kept} of "
            f"{len(heard_ms)} answer{'s' * (len(heard_ms) > 1)}, as heard by the caller[/]"
        )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
