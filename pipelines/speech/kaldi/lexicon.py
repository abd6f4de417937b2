"""How each word is said: pronunciations as classes of phones, with their probabilities.

Kept as Kaldi's ``lexiconp.txt``: a line for each pronunciation, with the word, its probability
(over that of the word's most usual one, which has 1) and its phones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from engine.errors import SpeechError

__all__ = [
    "Lexicon",
    "Pronunciation",
    "Transcribe",
    "gather",
    "read_lexicon",
    "write_lexicon",
]

Pronunciation = tuple[str, ...]
"""Names of classes, as in `phones.PHONES`."""

Lexicon = Mapping[str, Mapping[Pronunciation, float]]
"""For each word its pronunciations, each with its probability over the most usual one's."""

Transcribe = Callable[[str], Sequence[Pronunciation]]
"""A text's words (``text.split()``), each as it is said there. Empty: not said at all."""

RARE = 0.02
"""A pronunciation rarer than this, over the word's most usual one, is an accident."""


def gather(sentences: Iterable[str], transcribe: Transcribe) -> Lexicon:
    """The words of `sentences` as they are said in them (so with their liaisons), and alone.

    Raises SpeechError for a word that is never said, or not with the phones of the language.
    """

    def phones(text: str) -> Sequence[Pronunciation]:
        try:
            return transcribe(text)
        except ValueError as error:
            raise SpeechError(f"cannot say {text!r}: {error}") from error

    counts: dict[str, Counter[Pronunciation]] = defaultdict(Counter)
    for sentence in sentences:
        for word, said in zip(sentence.split(), phones(sentence), strict=True):
            counts[word][said] += 1
    lexicon = {}
    for word in sorted(counts):
        (alone,) = phones(word)
        counts[word][alone] += 1
        del counts[word][()]
        if not counts[word]:
            raise SpeechError(f"espeak-ng says nothing for {word!r}; leave it out or write it out")
        most = max(counts[word].values())
        lexicon[word] = {
            said: count / most
            for said, count in counts[word].most_common()
            if count >= RARE * most or said == alone
        }
    return lexicon


def write_lexicon(path: Path, lexicon: Lexicon) -> None:
    lines = [
        f"{word} {probability:.4g} {' '.join(said)}\n"
        for word, pronunciations in sorted(lexicon.items())
        for said, probability in pronunciations.items()
    ]
    path.write_text("".join(lines), encoding="utf-8")


def read_lexicon(path: Path) -> Lexicon:
    """Raises SpeechError if the file is not one of `write_lexicon`."""
    lexicon: dict[str, dict[Pronunciation, float]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match line.split():
            case [word, probability, *said] if said:
                try:
                    lexicon.setdefault(word, {})[tuple(said)] = float(probability)
                except ValueError:
                    raise SpeechError(f"{path}:{number}: {probability!r} is no number") from None
            case _:
                raise SpeechError(f"{path}:{number}: expected a word, a probability and phones")
    return lexicon
