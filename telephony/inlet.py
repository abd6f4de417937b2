"""What every channel of a call keeps: who hears it, whether it is over, and what went wrong."""

from __future__ import annotations

from collections import Counter

from engine.channel import Receiver
from engine.frames import Frame, Hangup

__all__ = ["Inlet"]


class Inlet:
    """Where what comes in over a channel enters the call.

    Before there is a receiver all is dropped but a hang-up, which is kept for whoever attaches: a
    call would be held with nobody at its other end. What `lost` tells is kept for later receivers
    as well.
    """

    __slots__ = ("_hung_up", "closed", "deliver", "fault", "faults")

    def __init__(self) -> None:
        self.deliver: Receiver = self._keep
        """The receiver itself once there is one: nothing stands between it and sound."""
        self.closed = False
        """Nothing goes out any more, and only word of the end comes in."""
        self.fault: str | None = None
        """The code of what ended the call before its time."""
        self.faults: Counter[str] = Counter()
        """Messages that made no sense and sound that came too late, by code."""
        self._hung_up: Hangup | None = None

    def attach(self, receiver: Receiver) -> None:
        """Give what comes to `receiver`: from now on, but for a hang-up that came before."""
        self.deliver = receiver
        if self._hung_up is not None:
            receiver(self._hung_up)

    def _keep(self, frame: Frame) -> None:
        if isinstance(frame, Hangup):
            self._hung_up = frame

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The far end is gone; `fault` is the code of why, where that is one."""
        self.closed = True
        self.fault = self.fault or fault
        self._hung_up = Hangup(reason)
        self.deliver(self._hung_up)

    def close(self, fault: str | None = None) -> bool:
        """We end the call, for `fault` where that is why. False if it had ended before: then there
        is nobody to tell."""
        if self.closed:
            return False
        self.closed = True
        self.fault = fault
        return True
