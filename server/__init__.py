"""The composition root: settings, HTTP and WebSocket edge, command line."""
