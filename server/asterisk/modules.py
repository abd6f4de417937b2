"""The modules of Asterisk that a call needs, and what for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MODULES", "Module", "needed"]


@dataclass(frozen=True, slots=True)
class Module:
    """`ari`: needed only where we control calls through ARI. `optional`: calls work without."""

    name: str
    what_for: str
    ari: bool = False
    optional: bool = False


MODULES = (
    Module("res_http_websocket", "WebSockets of Asterisk's HTTP server"),
    Module("res_websocket_client", "WebSockets that Asterisk dials"),
    Module("chan_websocket", "a call's sound over a WebSocket"),
    Module("codec_ulaw", "G.711 µ-law, to our 16 kHz and back"),
    Module("codec_alaw", "G.711 A-law, to our 16 kHz and back"),
    Module("codec_resample", "8 kHz, to our 16 kHz and back"),
    Module("app_dial", "the dialplan's way to a WebSocket"),
    Module("func_uri", "the caller's number in a WebSocket's address"),
    Module("bridge_simple", "two parties in one call"),
    Module("app_stasis", "the dialplan's way to ARI", ari=True),
    Module("res_stasis", "calls controlled through ARI", ari=True),
    Module("res_stasis_answer", "answering through ARI", ari=True),
    Module(
        "res_stasis_snoop", "listening beside: to people, and for AMD()", ari=True, optional=True
    ),
    Module("app_amd", "AMD(), one more witness of who answered", ari=True, optional=True),
    Module("res_ari", "ARI", ari=True),
    Module("res_ari_model", "ARI", ari=True),
    Module("res_ari_applications", "ARI's applications", ari=True),
    Module("res_ari_asterisk", "ARI's facts about Asterisk", ari=True),
    Module("res_ari_bridges", "ARI's bridges", ari=True),
    Module("res_ari_channels", "ARI's channels", ari=True),
    Module("res_ari_endpoints", "ARI's endpoints", ari=True),
    Module("res_ari_events", "ARI's events", ari=True),
    Module("bridge_softmix", "conferences of three and more", ari=True),
    Module("res_musiconhold", "music for who waits", ari=True, optional=True),
)
"""In an order in which they can be loaded. What SIP itself needs is there wherever calls are."""


def needed(*, ari: bool) -> tuple[Module, ...]:
    """Those for a call, with ARI or by the dialplan alone."""
    return tuple(module for module in MODULES if ari or not module.ari)
