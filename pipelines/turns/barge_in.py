"""Barge-in in two stages: speech over ours holds the playout at once, then words and time decide
(`pipelines.turns.overlap`).

A real interruption clears the reply; a backchannel ("mm", "oui oui"), a cough or our own echo lets
it go on where it stopped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from engine.flow import Question

__all__ = ["CONFUSED", "OTHER", "BargeIn", "Decision", "hesitates"]

LONG_SPEECH_S = 1.5
"""Speech over ours that lasts this long is meant, even if no word of it was recognised."""

HESITATIONS = frozenset(
    {"mm", "mmh", "hm", "hmm", "hum", "euh", "heu", "ah", "oh", "eh", "uh", "um", "unk"}
)
"""What answers nothing, not even a question. ``unk`` is the recogniser's own word for no word."""

OTHER = "unknown"
"""Stands for what an early look took for none of the words it knows: something is said, and it is
no backchannel."""

CONFUSED = frozenset({"d'accord", "hum"})
"""What "attendez" and "stop" are taken for on bad lines."""

ANSWERED_BY_BACKCHANNEL = frozenset({"choice", "anything"})
"""Kinds of questions that "oui" may answer."""


class Decision(Enum):
    WAIT = auto()
    """As it is, until more is known."""
    HOLD = auto()
    """Silent, until more is known."""
    RESUME = auto()
    INTERRUPT = auto()


def words(text: str) -> list[str]:
    """Lower-case words without accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r"[a-z0-9]+", plain)


def hesitates(text: str) -> bool:
    """Something was said, and it answers nothing."""
    said = words(text)
    return bool(said) and HESITATIONS.issuperset(said)


@dataclass(frozen=True, slots=True)
class BargeIn:
    """What words over ours mean, and how long speech is. Pure.

    `backchannels` are words that show attention and take no turn, `stop_words` those that take it
    at once; both as words without accents.
    """

    backchannels: frozenset[str] = frozenset()
    stop_words: frozenset[str] = frozenset()

    @classmethod
    def of(cls, backchannels: Iterable[str], stop_words: Iterable[str]) -> BargeIn:
        """From lists of words and phrases as a scenario has them."""
        return cls(
            frozenset(word for phrase in backchannels for word in words(phrase)),
            frozenset(word for phrase in stop_words for word in words(phrase)),
        )

    def started(self, policy: str) -> Decision:
        """Speech began; `policy` is ``never``, ``polite`` or ``always``."""
        return Decision.INTERRUPT if policy == "always" else Decision.WAIT

    def content(self, text: str, asking: Question | None) -> list[str]:
        """The words of `text` that may take the turn. While our own question plays (`asking`), what
        would be a backchannel elsewhere may be its answer: "oui" is none to "what is your name?".
        """
        answers = asking is not None and asking.expects in ANSWERED_BY_BACKCHANNEL
        empty = HESITATIONS if answers else HESITATIONS | self.backchannels
        return [word for word in words(text) if word not in empty]

    def stops(self, text: str) -> bool:
        """`text` takes the turn, however unsure the recogniser is of it."""
        return any(word in self.stop_words for word in words(text))

    def lasted(self, speech_s: float) -> Decision:
        """The speech has gone on for `speech_s`."""
        return Decision.INTERRUPT if speech_s >= LONG_SPEECH_S else Decision.WAIT
