import pytest

from engine.errors import ConfigurationError
from telephony.amd.evidence import Kind
from telephony.amd.words import LANGUAGES, MOST_NATS, find, phrases, tokens


def told(text: str, language: str = "fr") -> Kind | None:
    weights = find(text, language).weights
    return max(weights, key=lambda kind: weights[kind]) if weights else None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("allô", Kind.HUMAN),
        ("oui allô bonjour", Kind.HUMAN),
        ("c'est qui", Kind.HUMAN),
        ("vous êtes bien sur la messagerie de claire", Kind.VOICEMAIL),
        ("laissez-nous un message", Kind.VOICEMAIL),
        ("veuillez laisser votre message après le bip sonore", Kind.VOICEMAIL),
        ("bonjour je suis absente pour le moment", Kind.VOICEMAIL),
        ("Le numéro que vous avez composé n'est pas attribué.", Kind.NETWORK),
        ("votre appel ne peut aboutir", Kind.NETWORK),
        ("ne quittez pas un conseiller va vous répondre", Kind.MUSIC),
        ("le temps est beau", None),
        ("", None),
    ],
)
def test_first_words_in_french(text: str, kind: Kind | None) -> None:
    assert told(text) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello, who's this?", Kind.HUMAN),
        ("you have reached the voicemail of", Kind.VOICEMAIL),
        ("please leave a short message after the tone", Kind.VOICEMAIL),
        ("I can't take your call right now", Kind.VOICEMAIL),
        ("The number you have dialled is not in service", Kind.NETWORK),
        ("please hold, all of our agents are busy", Kind.MUSIC),
    ],
)
def test_first_words_in_english(text: str, kind: Kind) -> None:
    assert told(text, "en") is kind


def test_a_recognisers_mistakes_cost_a_phrase_and_no_more() -> None:
    whole = find("vous êtes sur le répondeur de paul laissez un message", "fr")
    torn = find("vous êtes sur le répondre de paul laissez hein message", "fr")
    assert whole.weights[Kind.VOICEMAIL] > torn.weights[Kind.VOICEMAIL] > 0


def test_within_a_phrase_only_the_longest_counts() -> None:
    found = find("la messagerie vocale", "fr")
    assert [phrase.text for phrase in found.phrases] == ["messagerie vocale"]


def test_phrases_add_up_to_a_limit() -> None:
    text = "messagerie laissez un message après le bip sonore je vous rappellerai"
    assert find(text, "fr").weights == {Kind.VOICEMAIL: MOST_NATS}


def test_words_too_far_apart_are_no_phrase() -> None:
    assert told("laissez moi vous dire que ce message") is None


def test_accents_case_and_apostrophes_do_not_count() -> None:
    assert tokens("L'œuvre ÉTÉ, n'est-ce pas ?") == ["l", "oeuvre", "ete", "n", "est", "ce", "pas"]


def test_the_tables_are_whole() -> None:
    assert set(LANGUAGES) == {"en", "fr"}
    for language in LANGUAGES:
        table = phrases(language)
        assert {phrase.kind for phrase in table} == {
            Kind.HUMAN, Kind.VOICEMAIL, Kind.NETWORK, Kind.MUSIC
        }  # fmt: skip
        assert all(0 < phrase.weight <= MOST_NATS for phrase in table)
        assert len({phrase.text for phrase in table}) == len(table)
        for phrase in table:
            assert tokens(phrase.text.replace("*", "")) == [
                word.rstrip("*") for word in phrase.words if word != "*"
            ]


def test_an_unknown_language_says_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="there are: en, fr"):
        phrases("de")
