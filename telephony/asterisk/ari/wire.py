"""Requests and answers on ARI's WebSocket: text in, values out.

REST over the events' own connection (Asterisk 20.14, 21.9, 22.4 and later). Asterisk takes the
requests of a connection one after the other, each in 0.2 to 0.5 ms here: what is asked later
happens later, so a deletion that is asked for after a creation always finds what to delete.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ProtocolError
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Event, event_of

__all__ = ["Request", "Response", "encode", "parse"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `path` is relative to ARI's root, such as ``channels/17.3/answer``."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to the request `id`; `body` is its JSON, None where it has none."""

    id: str
    status: int
    reason: str = ""
    body: Any = None

    def error(self, request: Request) -> AriError | None:
        """What is wrong with `request`; None where nothing is."""
        if self.status < 300:
            return None
        said = self.body.get("message") or self.body.get("error") if _is_object(self.body) else ""
        said = str(said or self.reason)
        status = self.status
        match status:
            case 401:
                return AriError("ari.credentials", f"{request}: {said}", status)
            case 403:
                return AriError(
                    "ari.forbidden",
                    f"{request}: {said}; the user needs read_only=no in ari.conf",
                    status,
                )
            case 404:
                return AriError("ari.gone", f"{request}: {said}", status)
            case 409 | 412 | 422:
                return AriError("ari.state", f"{request}: {said}", status)
            case 500 if said == "Allocation failed":
                # Also where its channel driver is not loaded.
                endpoint = request.query.get("endpoint", "the media channel")
                return AriError(
                    "ari.endpoint",
                    f"Asterisk can make no channel for {endpoint.partition('/')[0]}/…: check that "
                    "the endpoint exists (pjsip show endpoints) and allows a codec we have",
                    status,
                )
            case 503:
                return AriError("ari.starting", f"{request}: {said}; Asterisk starts", status)
            case _:
                return AriError("ari.refused", f"{request}: {status} {said}", status)


def encode(request_id: str, request: Request) -> str:
    """The TEXT message that asks for `request`."""
    message: dict[str, Any] = {
        "type": "RESTRequest",
        "transaction_id": request_id,
        "request_id": request_id,
        "method": request.method,
        "uri": request.path,
    }
    if request.query:
        message["query_strings"] = [{"name": k, "value": v} for k, v in request.query.items()]
    if request.body is not None:
        message["content_type"] = "application/json"
        message["message_body"] = json.dumps(request.body)
    return json.dumps(message)


def parse(text: str | bytes) -> Response | Event:
    """What a message of Asterisk's says. Raises ProtocolError for one that makes no sense."""
    try:
        fields = json.loads(text)
    except ValueError:
        raise ProtocolError("ari.malformed", "Asterisk sent what is no JSON") from None
    if not _is_object(fields):
        raise ProtocolError("ari.malformed", "Asterisk sent JSON that is no object")
    if fields.get("type") != "RESTResponse":
        return event_of(fields)
    try:
        body = fields.get("message_body")
        return Response(
            id=str(fields["request_id"]),
            status=int(fields["status_code"]),
            reason=str(fields.get("reason_phrase", "")),
            body=json.loads(body) if body else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError("ari.malformed", f"no answer of ARI's: {error!r}") from error


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
