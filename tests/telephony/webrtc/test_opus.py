"""Opus there and back: what is spoken comes out, and what is lost is made up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.speech.espeak import synthesise
from telephony.webrtc.opus import DECODED_HZ, ENCODED_HZ, Decoder, Encoder, pause

pytest.importorskip("av", reason="needs the extra webrtc")
pytestmark = pytest.mark.integration

FRAME = ENCODED_HZ // 50 * 2


def packets(pcm: bytes) -> list[bytes]:
    encoder = Encoder()
    return [encoder.encode(pcm[at : at + FRAME]) for at in range(0, len(pcm) - FRAME + 1, FRAME)]


def samples(pcm: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def rms(pcm: bytes) -> float:
    return float(np.sqrt((samples(pcm) ** 2).mean()))


def test_speech_survives() -> None:
    spoken = synthesise("bonjour, je vous écoute")
    decoder = Decoder()
    pieces = [decoder.decode(packet) for packet in packets(spoken)]
    assert {len(piece) for piece in pieces} == {DECODED_HZ // 50 * 2}
    heard = samples(b"".join(pieces))[:: DECODED_HZ // ENCODED_HZ]
    sent = samples(spoken)[: len(heard)]
    # Opus keeps the spectrum, not the wave: the two agree in how loud each 20 ms are.
    loud = [
        np.sqrt((x[: len(x) // 320 * 320].reshape(-1, 320) ** 2).mean(1)) for x in (sent, heard)
    ]
    assert np.corrcoef(*loud)[0, 1] > 0.95


def test_a_packet_is_smaller_than_what_a_network_carries_whole() -> None:
    sizes = [len(packet) for packet in packets(synthesise("bonjour, je vous écoute"))]
    assert max(sizes) < 300
    assert 20_000 < sum(sizes) * 8 * 50 / len(sizes) < 36_000  # bits a second


def test_a_lost_packet_fades_into_silence() -> None:
    vowel = packets((np.sin(np.arange(16000) * 0.06) * 9000).astype("<i2").tobytes())
    decoder = Decoder()
    for packet in vowel:
        last = decoder.decode(packet)
    concealed = [decoder.conceal() for _ in range(10)]
    assert {len(piece) for piece in concealed} == {len(last)}
    assert rms(concealed[0]) > rms(last) / 4
    assert rms(concealed[-1]) < rms(last) / 3


def test_before_the_first_packet_nothing_can_be_made_up() -> None:
    assert Decoder().conceal() == b""


def test_a_pause_is_one_byte_that_a_decoder_takes() -> None:
    spoken = packets(synthesise("oui"))[-1]
    assert len(pause(spoken)) == 1
    decoder = Decoder()
    decoder.decode(spoken)
    assert len(decoder.decode(pause(spoken))) == DECODED_HZ // 50 * 2


@pytest.mark.parametrize("packet", [b"\xff", b"\xff\xff\xff", bytes([0x4B, 0x7F]) + bytes(9)])
def test_what_is_no_opus_is_refused_and_the_next_packet_decodes(packet: bytes) -> None:
    decoder = Decoder()
    with pytest.raises(ValueError, match="no Opus packet"):
        decoder.decode(packet)
    assert decoder.decode(packets(synthesise("oui"))[0])
