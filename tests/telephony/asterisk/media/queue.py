"""chan_websocket's queue as Asterisk 22 has it (channels/chan_websocket.c): a far end without one.

A timer takes one frame every 20 ms, and with it the marks that stand before it; a pause stops that.
"""

from __future__ import annotations

import json
from collections import deque

__all__ = ["Queue"]

PTIME_S = 0.02
XOFF, XON, MOST = 900, 800, 1000


class Queue:
    """Takes what an engine sends, and answers. Its timer runs from `now` on."""

    def __init__(self, now: float, frame_bytes: int = 640, *, as_json: bool = True) -> None:
        self.heard = bytearray()
        """Everything that arrived."""
        self.played: list[bytes] = []
        """Frames that left for the caller."""
        self.commands: list[str] = []
        self.answers: list[str] = []
        """To be sent to the engine; whoever sends them empties the list."""
        self.paused = False
        self._frame_bytes = frame_bytes
        self._json = as_json
        self._queue: deque[bytes | str] = deque()
        self._full = False
        self._drained = False
        self._due = now + PTIME_S

    @property
    def length(self) -> int:
        return sum(isinstance(item, bytes) for item in self._queue)

    def start(self, form: str = "slin16") -> None:
        fields = {
            "connection_id": "media1",
            "channel": "WebSocket/media1/0x7f",
            "channel_id": "lab-1.1",
            "format": form,
            "optimal_frame_size": self._frame_bytes,
            "ptime": 20,
        }
        self._tell("MEDIA_START", **fields)

    def receive(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            self._sound(message)
            return
        assert len(message.encode()) <= 128, "longer ones are ignored"
        if self._json:
            asked = json.loads(message)
            name, correlation_id = asked["command"], asked.get("correlation_id", "")
        else:
            name, _, correlation_id = message.partition(" ")
        self.commands.append(name)
        match name:
            case "MARK_MEDIA":
                self._queue.append(correlation_id)
            case "PAUSE_MEDIA":
                self.paused = True
            case "CONTINUE_MEDIA":
                self.paused = False
            case "FLUSH_MEDIA":
                self._queue.clear()
            case "REPORT_QUEUE_DRAINED":
                self._drained = True
            case "GET_STATUS":
                self._tell(
                    "STATUS",
                    queue_length=self.length,
                    xon_level=XON,
                    xoff_level=XOFF,
                    queue_full=self._full,
                    bulk_media=False,
                    media_paused=self.paused,
                )
            case "ANSWER" | "HANGUP":
                pass
            case _:
                raise AssertionError(name)

    def _sound(self, message: bytes) -> None:
        assert len(message) <= 65_520, "the connection would be closed"
        assert not len(message) % self._frame_bytes, "the remainder would be lost"
        self.heard += message
        if self.length >= MOST:
            return
        for start in range(0, len(message), self._frame_bytes):
            self._queue.append(message[start : start + self._frame_bytes])
        if not self._full and self.length >= XOFF:
            self._full = True
            self._tell("MEDIA_XOFF")

    def advance(self, now: float) -> None:
        """Let time go by."""
        while self._due <= now + 1e-9:
            self._due += PTIME_S
            self._timer()

    def _timer(self) -> None:
        if self.paused:
            return
        if self._full and self.length < XON:
            self._full = False
            self._tell("MEDIA_XON")
        if not self._queue and self._drained:
            self._drained = False
            self._tell("QUEUE_DRAINED")
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, bytes):
                self.played.append(item)
                return
            self._tell("MEDIA_MARK_PROCESSED", correlation_id=item)

    def _tell(self, event: str, **fields: object) -> None:
        if self._json:
            self.answers.append(json.dumps({"event": event, "channel_id": "lab-1.1"} | fields))
        elif event == "MEDIA_MARK_PROCESSED":
            self.answers.append(f"{event} {fields['correlation_id']}")
        else:
            words = (f"{key}:{str(value).lower()}" for key, value in fields.items())
            self.answers.append(" ".join([event, *words]))
