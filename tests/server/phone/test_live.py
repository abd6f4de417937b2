import io

from rich.console import Console

from engine.clock import LoopClock
from engine.frames import Ledger, Say, StateChanged, Transcript
from engine.turn import State
from server.asterisk.outbound import CallResult, Progress, Stage
from server.phone.live import HEARD, OUTCOMES, Live
from telephony.amd.evidence import Kind
from telephony.asterisk.outcome import Outcome
from tests.virtual import virtual

TURN = {"turn": 1, "gap_ms": 271.0, "spans": {"endpointing": 240.0, "speech": 31.0}}


@virtual
async def test_what_happens_is_shown_with_its_time() -> None:
    out = io.StringIO()
    clock = LoopClock()
    live = Live(Console(file=out, soft_wrap=True, highlight=False), clock)
    now = clock.now()
    live.progress(Progress(Stage.DIALLING, now))
    live.progress(Progress(Stage.RINGING, now + 0.5))
    live.progress(Progress(Stage.ENDED, now + 9.0))
    for frame in (
        Say("Bonjour [vous].", epoch=1),
        Transcript("oui", True, 0.0),
        Ledger({"turn": 0, "gap_ms": 3.0, "spans": {}}),
        Ledger(TURN),
        StateChanged(str(State.CLOSED)),
    ):
        live.watch(frame)
    lines = out.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["0.00s", "dialling"], ["0.50s", "ringing"]]
    assert "Bonjour [vous]." in lines[2]
    assert "« oui »" in lines[3]
    assert "turn 1" in lines[4]
    assert any("endpointing" in line for line in lines)
    assert "turn 0" not in out.getvalue()


@virtual
async def test_every_outcome_has_its_words() -> None:
    out = io.StringIO()
    live = Live(Console(file=out, soft_wrap=True, highlight=False), LoopClock())
    live.result(CallResult(Outcome.NO_ANSWER, 19, 480, "0123", rang_s=0.1))
    live.result(
        CallResult(
            Outcome.ANSWERED,
            16,
            None,
            "0",
            reason="drop",
            answer_s=2.04,
            duration_s=3.5,
            answered_by="voicemail",
        )
    )
    live.result(CallResult(Outcome.UNKNOWN_NUMBER, 1, None, "0123", answered_by="network"))
    assert out.getvalue().splitlines() == [
        "it rang, and nobody answered (cause 19, SIP 480, session 0123)",
        "answered by a voicemail after 2.0 s, talked for 3.5 s, ended: drop (cause 16, session 0)",
        "no such number, heard: an announcement of the network (cause 1, session 0123)",
    ]
    assert set(OUTCOMES) == set(Outcome)
    assert set(HEARD) == set(Kind)
