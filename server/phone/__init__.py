"""`palabre call` and `palabre calls`: one call placed and shown, and those that a server runs."""
