"""When to speak to a voicemail: after its beep, and what counts where none is heard."""

from __future__ import annotations

__all__ = ["PATIENCE_S", "QUIET_S", "Waiting"]

QUIET_S = 3.0
"""A voicemail that has said nothing for so long records: its beep was missed, or it has none."""
PATIENCE_S = 45.0
"""Greetings are shorter. What speaks for longer is left a message all the same."""


class Waiting:
    """Waits for a beep since `since`."""

    def __init__(
        self, since: float, *, quiet_s: float = QUIET_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._since = since
        self._quiet_s = quiet_s
        self._patience_s = patience_s

    def over(self, now: float, quiet_s: float) -> str:
        """Why to wait no longer at `now`, after `quiet_s` of silence; empty while there is none."""
        if now - self._since >= self._patience_s:
            return "patience"
        return "silence" if min(quiet_s, now - self._since) >= self._quiet_s else ""
