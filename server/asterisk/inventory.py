"""What there is in an Asterisk, sorted by whose it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from telephony.asterisk.ari.events import Bridge, Channel

__all__ = ["PEOPLE", "WITNESS", "Inventory", "Names"]

PEOPLE = "people"
"""The kind of bridge in which people talk to each other, without us."""
WITNESS = "amd"
"""The kind of channel on which the dialplan runs AMD() for us: ours also while it does."""


class Names:
    """What channels and bridges of the application `app` are called:
    ``palabre.media.0123456789abcdef``. Asterisk's own have no kind in their names."""

    def __init__(self, app: str) -> None:
        self._app = app
        self._ours = re.compile(rf"{re.escape(app)}\.([a-z]+)\.[0-9a-zA-Z_-]+")

    def make(self, kind: str, session_id: str) -> str:
        return f"{self._app}.{kind}.{session_id}"

    def kind(self, name: str) -> str:
        """The kind of what has that name; empty where it is none of ours."""
        found = self._ours.fullmatch(name)
        return found[1] if found else ""


@dataclass(slots=True)
class Inventory:
    """`people` are bridges of people whom an engine before us has connected, `came` are callers
    that nobody has answered, `left` are channels and `left_bridges` bridges of nobody."""

    people: list[Bridge] = field(default_factory=list)
    came: list[Channel] = field(default_factory=list)
    left: list[Channel] = field(default_factory=list)
    left_bridges: list[Bridge] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        channels: Iterable[Channel],
        bridges: Iterable[Bridge],
        *,
        names: Names,
        application: Collection[str],
        known: Collection[str],
    ) -> Inventory:
        """`application` are the ids of the channels in it, `known` those of channels and bridges
        that calls of ours hold."""
        found = cls()
        spoken_for = set(known)
        for bridge in bridges:
            kind = names.kind(bridge.id)
            if bridge.id in known or not kind:
                continue
            if kind == PEOPLE and len(bridge.channels) > 1:
                found.people.append(bridge)
                spoken_for.update(bridge.channels)
            else:
                found.left_bridges.append(bridge)
        for channel in channels:
            inside = channel.id in application
            if channel.id in spoken_for:
                continue
            kind = names.kind(channel.id)
            if inside and channel.state == "Ring":
                found.came.append(channel)
            elif kind == WITNESS or (channel.waits and (inside or kind)):  # or the dialplan has it
                found.left.append(channel)
        return found
