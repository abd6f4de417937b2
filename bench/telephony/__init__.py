"""Telephony: real calls through a real Asterisk, from the far end's RTP to the far end's RTP."""
