"""Facts picked out of an utterance by the scenario's own phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.mind.intents import Slot
from pipelines.mind.language import Language, negated, numbers, tokens

__all__ = ["Found", "SlotReader"]


@dataclass(frozen=True, slots=True)
class Found:
    """An utterance as the classifier sees it: `words` with each slot phrase replaced by its slot's
    name in capitals; `under` says which words are negated; `slots` holds what was affirmed."""

    words: tuple[str, ...]
    under: tuple[bool, ...]
    slots: dict[str, Any]

    @property
    def negated(self) -> bool:
        return any(self.under)


class SlotReader:
    """Reads the slots of one scenario in one language."""

    def __init__(self, slots: Sequence[Slot], language: Language) -> None:
        self._language = language
        self._numbers = [slot.name for slot in slots if slot.kind == "number"]
        self._many = {slot.name for slot in slots if slot.kind == "many"}
        self._phrases: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
        for slot in slots:
            for value, phrases in slot.phrases.items():
                for phrase in phrases:
                    words = tuple(tokens(phrase, language))
                    if words:
                        entry = (words, slot.name, value)
                        self._phrases.setdefault(words[0], []).append(entry)
        for entries in self._phrases.values():
            entries.sort(key=lambda entry: -len(entry[0]))  # the longest phrase wins

    def read(self, text: str) -> Found:
        """A phrase under a negation does not fill its slot."""
        words = tokens(text, self._language)
        under = negated(words, self._language)
        slots: dict[str, Any] = {}
        out: list[str] = []
        flags: list[bool] = []
        index = 0
        while index < len(words):
            size, name, value = self._match(words, index)
            if name and not under[index]:
                if name in self._many:
                    values = slots.setdefault(name, [])
                    if value not in values:
                        values.append(value)
                else:
                    slots[name] = value
            out.append(name.upper() if name else words[index])
            flags.append(under[index])
            index += size
        amounts = numbers(words, self._language) if self._numbers else []
        if amounts:
            slots.update(dict.fromkeys(self._numbers, amounts[0]))
        return Found(tuple(out), tuple(flags), slots)

    def _match(self, words: list[str], index: int) -> tuple[int, str, str]:
        for phrase, name, value in self._phrases.get(words[index], ()):
            if tuple(words[index : index + len(phrase)]) == phrase:
                return len(phrase), name, value
        return 1, "", ""
