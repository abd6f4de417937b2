"""Which scenario answers which number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.errors import ConfigurationError, ProtocolError

if TYPE_CHECKING:
    from server.parts import Parts

__all__ = ["Numbers"]

_WRITTEN = str.maketrans("", "", " .-()")


class Numbers:
    """`given` maps a called number or extension to a scenario, or to ``scenario/language``."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {_plain(number): what for number, what in given.items()}

    def of(self, called: str) -> tuple[str, str]:
        """Scenario and language for the number `called`; empty where the default is to be taken."""
        scenario, _, language = self._given.get(_plain(called), "").partition("/")
        return scenario, language

    def check(self, parts: Parts) -> None:
        """Raises ConfigurationError if a number leads to what is not there."""
        for number, what in self._given.items():
            scenario, language = self.of(number)
            known = sorted(parts.scenarios)
            if scenario not in known:
                raise ConfigurationError(
                    f"setting numbers: {number} leads to {what!r}; there are: {', '.join(known)}"
                )
            try:
                parts.running(scenario, language)
            except ProtocolError as error:
                raise ConfigurationError(f"setting numbers: {number}: {error}") from None


def _plain(number: str) -> str:
    """As written for people or for machines, it is the same number."""
    return number.translate(_WRITTEN)
