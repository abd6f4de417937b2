import itertools
from collections.abc import Callable

import pytest

from bench.sip.leg import Answered, Ended, Leg, Progress, Refused, State
from bench.sip.message import Headers, Request, Response, SipError, parse

URI = "sip:100@127.0.0.1:5070"


def _tokens() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"t{next(numbers)}"


def _leg() -> Leg:
    return Leg("127.0.0.1", 5091, b"v=0\r\n", _tokens())


def _out(leg: Leg) -> list[Request | Response]:
    messages = [parse(data) for data in leg.out]
    leg.out.clear()
    return [message for message in messages if message is not None]


def _dialled() -> tuple[Leg, Request]:
    leg = _leg()
    leg.dial(URI, "1001", 0.0)
    [invite] = _out(leg)
    assert isinstance(invite, Request)
    return leg, invite


def _reply(request: Request, status: int, body: bytes = b"", **fields: str) -> Response:
    kept = [field for field in request.headers if field[0] in {"Via", "From", "Call-ID", "CSeq"}]
    to = ("To", f"{request.headers.get('To')};tag=them")
    more = [("Contact", "<sip:127.0.0.1:5070>"), *fields.items()]
    return Response(status, Headers([*kept, to, *more]), body)


def _methods(leg: Leg) -> list[str]:
    return [
        message.method if isinstance(message, Request) else str(message.status)
        for message in _out(leg)
    ]


def test_an_invite_is_literal() -> None:
    leg = _leg()
    leg.dial(URI, "1001", 0.0)
    [invite] = leg.out
    assert invite == (
        b"INVITE sip:100@127.0.0.1:5070 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1:5091;branch=z9hG4bKt3;rport\r\n"
        b"Max-Forwards: 70\r\n"
        b"From: <sip:1001@127.0.0.1:5091>;tag=t1\r\n"
        b"To: <sip:100@127.0.0.1:5070>\r\n"
        b"Call-ID: t2@127.0.0.1:5091\r\n"
        b"CSeq: 1 INVITE\r\n"
        b"Contact: <sip:palabre@127.0.0.1:5091>\r\n"
        b"User-Agent: palabre-bench\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Content-Length: 5\r\n"
        b"\r\n"
        b"v=0\r\n"
    )


def test_a_call_is_answered_and_hung_up() -> None:
    leg, invite = _dialled()
    assert leg.receive(_reply(invite, 100), 0.1) == [Progress(100, b"")]
    assert leg.due is None
    assert leg.receive(_reply(invite, 183, b"sdp"), 0.2) == [Progress(183, b"sdp")]
    assert leg.receive(_reply(invite, 200, b"sdp"), 0.3) == [Answered(b"sdp")]
    [ack] = _out(leg)
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri) == ("ACK", "sip:127.0.0.1:5070")
    assert ack.headers.get("CSeq") == "1 ACK"
    assert ack.headers.get("Via") != invite.headers.get("Via")
    assert ack.headers.get("To").endswith(";tag=them")
    # Its ACK was lost: the answer comes again, and is acknowledged again.
    assert leg.receive(_reply(invite, 200, b"sdp"), 0.8) == []
    assert _methods(leg) == ["ACK"]
    leg.hang_up(1.0)
    leg.hang_up(1.0)
    [bye] = _out(leg)
    assert isinstance(bye, Request)
    assert bye.headers.get("CSeq") == "2 BYE"
    assert leg.receive(_reply(bye, 200), 1.1) == [Ended("us", "")]
    assert (leg.state, leg.due) == (State.ENDED, None)


def test_a_refusal_is_acknowledged_in_the_invites_transaction() -> None:
    leg, invite = _dialled()
    refusal = _reply(invite, 486, Reason="Q.850;cause=17")
    assert leg.receive(refusal, 0.1) == [Refused(486, "17")]
    [ack] = _out(leg)
    assert isinstance(ack, Request)
    assert ack.headers.get("Via") == invite.headers.get("Via")
    assert leg.receive(refusal, 0.6) == []
    assert _methods(leg) == ["ACK"]


def test_an_invite_is_sent_again_until_something_comes_back() -> None:
    leg, _ = _dialled()
    times = []
    while leg.due is not None:
        times.append(leg.due)
        events = leg.tick(leg.due)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32.0]
    assert _methods(leg) == ["INVITE"] * 10
    assert events == [Refused(408, "nothing came back")]


def test_who_gives_up_cancels_once_there_is_something_to_cancel() -> None:
    leg, invite = _dialled()
    leg.hang_up(0.1)
    assert _methods(leg) == []
    leg.receive(_reply(invite, 180), 0.2)
    [cancel] = _out(leg)
    assert isinstance(cancel, Request)
    assert cancel.headers.get("Via") == invite.headers.get("Via")
    assert cancel.headers.get("CSeq") == "1 CANCEL"
    leg.hang_up(0.3)
    assert leg.receive(_reply(cancel, 200), 0.3) == []
    assert leg.receive(_reply(invite, 487), 0.4) == [Ended("us", "")]
    assert _methods(leg) == ["ACK"]
    assert leg.due is None


