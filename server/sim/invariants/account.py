"""What a ledger claims: its times, and what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.audio.playout import ACK_PATIENCE_S
from server.sim.invariants.lines import lasts_ms, put_line
from server.sim.invariants.watch import Ended, Told
from server.sim.sounds import whole_sound
from server.talk.far_end import Message, Run

__all__ = ["SaidIsPlayed", "SpansAddUp"]


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
                put_line(self._lines.setdefault(turn, []), text)
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
            lasts = sum(lasts_ms(line) for line in lines)
            if ms < lasts - 60 and not call.most_waiting_bytes and not call.far_left and call.marks:
                self._tell(f"turn {turn}: {ms:.0f} of {lasts:.0f} ms were played, all is said")
        elif not whole.startswith(said):
            self._tell(f"turn {turn}: {said!r} is no beginning of {whole!r}")


def _words(lines: Sequence[str], position_ms: float) -> str:
    """What of `lines` lies before a position: whole lines, then words by their share."""
    said: list[str] = []
    start = 0.0
    for line in lines:
        end = start + lasts_ms(line)
        if position_ms >= end:
            said.append(line)
        elif position_ms > start:
            words = line.split()
            said += words[: int(len(words) * (position_ms - start) / (end - start))]
        start = end
    return " ".join(said)
