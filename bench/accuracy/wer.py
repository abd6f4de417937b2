"""Word error rate: the edits that turn what was heard into what was said, per word said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipelines.speech.corpus import normalise

__all__ = ["Edits", "Tally", "compare", "scored_words"]


def scored_words(text: str, language: str) -> tuple[str, ...]:
    """`text` as it is scored, for whoever wrote it: lower case, numbers in words, no punctuation,
    and parted at apostrophes and hyphens, which recognisers write differently."""
    return tuple(normalise(text, language).replace("'", " ").replace("-", " ").split())


@dataclass(frozen=True, slots=True)
class Edits:
    """The fewest edits between `words` said and what was heard."""

    words: int
    substituted: int
    deleted: int
    inserted: int
    kept: tuple[str, ...]
    """Words that came through."""

    @property
    def errors(self) -> int:
        return self.substituted + self.deleted + self.inserted


def compare(said: Sequence[str], heard: Sequence[str]) -> Edits:
    """Levenshtein's distance over words, with one of the shortest ways from `said` to `heard`."""
    # costs[i][j]: edits between the first i words said and the first j heard.
    costs = [list(range(len(heard) + 1))]
    for i, word in enumerate(said, 1):
        above = costs[-1]
        row = [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j - 1] + (word != other), above[j] + 1, row[j - 1] + 1))
        costs.append(row)
    substituted = deleted = inserted = 0
    kept: list[str] = []
    i, j = len(said), len(heard)
    while i or j:
        here = costs[i][j]
        if i and j and here == costs[i - 1][j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            if said[i] == heard[j]:
                kept.append(said[i])
            else:
                substituted += 1
        elif i and here == costs[i - 1][j] + 1:
            i -= 1
            deleted += 1
        else:
            j -= 1
            inserted += 1
    return Edits(len(said), substituted, deleted, inserted, tuple(reversed(kept)))


@dataclass(slots=True)
class Tally:
    """Edits of many utterances, and how many of the `keywords` said were heard."""

    keywords: Collection[str] = ()
    utterances: int = 0
    words: int = 0
    errors: int = 0
    right: int = 0
    """Utterances without an error."""
    keywords_said: int = 0
    keywords_heard: int = 0

    def add(self, said: Sequence[str], heard: Sequence[str]) -> Edits:
        edits = compare(said, heard)
        self.count(edits)
        self.keywords_said += sum(word in self.keywords for word in said)
        self.keywords_heard += sum(word in self.keywords for word in edits.kept)
        return edits

    def count(self, edits: Edits) -> None:
        """Take the edits of one more utterance; keywords are not looked at."""
        self.utterances += 1
        self.words += edits.words
        self.errors += edits.errors
        self.right += not edits.errors

    @property
    def wer_percent(self) -> float | None:
        """None where nothing was said."""
        return 100.0 * self.errors / self.words if self.words else None

    @property
    def keyword_percent(self) -> float | None:
        return 100.0 * self.keywords_heard / self.keywords_said if self.keywords_said else None

    @property
    def right_percent(self) -> float | None:
        return 100.0 * self.right / self.utterances if self.utterances else None
