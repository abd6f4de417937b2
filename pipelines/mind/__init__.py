"""Understanding: what an utterance means, by examples or by a language model."""

from pipelines.mind.minds import minds

__all__ = ["minds"]
