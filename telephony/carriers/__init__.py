"""Calls that a carrier brings over its own media stream."""
