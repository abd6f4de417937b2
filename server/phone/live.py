"""A call that we placed, on the screen while it lasts."""

from __future__ import annotations

import json

from rich.console import Console

from engine.budget import LatencyBudget
from engine.clock import Clock
from engine.frames import Frame, Ledger, StateChanged
from engine.turn import State
from server.asterisk.outbound import CallResult, Progress, Stage
from server.talk.call import Passed
from server.talk.screen import Screen
from telephony.amd.evidence import Kind
from telephony.asterisk.outcome import Outcome
from telephony.media.protocol import encode

__all__ = ["HEARD", "OUTCOMES", "Live"]

OUTCOMES = {
    Outcome.ANSWERED: "answered",
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "it rang, and nobody answered",
    Outcome.UNREACHABLE: "not reached: it did not even ring",
    Outcome.DECLINED: "declined",
    Outcome.UNWANTED: "declined, and not to be called again",
    Outcome.CONGESTION: "no room in the network now; try again soon",
    Outcome.UNKNOWN_NUMBER: "no such number",
    Outcome.CANCELLED: "given up",
    Outcome.FAILED: "the carrier would not, or could not",
}

HEARD = {
    Kind.HUMAN: "a person",
    Kind.VOICEMAIL: "a voicemail",
    Kind.NETWORK: "an announcement of the network",
    Kind.FAX: "a fax",
    Kind.SILENCE: "silence",
    Kind.MUSIC: "music",
    Kind.UNKNOWN: "nobody knows whom",
}

STAGES = {
    Stage.DIALLING: ("dialling", ""),
    Stage.RINGING: ("ringing", ""),
    Stage.EARLY_MEDIA: ("early media", "the network speaks before the answer"),
    Stage.ANSWERED: ("answered", ""),
}


class Live:
    """Shows what happens as it happens; seconds count from the dialling."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._screen = Screen(console, LatencyBudget().total_ms)
        self._clock = clock
        self._began = clock.now()

    def starting(self) -> None:
        """The engine is being loaded, and Asterisk not yet reached."""
        self._console.print("starting the engine…")

    def progress(self, progress: Progress) -> None:
        """The call has come to a stage."""
        if progress.kind == Stage.DIALLING:
            self._began = progress.at
        if progress.kind in STAGES:
            label, text = STAGES[progress.kind]
            self._screen.line(progress.at - self._began, label, f"[dim]{text}[/]", "dim")

    def watch(self, frame: Frame) -> None:
        """Something of the conversation."""
        match frame:
            case Ledger(turn=turn):
                # The greeting answers nobody: it has no wait to show.
                if turn.get("gap_ms") is not None and turn.get("spans"):
                    self._screen.turn(turn, None)
            case StateChanged(state=State.CLOSED):
                pass  # `result` says how it ended
            case _:
                message = encode(frame)
                if message is not None:
                    passed = Passed(self._clock.now() - self._began, json.loads(message))
                    self._screen.passed(passed)

    def result(self, result: CallResult) -> None:
        """What became of it."""
        answered = result.outcome == Outcome.ANSWERED
        style = "green" if answered else "yellow"
        said = f"[{style}]{OUTCOMES[result.outcome]}[/]"
        if result.answered_by:
            who = HEARD[Kind(result.answered_by)]
            said += f" by {who}" if answered else f", heard: {who}"
        if result.answer_s is not None:
            said += f" after {result.answer_s:.1f} s, talked for {result.duration_s:.1f} s"
        if result.reason:
            said += f", ended: {result.reason}"
        codes = f"cause {result.cause}"
        if result.tech_cause is not None:
            codes += f", SIP {result.tech_cause}"
        self._console.print(f"{said} [dim]({codes}, session {result.session_id})[/]")
