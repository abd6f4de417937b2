"""What a scenario says where its own words say nothing of it, by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["FILLERS", "MENUS", "OCCASIONS", "menu"]

OCCASIONS = ("any", "question", "number", "work")
"""When a filler is said: after a question of the user's, after a number, while something is looked
up or written; ``any`` is for the rest, and where there are none for the occasion."""

FILLERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "fr": {
        "any": ("Alors…", "Voyons…", "D'accord…"),
        "question": ("Alors, voyons…", "Bonne question…"),
        "number": ("Je note…", "C'est noté…"),
        "work": ("Un instant, je regarde…", "Je vérifie…"),
    },
    "en": {
        "any": ("Well…", "Let me see…", "Right…"),
        "question": ("Good question…", "Let me think…"),
        "number": ("Noted…", "Got that…"),
        "work": ("One moment, let me look…", "Let me check…"),
    },
}

MENUS = {"fr": ("Tapez {}.", "{} pour {}"), "en": ("Press {}.", "{} for {}")}
"""The line, and each choice in it: a key and what it stands for."""


def menu(language: str, choices: Sequence[tuple[str, str]]) -> str:
    """The line that says which key is what: ``Press 1 for yes, 2 for no.``"""
    line, choice = MENUS[language]
    return line.format(", ".join(choice.format(key, what) for key, what in choices))
