"""The simulated caller: decides what to say and when from what he hears. Sans-I/O.

He follows the scenario's order without knowing the engine: the lines that he hears tell him which
step asks, the far end's silence that it is his turn.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from server.talk.far_end import FarEnd, Message
from server.talk.plan import Aside, Plan

__all__ = ["Caller", "HangUp", "Say"]

THINK_S = (0.45, 1.1)
"""How long a person thinks before he answers a question on the telephone."""

PATIENCE_S = 12.0
"""Silence of the engine after which the caller gives up: longer than any silence of the
scenario's own, shorter than anyone would wait."""

GOODBYE_S = 1.5
"""How long after the last words the caller hangs up, if the engine has not."""


@dataclass(frozen=True, slots=True)
class Say:
    """Begin to speak; `kind` is ``answer``, ``interruption`` or ``backchannel``."""

    text: str
    kind: str = "answer"


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller is done; `answered` is false where the engine left him without one."""

    why: str
    answered: bool = True


class Caller:
    """One caller. `steps` names the step of each line that asks, `ends` are the steps that say
    goodbye; what is not in `steps` is said about the question that stands."""

    def __init__(
        self,
        plan: Plan,
        steps: Mapping[str, str],
        ends: frozenset[str],
        *,
        seed: int,
        quick: bool = False,
    ) -> None:
        self._plan = plan
        self._steps = steps
        self._ends = ends
        self._seed = seed
        self._left = list(plan.quick) if quick else None
        self._asked: Counter[str] = Counter()
        self._step = ""
        self._turn = 0
        """The turn being heard, and the last that was answered."""
        self._answered = 0
        self._engine_speaks = False
        self._asides = {
            "interruption": plan.interrupt,
            "backchannel": plan.backchannel,
        }
        self._spoke_until: float | None = None

    def hear(self, message: Message) -> None:
        """Take a message of the engine's."""
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                self._turn = turn
                self._step = self._steps.get(text, self._step)
            case {"type": "state", "state": str(state)}:
                self._engine_speaks = state in {"responding", "paused"}
            case _:
                pass

    def spoken(self, until: float) -> None:
        """What was begun will have been said at `until`."""
        self._spoke_until = until

    def decide(self, far: FarEnd, now: float) -> Say | HangUp | None:
        """What to do now, having heard all that `far` has played."""
        if self._spoke_until is not None and now < self._spoke_until:
            return None
        for kind, aside in self._asides.items():
            if aside is not None and self._is_moment(aside, far):
                self._asides[kind] = None
                if kind == "interruption":
                    self._answered = self._turn
                return Say(aside.say, kind)
        heard = bool(far.runs) and far.runs[-1].turn == self._turn > self._answered
        quiet_s = now - self._silent_since(far)
        if far.playing or self._engine_speaks or not heard:
            lost = not far.playing and quiet_s > PATIENCE_S
            return HangUp("the engine did not answer", answered=False) if lost else None
        if self._step in self._ends:
            return HangUp("goodbye") if quiet_s >= GOODBYE_S else None
        if quiet_s < self._think_s():
            return None
        return self._answer()

    def _answer(self) -> Say | HangUp:
        if self._left == []:
            return HangUp("the short call is over")
        wordings = self._plan.answers.get(self._step)
        if not wordings:
            return HangUp(f"nothing to answer at {self._step or 'an unknown step'}")
        said = self._asked[self._step]
        self._asked[self._step] += 1
        self._answered = self._turn
        if self._left and self._step in self._left:
            self._left.remove(self._step)
        return Say(wordings[min(said, len(wordings) - 1)])

    def _is_moment(self, aside: Aside, far: FarEnd) -> bool:
        return (
            self._step == aside.during
            and self._turn > self._answered
            and far.playing
            and not far.paused
            and far.played_ms(self._turn) >= aside.after_s * 1000
        )

    def _silent_since(self, far: FarEnd) -> float:
        heard_s = far.seconds(far.runs[-1].end) if far.runs else far.start
        return max(heard_s, self._spoke_until or 0.0)

    def _think_s(self) -> float:
        chance = random.Random(f"think {self._seed} {self._step} {self._asked[self._step]}")
        return chance.uniform(*THINK_S)
