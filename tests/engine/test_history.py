"""What a language model is told of a conversation."""

from __future__ import annotations

from engine.history import CUT, LONGEST, History
from engine.turn import Turn


def test_our_words_count_as_far_as_they_were_heard() -> None:
    history = History()
    history.add(Turn(1, said="Bonjour !"))
    history.add(Turn(2, heard="qui est-ce", said="Je suis", interrupted=True))
    history.add(Turn(3, heard="oui", interrupted=True))
    assert history() == (
        ("assistant", "Bonjour !"),
        ("user", "qui est-ce"),
        ("assistant", f"Je suis {CUT}"),
        ("user", "oui"),
    )


def test_who_went_on_said_it_once() -> None:
    history = History()
    history.add(Turn(1, heard="j'ai", interrupted=True), whole=False)
    history.add(Turn(2, heard="j'ai un livret", said="Merci."))
    assert history() == (("user", "j'ai un livret"), ("assistant", "Merci."))


def test_the_oldest_gives_way() -> None:
    history = History()
    for number in range(LONGEST + 1):
        history.add(Turn(number, said=str(number)))
    assert history()[0] == ("assistant", "1")
