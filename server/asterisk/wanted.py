"""What this engine's settings want of an Asterisk."""

from __future__ import annotations

from urllib.parse import urlsplit

from server.asterisk.configuration import Wanted
from server.settings import Settings

__all__ = ["wanted"]


def wanted(settings: Settings, *, engine: str = "", media: str = "", ari: bool = True) -> Wanted:
    """`engine` is our address as Asterisk reaches it, `media` as `Settings.ari_media`; both are
    the settings' if empty. Raises ConfigurationError."""
    ours = engine or f"ws://{settings.host}:{settings.port}"
    password, secret = settings.ari_password, settings.asterisk_media_password
    return Wanted(
        ours,
        ari_url=(settings.ari_url or ARI_URL) if ari else "",
        ari_user=settings.ari_user,
        ari_password="" if password is None else password.get_secret_value(),
        ari_app=settings.ari_app,
        ari_dials=_dialled(ours, settings.ari_listen) if settings.ari_listen else "",
        media=media or settings.ari_media,
        media_user=settings.asterisk_media_user,
        media_password="" if secret is None else secret.get_secret_value(),
        endpoint=settings.ari_endpoint,
        numbers=tuple(settings.numbers),
    )


def _dialled(engine: str, listen: str) -> str:
    """Where Asterisk finds the port of `listen`: at our address as it reaches us."""
    parts = urlsplit(engine)
    return f"{parts.scheme}://{parts.hostname}:{listen.rpartition(':')[2]}"


ARI_URL = "http://127.0.0.1:8088/ari"
"""Asterisk's own port, on this machine."""
