"""What must hold of every call, whoever calls and whatever fails. Each invariant is a small class
that watches what passes between the engine and the far end, and says when it was broken."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.budget import LatencyBudget
from engine.turn import TRANSITIONS, State
from pipelines.audio.playout import ACK_PATIENCE_S
from server.sim.sounds import whole_sound
from server.talk.far_end import FarEnd, Message, Run

__all__ = ["ALL", "Ended", "Invariant", "Violation", "Watch"]


@dataclass(frozen=True, slots=True)
class Violation:
    """`invariant` was broken `at_s` seconds after the call's start."""

    invariant: str
    at_s: float
    what: str

    def __str__(self) -> str:
        return f"{self.at_s:8.3f} s  {self.invariant}: {self.what}"


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over, for the invariants of the whole."""

    far: FarEnd
    start: float
    lasted_s: float
    """Until the route returned."""
    far_left: bool
    """The caller hung up, closed or vanished; else it was the engine."""
    left_at_s: float
    store_out: bool
    """The store was in trouble when it left, or later."""
    vanished: bool
    """It left without a word: the engine cannot know at once."""
    cloud: bool
    """The voice streams: what an unfinished line comes to is an estimate."""
    ledgers: Sequence[dict[str, Any]]
    spoken: Sequence[tuple[float, float]]
    """When the caller was heard, in seconds after the start."""
    dropped: int
    """Frames of sound that the channel did not send."""
    patience_s: float
    """Silence that the faults of this call explain, on top."""
    left_over: Sequence[str]
    """Tasks, subscriptions, slots and timers that outlived it."""
    errors: Sequence[str]
    """Faults of the engine's own that it survived."""
    log: Sequence[tuple[str, dict[str, Any]]] | None
    """What the store has of the session; None if it was out of reach at the end."""
    marks: bool
    clears: bool
    pauses: bool
    arrived: Mapping[int, float]
    """When the first sound of each turn came, on the far end's clock."""


class Invariant(Protocol):
    """One of them. What it has no use for it leaves to `Watch`."""

    name: str


Told = Callable[[str], None]


