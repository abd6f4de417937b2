"""What one system makes of one group of speakers over one line."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.conditions import LEAD_S, Condition, Samples, leveled, through
from bench.accuracy.recognise import recognise
from bench.accuracy.speakers import Speech, Synthesiser
from bench.accuracy.systems import Recogniser
from bench.accuracy.wer import Tally, scored_words
from bench.stats import Summary
from pipelines.speech.corpus import (
    Outside,
    commands,
    held_out,
    keywords,
    normalise,
    out_of_grammar,
)

__all__ = ["Row", "Share", "Spoken", "measure", "spoken"]


@dataclass(slots=True)
class Share:
    """So many of so many."""

    right: int = 0
    of: int = 0

    @property
    def percent(self) -> float | None:
        return 100.0 * self.right / self.of if self.of else None

    def add(self, right: bool) -> None:
        self.right += right
        self.of += 1


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a group says, each with its sound before the line; by grammar, what is one of its
    phrases and what is none."""

    group: str
    open: Sequence[tuple[Speech, Samples]]
    commands: Sequence[tuple[Speech, Samples]] = ()
    inside: Mapping[Outside, Sequence[tuple[Speech, Samples]]] = field(default_factory=dict)
    outside: Mapping[Outside, Sequence[tuple[Speech, Samples]]] = field(default_factory=dict)

    @property
    def speakers(self) -> list[str]:
        return sorted({speech.speaker for speech, _ in self.open})


@dataclass(slots=True)
class Row:
    """The result. `closed` and `rejected` are Vosk's own with a grammar; `choice` and `mistaken`
    are the engine's, which listens for anything where a grammar's phrase is not heard for sure."""

    system: str
    group: str
    condition: str
    open: Tally
    known: Tally
    """Of `open`, the sentences that have only words of the system's vocabulary."""
    commands: Tally
    closed: Share = field(default_factory=Share)
    rejected: Share = field(default_factory=Share)
    choice: Share = field(default_factory=Share)
    mistaken: Share = field(default_factory=Share)
    first_ms: Summary = field(default_factory=lambda: Summary.of(()))
    final_ms: Summary = field(default_factory=lambda: Summary.of(()))
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    """Speaker, said, heard."""

    def as_json(self) -> dict[str, object]:
        def rounded(value: float | None) -> float | None:
            return None if value is None else round(value, 2)

        return {
            "system": self.system,
            "voices": self.group,
            "condition": self.condition,
            "utterances": self.open.utterances,
            "words": self.open.words,
            "wer_percent": rounded(self.open.wer_percent),
            "utterances_of_known_words": self.known.utterances,
            "known_words_wer_percent": rounded(self.known.wer_percent),
            "keywords_heard_percent": rounded(self.open.keyword_percent),
            "commands": self.commands.utterances,
            "commands_wer_percent": rounded(self.commands.wer_percent),
            "commands_right_percent": rounded(self.commands.right_percent),
            "closed_right_percent": rounded(self.closed.percent),
            "closed": self.closed.of,
            "rejected_percent": rounded(self.rejected.percent),
            "out_of_grammar": self.rejected.of,
            "engine_right_percent": rounded(self.choice.percent),
            "engine_mistaken_percent": rounded(self.mistaken.percent),
            "first_interim_ms": self.first_ms.as_json(),
            "final_ms": self.final_ms.as_json(),
            "wrong": self.wrong,
        }


def spoken(synthesiser: Synthesiser, group: str, language: str, *, count: int, seed: int) -> Spoken:
    """`count` sentences that training never has and as many commands, the phrases of each grammar
    and what is none of them."""

    def say(texts: Sequence[str]) -> list[tuple[Speech, Samples]]:
        return [(speech, leveled(speech.pcm)) for speech in synthesiser.say(group, texts)]

    chance = np.random.default_rng(seed)
    texts = held_out(language)
    short = commands(language)
    chosen = [texts[i] for i in chance.permutation(len(texts))[:count]]
    order = [short[i % len(short)] for i in range(count)]
    inside, outside = {}, {}
    for one in out_of_grammar(language):
        inside[one] = say(one.grammar)
        outside[one] = say(one.said)
    return Spoken(group, say(chosen), say(order), inside, outside)


async def measure(
    system: str,
    recogniser: Recogniser,
    spoken: Spoken,
    condition: Condition,
    noise: NDArray[np.float64],
    *,
    language: str,
    seed: int,
    closed: bool,
) -> Row:
    """One row; with `closed`, grammars are measured too. Raises what the recogniser raises."""
    chance = np.random.default_rng([seed, *condition.name.encode(), *spoken.group.encode()])

    def line(said: Sequence[tuple[Speech, Samples]]) -> list[bytes]:
        return [through(samples, condition, noise, chance) for _, samples in said]

    words = keywords(language)
    row = Row(system, spoken.group, condition.name, Tally(words), Tally(), Tally(words))
    first_ms: list[float] = []
    final_ms: list[float] = []
    for said, tally in ((spoken.open, row.open), (spoken.commands, row.commands)):
        services = [recogniser.make() for _ in range(min(recogniser.lanes, len(said)))]
        heard = await recognise(
            services, line(said), backlog_s=recogniser.backlog_s, onset_s=LEAD_S
        )
        for (speech, _), one in zip(said, heard, strict=True):
            edits = tally.add(scored_words(speech.text, language), scored_words(one.text, language))
            text = normalise(speech.text, language)
            if tally is row.open and all(map(recogniser.knows, text.split())):
                row.known.count(edits)
            if edits.errors:
                row.wrong.append((speech.speaker, text, one.text))
            first_ms.append(one.first_ms)
            final_ms.append(one.final_ms)
    row.first_ms = Summary.of(ms for ms in first_ms if not math.isnan(ms))
    row.final_ms = Summary.of(ms for ms in final_ms if not math.isnan(ms))
    if closed and recogniser.closed is not None:
        for grammar, said in spoken.inside.items():
            await _grammar(row, recogniser, grammar, line(said), [s.text for s, _ in said])
        for grammar, said in spoken.outside.items():
            await _grammar(row, recogniser, grammar, line(said), None)
    return row


async def _grammar(
    row: Row,
    recogniser: Recogniser,
    grammar: Outside,
    sounds: Sequence[bytes],
    said: Sequence[str] | None,
) -> None:
    """Sounds that say one phrase of `grammar` each, or none of them."""
    assert recogniser.closed is not None
    texts = await asyncio.to_thread(recogniser.closed, grammar.grammar, sounds)
    heard = await recognise(
        [recogniser.make() for _ in range(recogniser.lanes)],
        sounds,
        backlog_s=recogniser.backlog_s,
        expected=[grammar.grammar] * len(sounds),
    )
    for index, (text, one) in enumerate(zip(texts, heard, strict=True)):
        if said is None:
            row.rejected.add(not text)
            row.mistaken.add(one.text in grammar.grammar)
        else:
            row.closed.add(text == said[index])
            row.choice.add(one.text == said[index])
