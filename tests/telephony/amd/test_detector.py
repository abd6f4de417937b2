import pytest

from engine.frames import Dtmf, Hangup, Transcript
from telephony.amd import Amd, Beep, Kind, Verdict
from telephony.amd.detector import LISTEN_S, PERSON_S, UNDECIDED_S
from tests.telephony.amd.sounds import Sound, heard, line, notes, silence, tone, voice


def verdicts(told: list[Verdict | Beep]) -> list[Verdict]:
    return [one for one in told if isinstance(one, Verdict)]


def kinds(amd: Amd, *parts: Sound) -> list[Kind]:
    return [one.kind for one in verdicts(heard(amd, line(*parts)))]


SIT = [tone(hz, seconds=0.33) for hz in (950, 1400, 1800)]
HELLO = [silence(0.5), voice(0.5), silence(2.5)]
GREETING = [silence(0.5), voice(6.0), silence(0.5)]
BEEP = tone(1000, seconds=0.4)


def test_who_says_little_and_waits_is_a_person() -> None:
    (told,) = verdicts(heard(Amd(), line(*HELLO)))
    assert told.kind is Kind.HUMAN
    assert told.confidence >= 0.9
    assert 1.0 < told.took_s < 2.0
    assert told.evidence[0].witness == "cadence"
    assert "0.5 s of speech" in told.evidence[0].says


def test_a_beep_after_speech_is_a_voicemails_and_an_event_of_its_own() -> None:
    told = heard(Amd(), line(*GREETING, BEEP, silence(1)))
    verdict, beep = told[-2:]
    assert isinstance(verdict, Verdict)
    assert verdict.kind is Kind.VOICEMAIL
    assert verdict.evidence[0].witness == "beep"
    assert isinstance(beep, Beep)
    assert beep.at == pytest.approx(7.0, abs=0.05)
    assert beep.hz == pytest.approx(1000, abs=2)


def test_a_person_who_turns_out_to_be_a_voicemail_is_taken_back() -> None:
    amd = Amd()
    told = verdicts(heard(amd, line(silence(0.5), voice(0.5), silence(1.2), BEEP, silence(1))))
    assert [one.kind for one in told] == [Kind.HUMAN, Kind.VOICEMAIL]
    assert told[1].revises is Kind.HUMAN
    assert amd.verdict is told[1]


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([silence(0.3), *SIT, silence(0.3)], Kind.NETWORK),
        ([tone(440, seconds=0.5), silence(0.5)] * 3, Kind.NETWORK),
        ([tone(480, 620, seconds=0.25), silence(0.25)] * 4, Kind.NETWORK),
        ([silence(0.2), tone(350, 440, seconds=4.0)], Kind.NETWORK),
        ([silence(1), tone(2100, seconds=3.0)], Kind.FAX),
        ([silence(1), tone(1100, seconds=0.5), silence(3), tone(1100, seconds=0.5)], Kind.FAX),
        ([silence(6)], Kind.SILENCE),
        ([silence(0.5), notes(6.0)], Kind.MUSIC),
    ],
    ids=["SIT", "busy", "congestion", "dial tone", "CED", "CNG", "silence", "music"],
)
def test_each_kind_is_told(parts: list[Sound], kind: Kind) -> None:
    assert kinds(Amd(), *parts, silence(0.2)) == [kind]


def test_words_tell_before_the_sound_does() -> None:
    amd = Amd("fr")
    told = verdicts(heard(amd, line(silence(0.5), voice(1.5))))
    assert told == []
    (verdict,) = amd.feed(Transcript("vous êtes bien sur la messagerie de", False, 1.9))
    assert isinstance(verdict, Verdict)
    assert verdict.kind is Kind.VOICEMAIL
    assert verdict.evidence[0].witness == "words"
    assert verdict.evidence[0].at_s == pytest.approx(1.9)


def test_utterances_add_up_and_an_interim_is_replaced() -> None:
    amd = Amd("fr")
    heard(amd, line(silence(0.5), voice(0.5)))
    assert not list(amd.feed(Transcript("vous êtes bien", False, 1.0)))
    assert not list(amd.feed(Transcript("le temps est beau", True, 1.2)))
    (verdict,) = amd.feed(Transcript("laissez un message", True, 3.0))
    assert isinstance(verdict, Verdict)
    assert verdict.kind is Kind.VOICEMAIL


@pytest.mark.parametrize("language", ["", "xx"])
def test_without_a_table_words_say_nothing(language: str) -> None:
    amd = Amd(language)
    assert not list(amd.feed(Transcript("laissez un message", True, 1.0)))


