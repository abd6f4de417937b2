"""A model's ``graph`` folder: what Vosk composes, from a lexicon and a language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.speech.kaldi.fst import const_fst, lookahead_fst
from pipelines.speech.kaldi.lexicon import Lexicon
from pipelines.speech.kaldi.ngram import NGram, to_fst
from pipelines.speech.kaldi.topology import phone_count, phone_names, word_boundaries
from pipelines.speech.kaldi.trie import word_fst

__all__ = ["read_classes", "write_graph"]

PHONES = "phones.txt"


def write_graph(folder: Path, phones: Sequence[str], lexicon: Lexicon, model: NGram) -> None:
    """Write `folder` (``graph``) for the classes `phones`, silence first.

    The vocabulary is that of `lexicon`, and `model`'s words are all in it. Vosk's runtime grammars
    can have any word of it, and ``[unk]`` for whatever else is said, which the model never has.
    """
    words = word_fst(lexicon, phones)
    (folder / "phones").mkdir(parents=True, exist_ok=True)
    hcl = lookahead_fst(words.fst, words.reachable, words.final_label)
    (folder / "HCLr.fst").write_bytes(hcl)
    (folder / "Gr.fst").write_bytes(const_fst(to_fst(model, words.ids)))
    symbols = ["<eps> 0", *(f"{word} {number}" for word, number in words.ids.items())]
    _lines(folder / "words.txt", symbols)
    _lines(folder / PHONES, [f"{name} {n}" for n, name in enumerate(phone_names(phones))])
    _lines(folder / "phones" / "word_boundary.int", list(word_boundaries(len(phones))))
    # Vosk wants the file. Nothing here needs a disambiguation symbol: words said alike end in
    # several arcs. So it has the first number that is no transition id.
    _lines(folder / "disambig_tid.int", [str(2 * phone_count(len(phones)) + 1)])


def read_classes(folder: Path) -> tuple[str, ...]:
    """The classes of phones that `write_graph` had for `folder`, silence first."""
    names = [line.split()[0] for line in (folder / PHONES).read_text("utf-8").splitlines()]
    return (names[1], *(name.removesuffix("_B") for name in names if name.endswith("_B")))


def _lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
