"""chan_websocket as a channel: frames on one side, Asterisk's queue on the other.

Asterisk plays one frame of its queue each 20 ms, whoever put it there, and tells how many are left.
What the caller has heard of a turn is therefore known to the frame: what was sent, less what was
left when Asterisk was asked, and it is asked in the same breath as it is paused.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from engine.channel import Capabilities
from engine.errors import ConfigurationError, ProtocolError
from engine.frames import Cleared, Dtmf, Frame, Mark, Played, Say
from telephony.asterisk.formats import FORMATS, Format
from telephony.asterisk.intake import Intake
from telephony.asterisk.media.protocol import (
    MAX_BYTES,
    Command,
    Digit,
    Drained,
    Flow,
    Marked,
    MediaStart,
    Refused,
    Status,
    command,
    is_json,
    parse,
)
from telephony.inlet import Inlet
from telephony.wire import Unread, Wire

__all__ = ["LEAD_S", "AsteriskChannel", "opened"]

LEAD_S = 0.2
"""How much sound is kept in Asterisk's queue: a jitter of 30 ms needs 20, and what stalls our loop
or the network for longer than the rest is worse than a cut. Clearing drops all of it at once."""

PTIME_MS = 20
"""Of all formats that are understood here; others would need another pace."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Asterisk was asked how many frames are left, when `sent` had been sent in all, and those of
    turn `epoch` had begun after `begun`."""

    epoch: int
    begun: int
    sent: int


def opened(text: str, wire: Wire) -> AsteriskChannel:
    """The channel that begins with the message `text`.

    Raises ProtocolError where that is no MEDIA_START, and ConfigurationError for a form of sound
    that the dial string should not ask for.
    """
    start = parse(text)
    if not isinstance(start, MediaStart):
        raise ProtocolError("asterisk.no_start", "the first message is MEDIA_START", 1002)
    form = FORMATS.get(start.format)
    if form is None or start.frame_bytes != form.frame_bytes or start.ptime_ms != PTIME_MS:
        raise ConfigurationError(
            f"Asterisk sends {start.format[:20]!r} in frames of {start.frame_bytes} bytes; put "
            f"c(slin16) into the dial string of WebSocket/… (known: {', '.join(FORMATS)}), and no p"
        )
    return AsteriskChannel(start, form, wire, as_json=is_json(text))


class AsteriskChannel:
    """One call's way through chan_websocket. `now` of its methods is the edge's clock."""

    def __init__(self, start: MediaStart, form: Format, wire: Wire, *, as_json: bool) -> None:
        self.start = start
        self.capabilities = Capabilities(
            rate_hz=form.rate_hz,
            mark=True,
            clear=True,
            pause=True,
            lead_s=LEAD_S,
            comfort_noise=True,  # an empty queue sends no RTP at all
        )
        self.dropped = 0
        """Frames of sound not sent because Asterisk took no more."""
        self.inlet = Inlet()
        self.attach = self.inlet.attach
        self._format = form
        self._json = as_json
        self._wire = wire
        self._intake = Intake(form, self.inlet.faults)
        self._full = False
        self._sent = 0  # frames, in all
        self._epoch = 0
        self._begun = 0  # of them before the turn
        self._marks = 0  # that have not come back
        self._asked: deque[_Asked] = deque()
        self._unread = Unread(wire)

    # From Asterisk

    def received(self, message: bytes | str, now: float) -> None:
        """A whole message arrived."""
        if self.inlet.closed:
            return
        try:
            if isinstance(message, bytes):
                for heard in self._intake.take(message, now):
                    self.inlet.deliver(heard)
            else:
                self._told(message, now)
        except ProtocolError as error:
            self.inlet.faults[error.code] += 1

    def _told(self, text: str, now: float) -> None:
        match parse(text):
            case Marked(name=name):
                self._marks = max(0, self._marks - 1)
                self.inlet.deliver(Played(name, now))
            case Status(queue_length=left):
                if self._asked:
                    self._answer(self._asked.popleft(), left, now)
            case Digit(digit=digit):
                self.inlet.deliver(Dtmf(digit, now))
            case Flow(open=is_open):
                self._full = not is_open
            case Refused():
                raise ProtocolError("asterisk.refused", "Asterisk could not do what was asked")
            case Drained():
                pass
            case MediaStart():
                raise ProtocolError("asterisk.started_twice", "a connection carries one call")

    def _answer(self, asked: _Asked, left: int, now: float) -> None:
        frames = max(0, asked.sent - left - asked.begun)
        self.inlet.deliver(Cleared(asked.epoch, float(frames * PTIME_MS), now))

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The connection is gone; `fault` is the code of why, where that is one."""
        if not self.inlet.closed:
            for heard in self._intake.finish():
                self.inlet.deliver(heard)
        self.inlet.lost(reason, fault)

    def watch(self, now: float) -> None:
        """Called while Asterisk does not read, and once after: it may be given up."""
        if self._unread.too_long(now) and not self.inlet.closed:
            self.lost("stalled", "asterisk.stalled")
            self._wire.close(1008, "asterisk.stalled")

    # To Asterisk

    def answer(self) -> None:
        """Answer the call, where the dial string's option n leaves that to us; where it was
        answered already it does nothing."""
        self._command("ANSWER")

    def send(self, frame: Frame) -> None:
        """Marks go to Asterisk; a line tells which turn the next sound is of. The rest is for eyes,
        which a telephone has not."""
        match frame:
            case Mark(name=name):
                self._marks += 1
                self._command("MARK_MEDIA", name)
            case Say(epoch=epoch) if epoch != self._epoch:
                self._epoch = epoch
                self._begun = self._sent
                if not self._marks:  # then nothing in the queue was said: it is the line's noise,
                    self._command("FLUSH_MEDIA")  # and the turn need not wait behind it
            case _:
                pass

    def play(self, pcm: bytes) -> None:
        """Whole frames of 20 ms; what is left over is made one with silence."""
        if self.inlet.closed or not pcm:
            return
        frame_bytes = self.capabilities.rate_hz // 50 * 2
        if short := -len(pcm) % frame_bytes:
            pcm += bytes(short)
        frames = len(pcm) // frame_bytes
        if self._full or self._wire.blocked:
            self.dropped += frames
            return
        self._sent += frames
        sound = self._format.encode(pcm)
        if len(sound) <= MAX_BYTES:
            self._wire.write(sound)
            return
        most = MAX_BYTES - MAX_BYTES % self._format.frame_bytes
        for start in range(0, len(sound), most):
            self._wire.write(sound[start : start + most])

    def pause(self, epoch: int) -> None:
        self._command("PAUSE_MEDIA")
        self._ask(epoch)

    def resume(self, epoch: int) -> None:
        self._command("CONTINUE_MEDIA")

    def clear(self, epoch: int) -> None:
        """Paused first, or a frame might leave between the answer and the flush; a flush alone
        leaves a pause as it is, and takes marks with it."""
        self.pause(epoch)
        self._command("FLUSH_MEDIA")
        self._command("CONTINUE_MEDIA")
        self._marks = 0

    def _ask(self, epoch: int) -> None:
        if not self.inlet.closed:
            self._asked.append(_Asked(epoch, self._begun, self._sent))
            self._command("GET_STATUS")

    def _command(self, name: Command, correlation_id: str = "") -> None:
        if not self.inlet.closed:
            self._wire.write(command(name, correlation_id, as_json=self._json))

    def close(self, reason: str) -> None:
        """Hang up: Asterisk ends the call within milliseconds of the connection's end."""
        if self.inlet.close():
            self._wire.close(1000, reason)

    def fail(self, code: str, message: str) -> None:
        """Close for a fault that ends the call; a caller cannot read what it was. The dialplan goes
        on after its Dial."""
        if self.inlet.close(code):
            self._wire.close(1011, code)
