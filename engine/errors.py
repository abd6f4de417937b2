"""Every error the engine raises, as one tree.

    PalabreError
    ├── ConfigurationError      a setting or a scenario is wrong; nothing was started
    │   └── ScenarioError       with file, line and what was expected
    ├── ProtocolError           the far end sent something that makes no sense
    ├── AdmissionError          no room for another session
    ├── StoreError              the store cannot be reached now; the same call may succeed later
    └── StageError              a part of the pipeline failed; fails the turn, never the call
        ├── SpeechError         speech recognition or synthesis
        └── UnderstandingError  intent or language model

Each has a stable ``code`` that clients and logs may rely on; the message is lower case, states
the fact and then what to do. Facts that a program may want are attributes.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "AdmissionError",
    "ConfigurationError",
    "PalabreError",
    "ProtocolError",
    "ScenarioError",
    "SpeechError",
    "StageError",
    "StoreError",
    "UnderstandingError",
]


class PalabreError(Exception):
    """Base of all errors of the engine."""

    code = "palabre.error"


class ConfigurationError(PalabreError):
    """A setting is wrong; nothing was started."""

    code = "configuration.invalid"


class ScenarioError(ConfigurationError):
    """A scenario file is wrong at ``path``, ``line`` (from 1); ``expected`` says what it wants."""

    code = "scenario.invalid"

    def __init__(self, path: Path | str, line: int, problem: str, expected: str) -> None:
        super().__init__(f"{path}:{line}: {problem}; expected {expected}")
        self.path = Path(path)
        self.line = line
        self.problem = problem
        self.expected = expected


class ProtocolError(PalabreError):
    """The far end sent what the protocol has no place for.

    ``code`` is the protocol's own; ``close_code`` is the WebSocket close code, or None if the
    session goes on without the message.
    """

    def __init__(self, code: str, message: str, close_code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.close_code = close_code


class AdmissionError(PalabreError):
    """No room for another session; ``retry_after_s`` is when to ask again."""

    code = "admission.full"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(PalabreError):
    """The store cannot be reached now; the same call may succeed later."""

    code = "store.unavailable"


class StageError(PalabreError):
    """A stage failed. The turn it worked for fails, the session goes on."""

    code = "stage.failed"


class SpeechError(StageError):
    """Recognition or synthesis failed or is not installed."""

    code = "speech.unavailable"


class UnderstandingError(StageError):
    """An intent classifier or a language model failed."""

    code = "understanding.unavailable"