class Watch:
    """Base of nothing: holds the violations of one call, and hands what passes to each invariant.

    `text` is a message of the engine's, `sound` a BINARY one, `back` an answer of the far end's as
    it reaches the engine; all at the moment they pass the engine's end of the wire.
    """

    def __init__(
        self, invariants: Sequence[Callable[[Told], Any]], now: Callable[[], float], start: float
    ) -> None:
        self.violations: list[Violation] = []
        self._now = now
        self._start = start
        made = [each(self._teller(each.name)) for each in invariants]  # type: ignore[attr-defined]
        self._text = [one.text for one in made if hasattr(one, "text")]
        self._sound = [one.sound for one in made if hasattr(one, "sound")]
        self._back = [one.back for one in made if hasattr(one, "back")]
        self._end = [one.end for one in made if hasattr(one, "end")]

    def _teller(self, name: str) -> Told:
        def tell(what: str) -> None:
            if len(self.violations) < 20:
                self.violations.append(Violation(name, self._now() - self._start, what))

        return tell

    def sent(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            now = self._now()
            for sound in self._sound:
                sound(message, now)
            return
        parsed = json.loads(message)
        for text in self._text:
            text(parsed, self._now())

    def received(self, message: Message, now: float) -> None:
        for back in self._back:
            back(message, now)

    def ended(self, call: Ended) -> None:
        for end in self._end:
            end(call)


class NothingAfterClear:
    """No sound, mark or line of a turn after it was cleared, and no sound between pause and
    resume. A turn is cancelled by its `clear`, or, for a far end that cannot clear, when the state
    goes from paused to listening."""

    name = "nothing after clear"

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._turn = 0
        self._paused = False
        self._cancelled: set[int] = set()
        self._whole: set[int] = set()  # played to their end
        self._state = ""

    def sound(self, pcm: bytes, now: float) -> None:
        if self._turn in self._cancelled:
            self._tell(f"sound of turn {self._turn} after its clear")
        if self._paused:
            self._tell(f"sound of turn {self._turn} while it is paused")

    def text(self, message: Message, now: float) -> None:
        match message:
            case {"type": "reply", "turn": int(turn)}:
                if turn in self._cancelled:
                    self._tell(f"a line of turn {turn} after its clear")
                self._turn = turn
            case {"type": "mark", "name": str(name)}:
                if int(name.partition(".")[0]) in self._cancelled:
                    self._tell(f"mark {name} after the turn's clear")
            case {"type": "pause" | "resume" | "clear" as kind, "turn": int(turn)}:
                self._paused = kind == "pause"
                if kind == "clear":
                    self._cancelled.add(turn)
                elif turn in self._cancelled:
                    self._tell(f"{kind} of turn {turn} after its clear")
            case {"type": "state", "state": str(state)}:
                if (
                    self._state == "paused"
                    and state == "listening"
                    and self._turn not in self._whole
                ):
                    self._cancelled.add(self._turn)
                self._state = state
            case {"type": "turn", "turn": int(turn), "interrupted": False}:
                self._whole.add(turn)
            case _:
                pass


class StatesFollowTheTable:
    """Every state follows from the one before (`engine.turn.TRANSITIONS`), and the last is
    closed."""

    name = "states follow the table"

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._state = State.LISTENING
        self._after: dict[State, set[State]] = {}
        for (old, _), new in TRANSITIONS.items():
            self._after.setdefault(old, set()).add(new)

    def text(self, message: Message, now: float) -> None:
        match message:
            case {"type": "state", "state": str(name)}:
                state = State(name)
                if state not in self._after.get(self._state, set()) or state is self._state:
                    self._tell(f"{state} after {self._state}")
                self._state = state
            case _:
                pass


class TurnsEnd:
    """Every turn has one ledger, in order, and no line of a turn comes after it."""

    name = "turns end"

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._ledgers = 0
        self._spoken = 0

    def text(self, message: Message, now: float) -> None:
        match message:
            case {"type": "turn", "turn": int(turn)}:
                self._ledgers += 1
                if turn != self._ledgers:
                    self._tell(f"ledger of turn {turn}, where {self._ledgers} is due")
            case {"type": "reply", "turn": int(turn)}:
                self._spoken = max(self._spoken, turn)
                if turn <= self._ledgers:
                    self._tell(f"a line of turn {turn} after its ledger")
            case _:
                pass

    def end(self, call: Ended) -> None:
        logged = [data["turn"] for name, data in call.log or () if name == "turn"]
        if call.log is not None:
            if logged != list(range(1, len(logged) + 1)):
                self._tell(f"the log has the turns {logged}")
            if len(logged) < max(self._spoken, self._ledgers):
                self._tell(f"{self._spoken} turns spoke, the log has {len(logged)}")
            if not call.log or call.log[-1][0] != "session.closed":
                self._tell("the log has no end")


class SpansAddUp:
    """A ledger's spans add up to its gap, and its last mark is what the far end played, with the
    network's share.

    The marks are put on the clock by the turn's first line, which is sent as it is marked: then
    ``first_played`` is the moment at which the far end's answer to the first mark arrived, and the
    turn was heard within a frame of the arrival of its first sound there. Turns that a filler
    began, or whose mark the engine had given up for lost, have other marks.
    """

    name = "spans add up"

    EXACT_S = 0.0015
    """Rounding of the marks, and of the far end's samples."""
    FRAME_S = 0.02

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._lines: dict[int, float] = {}
        self._answers: dict[int, float] = {}
        self._held: set[int] = set()

    def back(self, message: Message, now: float) -> None:
        match message:
            case {"type": "mark", "name": str(name)} if name.endswith(".0"):
                self._answers[int(name[:-2])] = now
            case _:
                pass

    def text(self, message: Message, now: float) -> None:
        match message:
            case {"type": "reply", "turn": int(turn)}:
                self._lines.setdefault(turn, now)
            case {"type": "turn", "turn": int(turn), "spans": dict(spans), "gap_ms": float(gap_ms)}:
                total = sum(spans.values())
                if abs(total - gap_ms) > 0.01:
                    self._tell(f"turn {turn}: spans of {total:.3f} ms, a gap of {gap_ms}")
                marks = message["marks"]
                if marks and abs(max(marks.values()) - gap_ms) > 0.01:
                    self._tell(f"turn {turn}: a gap of {gap_ms} ms, the last mark is another")
                if any(ms < 0 for ms in spans.values()):
                    self._tell(f"turn {turn}: a negative span")
                self._check_played(turn, message)
            case {"type": "pause" | "resume", "turn": int(turn)}:
                self._held.add(turn)
            case _:
                pass

    def _check_played(self, turn: int, message: Message) -> None:
        marks: Mapping[str, float] = message["marks"]
        line, answer = self._lines.get(turn), self._answers.get(turn)
        filled = any(step["left"] == "answer" for step in message["steps_down"])
        if line is None or answer is None or filled or answer - line > ACK_PATIENCE_S:
            return
        if {"first_sentence", "first_played"} <= set(marks):
            played = line + (marks["first_played"] - marks["first_sentence"]) / 1000
            if abs(played - answer) > self.EXACT_S:
                late_ms = (answer - played) * 1000
                self._tell(f"turn {turn}: first_played {late_ms:.1f} ms before the answer to it")

    def end(self, call: Ended) -> None:
        first: dict[int, Run] = {}
        for run in call.far.runs:
            first.setdefault(run.turn, run)
        for turn, run in first.items():
            came = call.arrived.get(turn)
            busy = any(other.start < run.start <= other.end + 1 for other in call.far.runs)
            if came is None or turn in self._held or busy:
                continue  # or the turn before it played on: a far end that cannot clear
            late_s = call.far.seconds(run.start) - came
            if not -self.EXACT_S <= late_s <= self.FRAME_S + self.EXACT_S:
                self._tell(f"turn {turn} was heard {late_s * 1000:.1f} ms after its sound came")


class SaidIsPlayed:
    """What a ledger says was said is what the far end has played, word for word by position.

    The position of an interrupted turn is exact where the far end had answered the last `pause` or
    `clear` before the ledger was closed; else the ledger goes by the pace, and is a beginning."""

    name = "said is what was played"

    SLACK_MS = 25.0
    """A frame, and rounding."""
    ESTIMATE = 0.3
    """By how much the length of a line that is still synthesised may be estimated wrong."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._lines: dict[int, list[str]] = {}
        self._stops: dict[int, list[float | None]] = {}  # commands of a turn and their answers
        self._ledgers: dict[int, tuple[str, bool, float | None]] = {}

    def text(self, message: Message, now: float) -> None:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                _put_line(self._lines.setdefault(turn, []), text)
            case {"type": "pause" | "clear", "turn": int(turn)}:
                self._stops.setdefault(turn, []).append(None)
            case {"type": "turn", "turn": int(turn), "said": str(said), "interrupted": bool(cut)}:
                position = self._stops.get(turn, [None])[-1]
                self._ledgers[turn] = said, cut, position
            case _:
                pass

    def back(self, message: Message, now: float) -> None:
        match message:
            case {"type": "played", "turn": int(turn), "ms": float(ms)}:
                stops = self._stops.get(turn, [])
                if None in stops:
                    stops[stops.index(None)] = ms
            case _:
                pass

    def end(self, call: Ended) -> None:
        played: dict[int, float] = {}
        for run in call.far.runs:
            ms = (run.end - run.start) * 1000 / call.far.rate_hz
            played[run.turn] = played.get(run.turn, 0.0) + ms
        for turn, (said, cut, position) in self._ledgers.items():
            lines = self._lines.get(turn, [])
            if not cut:
                self._whole(turn, said, lines, played.get(turn, 0.0), call)
            elif position is not None and call.clears:
                slack_ms = self.SLACK_MS + (self.ESTIMATE * position if call.cloud else 0.0)
                least = _words(lines, position - slack_ms)
                most = _words(lines, position + slack_ms)
                if not (most.startswith(said) and said.startswith(least)):
                    self._tell(
                        f"turn {turn}: the far end had played {position:.0f} ms, "
                        f"{least!r} at least, and the ledger says {said!r}"
                    )
            elif not " ".join(lines).startswith(said):
                self._tell(f"turn {turn}: {said!r} is no beginning of {' '.join(lines)!r}")

    def _whole(self, turn: int, said: str, lines: list[str], ms: float, call: Ended) -> None:
        whole = " ".join(line for line in lines if whole_sound(line))
        if said == whole:
            lasts = sum(_ms(line) for line in lines)
            if ms < lasts - 60 and not call.dropped and not call.far_left and call.marks:
                self._tell(f"turn {turn}: {ms:.0f} of {lasts:.0f} ms were played, all is said")
        elif not whole.startswith(said):
            self._tell(f"turn {turn}: {said!r} is no beginning of {whole!r}")


def _put_line(lines: list[str], text: str) -> None:
    """A filler (the scenario's end with an ellipsis, and nothing else does) is announced after the
    line whose sound it goes before."""
    if text.endswith("…"):
        lines.insert(sum(line.endswith("…") for line in lines), text)
    else:
        lines.append(text)


def _ms(line: str) -> float:
    return len(whole_sound(line)) / 32


def _words(lines: Sequence[str], position_ms: float) -> str:
    """What of `lines` lies before a position: whole lines, then words by their share."""
    said: list[str] = []
    start = 0.0
    for line in lines:
        end = start + _ms(line)
        if position_ms >= end:
            said.append(line)
        elif position_ms > start:
            words = line.split()
            said += words[: int(len(words) * (position_ms - start) / (end - start))]
        start = end
    return " ".join(said)


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
                _put_line(self._lines.setdefault(turn, []), text)
            case _:
                pass

    def end(self, call: Ended) -> None:
        if call.dropped:
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
            if since - heard_until > limit_s and heard_until < call.left_at_s:
                self._tell(
                    f"silence of {since - heard_until:.1f} s from {heard_until:.1f} s on; "
                    f"at most {limit_s:.1f} are explained"
                )
            heard_until = max(heard_until, until)


class NothingLeft:
    """No task, subscription, slot, timer or byte outlives a call, and it ends soon after the far
    end has left."""

    name = "nothing is left"

    SOON_S = 3.0
    """The last words: a second to recognise and one to understand, and the log."""
    PING_S = 41.0
    """uvicorn's ping interval and timeout, 20 s each."""
    LOG_S = 31.0
    """How long a store that is out of reach is waited for."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def end(self, call: Ended) -> None:
        for what in call.left_over:
            self._tell(what)
        over_s = call.lasted_s - call.left_at_s
        allowed_s = self.SOON_S + call.patience_s + (self.LOG_S if call.store_out else 0.0)
        allowed_s += self.PING_S if call.vanished else 0.0
        if over_s > allowed_s:
            self._tell(f"it went on for {over_s:.1f} s after the far end had left")


class NoFaultOfOurs:
    """No exception that is not one of the engine's own errors, in any task or callback."""

    name = "no fault of ours"

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def end(self, call: Ended) -> None:
        for error in call.errors:
            self._tell(error)
        for name, data in call.log or ():
            # The engine's own errors have a code; another's is the name of its class.
            if name == "stage.failed" and "." not in data["error"]:
                self._tell(f"{data['stage']} failed with {data['error']}")


ALL: tuple[Callable[[Told], Any], ...] = (
    NothingAfterClear,
    StatesFollowTheTable,
    TurnsEnd,
    SpansAddUp,
    SaidIsPlayed,
    ResumeIsExact,
    NeverSilent,
    NothingLeft,
    NoFaultOfOurs,
)
