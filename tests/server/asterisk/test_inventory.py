"""Whose is what there is in an Asterisk."""

from __future__ import annotations

import pytest

from server.asterisk.inventory import Inventory, Names
from telephony.asterisk.ari.events import Bridge, Channel

NAMES = Names("palabre")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (NAMES.make("media", "1f"), "media"),
        ("palabre.agent.1f-1", "agent"),
        ("palabre-1795281123.31", ""),  # Asterisk's own, where its systemname is ours
        ("palabre.media", ""),
        ("palabre2.media.1f", ""),
        ("a.palabre.media.1f", ""),
    ],
)
def test_names_tell_what_is_ours(name: str, kind: str) -> None:
    assert NAMES.kind(name) == kind


def test_what_calls_hold_is_nobody_elses() -> None:
    found = Inventory.of(
        [Channel("palabre.media.1f", state="Up", application="Stasis")],
        [Bridge("palabre.bridge.1f", ("palabre.media.1f",))],
        names=NAMES,
        application={"palabre.media.1f"},
        known={"palabre.media.1f", "palabre.bridge.1f"},
    )
    assert found == Inventory()


def test_a_media_channel_that_was_never_answered_is_left() -> None:
    channel = Channel("palabre.media.1f", state="Down", application="AppDial2")
    found = Inventory.of([channel], [], names=NAMES, application=(), known=())
    assert found == Inventory(left=[channel])


def test_what_the_dialplan_has_is_its_own_but_for_a_witness() -> None:
    handed_over = Channel("palabre.call.1f", state="Up", application="Dial")
    witness = Channel("palabre.amd.1f", state="Up", application="AMD")
    found = Inventory.of([handed_over, witness], [], names=NAMES, application=(), known=())
    assert found == Inventory(left=[witness])
