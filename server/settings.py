"""Settings: from the environment (``PALABRE_…``) and the command line; read nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]


def _data_dir() -> Path:
    return Path.home() / ".local" / "share" / "palabre"


def _cache_dir() -> Path:
    return Path.home() / ".cache" / "palabre"


class Settings(BaseSettings):
    """Everything that can be set. Times in the unit of their name."""

    model_config = SettingsConfigDict(env_prefix="PALABRE_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    scenario: str = ""
    """What a call runs that asks for none: a name, or the path of a scenario's file."""
    speech: Literal["local", "null"] = "local"
    """``null``: a fixed transcript at the end of speech and a fixed reply; for benches."""
    vad: Literal["auto", "webrtc", "silero"] = "auto"
    """``auto`` confirms with Silero where the extra is installed."""
    model: str | None = None
    """A recogniser by name or path; the best one installed if not given."""
    voice: str = ""
    """An espeak-ng voice (``fr+f2``); that of the language if not given."""
    mind: Literal["examples", "ollama"] = "examples"
    ollama_url: str = "http://127.0.0.1:11434"
    ollama_model: str = "llama3.2"
    capacity: int = Field(default=0, ge=0)
    """Calls at once; 0: as many as the loop's lag allows."""
    max_lag_ms: float = Field(default=15.0, gt=0)
    """No new call while ticks come later than this (95th percentile): frames are due every 20."""
    endpoint_ms: int = Field(default=240, ge=100, le=3000)
    silence_s: float = Field(default=6.0, gt=0)
    drain_s: float = Field(default=120.0, ge=0)
    """How long running calls may go on after SIGTERM."""
    models_dir: Path = Field(default_factory=lambda: _data_dir() / "models")
    models_url: str | None = None
    cache_dir: Path = Field(default_factory=_cache_dir)
    journal: Path | None = None
    """A folder in which every session's log is kept; without it they end with the session."""
    log_json: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def default_scenario(self) -> str:
        """Without a setting ``leads``; for benches the one that only repeats itself."""
        return self.scenario or ("bench" if self.speech == "null" else "leads")
