"""Turn-taking: how soon we answer and yield, to what, and whom we cut off; beside pipecat."""
