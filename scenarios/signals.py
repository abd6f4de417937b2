"""What a script does about what happens outside the talk: who answered, and a voicemail's beep."""

from __future__ import annotations

from engine.flow import Effect, FlowState, Record, Signal
from engine.frames import Hangup, Say
from scenarios.model import Script

__all__ = ["BEEP_PATIENCE_S", "message", "signalled"]

BEEP_PATIENCE_S = 60.0
"""Whoever listens for a voicemail's beep says when; if nobody does, the message is left without."""

NOBODY = frozenset({"network", "fax"})
"""Verdicts after which there is nobody to talk to, ever."""


def signalled(script: Script, state: FlowState, signal: Signal) -> tuple[Effect, ...]:
    """What follows from `signal`: ``amd`` says who answered (`data["verdict"]`), ``beep`` that a
    voicemail records now; whatever it is, it is recorded.

    ``recorder`` in `state` is set while a voicemail is to be spoken to, and nobody else is.
    """
    record = Record(signal.name, signal.data)
    if signal.name == "beep" and state["recorder"]:
        return (record, *message(script))
    if signal.name != "amd" or not script.voicemail:
        return (record,)
    verdict = signal.data["verdict"]
    if verdict in NOBODY or (verdict == "voicemail" and script.voicemail == "hangup"):
        return record, Hangup(verdict)
    if verdict in {"voicemail", "human"}:
        state["recorder"] = verdict == "voicemail"
    return (record,)


def message(script: Script) -> tuple[Effect, ...]:
    """What is left on a voicemail, and the end."""
    return (*(Say(line) for line in script.voicemail_lines), Hangup("voicemail"))
