"""Our sound while somebody speaks over it: held, going on, or cut."""

from __future__ import annotations

from typing import Protocol

from engine.clock import Clock
from engine.frames import Interrupted, SpeechEnded, SpeechStarted
from engine.session import Session
from pipelines.turns.utterance import Utterance

__all__ = ["HeldMouth", "Hold"]


class HeldMouth(Protocol):
    """What is held; see `pipelines.mouth.VoiceMouth`."""

    @property
    def epoch(self) -> int | None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def clear(self, epoch: int) -> None: ...


class Hold:
    """Holds, releases and clears `mouth`, and tells `session`. `saying` is what the caller is
    saying now: while that counts as speech nothing is released."""

    def __init__(self, session: Session, mouth: HeldMouth, clock: Clock) -> None:
        self._session = session
        self._mouth = mouth
        self._clock = clock
        self.saying: Utterance | None = None

    def take(self, utterance: Utterance) -> None:
        """Somebody speaks: hold."""
        utterance.taken = True
        now = max(utterance.started_at, self._clock.now())
        self._session.deliver(SpeechStarted(utterance.started_at, now))
        self._mouth.hold()
        if utterance.over is not None:
            self._session.paused()

    def let_go(self, utterance: Utterance) -> None:
        """So far it is nothing to stop for; its words may still be."""
        if not utterance.taken:
            return
        utterance.taken = False
        now = max(utterance.started_at, self._clock.now())
        self._session.deliver(SpeechEnded(utterance.started_at, now))
        self.resume()

    def cut(self, utterance: Utterance, over: int) -> None:
        """It interrupts our turn `over`."""
        utterance.over = None
        utterance.cut = True
        self._mouth.clear(over)
        self._session.deliver(Interrupted(over, self._clock.now()))

    def resume(self) -> None:
        """It was no interruption; unless the user speaks again already, we go on."""
        saying = self.saying
        if saying is None or not saying.taken or saying.over is None:
            self._release()
            self._session.resumed()

    def silence(self) -> None:
        """Whatever was being said is over; the next turn may speak."""
        epoch = self._mouth.epoch
        if epoch is not None:
            self._mouth.clear(epoch)
        self._release()

    def _release(self) -> None:
        if self.saying is None or not self.saying.taken:
            self._mouth.release()
