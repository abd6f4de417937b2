"""What callers say: the sentences that the demo recogniser learns from and is tested with.

Written for the five applications as templates and lists (`fr/`, `en/`), expanded with a seed.
"""

from pipelines.speech.corpus.normal import normalise
from pipelines.speech.corpus.sets import (
    LANGUAGES,
    Outside,
    commands,
    held_out,
    keywords,
    out_of_grammar,
    sentences,
    vocabulary,
)

__all__ = [
    "LANGUAGES",
    "Outside",
    "commands",
    "held_out",
    "keywords",
    "normalise",
    "out_of_grammar",
    "sentences",
    "vocabulary",
]
