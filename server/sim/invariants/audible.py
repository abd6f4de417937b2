"""What the caller hears: every sample once, and no silence that nobody ends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from engine.budget import LatencyBudget
from server.sim.invariants.lines import put_line
from server.sim.invariants.watch import Ended, Told
from server.sim.sounds import whole_sound
from server.talk.far_end import Message

__all__ = ["NeverSilent", "ResumeIsExact"]


class ResumeIsExact:
    """What was played of a turn is the beginning of its sound: no sample missing, repeated or
    changed, also across pauses."""

    name = "resume is exact"

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._sent: dict[int, bytearray] = {}
        self._lines: dict[int, list[str]] = {}
        self._turn = 0

    def sound(self, pcm: bytes, now: float) -> None:
        sent = self._sent.get(self._turn)
        if sent is not None:
            sent += pcm

    def text(self, message: Message, now: float) -> None:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                self._turn = turn
                self._sent.setdefault(turn, bytearray())
                put_line(self._lines.setdefault(turn, []), text)
            case _:
                pass

    def end(self, call: Ended) -> None:
        if call.most_waiting_bytes:
            return  # it did not read: it knows that it missed some
        native = call.far.rate_hz == 16000
        for turn, runs in itertools.groupby(call.far.runs, key=lambda run: run.turn):
            sent = self._sent.get(turn, bytearray())
            played = b"".join(call.far.piece(run.start, run.end) for run in runs)
            if not sent.startswith(played):
                self._tell(f"turn {turn}: what was played is not what was sent")
            whole = _sound(self._lines.get(turn, ())) if native else b""
            if native and not _begins(whole, bytes(sent)):
                self._tell(f"turn {turn}: what was sent is not the sound of its lines")


def _sound(lines: Sequence[str]) -> bytes:
    return b"".join(map(whole_sound, lines))


def _begins(whole: bytes, sent: bytes) -> bool:
    """`sent` is the beginning of `whole`, or all of it and silence."""
    return whole.startswith(sent) or (sent.startswith(whole) and not any(sent[len(whole) :]))


class NeverSilent:
    """The caller is never left in silence for longer than the scenario's patience and the budget,
    with what the network and the faults explain."""

    name = "never silent"

    SILENCE_S = 6.0
    """`Session.silence_s`: after this the engine asks whether he is there."""
    SLACK_S = 1.0
    """The recogniser's last words, sound that is no speech, and the far end's frame."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def end(self, call: Ended) -> None:
        limit_s = self.SILENCE_S + LatencyBudget().total_ms / 1000 + self.SLACK_S + call.patience_s
        rate = call.far.rate_hz
        events = [(run.start / rate, run.end / rate) for run in call.far.runs]
        events += call.spoken
        events.sort()
        heard_until = 0.0
        for since, until in [*events, (call.left_at_s, call.left_at_s)]:
            silence_s = min(since, call.left_at_s) - heard_until
            if silence_s > limit_s:
                self._tell(
                    f"silence of {silence_s:.1f} s from {heard_until:.1f} s on; "
                    f"at most {limit_s:.1f} are explained"
                )
            heard_until = max(heard_until, until)
