"""A caller who talks to the engine over its media WebSocket, and what he hears.

Nothing here is part of the engine: whoever measures it from outside needs no more than this.
"""
