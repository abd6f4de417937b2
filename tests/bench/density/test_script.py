import pytest

from bench.density.script import (
    CYCLE_FRAMES,
    FRAME_BYTES,
    REPLY_MS,
    caller_script,
    reply_pcm,
    speech_run,
    to_last_loud_frame,
)
from bench.density.vad import SILERO_WINDOW_BYTES, SileroBatch, silero_model
from bench.errors import BenchError


def heard(*runs: tuple[int, int], cycle: int = 352) -> list[bool]:
    verdicts = [False] * cycle
    for start, end in runs:
        for at in range(start, end):
            verdicts[at] = True
    return verdicts * 4


def test_the_third_cycle_is_judged() -> None:
    assert speech_run(heard((200, 350))) == (200, 350)


def test_speech_may_reach_into_the_next_cycle() -> None:
    assert speech_run(heard((0, 6), (200, 352))) == (200, 358)


def test_a_gap_that_no_endpointer_minds_is_bridged() -> None:
    assert speech_run(heard((200, 300), (304, 350))) == (200, 350)


def test_a_sentence_in_two_pieces_is_refused() -> None:
    with pytest.raises(BenchError, match="2 pieces"):
        speech_run(heard((200, 270), (285, 350)))


def test_silence_is_refused() -> None:
    with pytest.raises(BenchError, match="0 pieces"):
        speech_run(heard())


def test_speech_ends_with_its_last_loud_frame() -> None:
    loud, faint = b"\x00\x20" * 320, b"\x40\x00" * 320
    assert to_last_loud_frame(faint + loud * 5 + faint * 3 + loud[:100]) == faint + loud * 5


def test_a_cycle_is_whole_for_both_vads() -> None:
    assert CYCLE_FRAMES * FRAME_BYTES % SILERO_WINDOW_BYTES == 0


def test_webrtc_vad_hears_one_sentence_of_about_three_seconds() -> None:
    script = caller_script("webrtc")
    assert len(script.frames) == CYCLE_FRAMES
    assert {len(frame) for frame in script.frames} == {FRAME_BYTES}
    assert 2_700 <= script.speech_ms <= 3_300
    assert script.speech_end_frame == CYCLE_FRAMES - 1
    assert 0 < script.vad_release_ms <= 200
    # The reply fits between the endpoint and the next sentence, with room for a late one.
    silence_ms = CYCLE_FRAMES * 20 - script.speech_ms
    assert silence_ms >= script.vad_release_ms + 260 + REPLY_MS + 300


def test_silero_hears_the_same_sentence() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pipecat")
    assert -60 <= caller_script("silero").vad_release_ms <= 200


def test_a_batch_of_silero_is_its_rows() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pipecat")
    model = SileroBatch(silero_model())
    windows = [bytes(SILERO_WINDOW_BYTES), reply_pcm()[:SILERO_WINDOW_BYTES]]
    alone = [model([window], [model.new_state()])[0][0] for window in windows]
    together, states = model(windows, [model.new_state(), model.new_state()])
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(states) == 2


def test_the_fixed_reply_is_three_seconds() -> None:
    assert len(reply_pcm()) == REPLY_MS * 32
