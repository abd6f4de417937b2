"""The conversations: data, prompts and tools."""
