"""A run: every scene is made, goes over its line, and is judged by each set of witnesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.accuracy.conditions import shaped_noise
from bench.accuracy.speakers import UNSEEN, Synthesiser, available
from bench.amd.judge import judged
from bench.amd.line import Line, arrived, speech_of
from bench.amd.peer import asterisk_amd
from bench.amd.report import Report
from bench.amd.scenes import Scene, scenes
from bench.amd.words import Recogniser, as_said
from bench.asterisk import AsteriskMissing

__all__ = ["AS_SAID", "BESIDE", "SOUND", "Plan", "run"]

SOUND, AS_SAID, BESIDE = (
    "sound alone",
    "and the words as said",
    "sound, with Asterisk's AMD() beside",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `recognisers` are models by language; `asterisk` has the peer run."""

    languages: Sequence[str]
    count: int
    seed: int
    recognisers: dict[str, Path] = field(default_factory=dict)
    asterisk: bool = True


def run(plan: Plan, report: Report, began: Callable[[str], None]) -> None:
    """Fill `report`. Raises BenchError or SpeechError."""
    sounds: list[tuple[Scene, bytes]] = []
    lines: dict[str, Line] = {}
    for language in plan.languages:
        began(f"scenes in {language}")
        external = available(language, {})
        with Synthesiser.opened(language, plan.seed, external) as synthesiser:
            groups = [UNSEEN, *external]
            made = list(scenes(language, plan.count, plan.seed, synthesiser, groups))
        noise = shaped_noise(speech_of(made), plan.seed)
        for index, scene in enumerate(made):
            lines[scene.name], pcm = arrived(scene, index, plan.seed, noise)
            sounds.append((scene, pcm))
    report.lines = lines
    began(SOUND)
    report.found[SOUND] = [judged(scene, pcm, ()) for scene, pcm in sounds]
    for language, path in plan.recognisers.items():
        name = f"and the words that {path.name} hears ({language})"
        began(name)
        recogniser = Recogniser(path)
        try:
            recogniser.load()
            report.found[name] = [
                judged(scene, pcm, recogniser.hear(pcm))
                for scene, pcm in sounds
                if scene.language == language
            ]
        finally:
            recogniser.close()
    began(AS_SAID)
    report.found[AS_SAID] = [judged(scene, pcm, as_said(scene)) for scene, pcm in sounds]
    if not plan.asterisk:
        report.missing.append("Asterisk's AMD() was left out (--no-asterisk)")
        return
    began("Asterisk's AMD(), at its own pace")
    try:
        said = asterisk_amd(sounds)
    except AsteriskMissing as missing:
        report.missing.append(f"Asterisk's AMD() was not run: {missing}")
        return
    report.peer = [(scene, one) for (scene, _), one in zip(sounds, said, strict=True)]
    report.found[BESIDE] = [
        judged(scene, pcm, (), one) for (scene, pcm), one in zip(sounds, said, strict=True)
    ]
