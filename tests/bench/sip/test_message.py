import pytest

from bench.sip.message import Headers, Request, Response, SipError, parse, uri_in

INVITE = (
    b"INVITE sip:100@127.0.0.1:5070 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5091;branch=z9hG4bK1;rport\r\n"
    b"f: <sip:1001@127.0.0.1>;tag=a\r\n"
    b"t: <sip:100@127.0.0.1:5070>\r\n"
    b"i: one@127.0.0.1\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Subject: a long\r\n"
    b"  story\r\n"
    b"l: 4\r\n"
    b"\r\n"
    b"v=0\r\nand what is beyond its length"
)


def test_a_request_is_read_with_compact_names_folded_lines_and_its_length() -> None:
    assert parse(INVITE) == Request(
        "INVITE",
        "sip:100@127.0.0.1:5070",
        Headers(
            [
                ("Via", "SIP/2.0/UDP 127.0.0.1:5091;branch=z9hG4bK1;rport"),
                ("From", "<sip:1001@127.0.0.1>;tag=a"),
                ("To", "<sip:100@127.0.0.1:5070>"),
                ("Call-ID", "one@127.0.0.1"),
                ("CSeq", "1 INVITE"),
                ("Subject", "a long story"),
            ]
        ),
        b"v=0\r",
    )


def test_a_response_is_written_and_read_again() -> None:
    response = Response(486, Headers([("Via", "x"), ("Call-ID", "one")]), b"why")
    data = response.encode()
    assert data == (
        b"SIP/2.0 486 Busy Here\r\nVia: x\r\nCall-ID: one\r\nContent-Length: 3\r\n\r\nwhy"
    )
    assert parse(data) == Response(486, Headers([("Via", "x"), ("Call-ID", "one")]), b"why",
                                   "Busy Here")  # fmt: skip


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\0", b""])
def test_a_keep_alive_is_no_message(data: bytes) -> None:
    assert parse(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x00\x00\x01" + bytes(160),
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 99 Too Low\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nno colon\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nv=0",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_sip_is_said_so(data: bytes) -> None:
    with pytest.raises(SipError):
        parse(data)


def test_names_are_compared_without_case_and_needed_ones_asked_for() -> None:
    headers = Headers([("Via", "one"), ("via", "two")])
    assert headers.all("VIA") == ["one", "two"]
    assert headers.get("From", "nobody") == "nobody"
    with pytest.raises(SipError, match="no Call-ID"):
        headers.need("Call-ID")


@pytest.mark.parametrize(
    "value",
    ['"A; <b" <sip:100@h:5070>;tag=x', "<sip:100@h:5070>", "sip:100@h:5070;tag=x"],
)
def test_the_uri_of_a_field(value: str) -> None:
    assert uri_in(value) == "sip:100@h:5070"
