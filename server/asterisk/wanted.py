"""What this engine's settings want of an Asterisk."""

from __future__ import annotations

from server.asterisk.configuration import Wanted
from server.settings import Settings

__all__ = ["wanted"]


def wanted(settings: Settings, *, engine: str = "", media: str = "", ari: bool = True) -> Wanted:
    """`engine` is our address as Asterisk reaches it, `media` as `Settings.ari_media`; both are
    the settings' if empty. Raises ConfigurationError."""
    password, secret = settings.ari_password, settings.asterisk_media_password
    return Wanted(
        engine or f"ws://{settings.host}:{settings.port}",
        ari_url=(settings.ari_url or ARI_URL) if ari else "",
        ari_user=settings.ari_user,
        ari_password="" if password is None else password.get_secret_value(),
        ari_app=settings.ari_app,
        media=media or settings.ari_media,
        media_user=settings.asterisk_media_user,
        media_password="" if secret is None else secret.get_secret_value(),
        endpoint=settings.ari_endpoint,
        numbers=tuple(settings.numbers),
    )


ARI_URL = "http://127.0.0.1:8088/ari"
"""Asterisk's own port, on this machine."""
