"""What a script does about what happens outside the talk: who answered, and a voicemail's beep."""

from __future__ import annotations

from engine.flow import Effect, Event, FlowState, Record, Signal, Silent
from engine.frames import Hangup, Say
from scenarios.model import Script

__all__ = ["BEEP_PATIENCE_S", "recorded", "signalled"]

BEEP_PATIENCE_S = 60.0
"""Whoever listens for a voicemail's beep says when; if nobody does, the message is left without."""

NOBODY = frozenset({"network", "fax"})
"""Verdicts after which there is nobody to talk to, ever."""


def signalled(script: Script, state: FlowState, signal: Signal) -> tuple[Effect, ...]:
    """What follows from `signal`: ``amd`` says who answered (`data["verdict"]`), ``beep`` that a
    voicemail records now; whatever it is, it is recorded.

    ``recorder`` in `state` says how far we are with a voicemail.
    """
    record = Record(signal.name, signal.data)
    if signal.name == "beep" and state["recorder"]:
        return (record, *_message(script, state))
    if signal.name != "amd" or not script.voicemail:
        return (record,)
    verdict = signal.data["verdict"]
    if verdict in NOBODY or (verdict == "voicemail" and script.voicemail == "hangup"):
        return record, Hangup(verdict)
    if verdict in {"voicemail", "human"}:
        state["recorder"] = "waiting" if verdict == "voicemail" else ""
    return (record,)


def recorded(script: Script, state: FlowState, event: Event) -> tuple[Effect, ...]:
    """What follows from `event` while there is a voicemail: its greeting is no answer. The last of
    it may be understood once we speak, and has stopped us then; we begin again."""
    if isinstance(event, Silent) or state["recorder"] == "leaving":
        return _message(script, state)
    return ()


def _message(script: Script, state: FlowState) -> tuple[Effect, ...]:
    """What is left on a voicemail, and the end."""
    state["recorder"] = "leaving"
    return (*(Say(line) for line in script.voicemail_lines), Hangup("voicemail"))
