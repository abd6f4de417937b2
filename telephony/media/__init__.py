"""The media WebSocket (docs/protocols/media.md): codec and channel."""
