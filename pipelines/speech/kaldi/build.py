"""A whole ``graph`` folder from sentences, and a model with more words from another.

Beside what Vosk reads, a graph keeps what it was made from: ``phones.txt``, ``lexiconp.txt`` and
``lm.arpa.gz``. A model that has them can be given more words without what its network learnt from.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.errors import SpeechError
from pipelines.speech.kaldi.arpa import read_arpa, write_arpa
from pipelines.speech.kaldi.graph import read_classes, write_graph
from pipelines.speech.kaldi.lexicon import Lexicon, gather, read_lexicon, write_lexicon
from pipelines.speech.kaldi.ngram import NGram, estimate, mix, prune

__all__ = ["Extended", "build_graph", "can_extend", "extend"]

LEXICON = "lexiconp.txt"
LANGUAGE_MODEL = "lm.arpa.gz"

CONTEXTS = 6
"""In how many sentences each word's pronunciation is looked up: enough for its usual liaisons, at a
millisecond each."""

ENTRIES = 40_000
"""Of the language model, which are 1 MB. 200 000 sentences have twice as many; with these the
perplexity of held-out sentences is 2 % higher (with 20 000, 17 %)."""

SHARE = 0.3
"""What a scenario's own sentences count for: much, as they are what its callers are expected to
say, and not most, as callers say what they like."""


@dataclass(frozen=True)
class Extended:
    """What became of `extend`: the words that were new, each as it is said, and all there are."""

    new: Lexicon
    words: int


def build_graph(
    folder: Path, language: str, sentences: Iterable[str], words: Iterable[str] = ()
) -> None:
    """Write `folder` (``graph``) for `sentences`, normalised, and for `words` besides.

    A sentence that comes often counts for more, by the square root: the corpus says what callers
    say often many times over, and what they say seldom would be lost beside it.
    Raises SpeechError for a word that cannot be said.
    """
    from pipelines.speech.kaldi.phones import PHONES, transcribe

    counts = Counter(sentences)
    damped = {sentence: math.ceil(math.sqrt(times)) for sentence, times in counts.items()}
    vocabulary = {word for sentence in damped for word in sentence.split()} | set(words)
    chosen = _covering(damped, vocabulary)
    lexicon = gather(chosen, partial(transcribe, language=language))
    model = prune(estimate(damped, vocabulary), ENTRIES)
    _write(folder, PHONES[language], lexicon, model)


def can_extend(model: Path) -> bool:
    """Whether `model` keeps what `extend` needs."""
    return all((model / "graph" / name).is_file() for name in (LEXICON, LANGUAGE_MODEL))


def extend(
    model: Path,
    target: Path,
    language: str,
    sentences: Sequence[str],
    on_step: Callable[[str], None] = lambda step: None,
) -> Extended:
    """Write to `target`, an empty folder, `model` with the words of `sentences` and what they say
    likelier. `on_step` is told what comes next. Takes seconds.

    Raises SpeechError if `model` cannot be extended or a word cannot be said.
    """
    from pipelines.speech.kaldi.phones import PHONES, transcribe

    if not can_extend(model):
        raise SpeechError(f"{model} does not keep what its graph was made from")
    classes = read_classes(model / "graph")
    if classes != PHONES[language]:
        raise SpeechError(f"{model} has other phones than this version; fetch or train it again")
    on_step("pronunciations")
    known = read_lexicon(model / "graph" / LEXICON)
    said = gather(dict.fromkeys(sentences), partial(transcribe, language=language))
    # A word of the model may be said in another way in the new sentences, with a liaison say.
    lexicon = {**known, **{word: {**said[word], **known.get(word, {})} for word in said}}
    on_step("language model")
    base = read_arpa(model / "graph" / LANGUAGE_MODEL)
    mixed = mix(base, estimate(Counter(sentences)), SHARE)
    on_step("graph")
    for part in ("am", "conf"):
        shutil.copytree(model / part, target / part)
    _write(target / "graph", classes, lexicon, mixed)
    return Extended({word: said[word] for word in said if word not in known}, len(lexicon))


def _write(folder: Path, classes: Sequence[str], lexicon: Lexicon, model: NGram) -> None:
    write_graph(folder, classes, lexicon, model)
    write_lexicon(folder / LEXICON, lexicon)
    write_arpa(folder / LANGUAGE_MODEL, model)


def _covering(sentences: Iterable[str], vocabulary: Iterable[str]) -> list[str]:
    """Sentences that have each word in CONTEXTS contexts, as far as there are; and the words."""
    missing = dict.fromkeys(vocabulary, CONTEXTS)
    chosen = list(missing)
    for sentence in sentences:
        words = set(sentence.split())
        if any(missing[word] > 0 for word in words):
            chosen.append(sentence)
            for word in words:
                missing[word] -= 1
    return chosen
