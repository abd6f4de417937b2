"""Barge-in: from the caller's first sound over ours to our silence, and what happened then."""
