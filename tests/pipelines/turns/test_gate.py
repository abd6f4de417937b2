"""Where speech begins and ends, frame by frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.frames import Audio, Delta, Frame, SpeechEnded, SpeechStarted
from pipelines.audio.vad import WebRtcVad
from pipelines.turns.gate import FRAME_S, GateSettings, SpeechGate
from tests.pipelines.callers import SILENCE, VOICE, EnergyVad


def _run(gate: SpeechGate, frames: list[bytes], at: float = 0.0) -> list[Frame]:
    out: list[Frame] = []
    for n, pcm in enumerate(frames):
        out.extend(gate.feed(Audio(pcm, 16000, at + n * FRAME_S)))
    return out


def _events(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if not isinstance(frame, Audio)]


def _sound(frames: list[Frame]) -> bytes:
    return b"".join(frame.pcm for frame in frames if isinstance(frame, Audio))


def test_speech_begins_at_its_first_frame_and_ends_at_its_last() -> None:
    gate = SpeechGate(EnergyVad())
    out = _run(gate, [SILENCE] * 50 + [VOICE] * 40 + [SILENCE] * 40)
    started, ended = _events(out)
    assert isinstance(started, SpeechStarted)
    assert started.at == pytest.approx(1.0)
    assert started.decided_at == pytest.approx(1.06)
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(1.8)
    assert ended.decided_at == pytest.approx(2.04)
    assert not gate.speaking


def test_the_recogniser_gets_what_came_before_the_onset_and_every_sample_after() -> None:
    gate = SpeechGate(EnergyVad())
    frames = [SILENCE] * 50 + [VOICE] * 40 + [SILENCE] * 40
    sound = _sound(_run(gate, frames))
    assert sound == b"".join(frames[38:102])


def test_chunks_keep_the_timeline() -> None:
    gate = SpeechGate(EnergyVad())
    out = _run(gate, [SILENCE] * 20 + [VOICE] * 40 + [SILENCE] * 40)
    chunks = [frame for frame in out if isinstance(frame, Audio)]
    for before, after in pairwise(chunks):
        assert after.at == pytest.approx(before.at + before.duration_s)


def test_a_click_is_no_speech() -> None:
    assert _run(SpeechGate(EnergyVad()), [SILENCE] * 5 + [VOICE] * 2 + [SILENCE] * 20) == []


def test_a_pause_shorter_than_the_endpoint_is_part_of_it() -> None:
    gate = SpeechGate(EnergyVad(), GateSettings(endpoint_ms=500))
    out = _run(gate, [VOICE] * 20 + [SILENCE] * 20 + [VOICE] * 20 + [SILENCE] * 30)
    assert [type(event) for event in _events(out)] == [SpeechStarted, SpeechEnded]


def test_other_frames_pass() -> None:
    assert list(SpeechGate(EnergyVad()).feed(Delta("x"))) == [Delta("x")]


def test_time_without_sound_ends_speech() -> None:
    gate = SpeechGate(EnergyVad())
    _run(gate, [VOICE] * 20)
    assert list(gate.idle(0.5)) == []
    (ended,) = _events(list(gate.idle(0.66)))
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(0.4)
    assert ended.decided_at == 0.66
    assert list(gate.idle(5.0)) == []


def test_speech_can_be_cut_off() -> None:
    gate = SpeechGate(EnergyVad())
    assert list(gate.finish(0.0)) == []
    _run(gate, [VOICE] * 21)
    sound, ended = gate.finish(0.42)
    assert isinstance(sound, Audio)
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(0.42)
    assert not gate.speaking


def test_the_hang_over_of_the_vad_is_taken_off() -> None:
    class Slow:
        """Holds on for five frames, as WebRTC VAD does."""

        left = 0

        def is_speech(self, frame: bytes) -> bool:
            self.left = 6 if frame != SILENCE else self.left - 1
            return self.left > 0

    out = _run(SpeechGate(Slow()), [VOICE] * 20 + [SILENCE] * 30)
    ended = _events(out)[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(0.4)


class _Opinion:
    """A confirmer with a fixed opinion."""

    def __init__(self, probability: float | None) -> None:
        self.probability = probability
        self.calls: list[str] = []

    def open(self, preroll: bytes) -> None:
        self.calls.append("open")

    def push(self, frame: bytes) -> None:
        self.calls.append("push")

    def close(self) -> None:
        self.calls.append("close")


def test_an_onset_waits_to_be_confirmed() -> None:
    opinion = _Opinion(None)
    gate = SpeechGate(EnergyVad(), confirm=opinion)
    assert _run(gate, [VOICE] * 5) == []
    opinion.probability = 0.9
    started = _events(_run(gate, [VOICE], at=0.1))[0]
    assert isinstance(started, SpeechStarted)
    assert started.at == pytest.approx(0.0)
    assert opinion.calls == ["open", "push", "push", "push"]


def test_an_onset_that_is_not_confirmed_is_noise() -> None:
    opinion = _Opinion(0.1)
    gate = SpeechGate(EnergyVad(), confirm=opinion)
    assert _run(gate, [VOICE] * 100) == []
    assert "close" in opinion.calls


def test_what_the_confirmer_denies_is_silence() -> None:
    opinion = _Opinion(0.9)
    gate = SpeechGate(EnergyVad(), confirm=opinion)
    _run(gate, [VOICE] * 10)
    opinion.probability = 0.0
    events = _events(_run(gate, [VOICE] * 30, at=0.2))
    assert [type(event) for event in events] == [SpeechEnded]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=12),
    st.integers(1, 7),
)
def test_however_it_is_cut_events_alternate_and_no_sample_is_invented(
    stretches: list[tuple[bool, int]], cut: int
) -> None:
    sound = b"".join((VOICE if loud else SILENCE) * count for loud, count in stretches)
    gate = SpeechGate(EnergyVad())
    size = cut * 230  # no multiple of a frame
    out: list[Frame] = []
    for start in range(0, len(sound), size):
        piece = sound[start : start + size]
        out.extend(gate.feed(Audio(piece, 16000, start / 32000)))
    kinds = [type(event) for event in _events(out)]
    assert kinds == ([SpeechStarted, SpeechEnded] * len(kinds))[: len(kinds)]
    assert len(_sound(out)) <= len(sound)


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from((0.02, 0.02, 0.02, 0.3, -0.04, -2.0))),
        max_size=200,
    )
)
def test_whatever_the_times_say_speech_is_known_after_it_began(
    frames: list[tuple[bool, float]],
) -> None:
    """A far end may send seconds at once: their times lie ahead, and the next frame's do not."""
    gate = SpeechGate(EnergyVad())
    at, events = 10.0, []
    for voiced, step in frames:
        out = gate.feed(Audio(VOICE if voiced else SILENCE, 16000, at))
        events += [type(event) for event in out if not isinstance(event, Audio)]
        at = max(0.0, at + step)
    assert events == [SpeechStarted, SpeechEnded] * (len(events) // 2) + events[len(events) & ~1 :]


def test_webrtc_hears_speech_and_not_silence() -> None:
    from pipelines.speech.espeak import synthesise

    pcm = synthesise("Bonjour, je voudrais un renseignement.", "fr")
    vad = WebRtcVad()
    frames = [pcm[n : n + 640] for n in range(0, len(pcm) - 640, 640)]
    assert sum(map(vad.is_speech, frames)) > 0.8 * len(frames)
    assert not [vad.is_speech(SILENCE) for _ in range(20)][-1]


class _Loud:
    """Takes everything for speech, as WebRTC VAD does a fan."""

    def is_speech(self, frame: bytes) -> bool:
        return True


def _hiss(level: int) -> bytes:
    return level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True)