def test_asterisks_verdict_is_one_voice_among_others() -> None:
    amd = Amd()
    heard(amd, line(silence(0.5), voice(0.5), silence(0.3)))
    assert not list(amd.amd_status("MACHINE", "MAXWORDS-2-2", 1.3))
    (told,) = verdicts(heard(amd, line(silence(3)), at=1.3))
    assert told.kind is Kind.HUMAN
    assert ("asterisk", -1.0) in [(one.witness, one.weight) for one in told.evidence]
    sooner = Amd()
    heard(sooner, line(silence(0.5), voice(0.5), silence(0.4)))
    assert [one.kind for one in verdicts(list(sooner.amd_status("HUMAN", "HUMAN", 1.4)))] == [
        Kind.HUMAN
    ]


def test_ringing_is_not_the_answer() -> None:
    amd = Amd(early_media=True)
    assert heard(amd, line(tone(440, seconds=1.5), silence(3.5), tone(440, seconds=1.0))) == []
    amd.answered(6.0)
    (told,) = verdicts(heard(amd, line(*HELLO), at=6.0))
    assert told.kind is Kind.HUMAN
    assert told.took_s < 2.0


def test_a_switchboard_that_rings_on_has_not_answered_yet() -> None:
    ring = [tone(425, seconds=1.0), silence(4.0)]
    assert kinds(Amd(), *ring, *ring, *HELLO) == [Kind.HUMAN]


def test_speech_before_the_answer_is_the_networks() -> None:
    amd = Amd(early_media=True)
    (told,) = verdicts(heard(amd, line(silence(0.5), voice(2.0))))
    assert told.kind is Kind.NETWORK
    assert told.evidence[0].witness == "early media"


def test_an_announcement_before_the_answer_does_not_count_after_it() -> None:
    amd = Amd(early_media=True)
    assert kinds(amd, silence(0.2), *SIT, voice(2.0)) == [Kind.NETWORK]
    amd.answered(3.2)
    assert amd.verdict is None
    (told,) = verdicts(heard(amd, line(*HELLO), at=3.2))
    assert told.kind is Kind.HUMAN


def test_without_sound_time_passes_all_the_same() -> None:
    amd = Amd()
    amd.answered(100.0)
    told = [one for now in range(101, 107) for one in amd.idle(float(now))]
    assert [one.kind for one in verdicts(told)] == [Kind.SILENCE]
    assert amd.quiet_s == pytest.approx(6.0, abs=0.1)


def test_who_is_not_told_apart_is_unknown_and_may_still_be() -> None:
    # Speech now and then: neither a greeting that goes on, nor somebody who waits.
    parts = [piece for _ in range(6) for piece in (voice(3.0), silence(0.6))]
    amd = Amd()
    told = verdicts(heard(amd, line(*parts, *([silence(0.5), BEEP, silence(1)]))))
    first = told[0]
    if first.kind is Kind.UNKNOWN:
        assert first.took_s == pytest.approx(UNDECIDED_S, abs=0.2)
        assert first.confidence == 0.0
    assert told[-1].kind is Kind.VOICEMAIL


def test_listening_ends() -> None:
    amd = Amd()
    amd.answered(0.0)
    list(amd.idle(LISTEN_S - 1))
    assert amd.listening
    list(amd.idle(LISTEN_S + 1))
    assert not amd.listening


def test_who_is_in_a_conversation_is_not_taken_for_a_machine_any_more() -> None:
    amd = Amd("fr")
    heard(amd, line(*HELLO))
    assert amd.verdict is not None
    list(amd.idle(3.5 + PERSON_S))
    assert not amd.listening
    text = "je laisse un message sur votre messagerie après le bip"
    assert not list(amd.feed(Transcript(text, True, 24.0)))
    assert amd.verdict.kind is Kind.HUMAN


def test_what_else_comes_is_passed_over() -> None:
    amd = Amd()
    assert not list(amd.feed(Dtmf("1", 0.0)))
    assert not list(amd.feed(Hangup("caller")))
    assert not list(amd.idle(5.0))


def test_16_khz_is_heard_like_8() -> None:
    from tests.telephony.amd.sounds import frames

    amd = Amd()
    wide = line(silence(0.5, 16000), voice(0.5, rate_hz=16000), silence(2.5, 16000))
    told = [one for frame in frames(wide, 0.0, 16000) for one in amd.feed(frame)]
    assert [one.kind for one in verdicts(told)] == [Kind.HUMAN]
