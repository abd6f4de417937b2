"""Calls of an Asterisk that we control through ARI."""

from __future__ import annotations

from typing import Self

from engine.errors import ConfigurationError
from server.asterisk.control import Control
from server.asterisk.desk import Parts
from server.asterisk.dialling import Exits
from server.asterisk.inbound import Inbound
from server.asterisk.media import AsteriskMedia
from server.asterisk.outbound import Outbound
from server.asterisk.overhearing import Overhearing
from server.calls import Calls
from server.listening import Listening
from server.settings import Settings

__all__ = ["AsteriskCalls"]


class AsteriskCalls:
    """One Asterisk: `run` as long as the server runs; calls are placed through `outbound`."""

    def __init__(
        self, calls: Calls, media: AsteriskMedia, listening: Listening, settings: Settings
    ) -> None:
        if settings.ari_password is None:
            raise ConfigurationError(
                "an Asterisk is named and PALABRE_ARI_PASSWORD is not set; it is the password of "
                f"[{settings.ari_user}] in ari.conf, or in websocket_client.conf where it dials us"
            )
        self.control = Control(
            settings.ari_app,
            url=settings.ari_url,
            user=settings.ari_user,
            password=settings.ari_password.get_secret_value(),
            listen=_address(settings.ari_listen) if settings.ari_listen else None,
        )
        exits = Exits(settings.ari_endpoint, settings.ari_transfer_context, settings.ari_music)
        overhearing = Overhearing(calls, self.control, media, listening)
        desks = Parts(self.control, exits, overhearing)
        Inbound(calls, media, desks)
        self.outbound = Outbound(calls, media, desks)

    @classmethod
    def of(
        cls, calls: Calls, media: AsteriskMedia, listening: Listening, settings: Settings
    ) -> Self | None:
        """As the settings have it; None where they name no Asterisk. Raises ConfigurationError."""
        named = settings.ari_url or settings.ari_listen
        return cls(calls, media, listening, settings) if named else None

    async def check(self) -> str | None:
        """What is wrong with the connection; None where nothing is."""
        return await self.control.check()

    async def run(self) -> None:
        """Until cancelled; then calls end at once. Raises ConfigurationError (`Control.run`)."""
        await self.control.run()


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError(
            f"PALABRE_ARI_LISTEN is {listen[:40]!r}; it is a host and a port: 127.0.0.1:8766"
        )
    return host, int(port)
