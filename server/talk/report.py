"""What a call leaves behind: its sound, its ledgers and their picture."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from server.talk.call import Call
from server.talk.line import RATE_HZ
from server.talk.measures import Measures
from server.talk.recording import write_stereo
from server.waterfall import turns_svg

__all__ = ["write"]

PACKAGES = ("palabre", "vosk", "espeakng-loader", "webrtcvad-wheels", "scikit-learn", "websockets")


def write(
    out: Path, call: Call, measures: Measures, facts: Mapping[str, Any], budget_ms: float
) -> list[Path]:
    """Write ``call.wav`` (left the caller, right the engine as played), ``ledger.json`` and
    ``waterfall.svg`` into `out`; their paths. `facts` are what the call was made with."""
    assert call.far is not None
    paths = [out / name for name in ("call.wav", "ledger.json", "waterfall.svg")]
    write_stereo(paths[0], bytes(call.track), call.far.track())
    starts = [passed.message for passed in call.messages if passed.message["type"] == "start"]
    document = {
        **facts,
        "budget_ms": budget_ms,
        "server": {key: value for key, value in starts[0].items() if key != "type"}
        if starts
        else None,
        "versions": _versions(),
        "turns": measures.ledgers,
        "said": [
            {
                "text": one.text,
                "kind": one.kind,
                "from_s": round(one.first / RATE_HZ, 4),
                "to_s": round(one.last / RATE_HZ, 4),
            }
            for one in call.person.spoken()
        ],
        "barge_ins": [asdict(one) for one in measures.barge_ins],
        "backchannels": [asdict(one) for one in measures.backchannels],
        "words_said": measures.words_said,
        "words_understood": measures.words_understood,
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    paths[1].write_text(f"{text}\n", encoding="utf-8")
    subtitle = "milliseconds after the caller's last sound"
    if starts and starts[0].get("notice"):
        subtitle += "; words by a demo recogniser, see ledger.json"
    svg = turns_svg(measures.ledgers, budget_ms=budget_ms, subtitle=subtitle)
    paths[2].write_text(svg, encoding="utf-8")
    return paths


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
