import pytest

from telephony.amd.cadence import Cadence, Level
from telephony.amd.evidence import Kind, Statement
from telephony.amd.spectrum import Listener
from tests.telephony.amd.sounds import Sound, frames, line, silence, voice


def heard(*parts: Sound, noise_db: float = -60.0) -> Cadence:
    listener, cadence = Listener(), Cadence()
    cadence.begin(0.0)
    for frame in frames(line(*parts, noise_db=noise_db)):
        for block in listener.feed(frame):
            cadence.feed(block)
    return cadence


def says(*parts: Sound) -> Statement:
    statement = heard(*parts).statement()
    assert statement is not None
    return statement


@pytest.mark.parametrize("noise_db", [-90.0, -60.0, -40.0])
def test_speech_begins_and_ends_where_it_does(noise_db: float) -> None:
    cadence = heard(silence(0.5), voice(1.0), silence(1.0), voice(2.0), silence(0.5),
                    noise_db=noise_db)  # fmt: skip
    first, second = cadence.stretches
    assert first.at == pytest.approx(0.5, abs=0.1)
    assert first.length_s == pytest.approx(1.0, abs=0.15)
    assert second.length_s == pytest.approx(2.0, abs=0.15)
    assert cadence.quiet_s == pytest.approx(0.5, abs=0.1)
    assert cadence.spoke


def test_a_click_is_no_speech() -> None:
    click = silence(0.02)
    click[::2] = 0.5
    cadence = heard(silence(1), click, silence(1))
    assert not cadence.spoke


def test_steady_noise_is_no_speech() -> None:
    assert not heard(silence(4), noise_db=-48).spoke


def test_a_television_behind_the_voice_is_a_pause() -> None:
    sound = line(silence(0.3), voice(0.5), silence(2.2))
    sound += voice(3.0, level=0.006, seed=7)
    listener, cadence = Listener(), Cadence()
    cadence.begin(0.0)
    for frame in frames(sound):
        for block in listener.feed(frame):
            cadence.feed(block)
    assert cadence.quiet_s > 1.8


def test_bursts_are_about_words() -> None:
    (stretch,) = heard(*(piece for _ in range(3) for piece in (voice(0.3), silence(0.15))),
                       silence(0.5)).stretches  # fmt: skip
    assert 3 <= stretch.bursts <= 6


def test_a_tone_of_the_line_is_no_voice() -> None:
    cadence, listener = Cadence(), Listener()
    cadence.begin(0.0)
    for frame in frames(line(voice(1.0))):
        for block in listener.feed(frame):
            assert not cadence.feed(block, tone=True)
    assert not cadence.spoke


def test_short_speech_and_waiting_speak_for_a_person() -> None:
    brief = says(silence(0.3), voice(0.5), silence(0.4)).weights[Kind.HUMAN]
    waited = says(silence(0.3), voice(0.5), silence(0.8)).weights[Kind.HUMAN]
    longer = says(silence(0.3), voice(0.5), silence(1.8)).weights[Kind.HUMAN]
    assert 0 < brief < waited < longer
    company = says(silence(0.3), voice(3.0), silence(0.8)).weights[Kind.HUMAN]
    speech = says(silence(0.3), voice(9.0), silence(0.8)).weights[Kind.HUMAN]
    assert waited > company > speech


def test_speech_that_does_not_stop_speaks_for_a_recording() -> None:
    short = says(silence(0.3), voice(2.0))
    assert Kind.VOICEMAIL not in short.weights
    assert "going on" in short.says
    four, nine = (says(silence(0.3), voice(s)).weights[Kind.VOICEMAIL] for s in (4.0, 9.0))
    assert 0 < four < nine
    assert says(silence(0.3), voice(30.0)).weights[Kind.NETWORK] == pytest.approx(3.5)


def test_who_was_asked_something_may_speak_for_long() -> None:
    statement = says(silence(0.3), voice(0.5), silence(7.0), voice(8.0))
    assert Kind.VOICEMAIL not in statement.weights
    assert statement.weights[Kind.HUMAN] > 1


def test_that_somebody_waited_is_remembered() -> None:
    statement = says(silence(0.3), voice(0.5), silence(1.5), voice(4.0))
    assert statement.weights[Kind.VOICEMAIL] > 0
    assert statement.weights[Kind.HUMAN] > 0


def test_nothing_at_all_speaks_for_silence() -> None:
    assert heard(silence(1.0)).statement() is None
    three, six = (says(silence(s)).weights[Kind.SILENCE] for s in (3.0, 6.0))
    assert 0 < three < six
    assert says(silence(0.3), voice(0.5)).weights[Kind.SILENCE] < 0


def test_an_answer_begins_it_anew() -> None:
    cadence = heard(silence(0.3), voice(3.0))
    cadence.begin(3.3)
    assert not cadence.spoke
    assert cadence.quiet_s == 0.0
    assert cadence.statement() is None


def test_levels_are_told_apart_once_there_is_something_to_tell() -> None:
    level = Level()
    assert not any(level.voiced(-60.0) for _ in range(100))
    assert all(level.voiced(-20.0) for _ in range(40))
    assert not any(level.voiced(-45.0) for _ in range(40))
