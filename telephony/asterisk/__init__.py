"""Asterisk: its media channels, and how calls are controlled through it."""
