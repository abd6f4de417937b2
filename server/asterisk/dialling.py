"""By which way calls leave: dial strings, the dialplan, and what the called see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import ConfigurationError

__all__ = ["ENDED_S", "Exits"]

ENDED_S = 5.0
"""How long after its time Asterisk may take to give up a call that nobody answers."""

NUMBER = re.compile(r"\+?[0-9*#A-Za-z_.-]{1,64}")
"""Digits, or the name of an extension: nothing that would be more than a number in a dial
string."""


@dataclass(frozen=True, slots=True)
class Exits:
    """`pattern` is the dial string that numbers go out by (``PJSIP/{number}@trunk``), `context`
    the dialplan's that takes blind transfers (empty: none), `music` the class of music on hold
    (empty: the default)."""

    pattern: str = ""
    context: str = ""
    music: str = ""

    def endpoint(self, number: str) -> str:
        """The dial string of `number`; one that is a dial string already (it has a ``/``) is taken
        as it is. Raises ConfigurationError for what is neither, and where there is no pattern."""
        if "/" in number:
            return number
        number = re.sub(r"[ ().-]", "", number) if number.startswith("+") else number
        if not NUMBER.fullmatch(number):
            raise ConfigurationError(
                f"{number[:40]!r} is no number to call; one is +33199000001, or an extension such "
                "as 1001"
            )
        if "{number}" not in self.pattern:
            raise ConfigurationError(
                "there is no way out for calls: set PALABRE_ARI_ENDPOINT to the dial string of "
                "your trunk, such as PJSIP/{number}@trunk"
            )
        return self.pattern.replace("{number}", number)

    @staticmethod
    def as_caller(number: str) -> Mapping[str, str] | None:
        """The channel variables by which the called see `number`."""
        return {"CALLERID(num)": number, "CONNECTEDLINE(num,i)": number} if number else None
