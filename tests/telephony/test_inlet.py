"""What every channel keeps of its call."""

from __future__ import annotations

from engine.frames import Dtmf, Frame, Hangup
from telephony.inlet import Inlet


def heard(inlet: Inlet) -> list[Frame]:
    came: list[Frame] = []
    inlet.attach(came.append)
    return came


def test_what_comes_is_heard_from_the_attaching_on() -> None:
    inlet = Inlet()
    inlet.deliver(Dtmf("1", 0.0))
    first = heard(inlet)
    inlet.deliver(Dtmf("2", 0.0))
    second = heard(inlet)
    inlet.deliver(Dtmf("3", 0.0))
    assert (first, second) == ([Dtmf("2", 0.0)], [Dtmf("3", 0.0)])


def test_between_a_receiver_and_sound_there_is_nothing() -> None:
    inlet = Inlet()
    came: list[Frame] = []
    receive = came.append
    inlet.attach(receive)
    assert inlet.deliver is receive


def test_a_hang_up_that_came_first_is_heard() -> None:
    inlet = Inlet()
    inlet.deliver(Hangup("caller"))
    assert not inlet.closed, "who said it may still be told why we go"
    assert heard(inlet) == [Hangup("caller")]


def test_a_far_end_that_is_gone_is_told_to_everybody() -> None:
    inlet = Inlet()
    first = heard(inlet)
    inlet.lost("stalled", "client.stalled")
    assert (inlet.closed, inlet.fault) == (True, "client.stalled")
    assert first == heard(inlet) == [Hangup("stalled")]


def test_it_is_closed_once() -> None:
    inlet = Inlet()
    assert inlet.close()
    assert not inlet.close()
    assert not inlet.close("server.error"), "it was over"
    assert (inlet.closed, inlet.fault) == (True, None)


def test_the_first_fault_is_why_it_ended() -> None:
    inlet = Inlet()
    came = heard(inlet)
    assert inlet.close("server.draining")
    inlet.lost("draining", "client.vanished")
    assert inlet.fault == "server.draining"
    assert came == [Hangup("draining")], "who holds the call has to hear of it"
    inlet.close("other")
    assert inlet.fault == "server.draining"


def test_who_is_lost_cannot_be_closed() -> None:
    inlet = Inlet()
    inlet.lost("caller")
    assert not inlet.close("server.error")
    assert inlet.fault is None
