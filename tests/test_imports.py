"""The import direction: engine ← {pipelines, telephony, storage} ← scenarios ← server ← bench."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

_PORTS = {"pipelines", "telephony", "storage"}
MAY_IMPORT: dict[str, set[str]] = {
    "engine": set(),
    **{port: {"engine"} for port in _PORTS},
    "scenarios": {"engine", *_PORTS},
    "server": {"engine", *_PORTS, "scenarios"},
    "bench": {"engine", *_PORTS, "scenarios", "server"},
}

HEAVY = {
    "aiortc", "anthropic", "av", "deepgram", "google", "joblib", "matplotlib", "ollama",
    "onnxruntime", "openai", "pipecat", "piper", "scipy", "sklearn", "vosk",
}  # fmt: skip
"""Imported where they are used: each costs start-up time, and most are extras."""

PROGRAMS = ("bench/density/pipecat_server.py", "bench/turn_taking/pipecat_server.py")
"""A peer of the benchmarks is a program of its own, so nothing waits for its imports."""

READ_THE_ENVIRONMENT = ("server/", "bench/__main__.py", "bench/cli.py")


@dataclass(frozen=True)
class Import:
    where: str
    """`path:line`."""
    module: str
    """Absolute dotted name."""
    at_start: bool
    """Runs when the module is imported."""


def _sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(test)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def _statements(node: ast.AST, at_start: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below, with whether it runs at import; what only type checkers see does not."""
    for child in ast.iter_child_nodes(node):
        match node:
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                runs = at_start and child not in body
            case ast.If(test=test, body=body) if _is_type_checking(test):
                runs = at_start and child not in body
            case _:
                runs = at_start
        yield child, runs
        yield from _statements(child, runs)


def imports(path: str, source: str) -> Iterator[Import]:
    package = Path(path).with_suffix("").parts[:-1]
    for node, at_start in _statements(ast.parse(source, path)):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Import(names=names):
                for name in names:
                    yield Import(where, name.name, at_start)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package[: len(package) - level + 1] if level else ()
                base = ".".join((*above, *filter(None, [module])))
                for name in names:
                    yield Import(where, f"{base}.{name.name}" if base else name.name, at_start)
            case ast.Call(func=func, args=[ast.Constant(value=str(module)), *_]) if ast.unparse(
                func
            ) in ("__import__", "import_module", "importlib.import_module"):
                yield Import(where, module, at_start)


def all_imports(package: str) -> Iterator[Import]:
    for path in _sources(package):
        yield from imports(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def wrong_direction(package: str, found: Import) -> str | None:
    top = found.module.partition(".")[0]
    if top in {*MAY_IMPORT, "tests"} - {package} - MAY_IMPORT[package]:
        return f"{found.where}: {package} does not import {found.module}"
    return None


def environment_reads(path: str, source: str) -> Iterator[str]:
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    for node in ast.walk(ast.parse(source, path)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in names:
                yield f"{path}:{node.lineno}: reads the environment"
            case ast.ImportFrom(module="os", names=imported) if names & {n.name for n in imported}:
                yield f"{path}:{node.lineno}: reads the environment"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_import_goes_up_or_sideways(package: str) -> None:
    assert not list(filter(None, (wrong_direction(package, i) for i in all_imports(package))))


def test_the_engine_needs_the_standard_library_only() -> None:
    assert not [
        f"{found.where}: {found.module}"
        for found in all_imports("engine")
        if found.module.partition(".")[0] not in {"engine", *sys.stdlib_module_names}
    ]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_heavy_packages_are_imported_where_they_are_used(package: str) -> None:
    assert not [
        f"{found.where}: {found.module} at module level"
        for found in all_imports(package)
        if found.at_start
        and found.module.partition(".")[0] in HEAVY
        and not found.where.startswith(PROGRAMS)
    ]


def test_only_the_server_reads_the_environment() -> None:
    assert not [
        read
        for package in MAY_IMPORT
        for path in _sources(package)
        if not (name := path.relative_to(ROOT).as_posix()).startswith(READ_THE_ENVIRONMENT)
        for read in environment_reads(name, path.read_text(encoding="utf-8"))
    ]


def test_every_module_has_a_package_around_it() -> None:
    assert not [
        f"{path.parent.relative_to(ROOT)} lacks __init__.py"
        for package in (*MAY_IMPORT, "tests")
        for path in _sources(package)
        if not (path.parent / "__init__.py").exists()
    ]


# The walker itself.


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("engine", "import pipelines.voice"),
        ("engine", "from server import app"),
        ("pipelines", "from telephony.asterisk import ari"),
        ("storage", "def f():\n    import scenarios"),
        ("telephony", "if TYPE_CHECKING:\n    from pipelines import voice"),
        ("scenarios", "import importlib\nimportlib.import_module('server.app')"),
        ("server", "from bench import density"),
        ("bench", "import tests.clock"),
    ],
)
def test_a_step_upward_is_found(package: str, line: str) -> None:
    assert any(wrong_direction(package, i) for i in imports(f"{package}/module.py", line))


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("engine", "from . import frames"),
        ("engine", "from .frames import Audio"),
        ("pipelines", "from engine.frames import Audio"),
        ("bench", "import server.cli, pipelines"),
        ("telephony", "import wave"),
    ],
)
def test_a_step_downward_is_fine(package: str, line: str) -> None:
    assert not any(wrong_direction(package, i) for i in imports(f"{package}/module.py", line))


@pytest.mark.parametrize(
    ("source", "at_start"),
    [
        ("import vosk", True),
        ("try:\n    import vosk\nexcept ImportError:\n    vosk = None", True),
        ("class Stt:\n    import vosk", True),
        ("def load():\n    import vosk", False),
        ("async def load():\n    if True:\n        import vosk", False),
        ("def load():\n    class Stt:\n        import vosk", False),
        ("if TYPE_CHECKING:\n    import vosk", False),
        ("if typing.TYPE_CHECKING:\n    pass\nelse:\n    import vosk", True),
    ],
)
def test_what_runs_at_import_is_told_from_what_does_not(source: str, at_start: bool) -> None:
    (found,) = imports("pipelines/stt.py", source)
    assert found == Import(found.where, "vosk", at_start)


@pytest.mark.parametrize(
    "source", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"]
)
def test_a_read_of_the_environment_is_found(source: str) -> None:
    assert list(environment_reads("pipelines/a.py", source))


def test_importing_the_engine_loads_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import engine; print(*set(sys.modules) - before)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert not loaded - {"engine", *sys.stdlib_module_names}
