"""The signalling of one call (RFC 3261: dialogs, and the transactions of INVITE, ACK, CANCEL and
BYE). Sans-I/O: messages in, events out; what is to be sent stands in `Leg.out`, times are seconds.

One peer, over UDP, without proxies in between: no Route, no digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bench.sip.message import Headers, Message, Request, Response, SipError, uri_in

__all__ = ["Answered", "Ended", "Event", "Leg", "Progress", "Refused", "State"]

T1_S = 0.5
T2_S = 4.0
GIVE_UP_S = 64 * T1_S
"""RFC 3261, 17.1.1.2 and 17.1.2.2: when to send again, and until when."""


class State(Enum):
    CALLING = "calling"
    """INVITE was sent, nothing came back."""
    PROCEEDING = "proceeding"
    """Something came back, or something was answered to the INVITE that came; nothing final."""
    UP = "up"
    ENDING = "ending"
    """Our CANCEL or BYE is under way, or our BYE waits for the ACK of our answer."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response; `body` is its session description, for early media."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """Our INVITE was accepted."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Our INVITE was not accepted."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; `by` is ``us`` or ``them``. `reason` is that of the Reason field
    (RFC 3326), if any."""

    by: str
    reason: str


Event = Progress | Answered | Refused | Ended


@dataclass(slots=True)
class _Again:
    """A message that is sent again until something comes back."""

    message: bytes
    due: float
    wait_s: float
    until: float