def test_an_answer_that_crosses_the_cancel_is_hung_up() -> None:
    leg, invite = _dialled()
    leg.receive(_reply(invite, 180), 0.1)
    leg.hang_up(0.2)
    assert _methods(leg) == ["CANCEL"]
    assert leg.receive(_reply(invite, 200, b"sdp"), 0.2) == []
    assert _methods(leg) == ["ACK", "BYE"]


def _invite(**changed: str) -> Request:
    fields = {
        "Via": "SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bKx",
        "From": "<sip:100@127.0.0.1>;tag=them",
        "To": "<sip:palabre@127.0.0.1:5091>",
        "Contact": "<sip:asterisk@127.0.0.1:5070>",
        "Call-ID": "theirs",
        "CSeq": "7 INVITE",
        **changed,
    }
    return Request("INVITE", "sip:palabre@127.0.0.1:5091", Headers(list(fields.items())), b"sdp")


def _theirs(method: str, sequence: int = 7, **changed: str) -> Request:
    invite = _invite(CSeq=f"{sequence} {method}", **changed)
    return Request(method, invite.uri, invite.headers)


def test_a_call_is_taken_rung_and_answered() -> None:
    leg = _leg()
    leg.take(_invite())
    leg.ring()
    leg.early()
    leg.answer(1.0)
    trying, ringing, progress, ok = _out(leg)
    assert [m.status for m in (trying, ringing, progress, ok) if isinstance(m, Response)] == [
        100,
        180,
        183,
        200,
    ]
    assert ";tag=" not in trying.headers.get("To")
    assert ok.headers.get("To") == "<sip:palabre@127.0.0.1:5091>;tag=t1"
    assert (ringing.body, progress.body, ok.body) == (b"", b"v=0\r\n", b"v=0\r\n")
    # The answer goes out again until its ACK comes, also when the INVITE does.
    assert leg.tick(1.5) == []
    assert leg.receive(_invite(), 1.6) == []
    assert _methods(leg) == ["200", "200"]
    assert leg.receive(_theirs("ACK"), 1.7) == []
    assert leg.due is None
    assert leg.receive(_theirs("BYE", 8, Reason="Q.850;cause=16"), 2.0) == [Ended("them", "16")]
    assert leg.receive(_theirs("BYE", 8), 2.5) == []
    assert _methods(leg) == ["200", "200"]


def test_a_call_is_refused_and_waits_for_its_ack_only() -> None:
    leg = _leg()
    leg.take(_invite())
    assert leg.refuse(603, 0.0) == Ended("us", "603")
    assert _methods(leg) == ["100", "603"]
    leg.tick(0.5)
    assert _methods(leg) == ["603"]
    leg.receive(_theirs("ACK"), 0.6)
    assert leg.due is None
    with pytest.raises(SipError, match="only a call that came"):
        leg.answer(0.7)


def test_a_call_that_is_cancelled_is_terminated() -> None:
    leg = _leg()
    leg.take(_invite())
    leg.ring()
    leg.out.clear()
    assert leg.receive(_theirs("CANCEL"), 1.0) == [Ended("them", "")]
    assert _methods(leg) == ["200", "487"]
    with pytest.raises(SipError):
        leg.answer(1.1)


def test_who_answers_hangs_up_once_that_was_acknowledged() -> None:
    """RFC 3261, 15: a BYE that comes sooner belongs to no call that the caller knows."""
    leg = _leg()
    leg.take(_invite())
    leg.answer(0.0)
    leg.hang_up(0.001)
    assert _methods(leg) == ["100", "200"]
    leg.receive(_theirs("ACK"), 0.002)
    leg.hang_up(0.003)
    leg.receive(_theirs("ACK"), 0.004)
    assert _methods(leg) == ["BYE"]


def test_who_does_not_acknowledge_the_answer_is_given_up() -> None:
    leg = _leg()
    leg.take(_invite())
    leg.answer(0.0)
    while leg.due is not None:
        events = leg.tick(leg.due)
    assert events == [Ended("us", "nothing came back to final")]


def test_within_a_call_other_requests_are_answered() -> None:
    leg = _leg()
    leg.take(_invite())
    leg.answer(0.0)
    leg.out.clear()
    for method in ("OPTIONS", "INVITE", "UPDATE", "REFER"):
        leg.receive(_theirs(method, 9), 1.0)
    replies = _out(leg)
    assert [reply.status for reply in replies if isinstance(reply, Response)] == [
        200,
        200,
        200,
        405,
    ]
    assert replies[1].body == b"v=0\r\n"


def test_what_was_not_answered_is_refused_not_hung_up() -> None:
    leg = _leg()
    leg.take(_invite())
    with pytest.raises(SipError, match="refused, not hung up"):
        leg.hang_up(0.0)
