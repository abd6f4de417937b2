"""What a choice's phrases gain: `python -m bench.accuracy.choice`.

Answers to a question of scenarios/leads, by voices that no demo model learnt, are recognised as a
call does it, with what the question expects and without, and understood by the scenario's examples.
What counts is the meaning: right, none (asked again), or wrong; beside it that of the text itself,
which no recogniser can better by much.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bench.accuracy.conditions import CONDITIONS, leveled, shaped_noise, through
from bench.accuracy.speakers import UNSEEN, Synthesiser
from engine.frames import Audio, Expected, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from pipelines.mind.examples import Examples
from pipelines.speech import corpus
from pipelines.speech.models import find_model
from pipelines.speech.vosk import VoskModel, VoskSTT
from scenarios import find
from scenarios.script import Script, load

__all__ = ["Item", "items", "meanings"]

CHUNK_BYTES = 3200
SHORT_WORDS = 3
ANSWERS = Path(__file__).parents[2] / "tests" / "scenarios" / "leads_answers.csv"

MORE = (
    ("accept", "oui mais je préfère demain"),
    ("call_later", "oui mais rappelez-moi plus tard"),
    ("accept", "oui je voudrais parler avec un conseiller demain matin"),
    ("refuse", "non merci je n'ai pas besoin de votre épargne"),
    ("refuse", "non je suis très content de ma banque merci"),
    ("accept", "oui bonjour d'accord mais faites vite je suis pressé"),
    ("accept", "d'accord mais j'ai seulement cinq minutes"),
    ("accept", "oui pourquoi pas avec un conseiller de ma région"),
    ("refuse", "non vraiment je n'ai pas le temps ce matin"),
    ("call_later", "oui mais pas maintenant je suis au travail"),
    ("opt_out", "non et ne m'appelez plus jamais s'il vous plaît"),
    ("opt_out", "je ne veux plus être appelé par votre cabinet"),
    ("wrong_person", "vous avez un faux numéro c'est une entreprise ici"),
    ("who_is_this", "attendez qui êtes-vous et d'où appelez-vous"),
)
"""Answers that say more than yes or no."""

ELSEWHERE = (
    "le chat dort sur le canapé du salon",
    "ma tante a acheté trois kilos de pommes",
    "la voiture rouge roule vers la plage",
    "nous mangerons du poisson grillé dimanche",
    "regarde les étoiles briller là-haut",
    "quelle est la capitale de la mongolie",
    "les enfants jouent au ballon dans la cour",
    "il faut arroser les tomates",
    "j'adore la musique classique",
    "attention la soupe est brûlante",
    "bidule",
    "chocolat",
    "parapluie",
    "cathédrale",
    "hippopotame",
)
"""Said to somebody else in the room."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something said; `intent` is what it means, None if nothing here."""

    group: str
    text: str
    intent: str | None


def items(script: Script, step: str) -> list[Item]:
    """All that is said in answer to the question of `step`."""
    intents = script.intents(script.steps[step])
    found = [
        Item("short", text, name)
        for name in intents
        for text in script.knowledge.intents[name].examples
        if len(text.split()) <= SHORT_WORDS
    ]
    with ANSWERS.open(encoding="utf-8") as file:
        found += [
            Item("new wording", row["text"], row["intent"])
            for row in csv.DictReader(file)
            if (row["set"], row["step"]) == ("unseen", step) and row["intent"] in intents
        ]
    if step == "hello":
        found += [Item("says more", text, intent) for intent, text in MORE]
    outside = next(outside for outside in corpus.out_of_grammar("fr") if outside.name == "yes_no")
    return found + [Item("elsewhere", text, None) for text in (*outside.said, *ELSEWHERE)]


async def heard(model: VoskModel, pcm: bytes, phrases: Sequence[str]) -> str:
    """The final of one utterance, as a call gets it."""
    inbox: Link[Frame] = Link(1024)
    if phrases:
        inbox.offer(Expected(tuple(phrases)))
    inbox.offer(SpeechStarted(0.0, 0.0))
    for start in range(0, len(pcm), CHUNK_BYTES):
        inbox.offer(Audio(pcm[start : start + CHUNK_BYTES], 16000, start / 32000))
    inbox.offer(SpeechEnded(len(pcm) / 32000, len(pcm) / 32000))
    inbox.close()
    finals: list[str] = []

    class Outbox:
        async def put(self, frame: Frame) -> None:
            if isinstance(frame, Transcript) and frame.final:
                finals.append(frame.text)

    await VoskSTT(model).run(inbox, Outbox())
    return finals[0]


def meanings(pairs: Iterable[tuple[str | None, str | None]]) -> tuple[float, float, float]:
    """Shares of (meant, understood): right, none, wrong. To understand nothing is right where
    nothing was meant."""
    counts: Counter[str] = Counter()
    for meant, understood in pairs:
        counts["right" if meant == understood else "none" if understood is None else "wrong"] += 1
    total = counts.total() or 1
    return counts["right"] / total, counts["none"] / total, counts["wrong"] / total


async def measure(path: Path, step: str, seed: int, least: int) -> None:
    script = load(find("leads"))
    examples = Examples.build(script.knowledge)
    intents = script.intents(script.steps[step])
    phrases = script.phrases(replace(script.steps[step], expects="choice"))
    said = items(script, step)
    groups = list(dict.fromkeys(item.group for item in said))
    for group in groups:  # small groups are said by more voices
        size = sum(item.group == group for item in said)
        said += [item for item in said if item.group == group] * (max(1, -(-least // size)) - 1)
    with Synthesiser.opened("fr", seed, {}) as synthesiser:
        sounds = [
            leveled(speech.pcm) for speech in synthesiser.say(UNSEEN, [item.text for item in said])
        ]
    noise, chance = shaped_noise(sounds, seed), np.random.default_rng(seed)
    model = VoskModel(path)
    await model.load()
    print(f"{path.name}, {len(phrases)} phrases; right / none / wrong in %")
    print("| condition | group | n | text | anything expected | a choice expected |")
    print("|---|---|---|---|---|---|")
    try:
        for condition in CONDITIONS:
            if condition.loss or condition.snr_db < 10:
                continue
            got: dict[tuple[str, int], list[tuple[str | None, str | None]]] = {}
            for item, sound in zip(said, sounds, strict=True):
                pcm = through(sound, condition, noise, chance)
                texts = [item.text, *[await heard(model, pcm, what) for what in ((), phrases)]]
                for column, text in enumerate(texts):
                    intent = examples.read(text, intents).intent if text else None
                    got.setdefault((item.group, column), []).append((item.intent, intent))
            for group in groups:
                cells = (
                    " / ".join(f"{100 * share:.1f}" for share in meanings(got[group, column]))
                    for column in range(3)
                )
                count = len(got[group, 0])
                print(f"| {condition.name} | {group} | {count} | {' | '.join(cells)} |", flush=True)
    finally:
        model.close()


def main(
    model: Annotated[str | None, typer.Option(help="A recogniser, by name or path.")] = None,
    step: Annotated[str, typer.Option(help="A question of the scenario.")] = "hello",
    seed: Annotated[int, typer.Option(help="Another seed is other voices.")] = 1,
    least: Annotated[int, typer.Option(help="Utterances of each group, at least.")] = 100,
) -> None:
    """Print the table."""
    asyncio.run(measure(find_model("fr", Path(), model).path, step, seed, least))


if __name__ == "__main__":
    typer.run(main)
