"""The way of a call's sound: a media channel to us, and the bridge that joins it to a telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from server.asterisk.control import Control
from server.asterisk.media import AsteriskMedia
from telephony.asterisk.media.channel import AsteriskChannel

__all__ = ["Sound", "sound"]


class Sound:
    """`channel` is what the engine plays and hears through, `media_id` its channel in Asterisk."""

    def __init__(
        self, control: Control, channel: AsteriskChannel, media_id: str, bridge_id: str
    ) -> None:
        self.channel = channel
        self.media_id = media_id
        self.bridge_id = bridge_id
        self._control = control

    async def join(self, channel_id: str) -> None:
        """Let the channel hear us, and us it. Raises AriError."""
        await self._control.ari.join(self.bridge_id, self.media_id, channel_id)

    async def part(self, channel_id: str) -> None:
        """The channel hears us no more. Raises AriError."""
        await self._control.ari.part(self.bridge_id, channel_id)


@asynccontextmanager
async def sound(
    control: Control,
    media: AsteriskMedia,
    session_id: str,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Sound]:
    """The sound of the call `session_id`, ready to be played: 5 ms on loopback, so it is made
    before the call is answered. Nothing of it is left afterwards. `variables` say who we are: the
    bridge tells whoever is joined the caller id of our side.

    Raises AriError, MediaError or LegGone.
    """
    ari = control.ari
    leg = control.leg(control.name("media", session_id))
    bridge_id = control.bridge(control.name("bridge", session_id))
    try:
        async with media.expect(session_id) as waiting:
            made = await ari.external_media(leg.id, media.external_media(session_id), variables)
            await ari.bridge(bridge_id)
            channel = await waiting.open(made.variables)
            await leg.in_application()  # or it cannot be bridged
            yield Sound(control, channel, leg.id, bridge_id)
    finally:
        control.discard(leg.id)
        control.discard_bridge(bridge_id)
