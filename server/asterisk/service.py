"""Calls of an Asterisk that we control through ARI."""

from __future__ import annotations

from typing import Self

from engine.errors import ConfigurationError
from server.asterisk.control import Control
from server.asterisk.dialling import Exits
from server.asterisk.inbound import Inbound
from server.asterisk.media import AsteriskMedia
from server.asterisk.outbound import Outbound
from server.calls import Calls
from server.settings import Settings

__all__ = ["AsteriskCalls"]


class AsteriskCalls:
    """One Asterisk: `run` as long as the server runs; calls are placed through `outbound`."""

    def __init__(self, calls: Calls, media: AsteriskMedia, settings: Settings) -> None:
        if settings.ari_password is None:
            raise ConfigurationError(
                "PALABRE_ARI_URL is set and PALABRE_ARI_PASSWORD is not; it is the password of "
                f"[{settings.ari_user}] in ari.conf"
            )
        self.control = Control(
            settings.ari_app,
            url=settings.ari_url,
            user=settings.ari_user,
            password=settings.ari_password.get_secret_value(),
        )
        exits = Exits(settings.ari_endpoint, settings.ari_transfer_context, settings.ari_music)
        Inbound(calls, self.control, media, exits)
        self.outbound = Outbound(calls, self.control, media, exits)

    @classmethod
    def of(cls, calls: Calls, media: AsteriskMedia, settings: Settings) -> Self | None:
        """As the settings have it; None where they name no Asterisk. Raises ConfigurationError."""
        return cls(calls, media, settings) if settings.ari_url else None

    async def check(self) -> str | None:
        """What is wrong with the connection; None where nothing is."""
        return await self.control.check()

    async def run(self) -> None:
        """Until cancelled; then calls end at once. Raises ConfigurationError (`Control.run`)."""
        await self.control.run()
