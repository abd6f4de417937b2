"""Endpointing: the silence after which a turn is over, of one call.

What is asked says how people pause in the answer; what was said so far, whether it breaks off or is
a whole answer; how this caller paused before, how long they take. All of it bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from engine.flow import Question
from pipelines.turns.unfinished import ENDINGS, digits, spoken

__all__ = [
    "EXPECTATIONS",
    "LONGEST_S",
    "SHORTEST_S",
    "Endpointer",
    "Pauses",
    "Shape",
    "Waits",
    "shape",
]

SHORTEST_S = 0.16
"""Stops within words are silent for up to 150 ms."""
LONGEST_S = 1.2
"""Longer than this a person takes nobody for a listener."""

BASE_MS = 240
"""What `EXPECTATIONS` are given for: all of them grow and shrink with the setting."""


class Shape(Enum):
    """What the words so far are."""

    WHOLE = auto()
    OPEN = auto()
    BROKEN_OFF = auto()


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds of silence that end an answer: one that is whole, one of which that cannot be
    said, and one that breaks off."""

    whole: float
    open: float
    broken_off: float


BROKEN_OFF_MS = 950.0
"""Who breaks off has more to say nearly always, whatever was asked: waiting costs nothing then."""

EXPECTATIONS: Mapping[str, Waits] = {
    "choice": Waits(160, 240, BROKEN_OFF_MS),
    "anything": Waits(240, 240, BROKEN_OFF_MS),
    "open": Waits(400, 480, BROKEN_OFF_MS),
    "number": Waits(320, 480, BROKEN_OFF_MS),
    "name": Waits(400, 560, BROKEN_OFF_MS),
    "digits": Waits(240, 560, 1200),
    "spelling": Waits(720, 800, 1200),
    "address": Waits(700, 800, 1200),
}
"""By what a question expects. Digits, letters and addresses come in groups with pauses of half a
second between them; docs/turns.md has what was measured."""

MISHEARD = 2
"""Words without a digit where digits are asked for: a group of them that was not understood. Who
has none to say says more."""

USUAL_PAUSE_S = 0.192
"""What a caller who was not yet heard is taken to pause within a turn: the base is right for it."""
MARGIN = 1.25
"""Over the pauses of this caller: their next one may be longer."""
UP, DOWN = 0.5, 0.05
"""How far a pause moves the estimate of a caller's: up at once, down slowly. It settles where a
tenth as much lies above as below (the 0.91 expectile)."""
SHORTEST_PAUSE_S = 0.12
"""Below this it is a sound that is silent, not a pause."""
MOST_PACE, LEAST_PACE = 2.5, 1.0


class Pauses:
    """How long one caller pauses and goes on, estimated from those that were heard."""

    def __init__(self) -> None:
        self.estimate_s = USUAL_PAUSE_S

    def learn(self, pause_s: float) -> None:
        """They paused for so long and went on."""
        if pause_s < SHORTEST_PAUSE_S:
            return
        by = min(pause_s, LONGEST_S) - self.estimate_s
        self.estimate_s += by * (UP if by > 0 else DOWN)

    @property
    def pace(self) -> float:
        """How much longer than usual to wait for this caller where they broke off."""
        needed = self.estimate_s * MARGIN * 1000 / BASE_MS
        return min(MOST_PACE, max(LEAST_PACE, needed))


class Endpointer:
    """Says how long to wait: `begin` with each utterance, `heard` as its words come in.

    `base_s` is the silence that ends an ordinary answer. In a language without word lists
    (`pipelines.turns.unfinished`) only question and caller count.
    """

    def __init__(self, base_s: float = BASE_MS / 1000, language: str = "") -> None:
        self.pauses = Pauses()
        self._scale = base_s / BASE_MS
        self._language = language
        self._question = Question("")

    def begin(self, question: Question) -> float:
        """An utterance that answers `question` begins; seconds of silence that would end it."""
        self._question = question
        return self.heard("")

    def heard(self, text: str) -> float:
        """It has the words `text` so far; seconds of silence that end it now."""
        question = self._question
        waits = EXPECTATIONS[question.expects]
        stated_s = question.endpoint_ms / 1000
        match shape(text, question, self._language):
            case Shape.WHOLE:
                wait_s = waits.whole * self._scale
            case Shape.OPEN:
                wait_s = stated_s or waits.open * self._scale
            case Shape.BROKEN_OFF:
                wait_s = max(stated_s, waits.broken_off * self._scale) * self.pauses.pace
        return min(LONGEST_S, max(SHORTEST_S, wait_s))

    def nothing(self) -> float:
        """There were words, and none was understood: more of them may come."""
        return min(LONGEST_S, BROKEN_OFF_MS * self._scale)


def shape(text: str, question: Question, language: str) -> Shape:
    """Whether `text` is a whole answer to `question`, or breaks off."""
    words = spoken(text)
    if question.expects == "digits":
        count = digits(text, language)
        if question.digits and count >= question.digits:
            return Shape.WHOLE
        if not question.digits or count == question.digits - 1:
            return Shape.OPEN  # nobody pauses before the last one: it was misheard
        if count or 0 < len(words) <= MISHEARD:
            return Shape.BROKEN_OFF
    whole, longer = _phrases(question.phrases)
    said = " ".join(words)
    if said in whole:
        return Shape.OPEN if said in longer else Shape.WHOLE
    endings = ENDINGS.get(language)
    return Shape.BROKEN_OFF if endings and endings.unfinished(words) else Shape.OPEN


@lru_cache(maxsize=256)
def _phrases(phrases: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The phrases as `spoken`, and the beginnings of longer ones."""
    split = [spoken(phrase) for phrase in phrases]
    whole = frozenset(" ".join(words) for words in split)
    longer = frozenset(" ".join(words[:end]) for words in split for end in range(1, len(words)))
    return whole, longer
