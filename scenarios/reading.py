"""Reads a scenario: its structure from one file, its words from one file per language.

Nothing half right is taken: whatever could only show during a conversation (a step that does not
exist, a question without a wording, an intent without examples) is an error here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigurationError
from engine.frames import DTMF_DIGITS
from pipelines.mind.intents import Knowledge, Slot, SlotKind
from pipelines.turns.endpoint import EXPECTATIONS, LONGEST_S, SHORTEST_S
from scenarios.checks import check
from scenarios.defaults import menu
from scenarios.document import Value, read
from scenarios.model import Answer, Keyed, Point, Score, Script, Step
from scenarios.transfers import transfer_of
from scenarios.wording import StepLines, Wording, read_wording

__all__ = ["load"]

BARGE_IN = ("never", "polite", "always")
VOICEMAIL = ("hangup", "message")
WAYS = ("next", "levels", "hangup", "transfer")
RECORDING = ("start", "stop")
MOST_RETRIES = 5
"""A person who was not understood six times will not be the seventh time."""
EXPECTS = tuple(EXPECTATIONS)
MOST_DIGITS = 40
"""An IBAN has 34 characters."""
QUESTION = (
    *("answers", "otherwise", "retries", "then", "keys"),
    *("keyed", "barge_in", "expects", "digits", "endpoint_ms"),
)


def load(path: Path | str, language: str | None = None) -> Script:
    """The scenario in `path`, in `language` (its first where None), checked as a whole.

    Its words are in ``<language>.yaml`` beside it. Raises ScenarioError with file, line and what
    was expected, and ConfigurationError for a language that the scenario does not have.
    """
    path = Path(path)
    root = read(path)
    top = root.fields(
        ("name", "languages", "start", "silence", "steps"),
        ("slots", "score", "always", "voicemail"),
    )
    languages = top["languages"].texts("a list of languages, the default first")
    if language is not None and language not in languages:
        raise ConfigurationError(
            f"scenario {top['name'].text()!r} does not speak {language!r};"
            f" it has: {', '.join(languages)}"
        )
    language = language or languages[0]
    words = read_wording(path.with_name(f"{language}.yaml"), language)
    slots = _slots(top.get("slots"), words)
    reader = _Reader(words, slots, language)
    steps_value = top["steps"]
    nodes = steps_value.items("a mapping of steps")
    steps = {name: reader.step(name, node) for name, node in nodes.items()}
    always_nodes = top["always"].items("a mapping of intents") if "always" in top else {}
    always = {name: reader.answer(node) for name, node in always_nodes.items()}
    score = _score(top["score"], slots, steps) if "score" in top else Score()
    start, gone = (top[key].text("a step's name") for key in ("start", "silence"))
    questions = tuple(
        dict.fromkeys((*step.answers, *always) for step in steps.values() if step.answers)
    )
    script = Script(
        name=top["name"].text("a name"),
        language=language,
        languages=languages,
        start=start,
        gone=gone,
        steps=steps,
        always=always,
        score=score,
        knowledge=Knowledge(language, words.intents, tuple(slots.values()), questions),
        backchannels=words.backchannels,
        stop_words=words.stop_words,
        fillers=words.fillers,
        not_understood=words.not_understood,
        not_heard=words.not_heard,
        voicemail=top["voicemail"].one_of(VOICEMAIL) if "voicemail" in top else "",
        voicemail_lines=words.voicemail,
    )
    check(script, {**nodes, "": root, "start": top["start"], "silence": top["silence"]}, words)
    return script


class _Reader:
    """Reads steps and answers, with the words at hand."""

    def __init__(self, words: Wording, slots: Mapping[str, Slot], language: str) -> None:
        self._language = language
        self._words = words
        self._slots = slots

    def step(self, name: str, node: Value) -> Step:
        found = node.fields((), (*QUESTION, *WAYS, "record", "recording"))
        asks = "answers" in found or "otherwise" in found
        kinds = [asks, *(key in found for key in WAYS)]
        # Who stays in a conference goes on.
        if sum(kinds) != 1 and not {"transfer", "next"} == {key for key in WAYS if key in found}:
            raise node.error(
                f"step {name!r} has {sum(kinds)} ways to go on",
                f"one of: answers and/or otherwise, {', '.join(WAYS)}",
            )
        own = {"then"} if "transfer" in found else set()
        stray = [key for key in QUESTION if key in found and not asks and key not in own]
        if stray:
            raise found[stray[0]].error(f"{stray[0]!r} at a step that asks nothing", "a question")
        lines = self._words.steps.get(name, StepLines())
        retries = found["retries"].number(0, MOST_RETRIES) if "retries" in found else 0
        if asks and not found.get("otherwise"):
            for key in ("retries", "then"):
                if key not in found:
                    raise node.error(f"step {name!r} lacks {key!r}", "retries, and then a step")
        answers = self._answers(found.get("answers"))
        expects = self._expects(found)
        keys = self._keys(found, lines.choices or (answers if expects == "choice" else ()))
        return Step(
            name=name,
            say=lines.say,
            again=lines.again,
            silence=lines.silence,
            barge_in=found["barge_in"].one_of(BARGE_IN) if "barge_in" in found else "polite",
            expects=expects,
            digits=found["digits"].number(1, MOST_DIGITS) if "digits" in found else 0,
            endpoint_ms=_endpoint(found.get("endpoint_ms")),
            answers=answers,
            otherwise=_name(found.get("otherwise")),
            retries=retries,
            then=_name(found.get("then")),
            keys=keys,
            menu=self._menu(lines.choices, keys),
            keyed=self._keyed(found),
            next=_name(found.get("next")),
            levels=_names(found.get("levels")),
            hangup=_name(found.get("hangup"), "a reason such as completed"),
            record=_name(found.get("record"), "the name of an event"),
            transfer=transfer_of(name, node, found, lines) if "transfer" in found else None,
            summary=lines.summary,
            recording=found["recording"].one_of(RECORDING) if "recording" in found else "",
        )

    @staticmethod
    def _expects(found: Mapping[str, Value]) -> str:
        expects = found["expects"].one_of(EXPECTS) if "expects" in found else "anything"
        if expects == "choice" and "answers" not in found:
            raise found["expects"].error("a choice without answers", "answers to choose from")
        if "digits" in found and expects != "digits":
            raise found["digits"].error("'digits' where none are expected", "expects: digits")
        return expects

    def _answers(self, node: Value | None) -> dict[str, Answer]:
        if node is None:
            return {}
        found = node.items("a mapping of intents and where each leads")
        if not found:
            raise node.error("no answers", "a mapping of intents and where each leads")
        return {intent: self.answer(value) for intent, value in found.items()}

    def answer(self, node: Value) -> Answer:
        if node.is_text:
            return Answer(go=node.text("a step's name"))
        found = node.fields((), ("go", "reply", "repeat", "record", "set"))
        ways = [key for key in ("go", "repeat") if key in found]
        if len(ways) > 1 or not (ways or "reply" in found):
            raise node.error(f"{len(ways)} ways to go on", "go, or reply and/or repeat")
        reply = _name(found.get("reply"), "the name of a reply")
        if reply and reply not in self._words.replies:
            raise found["reply"].error(
                f"no reply {reply!r} in {self._words.path.name}", "one of its replies"
            )
        return Answer(
            go=_name(found.get("go")),
            reply=self._words.replies.get(reply, ""),
            repeat="repeat" in found and found["repeat"].flag(),
            record=_name(found.get("record"), "the name of an event"),
            set=self._facts(found.get("set")),
        )

    def _facts(self, node: Value | None) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for name, value in (node.items("a mapping of slots") if node else {}).items():
            slot = self._slots.get(name)
            if slot is None:
                raise value.error(f"unknown slot {name!r}", "one of " + ", ".join(self._slots))
            if slot.kind == "number":
                facts[name] = value.number(0, 10**9)
            elif slot.kind == "many":
                facts[name] = [item.one_of(slot.phrases) for item in value.each()]
            else:
                facts[name] = value.one_of(slot.phrases)
        return facts

    @staticmethod
    def _keys(found: Mapping[str, Value], choices: Iterable[str]) -> dict[str, str]:
        """As written; choices without one take the next that is free, in their order."""
        keys: dict[str, str] = {}
        for digit, intent in (found["keys"].items() if "keys" in found else {}).items():
            if digit not in DTMF_DIGITS:
                raise intent.error(f"{digit!r} is no key", "one of 0 to 9, *, #, A to D")
            keys[digit] = intent.text("an intent")
        free = (digit for digit in "123456789" if digit not in keys)
        without = [intent for intent in choices if intent not in keys.values()]
        return keys | dict(zip(free, without, strict=False))

    def _menu(self, choices: Mapping[str, str], keys: Mapping[str, str]) -> str:
        named = [(key, choices[intent]) for key, intent in keys.items() if intent in choices]
        return menu(self._language, named) if named else ""

    def _keyed(self, found: Mapping[str, Value]) -> Keyed | None:
        if "keyed" not in found:
            return None
        node = found["keyed"]
        parts = node.fields(("slot",), ("means",))
        numbers = [name for name, slot in self._slots.items() if slot.kind == "number"]
        if "keys" in found:
            raise node.error("keys that are both choices and digits", "'keys' or 'keyed'")
        if "means" not in parts and "otherwise" not in found:
            raise node.error("digits that lead nowhere", "'means', an answer of the step")
        if "means" in parts:
            parts["means"].one_of(found["answers"].items() if "answers" in found else ())
        return Keyed(parts["slot"].one_of(numbers), _name(parts.get("means"), "an intent"))


def _name(node: Value | None, expected: str = "a step's name") -> str:
    return "" if node is None else node.text(expected)


def _endpoint(node: Value | None) -> int:
    return 0 if node is None else node.number(round(SHORTEST_S * 1000), round(LONGEST_S * 1000))


def _names(node: Value | None) -> dict[str, str]:
    return {name: _name(value) for name, value in node.items().items()} if node else {}


def _slots(node: Value | None, words: Wording) -> dict[str, Slot]:
    slots: dict[str, Slot] = {}
    kinds: tuple[SlotKind, ...] = ("one", "many", "number")
    for name, value in (node.items("a mapping of slots") if node else {}).items():
        found = value.fields(("kind",), ("values",))
        text = found["kind"].one_of(kinds)
        kind = next(kind for kind in kinds if kind == text)
        values = found["values"].texts("a list of values") if "values" in found else ()
        if bool(values) == (kind == "number"):
            raise value.error(f"slot {name!r} is of kind {kind}", "values, but not for a number")
        phrases = words.slots.get(name, {})
        if set(phrases) != set(values):
            raise value.error(
                f"the values of slot {name!r} are not those in {words.path.name}",
                ", ".join(values) or "none",
            )
        slots[name] = Slot(name, kind, {item: phrases[item] for item in values})
    for name in words.slots:
        if name not in slots:
            raise words.root.error(f"unknown slot {name!r}", "one of the scenario's slots")
    return slots


def _score(node: Value, slots: Mapping[str, Slot], steps: Mapping[str, Step]) -> Score:
    found = node.fields(("points", "levels"))
    points = []
    for item in found["points"].each("a list of rules"):
        rule = item.fields(("points",), ("slot", "has", "step", "answer"))
        keys = set(rule) - {"points"}
        if keys not in ({"slot", "has"}, {"step", "answer"}):
            raise item.error("a rule of neither kind", "slot and has, or step and answer")
        if "slot" in rule:
            slot = slots.get(rule["slot"].one_of(slots))
            rule["has"].one_of(slot.phrases if slot else ())
        else:
            rule["answer"].one_of(steps[rule["step"].one_of(steps)].answers)
        texts = {key: rule[key].text() for key in keys}
        points.append(Point(rule["points"].number(-100, 100), **texts))
    levels = {name: value.number(-1000, 1000) for name, value in found["levels"].items().items()}
    if not levels:
        raise found["levels"].error("no levels", "names with the least score of each")
    falling = sorted(levels.items(), key=lambda level: -level[1])
    return Score(tuple(points), tuple(falling))
