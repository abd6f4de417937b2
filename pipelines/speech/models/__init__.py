"""Speech models: which there are, which are installed, and how they get here.

`vosk-fr-demo` lies beside this file; the others are fetched into a folder of the user's.
"""

from pipelines.speech.models.fetcher import fetch
from pipelines.speech.models.installed import (
    Found,
    State,
    check,
    find_model,
    find_voice,
    state,
)
from pipelines.speech.models.registry import MODELS, SpeechModel, wanted_models

__all__ = [
    "MODELS",
    "Found",
    "SpeechModel",
    "State",
    "check",
    "fetch",
    "find_model",
    "find_voice",
    "state",
    "wanted_models",
]
