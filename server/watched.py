"""A channel with somebody who sees what it is told, and hears what it brings in."""

from __future__ import annotations

from collections.abc import Callable

from engine.channel import AudioChannel, Receiver
from engine.frames import Frame

__all__ = ["Watched"]


class Watched:
    """`channel`, and `watch` is given every frame before it is sent; sound takes its direct way.

    `hear` is given what comes in before the receiver is, who gets it where it returns true.
    """

    def __init__(
        self,
        channel: AudioChannel,
        watch: Callable[[Frame], None],
        hear: Callable[[Frame], bool] | None = None,
    ) -> None:
        self.capabilities = channel.capabilities
        self.play = channel.play
        self.pause = channel.pause
        self.resume = channel.resume
        self.clear = channel.clear
        self.close = channel.close
        self._attach = channel.attach
        self._send = channel.send
        self._watch = watch
        self._hear = hear

    def attach(self, receiver: Receiver) -> None:
        hear = self._hear
        if hear is None:
            self._attach(receiver)
            return

        def heard(frame: Frame) -> None:
            if hear(frame):
                receiver(frame)

        self._attach(heard)

    def send(self, frame: Frame) -> None:
        self._watch(frame)
        self._send(frame)
