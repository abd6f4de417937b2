"""The reply to one turn as a caller hears it: when it began, how late its sound was."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.density.script import FRAME_MS, REPLY_MS

__all__ = ["BYTES_PER_MS", "Replies", "Reply", "lateness_ms"]

BYTES_PER_MS = 32


def lateness_ms(arrival_s: float, first_s: float, position_ms: float, lead_ms: float) -> float:
    """How late sound at ``position_ms`` of a reply arrived; 0 when it was in time.

    It is due ``position_ms`` after the reply's first sound, less the lead that the server
    promised to keep; nothing is due before the first sound.
    """
    due_s = first_s + max(0.0, position_ms - lead_ms) / 1000.0
    return max(0.0, (arrival_s - due_s) * 1000.0)


@dataclass(slots=True)
class Reply:
    """What was received since a turn's speech ended at ``speech_end_s``."""

    speech_end_s: float
    counted: bool
    first_s: float | None = None
    received_bytes: int = 0

    def complete(self) -> bool:
        """All of the fixed reply came, to within one frame."""
        return self.received_bytes >= (REPLY_MS - FRAME_MS) * BYTES_PER_MS

    def too_long(self) -> bool:
        """More came than the fixed reply, by more than a peer's padding of its last chunk."""
        return self.received_bytes > (REPLY_MS + 5 * FRAME_MS) * BYTES_PER_MS


@dataclass(slots=True)
class Replies:
    """The replies to the turns whose speech ended within the measuring window."""

    complete: int = 0
    short: int = 0
    too_long: int = 0
    response_ms: list[float] = field(default_factory=list)
    lateness_ms: list[float] = field(default_factory=list)
    pace_lateness_ms: list[float] = field(default_factory=list)

    def close(self, reply: Reply) -> None:
        """Count a reply that can grow no more."""
        if not reply.counted:
            return
        if reply.first_s is None:
            return
        self.response_ms.append((reply.first_s - reply.speech_end_s) * 1000.0)
        if not reply.complete():
            self.short += 1
        elif reply.too_long():
            self.too_long += 1
        else:
            self.complete += 1

    def sound(self, reply: Reply, arrival_s: float, received_bytes: int, lead_ms: float) -> None:
        """Count ``received_bytes`` of a reply's sound."""
        first_s = reply.first_s
        if first_s is None:
            reply.first_s = first_s = arrival_s
        if reply.counted:
            position_ms = reply.received_bytes / BYTES_PER_MS
            self.lateness_ms.append(lateness_ms(arrival_s, first_s, position_ms, 0.0))
            if lead_ms:
                self.pace_lateness_ms.append(lateness_ms(arrival_s, first_s, position_ms, lead_ms))
        reply.received_bytes += received_bytes

    def counts(self, expected: int) -> dict[str, int]:
        """How many of ``expected`` replies came, and how; those of lost calls are missing."""
        return {
            "expected": expected,
            "complete": self.complete,
            "short": self.short,
            "missing": expected - self.complete - self.short - self.too_long,
            "too_long": self.too_long,
        }
