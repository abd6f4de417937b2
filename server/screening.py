"""Who answered the calls that we place: the detector on a call's sound and words, and what it tells
the conversation.

The conversation begins at once, as with a person. What the detector finds is a signal to the
session (``amd``, ``beep``), which the scenario answers by its policy. While a voicemail's greeting
is waited out the conversation hears nothing. Before the answer there is no conversation, and what
is heard then is the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from engine.flow import Signal
from engine.frames import Audio, Frame, Hangup, Transcript
from pipelines.audio.ticker import Ticker
from pipelines.voice import VoiceCall
from scenarios.script import Script
from telephony.amd import Amd, Beep, Kind, Verdict
from telephony.amd.waiting import Waiting

__all__ = ["Screening"]

log = structlog.get_logger()

LATE_S = 0.5
"""Sound that is later than that is none: the far end is silent. Networks are late by less."""


class Screening:
    """Listens to one call of `script`. `started` is given the call, `hear` what comes in, `watch`
    what the channel is told: see `server.calls.Calls.run`."""

    def __init__(self, script: Script, ticker: Ticker) -> None:
        self._leaves_message = script.voicemail == "message"
        self._amd = Amd(script.language, early_media=True)
        self._ticker = ticker
        self._call: VoiceCall | None = None
        self._waiting: Waiting | None = None
        self._deaf = False
        self._over = False
        self._decided: Callable[[], None] = lambda: None

    @property
    def answered_by(self) -> str:
        """The last verdict (``network`` may be one of a call that was not answered); empty as long
        as there is none."""
        return str(self._amd.verdict.kind) if self._amd.verdict else ""

    def before(self, frame: Frame) -> None:
        """What comes in before the answer."""
        self.hear(frame)

    def started(self, call: VoiceCall, now: float) -> None:
        """The call was answered at `now`, and this is its conversation."""
        self._call = call
        self._amd.answered(now)
        self._ticker.add(self, self._tick)

    def hear(self, frame: Frame) -> bool:
        """What comes in. False where it is not for the conversation."""
        deaf = self._deaf
        match frame:
            case Audio() if not self._over:
                self._tell(self._amd.feed(frame))
            case Hangup():
                self.close()
            case _:
                pass
        return not (deaf and isinstance(frame, Audio))

    def watch(self, frame: Frame) -> None:
        """What the channel is told: the words among it are the far end's."""
        if isinstance(frame, Transcript) and not self._over:
            self._tell(self._amd.feed(frame))

    def asterisk(self, status: str, cause: str, at: float) -> None:
        """Asterisk's AMD() came to AMDSTATUS `status` by AMDCAUSE `cause`."""
        if not self._over:
            self._tell(self._amd.amd_status(status, cause, at))

    def when_decided(self, callback: Callable[[], None]) -> None:
        """Call `callback` at each verdict."""
        self._decided = callback

    def close(self) -> None:
        """Listen no more. Safe to call again."""
        self._over = True
        self._ticker.remove(self)

    def _tick(self, now: float) -> None:
        self._tell(self._amd.idle(now - LATE_S))
        if self._waiting is not None:
            if why := self._waiting.over(now, self._amd.quiet_s):
                self._waiting = None  # a beep that comes all the same counts
                self._signal("beep", {"heard": False, "why": why}, now)
        elif not self._amd.listening:
            self.close()

    def _tell(self, told: Iterable[Verdict | Beep]) -> None:
        for one in told:
            match one:
                case Verdict():
                    self._conclude(one)
                case Beep():
                    self._beeped(one)

    def _conclude(self, verdict: Verdict) -> None:
        log.info("amd.verdict", kind=verdict.kind, took_s=round(verdict.took_s, 2))
        self._signal("amd", verdict.as_json(), verdict.at)
        if self._leaves_message:
            self._deaf = verdict.kind is Kind.VOICEMAIL
            self._waiting = Waiting(verdict.at) if self._deaf else None
        self._decided()

    def _beeped(self, beep: Beep) -> None:
        self._signal("beep", {"heard": True, **beep.as_json()}, beep.at + beep.length_s)
        if self._deaf:
            self.close()

    def _signal(self, name: str, data: dict[str, object], at: float) -> None:
        if self._call is not None:
            self._call.session.deliver(Signal(name, data, at))
