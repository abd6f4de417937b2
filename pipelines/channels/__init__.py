"""Channels that need no telephony."""
