"""Applications: each a package of data, prompts and tools."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ConfigurationError

__all__ = ["FILE", "find", "names"]

FILE = "scenario.yaml"


def names() -> list[str]:
    """The scenarios that come with the engine."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob(f"*/{FILE}"))


def find(name: str) -> Path:
    """The file of the scenario `name`: one that comes with the engine, or the path of a file.

    Raises ConfigurationError, which lists those there are.
    """
    if name in names():
        return Path(__file__).parent / name / FILE
    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        return Path(name)
    raise ConfigurationError(
        f"no scenario {name!r}; there are: {', '.join(names())}, or give the path of a {FILE}"
    )
