"""Asterisk's own AMD() as a witness: its verdict is one voice among others."""

from __future__ import annotations

from collections.abc import Mapping

from telephony.amd.evidence import Kind, Statement

__all__ = ["asterisk"]

WEIGHTS: Mapping[str, Mapping[str, Mapping[Kind, float]]] = {
    "HUMAN": {"": {Kind.HUMAN: 1.5}},
    "MACHINE": {
        # Nobody spoke for 2.5 s: that is no machine's way alone.
        "INITIALSILENCE": {Kind.SILENCE: 1.0},
        "": {Kind.VOICEMAIL: 1.0, Kind.NETWORK: 1.0, Kind.MUSIC: 0.5, Kind.FAX: 0.5},
    },
    "NOTSURE": {"": {}},
    "HANGUP": {"": {}},
}
"""By AMDSTATUS and the beginning of AMDCAUSE. Little: it knows lengths of words and pauses, which
we hear as well, and calls a company's greeting a machine (docs/bench/amd.md)."""


def asterisk(status: str, cause: str, at: float) -> Statement:
    """What AMDSTATUS and AMDCAUSE (``MAXWORDS-2-2``) say. An unknown status says nothing."""
    name = cause.partition("-")[0]
    causes = WEIGHTS.get(status, {"": {}})
    return Statement("asterisk", f"AMD {status} {name}".strip(), at, causes.get(name, causes[""]))
