"""`import engine` costs next to nothing: counted, because a time would depend on the machine."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

MODULES = sorted(f"engine.{path.stem}" for path in (ROOT / "engine").glob("[!_]*.py"))

MOST_BESIDES_ASYNCIO = 20
"""Modules of the standard library that asyncio has not loaded already: 10 with Python 3.11."""

SLOW = {"email", "http", "multiprocessing", "sqlite3", "unittest", "urllib.request", "xml"}
"""Of the standard library too, but a program's, not an engine's."""


def loaded_by(*modules: str) -> set[str]:
    """What a bare interpreter loads on top of itself for `modules`."""
    imports = "; ".join(f"import {module}" for module in modules)
    code = f"import sys; old = set(sys.modules); {imports}; print(*set(sys.modules) - old)"
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_the_package_imports_nothing_by_itself() -> None:
    assert loaded_by("engine") == {"engine"}


@pytest.mark.parametrize("module", MODULES)
def test_each_module_imports_alone_and_the_standard_library_only(module: str) -> None:
    tops = {name.partition(".")[0] for name in loaded_by(module)}
    assert tops <= {"engine", *sys.stdlib_module_names}


def test_all_of_it_is_asyncio_and_little_else() -> None:
    loaded = loaded_by(*MODULES)
    assert set(MODULES) <= loaded
    besides = loaded - loaded_by("asyncio") - {"engine", *MODULES}
    assert len(besides) < MOST_BESIDES_ASYNCIO
    assert not besides & SLOW