def test_a_steady_noise_is_no_speech_and_a_voice_above_it_is() -> None:
    gate = SpeechGate(_Loud())
    noise = _hiss(300) * 160
    assert _events(_run(gate, [noise] * 200)) == []
    out = _run(gate, [VOICE] * 30 + [noise] * 30, at=4.0)
    started, ended = _events(out)
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert started.at == pytest.approx(4.0)
    assert ended.at == pytest.approx(4.6)


def test_a_louder_room_is_learnt_within_seconds() -> None:
    gate = SpeechGate(_Loud())
    _run(gate, [_hiss(20) * 160] * 50)
    assert _events(_run(gate, [_hiss(49) * 160] * 50, at=1.0)) == []  # 7.8 dB louder
    _run(gate, [_hiss(49) * 160] * 100, at=2.0)
    assert _events(_run(gate, [_hiss(110) * 160] * 10, at=4.0)) == []


def test_the_silence_that_ends_speech_may_change_while_it_lasts() -> None:
    gate = SpeechGate(EnergyVad())
    assert len(_events(_run(gate, [VOICE] * 20 + [SILENCE] * 8))) == 1
    assert gate.silent_s(0.56) == pytest.approx(0.16)
    gate.endpoint_s = 0.5
    assert _events(_run(gate, [SILENCE] * 16, at=0.56)) == []
    (ended,) = _events(_run(gate, [SILENCE] * 2, at=0.88))
    assert isinstance(ended, SpeechEnded)
    assert ended.decided_at - ended.at == pytest.approx(0.5)
    assert gate.silent_s(1.0) == 0.0


def test_pauses_after_which_speech_went_on_are_told() -> None:
    gate = SpeechGate(EnergyVad())
    pauses: list[float] = []
    gate.on_pause = pauses.append
    _run(gate, [VOICE] * 20 + [SILENCE] * 8 + [VOICE] * 10 + [SILENCE] * 3 + [VOICE] * 5)
    assert gate.silent_s(1.0) == 0.0
    assert pauses == [pytest.approx(0.16), pytest.approx(0.06)]


