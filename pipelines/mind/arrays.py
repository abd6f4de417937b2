"""What was learnt, on disk: named arrays in one file, named after what they were learnt from.

Not pickled: reading a file runs no code of it. A file that is damaged counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.mind.intents import Knowledge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["digest", "load", "save"]


def digest(knowledge: Knowledge, *rest: object) -> str:
    """A name for all that a model depends on: 16 hexadecimal digits."""
    intents = [(intent.name, intent.examples) for intent in knowledge.intents.values()]
    slots = [(slot.name, slot.kind, sorted(slot.phrases.items())) for slot in knowledge.slots]
    whole = repr((knowledge.language, intents, slots, knowledge.questions, *rest))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def load(path: Path) -> dict[str, NDArray[np.generic]] | None:
    """The arrays in `path`; None if there are none or they cannot be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def save(path: Path, stored: Mapping[str, NDArray[np.generic]]) -> None:
    """Write all or nothing; a disk that cannot be written to costs time only, at the next start."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, **stored)  # type: ignore[arg-type]
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
