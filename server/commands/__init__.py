"""The commands of `palabre`, each imported when it is run."""
