"""A language model in the ARPA format (as SRILM and KenLM write it), compressed."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

from engine.errors import SpeechError
from pipelines.speech.kaldi.ngram import END, ORDER, START, Gram, NGram

__all__ = ["read_arpa", "write_arpa"]

_NEVER = -99.0
"""What the format has for log 0: that the beginning comes within a sentence."""


def write_arpa(path: Path, model: NGram) -> None:
    """Write `path` (``.arpa.gz``), the same bytes for the same model. Logarithms are decimal."""
    grams: list[dict[Gram, float]] = [{} for _ in range(ORDER)]
    for context, followers in model.followers.items():
        for word, log_prob in followers.items():
            grams[len(context)][*context, word] = log_prob / math.log(10)
    grams[0][START,] = _NEVER
    lines = ["\\data\\", *(f"ngram {n}={len(found)}" for n, found in enumerate(grams, 1))]
    for order, found in enumerate(grams, 1):
        lines += ["", f"\\{order}-grams:"]
        for gram in sorted(found):
            line = f"{found[gram]:.4f}\t{' '.join(gram)}"
            if gram in model.followers:
                line += f"\t{model.backoff[gram] / math.log(10):.4f}"
            lines.append(line)
    text = "\n".join([*lines, "", "\\end\\", ""])
    path.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def read_arpa(path: Path) -> NGram:
    """Raises SpeechError if the file is not one of `write_arpa`."""
    model = NGram({(): {}}, {(): 0.0})
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                fields = line.rstrip("\n").split("\t")
                if len(fields) > 1:
                    _entry(model, fields)
    except (OSError, EOFError, ValueError) as error:
        raise SpeechError(f"{path} is no language model in the ARPA format") from error
    if END not in model.followers[()]:
        raise SpeechError(f"{path} has no end of a sentence")
    return model


def _entry(model: NGram, fields: list[str]) -> None:
    gram = tuple(fields[1].split(" "))
    if gram != (START,):
        model.followers.setdefault(gram[:-1], {})[gram[-1]] = float(fields[0]) * math.log(10)
    if len(fields) > 2:
        model.backoff[gram] = float(fields[2]) * math.log(10)
