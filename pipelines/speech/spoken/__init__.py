"""The spoken form of a text: what a voice would read wrong, written out as it is said."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.speech.spoken import english, french
from pipelines.speech.spoken.rules import apply

__all__ = ["spoken"]

_RULES = {"fr": (french.NUMBERS, french.WORDS), "en": (english.NUMBERS, english.WORDS)}


def spoken(language: str) -> Callable[[str], str]:
    """From a written text in `language` (a tag: ``fr``, ``fr-BE``, ``en-GB``) to its spoken form.

    Numbers that voices read right stay digits. Texts in other languages stay as they are.
    """
    rules = _RULES.get(language[:2].lower())
    return (lambda text: text) if rules is None else (lambda text: apply(*rules, text))
