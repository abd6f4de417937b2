"""What is found out about an Asterisk, and what it means. Pure: JSON of ARI in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.asterisk.modules import needed

__all__ = [
    "Finding",
    "Level",
    "of_application",
    "of_clock",
    "of_endpoint",
    "of_modules",
    "of_version",
]

LEAST_VERSION = (22, 8)
"""JSON control, marks and pauses of chan_websocket (../shared/specs/asterisk.md)."""
MOST_SKEW_S = 1.0
"""A second is enough to follow a call through both logs; two make a puzzle of it."""
OUR_CODECS = ("ulaw", "alaw", "g722", "slin16", "slin")
"""Those that Asterisk's own modules turn into our 16 kHz."""


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; calls work."""
    CHANGE = "change"
    """Calls do not work, or not as they should, until it is changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact, as a sentence, and what to do about it."""

    level: Level
    fact: str
    do: str = ""


def of_version(version: str) -> Finding:
    """`version` is ``system.version`` of /asterisk/info."""
    found = re.match(r"(?:GIT-)?(\d+)\.(\d+)", version)
    if found is None:
        return Finding(
            Level.NOTE,
            f"Asterisk calls itself {version!r}, which is no release",
            "see that it has what 22.8 has",
        )
    number = int(found[1]), int(found[2])
    if number < LEAST_VERSION:
        return Finding(
            Level.CHANGE,
            f"Asterisk is {number[0]}.{number[1]}; marks and pauses, by which the engine knows "
            "what was heard, came with 22.8",
            "install Asterisk 22.8 or later of the 22 series",
        )
    if number[0] > LEAST_VERSION[0]:
        return Finding(
            Level.NOTE,
            f"Asterisk is {number[0]}.{number[1]}; the engine is tested with 22",
            "nothing to change if the media below is in order",
        )
    return Finding(Level.OK, f"Asterisk is {number[0]}.{number[1]}")


def of_modules(modules: Iterable[Mapping[str, Any]], *, ari: bool) -> list[Finding]:
    """`modules` are those of /asterisk/modules."""
    running = {
        str(module["name"]).removesuffix(".so")
        for module in modules
        if module.get("status") == "Running"
    }
    wanted = needed(ari=ari)
    missing = [module for module in wanted if module.name not in running]
    if not missing:
        return [Finding(Level.OK, f"the {len(wanted)} modules that calls need are running")]
    return [
        Finding(
            Level.NOTE if module.optional else Level.CHANGE,
            f"{module.name} does not run: {module.what_for}",
            f"`asterisk -rx 'module load {module.name}.so'`, and in modules.conf take away its "
            f"noload or add `load = {module.name}.so`; a package may be missing",
        )
        for module in missing
    ]


def of_clock(ahead_s: float, uncertain_s: float) -> Finding:
    """Asterisk's clock is `ahead_s` before ours, give or take `uncertain_s`."""
    if abs(ahead_s) - uncertain_s <= MOST_SKEW_S:
        return Finding(Level.OK, f"the clocks differ by {abs(ahead_s) * 1000:.0f} ms")
    which = "ahead of" if ahead_s > 0 else "behind"
    return Finding(
        Level.CHANGE,
        f"Asterisk's clock is {abs(ahead_s):.1f} s {which} ours: the two logs of a call do not fit",
        "let both machines keep their time by NTP (`timedatectl set-ntp true`)",
    )


def of_application(applications: Iterable[Mapping[str, Any]], name: str) -> Finding:
    """`applications` are those of /applications."""
    if any(application.get("name") == name for application in applications):
        return Finding(Level.OK, f"an engine is connected as the application {name}")
    return Finding(
        Level.NOTE,
        f"no engine is connected as the application {name}; calls are refused meanwhile",
        "start `palabre serve` with the same settings",
    )


def of_endpoint(
    name: str, state: str | None, attributes: Sequence[Mapping[str, Any]] | None
) -> list[Finding]:
    """The endpoint of PJSIP that calls go out by. `state` is that of /endpoints, None where there
    is none; `attributes` are those of its configuration, None where that cannot be read."""
    if state is None:
        return [
            Finding(
                Level.CHANGE,
                f"there is no endpoint {name} in PJSIP, and calls would go out by it",
                f"configure [{name}] in pjsip.conf, or name another in PALABRE_ARI_ENDPOINT",
            )
        ]
    found = [Finding(Level.OK, f"the endpoint {name} is there ({state})")]
    if state == "offline":
        found = [
            Finding(
                Level.CHANGE,
                f"the endpoint {name} is offline: Asterisk knows no way to it",
                f"see `asterisk -rx 'pjsip show endpoint {name}'`: its AOR needs a contact, or a "
                "registration",
            )
        ]
    if attributes is None:
        return found
    value = {str(one.get("attribute")): str(one.get("value")) for one in attributes}
    codecs = re.findall(r"[\w.-]+", value.get("allow", ""))
    if codecs and not set(codecs) & set(OUR_CODECS):
        found.append(
            Finding(
                Level.CHANGE,
                f"the endpoint {name} allows {', '.join(codecs)}, which need modules of their own",
                f"allow alaw or ulaw in [{name}] of pjsip.conf",
            )
        )
    if value.get("direct_media", "").lower() in {"yes", "true"}:
        found.append(
            Finding(
                Level.NOTE,
                f"the endpoint {name} has direct_media: a transferred call's sound may leave "
                "Asterisk, and the engine no longer hears it",
                f"direct_media = no in [{name}] of pjsip.conf",
            )
        )
    if value.get("dtmf_mode", "rfc4733") not in {"rfc4733", "auto", "auto_info", "info"}:
        found.append(
            Finding(
                Level.CHANGE,
                f"the endpoint {name} sends keys as {value['dtmf_mode']}: they are not understood",
                f"dtmf_mode = rfc4733 in [{name}] of pjsip.conf",
            )
        )
    return found
