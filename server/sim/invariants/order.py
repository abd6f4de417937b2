"""What may follow what: sound and messages, states, turns."""

from __future__ import annotations

from engine.turn import TRANSITIONS, State
from server.sim.invariants.watch import Ended, Told
from server.talk.far_end import Message

__all__ = ["NothingAfterClear", "StatesFollowTheTable", "TurnsEnd"]


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
