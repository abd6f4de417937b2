"""chan_websocket: a call's sound and control over one WebSocket, whoever dialled it."""
