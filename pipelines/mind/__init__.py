"""Understanding: what an utterance means, by examples or by a language model."""