class Leg:
    """One call. `host` and `port` are ours; `token` makes the random parts of identifiers."""

    def __init__(self, host: str, port: int, sdp: bytes, token: Callable[[], str]) -> None:
        self.out: list[bytes] = []
        """What is to be sent to the peer, in order; whoever sends it empties the list."""
        self.state = State.CALLING
        self.sdp = sdp
        """Our session description."""
        self._at = f"{host}:{port}"
        self._token = token
        self._sequence = 0
        self._again: dict[str, _Again] = {}
        self._invite: Request | None = None
        """The INVITE of the call, ours or theirs."""
        self._ours = True
        self._final: Response | None = None
        """Our last response to their INVITE."""
        self._cancelled = False
        self._tag = token()
        self._local = self._remote = self._target = self.call_id = ""

    # How a call begins

    def dial(self, uri: str, caller: str, now: float) -> None:
        """Call `uri` as `caller`."""
        self._local = f"<sip:{caller}@{self._at}>;tag={self._tag}"
        self._remote = f"<{uri}>"
        self._target = uri
        self.call_id = f"{self._token()}@{self._at}"
        self._invite = self._request("INVITE", self.sdp)
        self._repeat("INVITE", self._invite.encode(), now)

    def take(self, invite: Request) -> None:
        """Take a call that came; raises SipError where it makes no sense."""
        self._ours = False
        self._invite = invite
        self._remote = invite.headers.need("From")
        self._local = f"{invite.headers.need('To')};tag={self._tag}"
        self._target = uri_in(invite.headers.need("Contact"))
        self.call_id = invite.headers.need("Call-ID")
        self.state = State.PROCEEDING
        self._respond(invite, 100)

    # What this side does

    def ring(self) -> None:
        """180."""
        self._provisional(180, b"")

    def early(self) -> None:
        """183 with our session description: sound before the answer."""
        self._provisional(183, self.sdp)

    def answer(self, now: float) -> None:
        """200."""
        self._finish(200, now, self.sdp)
        self.state = State.UP

    def refuse(self, status: int, now: float) -> Ended:
        """Any final status but 200."""
        self._finish(status, now)
        return self._over("us", str(status))

    def hang_up(self, now: float) -> None:
        """BYE, or CANCEL before the answer; safe to call again."""
        match self.state:
            case State.CALLING:
                self._cancelled = True  # CANCEL waits for a response: RFC 3261, 9.1
            case State.PROCEEDING if self._ours:
                self._cancel(now)
            case State.PROCEEDING:
                raise SipError("a call that was not answered is refused, not hung up")
            case State.UP:
                self.state = State.ENDING
                if "final" not in self._again:
                    self._bye(now)  # else it waits for the ACK: RFC 3261, 15
            case State.ENDING | State.ENDED:
                pass

    # What the other side does

    def receive(self, message: Message, now: float) -> list[Event]:
        """A message of this call; raises SipError for one that makes no sense."""
        if isinstance(message, Request):
            return self._asked(message, now)
        _, _, method = message.headers.need("CSeq").partition(" ")
        match method:
            case "INVITE":
                return self._invited(message, now)
            case "BYE" if message.status >= 200:
                self._again.pop("BYE", None)
                return self._ended("us", "")
            case "CANCEL":
                self._again.pop("CANCEL", None)
        return []

    def _invited(self, response: Response, now: float) -> list[Event]:
        if self.state in {State.CALLING, State.PROCEEDING}:
            self._again.pop("INVITE", None)
        if response.status < 200:
            if self.state not in {State.CALLING, State.PROCEEDING}:
                return []
            self.state = State.PROCEEDING
            if self._cancelled:
                self._cancel(now)
            return [Progress(response.status, response.body)]
        self._remote = response.headers.need("To")
        if response.status >= 300:
            self._acknowledge(same_transaction=True)
            if self.state == State.ENDED:
                return []  # it was sent again
            if self._cancelled:
                return self._ended("us", _reason(response.headers))
            self.state = State.ENDED
            self._again.clear()
            return [Refused(response.status, _reason(response.headers))]
        self._target = uri_in(response.headers.need("Contact"))
        self._acknowledge(same_transaction=False)
        if self.state not in {State.CALLING, State.PROCEEDING} and not self._cancelled:
            return []
        crossed, self._cancelled = self._cancelled, False
        self.state = State.UP
        if crossed:
            self.hang_up(now)
            return []
        return [Answered(response.body)]

    def _asked(self, request: Request, now: float) -> list[Event]:
        match request.method:
            case "ACK":
                unacknowledged = self._again.pop("final", None)
                if unacknowledged is not None and self.state == State.ENDING:
                    self._bye(now)
            case "INVITE" if self._is_invite(request):
                if self._final is not None:
                    self.out.append(self._final.encode())
            case "INVITE":
                self._respond(request, 200, self.sdp)
            case "CANCEL":
                self._respond(request, 200)
                if self.state == State.PROCEEDING and not self._ours:
                    assert self._invite is not None
                    self._respond(self._invite, 487)
                    return self._ended("them", _reason(request.headers))
            case "BYE":
                self._respond(request, 200)
                return self._ended("them", _reason(request.headers))
            case "OPTIONS" | "UPDATE" | "INFO" | "NOTIFY":
                self._respond(request, 200)
            case _:
                self._respond(request, 405)
        return []

    # Time

    @property
    def due(self) -> float | None:
        """When `tick` has something to do."""
        return min((again.due for again in self._again.values()), default=None)

    def tick(self, now: float) -> list[Event]:
        """Send again what is due; the call ends where nothing comes back for 32 s."""
        events: list[Event] = []
        for what, again in list(self._again.items()):
            if again.due > now:
                continue
            if now >= again.until:
                del self._again[what]
                if what == "INVITE" and self.state == State.CALLING and not self._cancelled:
                    self.state = State.ENDED
                    events.append(Refused(408, "nothing came back"))
                else:
                    events += self._ended("us", f"nothing came back to {what}")
                continue
            self.out.append(again.message)
            again.wait_s = min(2 * again.wait_s, T2_S)
            again.due = min(now + again.wait_s, again.until)
        return events

    # Messages

    def _request(self, method: str, body: bytes = b"") -> Request:
        self._sequence += 1
        return self._compose(method, self._branch(), self._sequence, body)

    def _compose(self, method: str, via: str, sequence: int, body: bytes = b"") -> Request:
        fields = [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", f"<sip:palabre@{self._at}>"),
            ("User-Agent", "palabre-bench"),
        ]
        if body:
            fields.append(("Content-Type", "application/sdp"))
        return Request(method, self._target, Headers(fields), body)

    def _branch(self) -> str:
        return f"SIP/2.0/UDP {self._at};branch=z9hG4bK{self._token()};rport"

    def _acknowledge(self, *, same_transaction: bool) -> None:
        """RFC 3261, 17.1.1.3: the ACK of a refusal is part of the INVITE's transaction."""
        assert self._invite is not None
        via = self._invite.headers.get("Via") if same_transaction else self._branch()
        number, _, _ = self._invite.headers.get("CSeq").partition(" ")
        self.out.append(self._compose("ACK", via, int(number)).encode())

    def _cancel(self, now: float) -> None:
        """RFC 3261, 9.1: everything is that of the INVITE."""
        if "CANCEL" in self._again:
            return
        assert self._invite is not None
        self._cancelled = True
        via = self._invite.headers.get("Via")
        number, _, _ = self._invite.headers.get("CSeq").partition(" ")
        self._repeat("CANCEL", self._compose("CANCEL", via, int(number)).encode(), now)

    def _bye(self, now: float) -> None:
        self._repeat("BYE", self._request("BYE").encode(), now)

    def _provisional(self, status: int, body: bytes) -> None:
        assert self._invite is not None
        if not self._ours and self.state == State.PROCEEDING:
            self._final = self._respond(self._invite, status, body)

    def _finish(self, status: int, now: float, body: bytes = b"") -> None:
        """A final response, sent again until its ACK comes (RFC 3261, 13.3.1.4 and 17.2.1)."""
        assert self._invite is not None
        if self._ours or self.state != State.PROCEEDING:
            raise SipError("only a call that came and was not answered can be answered or refused")
        self._final = self._respond(self._invite, status, body)
        self.out.pop()
        self._repeat("final", self._final.encode(), now)

    def _respond(self, request: Request, status: int, body: bytes = b"") -> Response:
        headers = request.headers
        fields = [("Via", via) for via in headers.all("Via")]
        to = headers.need("To")
        if ";tag=" not in to and status > 100:
            to = f"{to};tag={self._tag}"
        fields += [
            ("From", headers.need("From")),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", headers.need("CSeq")),
            ("Contact", f"<sip:palabre@{self._at}>"),
        ]
        if body:
            fields.append(("Content-Type", "application/sdp"))
        response = Response(status, Headers(fields), body)
        self.out.append(response.encode())
        return response

    def _repeat(self, what: str, message: bytes, now: float) -> None:
        self.out.append(message)
        self._again[what] = _Again(message, now + T1_S, T1_S, now + GIVE_UP_S)

    def _is_invite(self, request: Request) -> bool:
        """Whether it is the INVITE that began the call, once more."""
        return (
            not self._ours
            and self._invite is not None
            and request.headers.get("CSeq") == self._invite.headers.get("CSeq")
        )

    def _ended(self, by: str, reason: str) -> list[Event]:
        return [] if self.state == State.ENDED else [self._over(by, reason)]

    def _over(self, by: str, reason: str) -> Ended:
        self.state = State.ENDED
        # A refusal waits for its ACK; nothing else is left to be said.
        self._again = {what: again for what, again in self._again.items() if what == "final"}
        return Ended(by, reason)


def _reason(headers: Headers) -> str:
    found = re.search(r"cause=(\d+)", headers.get("Reason"))
    return found[1] if found else ""
