"""Settings: from the environment (``PALABRE_…``) and the command line; read nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["IceServer", "Settings"]


def _data_dir() -> Path:
    return Path.home() / ".local" / "share" / "palabre"


def _cache_dir() -> Path:
    return Path.home() / ".cache" / "palabre"


class IceServer(BaseModel):
    """A STUN or TURN server, named as browsers name it (`RTCIceServer`)."""

    urls: Annotated[str, Field(pattern=r"^(stun|turns?):[^?\s]+(\?transport=(udp|tcp))?$")]
    username: str = ""
    credential: SecretStr = SecretStr("")


class Settings(BaseSettings):
    """Everything that can be set. Times in the unit of their name."""

    model_config = SettingsConfigDict(env_prefix="PALABRE_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    scenario: str = ""
    """What a call runs that asks for none: a name, or the path of a scenario's file."""
    numbers: dict[str, str] = Field(default_factory=dict)
    """Which scenario answers which called number: a JSON object such as
    ``{"+33199000001": "leads", "1002": "leads/fr"}``; any other number gets `scenario`."""
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
    public_url: str = ""
    """Where carriers reach this server, such as ``https://voice.example.org``."""
    twilio_auth_token: SecretStr | None = None
    """Of the Twilio account whose calls are taken: what it signs its requests with."""
    carrier_token: SecretStr | None = None
    """What the streams of other carriers have to bring along as ``token``."""
    ice_servers: list[IceServer] = Field(default_factory=list)
    """STUN and TURN servers of WebRTC calls, for us and for whoever calls: a JSON list such as
    ``[{"urls": "stun:stun.example.org"}]``. None: both sides reach each other directly."""
    ari_url: str = ""
    """Of the Asterisk whose calls we control: ``http://127.0.0.1:8088/ari``."""
    ari_listen: str = ""
    """Where Asterisk dials us with ARI's events instead (``127.0.0.1:8766``)."""
    ari_user: str = "palabre"
    ari_password: SecretStr | None = None
    """As ari.conf has them."""
    ari_app: str = "palabre"
    """The application that the dialplan hands calls to: ``Stasis(palabre,…)``."""
    ari_endpoint: str = ""
    """What calls go out by, with the number in it: ``PJSIP/{number}@trunk``."""
    ari_transfer_context: str = ""
    """The dialplan's context that takes blind transfers; without one we call whoever it is."""
    ari_music: str = ""
    """The class of musiconhold.conf for who waits; the default if not given."""
    ari_media: str = "server"
    """``server``: we dial Asterisk's /media for the sound of each call; else the name of the
    configuration in websocket_client.conf with which Asterisk dials ours."""
    asterisk_media_user: str = ""
    asterisk_media_password: SecretStr | None = None
    """What Asterisk has to show where it dials our /media: websocket_client.conf has the same."""
    listen_token: SecretStr | None = None
    """Who shows it may follow the conversations that are listened to (``GET /listening``)."""
    audiosocket: dict[str, str] = Field(default_factory=dict)
    """Where calls of AudioSocket are taken, and what answers them: a JSON object such as
    ``{"127.0.0.1:9092": "leads/fr"}``; an empty scenario is the default one."""
    journal: Path | None = None
    """A folder in which every session's log is kept; without it they end with the session."""
    recordings: Path | None = None
    """A folder for recordings of calls whose scenarios ask for one; without it none is made."""
    log_json: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def default_scenario(self) -> str:
        """Without a setting ``leads``; for benches the one that only repeats itself."""
        return self.scenario or ("bench" if self.speech == "null" else "leads")
