"""Sound: rates, pacing, playout, voice activity."""
