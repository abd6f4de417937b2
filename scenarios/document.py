"""YAML documents whose every value knows its file and line, so that every error can name them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from engine.errors import ScenarioError

__all__ = ["Value", "read"]

_TAGS = {
    "tag:yaml.org,2002:map": "a mapping",
    "tag:yaml.org,2002:seq": "a list",
    "tag:yaml.org,2002:null": "nothing",
}


class Value:
    """A node of a document, read as what the caller expects; anything else is a ScenarioError.

    Scalars are text, however they look: ``non`` and ``no`` are words here, not booleans.
    """

    def __init__(self, path: Path, node: yaml.Node, key: yaml.Node | None = None) -> None:
        self.path = path
        self.node = node
        self._key = key

    @property
    def line(self) -> int:
        """Of the value's key, where it has one: a block begins on the line after."""
        return int((self._key or self.node).start_mark.line) + 1

    def error(self, problem: str, expected: str) -> ScenarioError:
        return ScenarioError(self.path, self.line, problem, expected)

    def at(self, text: str) -> Value:
        """The first scalar `text` within, for an error that is found later; else this."""
        waiting = [self.node]
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, yaml.ScalarNode) and node.value == text:
                return Value(self.path, node)
            if isinstance(node, yaml.SequenceNode):
                waiting = [*node.value, *waiting]
            elif isinstance(node, yaml.MappingNode):
                waiting = [*(value for _, value in node.value), *waiting]
        return self

    @property
    def is_text(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def _wrong(self, expected: str) -> ScenarioError:
        found = _TAGS.get(self.node.tag, "text")
        return self.error(f"found {found}", expected)

    def text(self, expected: str = "a text") -> str:
        """A scalar that is not empty, its white space collapsed."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self._wrong(expected)
        text = " ".join(self.node.value.split())
        if not text:
            raise self.error("empty text", expected)
        return text

    def one_of(self, choices: Iterable[str]) -> str:
        """A scalar out of `choices`."""
        known = list(choices)
        text = self.text("one of " + ", ".join(known))
        if text not in known:
            raise self.error(f"unknown value {text!r}", "one of " + ", ".join(known))
        return text

    def number(self, least: int, most: int) -> int:
        """A whole number within bounds, in digits."""
        expected = f"a whole number from {least} to {most}"
        text = self.text(expected)
        try:
            number = int(text)
        except ValueError:
            raise self.error(f"{text!r} is no number", expected) from None
        if not least <= number <= most:
            raise self.error(f"{number} is out of bounds", expected)
        return number

    def flag(self) -> bool:
        """``true`` or ``false``."""
        return self.one_of(("true", "false")) == "true"

    def items(self, expected: str = "a mapping") -> dict[str, Value]:
        """A mapping by key, in order; a key that comes twice is an error."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self._wrong(expected)
        found: dict[str, Value] = {}
        for key_node, value_node in self.node.value:
            key = Value(self.path, key_node)
            name = key.text("a name")
            if name in found:
                raise key.error(f"{name!r} comes twice", "every name once")
            found[name] = Value(self.path, value_node, key_node)
        return found

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Value]:
        """A mapping with exactly these keys."""
        required, known = tuple(required), (*required, *optional)
        expected = "a mapping of " + ", ".join(known)
        found = self.items(expected)
        for name, value in found.items():
            if name not in known:
                raise value.error(f"unknown key {name!r}", "one of " + ", ".join(known))
        for name in required:
            if name not in found:
                raise self.error(f"{name!r} is missing", expected)
        return found

    def each(self, expected: str = "a list") -> list[Value]:
        """The values of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self._wrong(expected)
        if not self.node.value:
            raise self.error("empty list", expected)
        return [Value(self.path, node) for node in self.node.value]

    def texts(self, expected: str = "a list of texts") -> tuple[str, ...]:
        """A list of texts, none of them twice."""
        found: list[str] = []
        for value in self.each(expected):
            text = value.text("a text")
            if text in found:
                raise value.error(f"{text!r} comes twice", "every text once")
            found.append(text)
        return tuple(found)


def read(path: Path) -> Value:
    """The document in `path`. Raises ScenarioError for one that cannot be read or is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScenarioError(path, 1, "no such file", "a scenario in YAML") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(path, 1, f"cannot be read: {error}", "a text file in UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else int(mark.line) + 1
        raise ScenarioError(path, line, str(error.problem or error.context), "YAML") from error
    except RecursionError as error:
        raise ScenarioError(path, 1, "nested too deeply", "a scenario in YAML") from error
    except yaml.YAMLError as error:
        raise ScenarioError(path, 1, str(error).splitlines()[0], "YAML") from error
    if node is None:
        raise ScenarioError(path, 1, "empty file", "a mapping")
    return Value(path, node)
