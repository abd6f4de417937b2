"""What a simulated caller will say, as data beside the scenario: ``scenarios/<name>/caller.yaml``.

fr:
  voices: [fr+m1, fr+f2]
  answers:
    hello: [oui bien sûr, oui allez-y]    # the first; others where asked again
  interrupt: {during: q2, after_s: 1.2, say: je n'ai pas le temps}
  backchannel: {during: hello, after_s: 1.0, say: oui oui}
  quick: [hello, q1]                      # the answers of a short call
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigurationError
from scenarios.script import Script

__all__ = ["Aside", "Plan", "load_plan", "steps_of"]


@dataclass(frozen=True, slots=True)
class Aside:
    """Something said over the engine: while it speaks in the step `during`, `after_s` seconds of
    that turn having been heard."""

    during: str
    after_s: float
    say: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A caller's answers by step, in several wordings each, and what he says unasked."""

    voices: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]]
    interrupt: Aside | None = None
    backchannel: Aside | None = None
    quick: tuple[str, ...] = ()
    """Steps that are answered in a short call, before the caller hangs up."""

    def lines(self) -> tuple[str, ...]:
        """Everything that he may say."""
        said = [line for lines in self.answers.values() for line in lines]
        said += [aside.say for aside in (self.interrupt, self.backchannel) if aside]
        return tuple(dict.fromkeys(said))


def steps_of(script: Script) -> tuple[dict[str, str], frozenset[str]]:
    """What a caller goes by: the step of each line that only one step says, and the steps that
    say goodbye."""
    steps: dict[str, str] = {}
    shared: set[str] = set()
    for step in script.steps.values():
        for text in {*step.lines} - {step.menu}:
            if steps.setdefault(text, step.name) != step.name:
                shared.add(text)
    for text in shared:  # says nothing about where we are
        del steps[text]
    return steps, frozenset(step.name for step in script.steps.values() if step.hangup)


def load_plan(path: Path, language: str) -> Plan:
    """Read the plan of a caller who speaks `language`.

    Raises ConfigurationError, with what to do, where there is none or it makes no sense.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"no simulated caller for this scenario: {path} cannot be read ({error.strerror}); "
            "write it, or play a recording with --wav"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(data := document.get(language), dict):
        known = ", ".join(document) if isinstance(document, dict) else "none"
        raise ConfigurationError(
            f"{path} has no caller for the language {language!r}; it has: {known}"
        )
    try:
        return _plan(data)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: the caller for {language!r} is incomplete or misspelt ({error!r}); "
            "server/talk/plan.py shows what it holds"
        ) from None


def _plan(data: Mapping[str, Any]) -> Plan:
    answers = {str(step): _lines(lines) for step, lines in data["answers"].items()}
    interrupt, backchannel = (
        Aside(str(aside["during"]), float(aside["after_s"]), str(aside["say"]))
        if (aside := data.get(name))
        else None
        for name in ("interrupt", "backchannel")
    )
    quick = _lines(data["quick"]) if data.get("quick") else ()
    for step in (*quick, *(aside.during for aside in (interrupt, backchannel) if aside)):
        if step not in answers:
            raise ValueError(f"no answer for the step {step}")
    return Plan(_lines(data["voices"]), answers, interrupt, backchannel, quick)


def _lines(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise TypeError(f"a list of texts, not {value!r}")
    return tuple(value)
