"""Requests and answers, as they go over the WebSocket of Asterisk 22.10.1."""

from __future__ import annotations

import json

import pytest

from engine.errors import ProtocolError
from telephony.asterisk.ari.wire import Request, Response, encode, parse


def test_a_request_is_one_message() -> None:
    request = Request("POST", "channels/create", {"endpoint": "PJSIP/1001"}, {"variables": {}})
    assert json.loads(encode("7", request)) == {
        "type": "RESTRequest",
        "transaction_id": "7",
        "request_id": "7",
        "method": "POST",
        "uri": "channels/create",
        "query_strings": [{"name": "endpoint", "value": "PJSIP/1001"}],
        "content_type": "application/json",
        "message_body": '{"variables": {}}',
    }


def test_a_request_says_no_more_than_it_asks() -> None:
    assert json.loads(encode("1", Request("GET", "channels"))) == {
        "type": "RESTRequest",
        "transaction_id": "1",
        "request_id": "1",
        "method": "GET",
        "uri": "channels",
    }


ANSWERED = (
    '{"type":"RESTResponse","transaction_id":"r0","request_id":"r0","status_code":404,'
    '"reason_phrase":"Not Found","uri":"channels/nope","content_type":"application/json",'
    '"message_body":"{\\"message\\":\\"Channel not found\\"}","application":"palabre",'
    '"timestamp":"2026-11-21T17:10:20.957+0000","asterisk_id":"02:fc:00:00:00:01"}'
)
EMPTY = (
    '{"type":"RESTResponse","transaction_id":"r9","request_id":"r9","status_code":204,'
    '"reason_phrase":"No Content","uri":"channels/n1-m-1","application":"palabre"}'
)


def test_an_answer_has_its_body() -> None:
    assert parse(ANSWERED) == Response("r0", 404, "Not Found", {"message": "Channel not found"})
    assert parse(EMPTY) == Response("r9", 204, "No Content", None)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"RESTResponse"}',
        '{"type":"RESTResponse","request_id":"1","status_code":"many"}',
        '{"type":"RESTResponse","request_id":"1","status_code":200,"message_body":"{"}',
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (401, {"message": "Authentication required"}, "ari.credentials", "Authentication"),
        (403, None, "ari.forbidden", "read_only"),
        (404, {"message": "Channel not found"}, "ari.gone", "Channel not found"),
        (409, {"message": "Channel not in Stasis application"}, "ari.state", "not in Stasis"),
        (422, {"message": "Channel not in Stasis application"}, "ari.state", "not in Stasis"),
        (500, {"error": "Allocation failed"}, "ari.endpoint", "PJSIP/…"),
        (500, {"message": "Allocation failed"}, "ari.endpoint", "pjsip show endpoints"),
        (503, {"message": "Asterisk not booted"}, "ari.starting", "not booted"),
        (400, {"message": "Invalid"}, "ari.refused", "400 Invalid"),
        (500, None, "ari.refused", "500 Odd"),
    ],
)
def test_a_refusal_says_what_is_wrong(status: int, body: object, code: str, said: str) -> None:
    request = Request("POST", "channels/create", {"endpoint": "PJSIP/1001"})
    error = Response("1", status, "Odd", body).error(request)
    assert error is not None
    assert (error.code, error.status) == (code, status)
    assert said in str(error)
    assert "1001" not in str(error)  # numbers are nobody's business


def test_what_worked_is_no_error() -> None:
    assert Response("1", 204).error(Request("GET", "channels")) is None
