"""A scenario in one language, as data: steps, what they say, and where each answer leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.frames import Transfer
from pipelines.mind.intents import Knowledge
from pipelines.mind.language import LANGUAGES

__all__ = ["Answer", "Keyed", "Point", "Score", "Script", "Step"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from an intent: a step to `go` to, or a `reply` (may be empty: only a repeat)
    after which the question stands; facts to `set`, and an event to `record`."""

    go: str = ""
    reply: str = ""
    repeat: bool = False
    record: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keyed:
    """Digits of the telephone fill `slot`, and mean the intent `means` (may be empty where any
    answer leads on)."""

    slot: str
    means: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """`points` where the slot holds the value, or the step was answered by the intent."""

    points: int
    slot: str = ""
    has: str = ""
    step: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """Points are summed; the level is the one with the highest threshold that the sum reaches, or
    the lowest of all. `levels` by falling threshold."""

    points: tuple[Point, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()

    def level(self, score: int) -> str:
        return next((name for name, least in self.levels if score >= least), self.levels[-1][0])


@dataclass(frozen=True, slots=True)
class Step:
    """One place in a conversation. It is a question (`answers` or `otherwise`), a passage (`next`),
    a fork by score (`levels`), a `transfer` to a person (`then` where nobody takes it) or an end
    (`hangup`, the reason).

    `expects` is the kind of answer (`pipelines.turns.endpoint.EXPECTATIONS`): ``choice`` at a
    question that few answers fit, where what callers say is looked for among the examples of its
    intents. `digits` is how many are asked for, `endpoint_ms` the silence that ends the answer; 0
    where nothing is said of them. `say` is said on arrival, sentence after sentence; the last
    is the question. `again` are the
    wordings after an answer that was not understood (`retries` times, then the step `then`),
    `silence` those after no answer at all; after the second failure the `menu` says the `keys`.
    `summary` is what whoever takes the transfer is told first, with ``{slot}`` in it. `recording`
    begins (``start``) or ends (``stop``) here.
    """

    name: str
    say: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    silence: tuple[str, ...] = ()
    barge_in: str = "polite"
    expects: str = "anything"
    digits: int = 0
    endpoint_ms: int = 0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    otherwise: str = ""
    retries: int = 0
    then: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    menu: str = ""
    keyed: Keyed | None = None
    next: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    hangup: str = ""
    record: str = ""
    transfer: Transfer | None = None
    summary: tuple[str, ...] = ()
    recording: str = ""

    @property
    def asks(self) -> bool:
        return bool(self.answers or self.otherwise)

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that is said here."""
        return (*self.say, *self.again, *self.silence, *((self.menu,) if self.menu else ()))

    def leads_to(self) -> set[str]:
        """The steps that can follow."""
        found = {self.otherwise, self.then, self.next, *self.levels.values()}
        found |= {answer.go for answer in self.answers.values()}
        return found - {""}


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario in `language`, checked as a whole by `load`.

    `always` are the intents that count at every question; `gone` is the step for a user who stays
    silent. `backchannels` show attention and take no turn, `stop_words` take it at once, `fillers`
    (by occasion) are said while an answer takes its time. Before a question is asked again,
    one of `not_understood` or `not_heard` is said. `voicemail` is what is done where a machine
    answers (``hangup``; ``message``: `voicemail_lines` are left on a voicemail; empty: nothing).
    """

    name: str
    language: str
    languages: tuple[str, ...]
    start: str
    gone: str
    steps: Mapping[str, Step]
    always: Mapping[str, Answer]
    score: Score
    knowledge: Knowledge
    backchannels: tuple[str, ...] = ()
    stop_words: tuple[str, ...] = ()
    fillers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_understood: tuple[str, ...] = ()
    not_heard: tuple[str, ...] = ()
    voicemail: str = ""
    voicemail_lines: tuple[str, ...] = ()

    def intents(self, step: Step) -> tuple[str, ...]:
        """What is told apart at `step`: its own answers, then those that always count."""
        return (*step.answers, *self.always) if step.answers else ()

    def phrases(self, step: Step, *, menu: bool = False) -> tuple[str, ...]:
        """What is probably said at `step`, if that is little: examples of all that is understood
        there (so also of what always is), phrases of slots, and what interrupts or only shows
        attention; after the menu its numbers too. Empty where anything may be said."""
        if step.expects != "choice":
            return ()
        said = self._said(self.intents(step))
        return tuple(dict.fromkeys([*said, *self._numbers(step)])) if menu else said

    def vocabulary(self) -> tuple[str, ...]:
        """The same of all steps: what a recogniser should have the words for."""
        said = self._said(self.knowledge.intents)
        numbers = [word for step in self.steps.values() for word in self._numbers(step)]
        return tuple(dict.fromkeys([*said, *numbers]))

    def _numbers(self, step: Step) -> list[str]:
        """The keys of a menu, as they are said: who is told to press one may say "one"."""
        language = LANGUAGES.get(self.knowledge.language)
        if not step.menu or language is None:
            return []
        return [word for word, value in language.numbers.items() if str(value) in step.keys]

    def _said(self, intents: Iterable[str]) -> tuple[str, ...]:
        said = [text for name in intents for text in self.knowledge.intents[name].examples]
        for slot in self.knowledge.slots:
            said += [text for phrases in slot.phrases.values() for text in phrases]
        return tuple(dict.fromkeys([*said, *self.stop_words, *self.backchannels]))

    def lines(self) -> tuple[str, ...]:
        """Every line that can be said: what a phrase cache is filled with."""
        steps = self.steps.values()
        said = [line for step in steps for line in step.lines]
        said += [
            answer.reply
            for answers in (self.always, *(step.answers for step in steps))
            for answer in answers.values()
            if answer.reply
        ]
        said += [*self.not_understood, *self.not_heard, *self.voicemail_lines]
        said += [line for fillers in self.fillers.values() for line in fillers]
        return tuple(dict.fromkeys(said))
