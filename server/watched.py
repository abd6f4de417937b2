"""A channel with somebody who sees what it is told."""

from __future__ import annotations

from collections.abc import Callable

from engine.channel import AudioChannel
from engine.frames import Frame

__all__ = ["Watched"]


class Watched:
    """`channel`, and `watch` is given every frame before it is sent. Sound takes its direct way."""

    def __init__(self, channel: AudioChannel, watch: Callable[[Frame], None]) -> None:
        self.capabilities = channel.capabilities
        self.attach = channel.attach
        self.play = channel.play
        self.pause = channel.pause
        self.resume = channel.resume
        self.clear = channel.clear
        self.close = channel.close
        self._send = channel.send
        self._watch = watch

    def send(self, frame: Frame) -> None:
        self._watch(frame)
        self._send(frame)
