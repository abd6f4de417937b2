"""Speech: recognition and synthesis, as services."""
