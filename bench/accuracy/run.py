"""A run: every system hears the same sounds, then each local model is alone on a core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.accuracy.conditions import CONDITIONS, Condition, leveled, shaped_noise, through
from bench.accuracy.measure import Row, Spoken, measure, spoken
from bench.accuracy.report import Blank, Report
from bench.accuracy.speakers import (
    EXTERNAL,
    HUMAN,
    SEEN,
    UNSEEN,
    Synthesiser,
    available,
    human,
)
from bench.accuracy.systems import System, Unmeasured, Vosk
from bench.errors import BenchError, ServerError

__all__ = ["Plan", "costs", "groups", "run"]

ROOT = Path(__file__).resolve().parents[2]
FIRST_LINES = 2
"""Grammars are measured on so many of the lines only; and so are all voices but one kind, unless
they are asked for, to keep a run below five minutes."""
CAPACITY_SOUNDS = 40
CAPACITY_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    language: str
    sentences: int
    seed: int
    conditions: Sequence[Condition] = CONDITIONS
    voices: Sequence[str] = ()
    """Groups; all of them without any."""
    external: Mapping[str, str] = field(default_factory=dict)
    """Synthesisers beside those known, with their commands."""
    recordings: Path = Path("../shared/audio")
    core: int | None = None
    streams: bool = True


def groups(plan: Plan, synthesiser: Synthesiser, external: Mapping[str, str]) -> list[Spoken]:
    """Everybody who speaks, with what they say. Raises BenchError for a group that is none."""
    people = human(plan.recordings) if plan.language == "fr" else []
    names = [SEEN, UNSEEN, *external, *([HUMAN] if people else [])]
    wanted = plan.voices or names
    for name in wanted:
        if name not in names:
            raise BenchError(f"nobody here is called {name!r}; there are: {', '.join(names)}")
    found = [
        spoken(synthesiser, name, plan.language, count=plan.sentences, seed=plan.seed)
        for name in wanted
        if name != HUMAN
    ]
    if HUMAN in wanted:
        found.append(Spoken(HUMAN, [(speech, leveled(speech.pcm)) for speech in people]))
    return found


def blanks(plan: Plan, external: Mapping[str, str]) -> list[Blank]:
    """Who is missing."""
    missing = []
    if not external:
        name, command = next(iter(EXTERNAL[plan.language].items()))
        option = f"python -m bench accuracy --voice-command '{name}={command}'"
        missing.append(Blank("another synthesiser", option))
    if plan.language == "fr" and not human(plan.recordings):
        option = "python -m bench accuracy --recordings FOLDER (x.wav or x.ogg beside x.txt)"
        missing.append(Blank(HUMAN, option))
    return missing


async def run(
    plan: Plan,
    systems: Sequence[System],
    report: Report,
    *,
    began: Callable[[str], None],
    told: Callable[[Row], None],
) -> None:
    """Fill `report`. Raises PalabreError. Cancelling keeps the rows that were measured."""
    external = available(plan.language, plan.external)
    report.blanks = blanks(plan, external)
    began("everybody speaks")
    with Synthesiser.opened(plan.language, plan.seed, external) as synthesiser:
        everybody = groups(plan, synthesiser, external)
    report.speakers = {group.group: group.speakers for group in everybody}
    first = everybody[0].open
    noise = shaped_noise([samples for _, samples in first], plan.seed)
    for system in systems:
        if isinstance(system, Unmeasured):
            report.unmeasured.append(system)
            continue
        async with system.ready() as recogniser:
            for group in everybody:
                every = plan.voices or group.group == UNSEEN
                lines = plan.conditions if every else plan.conditions[:FIRST_LINES]
                for index, condition in enumerate(lines):
                    began(f"{system.name}: {group.group}, {condition.name}")
                    row = await measure(
                        system.name,
                        recogniser,
                        group,
                        condition,
                        noise,
                        language=plan.language,
                        seed=plan.seed,
                        closed=index < FIRST_LINES,
                    )
                    report.add(row)
                    told(row)
    clean = Condition("clean 16 kHz")
    chance = np.random.default_rng(plan.seed)
    sounds = [through(samples, clean, noise, chance) for _, samples in first[:CAPACITY_SOUNDS]]
    for system in systems:
        if isinstance(system, Vosk) and plan.streams:
            began(f"{system.name}: alone on a core")
            report.costs[system.name] = costs(system.path, sounds, plan.core)
            report.write_json()


def costs(path: Path, sounds: Sequence[bytes], core: int | None) -> dict[str, Any]:
    """What `bench.accuracy.capacity` says of the model in `path`. Raises ServerError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sounds.npz"
        arrays = {f"{i:04}": np.frombuffer(pcm, "<i2") for i, pcm in enumerate(sounds)}
        np.savez(file, **arrays)  # type: ignore[arg-type]
        chosen = min(os.sched_getaffinity(0)) if core is None else core
        program = (sys.executable, "-m", "bench.accuracy.capacity")
        try:
            done = subprocess.run(
                [*program, str(path.resolve()), str(file), str(chosen)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
                timeout=CAPACITY_PATIENCE_S,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerError(f"{path} was not done within {CAPACITY_PATIENCE_S:.0f} s") from error
        except subprocess.CalledProcessError as error:
            raise ServerError(f"{path} could not be measured:\n{error.stderr[-2000:]}") from error
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
