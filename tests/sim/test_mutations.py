"""The invariants can fail: each catches an engine that was broken for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.budget import Mark
from engine.session import Session
from engine.turn import State, StateMachine, Turn
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import Ticker
from pipelines.mouth import VoiceMouth
from server.admission import Admission
from server.sim.call import Shared, simulate
from server.sim.script import Over, Script, draw

MINUTES = 0.6


def talkative(seed: int) -> Script:
    """A caller on a clean line whose far end can do everything, who says "oui" over one of our
    turns and interrupts the next, again and again."""
    script = draw(seed, MINUTES)
    over = (
        Over("backchannel", "oui", 1.5, 0),
        Over("interruption", "attendez je vous écoute", 1.5, 0),
    )
    return replace(
        script,
        condition="clean",
        features="mark,clear,pause",
        echo=None,
        over=over * 40,
        strays=(),
        hangs_up_s=MINUTES * 60,
    )


def caught(shared: Shared, script: Script) -> set[str]:
    return {violation.invariant for violation in simulate(script, shared).violations}


def test_the_engine_as_it_is_breaks_none(shared: Shared) -> None:
    assert caught(shared, talkative(3)) == set()


def _sounds_on(patch: pytest.MonkeyPatch) -> None:
    def clear(self: Playout, now: float) -> float:
        self._channel.clear(self.epoch)  # and goes on
        return self.played_ms(now)

    patch.setattr(Playout, "clear", clear)


def _jumps(patch: pytest.MonkeyPatch) -> None:
    step = StateMachine.step

    def jump(self: StateMachine, event: str) -> None:
        if event == "reply":
            self._watch(State.LISTENING)
        step(self, event)

    patch.setattr(StateMachine, "step", jump)


def _forgets_a_turn(patch: pytest.MonkeyPatch) -> None:
    settle = Session._settle

    def forget(self: Session) -> None:
        if self._epoch == 2:
            self._unsettled = None
        settle(self)

    patch.setattr(Session, "_settle", forget)


def _flatters_its_latency(patch: pytest.MonkeyPatch) -> None:
    mark = Turn.mark

    def early(self: Turn, what: Mark, at: float) -> None:
        mark(self, what, at - 0.05 if what is Mark.FIRST_PLAYED else at)

    patch.setattr(Turn, "mark", early)


def _claims_all_was_said(patch: pytest.MonkeyPatch) -> None:
    def reached(self: VoiceMouth, turn: Turn) -> None:
        turn.said = " ".join(turn.lines)

    patch.setattr(VoiceMouth, "reached", reached)


def _loses_a_frame(patch: pytest.MonkeyPatch) -> None:
    release = Playout.release

    def lossy(self: Playout, now: float) -> None:
        if self.held:
            del self._buffer[:640]
        release(self, now)

    patch.setattr(Playout, "release", lossy)


def _never_asks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_await_user", lambda self: None)


def _keeps_ticking(patch: pytest.MonkeyPatch) -> None:
    remove = Ticker.remove

    def keep(self: Ticker, key: object) -> None:
        if not isinstance(key, Playout):
            remove(self, key)

    patch.setattr(Ticker, "remove", keep)


def _keeps_its_slot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Admission, "leave", lambda self: None)


def _leaves_a_task(patch: pytest.MonkeyPatch) -> None:
    speak = VoiceMouth.speak

    async def speak_and_leave(self: VoiceMouth, turn: Turn, reply: Any) -> None:
        self._left = asyncio.create_task(asyncio.sleep(3600))  # type: ignore[attr-defined]
        await speak(self, turn, reply)

    patch.setattr(VoiceMouth, "speak", speak_and_leave)


def _breaks_in_a_tick(patch: pytest.MonkeyPatch) -> None:
    tick = Playout.tick

    def broken(self: Playout, now: float) -> None:
        tick(self, now)
        if self.epoch == 2:
            raise ZeroDivisionError

    patch.setattr(Playout, "tick", broken)


Break = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize(
    ("mutation", "invariant"),
    [
        (_sounds_on, "nothing after clear"),
        (_jumps, "states follow the table"),
        (_forgets_a_turn, "turns end"),
        (_flatters_its_latency, "spans add up"),
        (_claims_all_was_said, "said is what was played"),
        (_loses_a_frame, "resume is exact"),
        (_keeps_ticking, "nothing is left"),
        (_keeps_its_slot, "nothing is left"),
        (_leaves_a_task, "nothing is left"),
        (_breaks_in_a_tick, "no fault of ours"),
    ],
)
def test_a_broken_engine_is_caught(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, mutation: Break, invariant: str
) -> None:
    mutation(monkeypatch)
    assert invariant in caught(shared, talkative(3))


def test_an_engine_that_leaves_the_caller_in_silence_is_caught(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    _never_asks(monkeypatch)
    script = talkative(3)
    mute = tuple(replace(reply, what="nothing") for reply in script.replies)
    assert "never silent" in caught(shared, replace(script, over=(None,), replies=mute))