def test_what_was_dismissed_is_noise_from_then_on() -> None:
    gate = SpeechGate(_Loud())
    noise = _hiss(150) * 160
    assert list(gate.dismiss(0.0)) == []
    _run(gate, [_hiss(10) * 160] * 20)
    assert len(_events(_run(gate, [noise] * 50, at=0.4))) == 1
    (ended,) = _events(list(gate.dismiss(1.4)))
    assert isinstance(ended, SpeechEnded)
    assert gate.floor > 300
    assert _events(_run(gate, [noise] * 50, at=1.4)) == []


def test_a_room_that_grows_loud_while_somebody_speaks_does_not_go_on_speaking() -> None:
    gate = SpeechGate(_Loud())
    room = _hiss(1200) * 160
    _run(gate, [_hiss(10) * 160] * 20)
    assert len(_events(_run(gate, [VOICE] * 10 + [room] * 20, at=0.4))) == 1
    (ended,) = _events(_run(gate, [room] * 80, at=1.0))
    assert isinstance(ended, SpeechEnded)
    assert ended.decided_at < 2.6
    started, _ = _events(_run(gate, [VOICE] * 30 + [room] * 30, at=2.6))
    assert isinstance(started, SpeechStarted)


def _noise(level: float, frames: int, seed: int = 1) -> list[bytes]:
    """White, which no frame of is as loud as the next."""
    sound = np.random.default_rng(seed).standard_normal(frames * 320) * level
    return [frame.astype("<i2").tobytes() for frame in sound.reshape(-1, 320)]


def _over(noise: list[bytes], level: int, since: int, count: int) -> list[bytes]:
    """`noise`, and over some of its frames a hum as loud as `level`."""
    hum = np.tile(np.array([level, -level], np.int16), 160)
    return [
        (np.frombuffer(pcm, "<i2") + hum).astype("<i2").tobytes()
        if since <= n < since + count
        else pcm
        for n, pcm in enumerate(noise)
    ]


@pytest.mark.parametrize(("noise", "voice"), [(700, 1500), (1200, 1700)])
def test_in_loud_noise_a_voice_stands_out_by_less(noise: int, voice: int) -> None:
    """10 dB and 5 dB below a voice's usual level."""
    gate = SpeechGate(_Loud())
    line = _over(_noise(noise, 350), voice, 250, 40)
    _run(gate, line[:200])  # at first it may be taken for a voice: how loud it is was not known
    started, ended = _events(_run(gate, line[200:], at=4.0))
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert started.at == pytest.approx(5.0, abs=0.03)
    assert started.decided_at == pytest.approx(5.06, abs=0.03)
    assert ended.at == pytest.approx(5.8, abs=0.13)
    assert ended.decided_at < 6.5


def test_minutes_of_loud_noise_are_no_speech() -> None:
    """But for the first moment: how loud it is was not known."""
    gate = SpeechGate(_Loud())
    line = _noise(1000, 6000)
    _run(gate, line[:200])
    assert _events(_run(gate, line[200:], at=4.0)) == []


def test_what_is_not_confirmed_is_noise_from_then_on() -> None:
    """A room that grows louder at once costs one look of the surer opinion, not one after the
    other."""
    opinion = _Opinion(0.1)
    gate = SpeechGate(_Loud(), confirm=opinion)
    _run(gate, _noise(30, 50))
    assert _run(gate, _noise(300, 500), at=1.0) == []
    assert opinion.calls.count("open") == 1


def test_that_speech_may_have_begun_is_known_before_it_is_sure() -> None:
    opinion = _Opinion(None)
    gate = SpeechGate(EnergyVad(), confirm=opinion)
    seen = []
    for n, frames in enumerate(([SILENCE] * 20, [VOICE] * 2, [VOICE] * 10, [VOICE])):
        opinion.probability = 0.9 if n == 3 else None
        _run(gate, frames, at=(0.0, 0.4, 0.44, 0.64)[n])
        seen.append((gate.maybe, gate.speaking))
    assert seen == [(False, False), (True, False), (True, False), (False, True)]


def test_in_noise_a_surer_opinion_need_not_be_as_sure() -> None:
    for noise, speech in ((20, False), (900, True)):
        gate = SpeechGate(_Loud(), confirm=_Opinion(0.3))
        line = _over(_noise(noise, 300), 3000, 250, 40)
        assert bool(_events(_run(gate, line))) is speech
        assert gate.noisy is speech


def test_in_noise_a_stop_may_be_longer_than_it_sounds() -> None:
    for noise, pieces in ((20, 2), (900, 1)):
        gate = SpeechGate(_Loud())
        line = _over(_over(_noise(noise, 400), 3000, 250, 20), 3000, 285, 20)  # 0.3 s between them
        _run(gate, line[:200])
        assert len(_events(_run(gate, line[200:], at=4.0))) == 2 * pieces
