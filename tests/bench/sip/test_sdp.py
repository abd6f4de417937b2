import pytest

from bench.sip.message import SipError
from bench.sip.sdp import PCMA, PCMU, Media, answer, offer

#: As Asterisk 22 answers.
ASTERISK = (
    b"v=0\r\no=- 4052 1 IN IP4 127.0.0.1\r\ns=Asterisk\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 20412 RTP/AVP 0 8 118 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:118 L16/16000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
    b"a=ptime:20\r\na=maxptime:140\r\na=sendrecv\r\n"
)


def test_what_asterisk_offers_is_understood() -> None:
    assert Media.parse(ASTERISK) == Media("127.0.0.1", 20412, PCMU, 101)


def test_an_offer_is_literal_and_read_again() -> None:
    assert offer("127.0.0.1", 4000) == (
        b"v=0\r\no=- 4000 4000 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        b"m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
    both = offer("127.0.0.1", 4000, (PCMA, PCMU))
    assert Media.parse(both) == Media("127.0.0.1", 4000, PCMA, 101)


def test_an_answer_takes_what_was_offered() -> None:
    theirs = Media("127.0.0.1", 20412, PCMA, None)
    body = answer("127.0.0.2", 4000, theirs)
    assert Media.parse(body) == Media("127.0.0.2", 4000, PCMA, None)
    assert b"telephone-event" not in body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=0\r\nm=audio 1 RTP/AVP 0\r\n",
        ASTERISK.replace(b"RTP/AVP 0 8 118", b"RTP/AVP 118"),
        ASTERISK.replace(b"RTP/AVP", b"RTP/SAVP"),
    ],
)
def test_what_we_cannot_do_is_said_so(body: bytes) -> None:
    with pytest.raises(SipError):
        Media.parse(body)
