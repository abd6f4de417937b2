"""Accuracy: what a recogniser makes of callers, how soon, and how many of them a core carries."""
