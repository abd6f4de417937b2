from telephony.amd.evidence import Kind
from telephony.amd.music import Music
from telephony.amd.spectrum import Listener
from tests.telephony.amd.sounds import Sound, frames, line, notes, silence, tone, voice


def heard(*parts: Sound) -> Music:
    listener, music = Listener(), Music()
    for frame in frames(line(*parts)):
        for block in listener.feed(frame):
            music.feed(block)
    return music


def test_notes_that_are_held_are_music_and_surer_the_longer_they_last() -> None:
    weights = []
    for seconds in (2.5, 4.0, 6.0):
        statement = heard(silence(0.5), notes(seconds)).statement()
        assert statement is not None
        weights.append(statement.weights[Kind.MUSIC])
    assert 0 < weights[0] < weights[1] <= weights[2] == 7.0


def test_a_voice_is_none() -> None:
    for seed in range(4):
        assert heard(voice(5, seed=seed)).statement() is None


def test_nor_is_noise_nor_silence_nor_a_tone_of_the_line() -> None:
    assert heard(silence(5)).statement() is None
    for one in (heard(tone(425, seconds=5)), heard(*[tone(425, seconds=0.5), silence(0.5)] * 5)):
        statement = one.statement()
        assert statement is None or Kind.MUSIC not in statement.weights


def test_it_ends() -> None:
    assert heard(notes(4), silence(1)).since is not None
    assert heard(notes(4), silence(3.5)).statement() is None
    assert heard(notes(4), voice(4)).statement() is None


def test_a_moment_says_only_that_it_is_no_voice() -> None:
    statement = heard(silence(2), notes(1.1)).statement()
    assert statement is not None
    assert statement.weights[Kind.HUMAN] < 0
    assert Kind.MUSIC not in statement.weights
