"""Copies of a call's sound, which are only listened to."""
