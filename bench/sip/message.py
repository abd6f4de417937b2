"""SIP messages (RFC 3261, 7): bytes in, `Request` or `Response` out, and back. Sans-I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.errors import BenchError

__all__ = ["REASONS", "Headers", "Message", "Request", "Response", "SipError", "parse", "uri_in"]

COMPACT = {
    "c": "Content-Type",
    "f": "From",
    "i": "Call-ID",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "s": "Subject",
    "t": "To",
    "v": "Via",
}
"""RFC 3261, 7.3.3."""

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}
"""RFC 3261, 21."""


class SipError(BenchError):
    """What came is no SIP, or makes no sense here."""

    code = "sip.malformed"


class Headers:
    """Header fields in order. Names are compared without case, compact forms written out."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = tuple(fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and other._fields == self._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def all(self, name: str) -> list[str]:
        """Every value of `name`."""
        wanted = name.lower()
        return [value for field, value in self._fields if field.lower() == wanted]

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`."""
        return next(iter(self.all(name)), default)

    def need(self, name: str) -> str:
        """The first value of `name`; raises SipError without one."""
        if values := self.all(name):
            return values[0]
        raise SipError(f"the message has no {name}")


@dataclass(frozen=True, slots=True)
class Request:
    """`method` `uri` SIP/2.0"""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""

    def encode(self) -> bytes:
        return _encode(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """SIP/2.0 `status` `reason`"""

    status: int
    headers: Headers
    body: bytes = b""
    reason: str = ""

    def encode(self) -> bytes:
        reason = self.reason or REASONS.get(self.status, "Other")
        return _encode(f"SIP/2.0 {self.status} {reason}", self.headers, self.body)


Message = Request | Response


def _encode(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def parse(data: bytes) -> Message | None:
    """The message of one datagram; None for a keep-alive (RFC 5626, 3.5.1).

    Raises SipError for what is no SIP.
    """
    if not data.strip(b"\r\n\0"):
        return None
    head, _, body = data.partition(b"\r\n\r\n")
    try:
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode()).split("\r\n")
    except UnicodeDecodeError:
        raise SipError("the message is not UTF-8") from None
    headers = Headers([_field(line) for line in lines[1:]])
    length = headers.get("Content-Length", str(len(body)))
    if not length.isdecimal() or int(length) > len(body):
        raise SipError(f"Content-Length is {length!r}, and {len(body)} bytes came")
    body = body[: int(length)]
    # What is counted anew when it is sent again.
    headers = Headers([field for field in headers if field[0] != "Content-Length"])
    match lines[0].split(" ", 2):
        case ["SIP/2.0", status, reason] if status.isdecimal() and 100 <= int(status) < 700:
            return Response(int(status), headers, body, reason)
        case [method, uri, "SIP/2.0"] if method.isupper():
            return Request(method, uri, headers, body)
        case _:
            raise SipError(f"no SIP message begins with {lines[0][:40]!r}")


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.strip()
    if not colon or not name:
        raise SipError(f"no header field: {line[:40]!r}")
    name = COMPACT.get(name.lower(), name)
    return ("Content-Length" if name.lower() == "content-length" else name), value.strip()


def uri_in(value: str) -> str:
    """The URI of a From, To or Contact field, with or without a name and angle brackets."""
    found = re.search(r"<([^<>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()
