"""What a call leaves behind."""

from __future__ import annotations

from server.sim.invariants.watch import Ended, Told

__all__ = ["NoFaultOfOurs", "NothingLeft"]


class NothingLeft:
    """No task, subscription, slot, timer or byte outlives a call, and it ends soon after the far
    end has left."""

    name = "nothing is left"

    SOON_S = 3.0
    """The last words: a second to recognise and one to understand, and the log."""
    PING_S = 41.0
    """uvicorn's ping interval and timeout, 20 s each."""
    LOG_S = 31.0
    """How long a store that is out of reach is waited for."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def end(self, call: Ended) -> None:
        for what in call.left_over:
            self._tell(what)
        over_s = call.lasted_s - call.left_at_s
        allowed_s = self.SOON_S + call.patience_s + (self.LOG_S if call.store_out else 0.0)
        allowed_s += self.PING_S if call.vanished else 0.0
        if over_s > allowed_s:
            self._tell(f"it went on for {over_s:.1f} s after the far end had left")


class NoFaultOfOurs:
    """No exception that is not one of the engine's own errors, in any task or callback."""

    name = "no fault of ours"

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def end(self, call: Ended) -> None:
        for error in call.errors:
            self._tell(error)
        for name, data in call.log or ():
            # The engine's own errors have a code; another's is the name of its class.
            if name == "stage.failed" and "." not in data["error"]:
                self._tell(f"{data['stage']} failed with {data['error']}")
