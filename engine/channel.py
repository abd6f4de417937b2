"""Channels: how a session reaches a person, and what the way there can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.frames import Frame

__all__ = ["AudioChannel", "Capabilities", "Channel", "Receiver"]

Receiver = Callable[[Frame], None]
"""Takes what comes in, synchronously and in order: Audio, Dtmf, Played, Cleared, Hangup on a
channel with sound; Heard, Dtmf, Hangup on one with text."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do. `rate_hz` is 0 without sound, `max_chars` 0 without a limit.

    `lead_s` is how far ahead of real time sound may be sent: what the far end buffers, and can
    drop again where `clear` is true. `comfort_noise` is true where the far end wants noise from us
    while nothing is said: it would hear nothing at all.
    """

    rate_hz: int = 0
    mark: bool = False
    clear: bool = False
    pause: bool = False
    lead_s: float = 0.02
    max_chars: int = 0
    comfort_noise: bool = False

    @property
    def audio(self) -> bool:
        return self.rate_hz > 0


class Channel(Protocol):
    """A way to one person. Nothing here waits: what cannot be sent now is buffered, within bounds,
    by the channel, which reports a far end that is gone or stuck as `Hangup`."""

    capabilities: Capabilities

    def attach(self, receiver: Receiver) -> None:
        """Deliver what comes in to `receiver`."""
        ...

    def send(self, frame: Frame) -> None:
        """Show or tell the far end `frame`; one that the channel has no form for is left out."""
        ...

    def close(self, reason: str) -> None:
        """End the conversation; nothing is sent afterwards. Safe to call again."""
        ...


class AudioChannel(Channel, Protocol):
    """A channel that carries sound."""

    def play(self, pcm: bytes) -> None:
        """Send s16le mono sound at `capabilities.rate_hz`."""
        ...

    def pause(self, epoch: int) -> None:
        """Hold the far end's playout, where the channel can."""
        ...

    def resume(self, epoch: int) -> None:
        """Go on where the playout was held."""
        ...

    def clear(self, epoch: int) -> None:
        """Drop what the far end has not played of turn `epoch`, and end a pause."""
        ...
