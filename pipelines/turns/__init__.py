"""Who may speak: the gate of the ears, and barge-in."""
