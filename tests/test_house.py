"""The project's own files: locks, addresses, versions."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("base", "build", "dev")}

# In two parts each, so that this file does not name what it looks for.
ADDRESSES = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry." + "npmjs",
    "registry." + "yarnpkg",
    "--index" + "-url",
    "--extra-index" + "-url",
    "--find" + "-links",
    "--trusted" + "-host",
]

_MARKER = r"[\w.]+ (==|!=|<|<=|>|>=) '[\w.]+'"
_PINNED = re.compile(
    r"(?P<name>[a-z0-9]+(-[a-z0-9]+)*)==(?P<version>[\w.!+]+)"
    rf"( ; {_MARKER}( (and|or) {_MARKER})*)?"
    r"( --hash=sha256:[0-9a-f]{64})+"
)


def _lines(lock: Path) -> Iterator[str]:
    """Logical lines, without comments."""
    text = re.sub(r"^ *#.*$", "", lock.read_text(), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    return (line.strip() for line in text.splitlines() if line.strip())


def _pins(lock: Path) -> set[tuple[str, str]]:
    return {
        (match["name"], match["version"])
        for line in _lines(lock)
        if (match := _PINNED.fullmatch(line))
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_names_versions_markers_and_hashes_only(lock: str) -> None:
    assert not [line for line in _lines(LOCKS[lock]) if not _PINNED.fullmatch(line)]
    assert _pins(LOCKS[lock])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_machine(lock: str) -> None:
    text = LOCKS[lock].read_text()
    assert not re.findall(r"\S*://\S*|(?<!\S)/\S+|@ \S+", text)


def test_the_base_lock_is_part_of_the_dev_lock() -> None:
    assert _pins(LOCKS["base"]) <= _pins(LOCKS["dev"])


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[;<>=! ]", r, maxsplit=1)[0].lower() for r in requirements}

    base = {name for name, _ in _pins(LOCKS["base"])}
    dev = {name for name, _ in _pins(LOCKS["dev"])}
    assert names(project["project"]["dependencies"]) <= base
    assert names([*chain(*extras), *project["dependency-groups"]["dev"]]) <= dev
    assert names(project["build-system"]["requires"]) == {n for n, _ in _pins(LOCKS["build"])}


def test_the_locks_hold_no_deep_learning_framework() -> None:
    heavy = {"torch", "torchaudio", "tensorflow", "jax", "triton"}
    assert not [name for name, _ in _pins(LOCKS["dev"]) if name in heavy or "nvidia" in name]


def test_tracked_files_name_no_registry() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    pattern = [argument for address in ADDRESSES for argument in ("-e", address)]
    run = subprocess.run(
        [git, "grep", "--fixed-strings", "--line-number", "-I", *pattern],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "")
