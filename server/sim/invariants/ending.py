"""What a call leaves behind."""

from __future__ import annotations

from server.sim.invariants.watch import Ended, Told
from telephony.media.protocol import MAX_BYTES
from telephony.wire import MOST_WAITING_BYTES

__all__ = ["NoFaultOfOurs", "NothingLeft"]


class NothingLeft:
    """No task, subscription, slot or timer outlives a call, which ends soon after the far end has
    left; and no more waits for a far end than the channel allows."""

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
        if call.most_waiting_bytes > MOST_WAITING_BYTES + MAX_BYTES:
            self._tell(f"{call.most_waiting_bytes:,} bytes waited for a far end that does not read")
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
