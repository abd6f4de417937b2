"""pipecat's services as stages: any STT, TTS or LLM service of pipecat, unchanged.

pipecat is an extra (``palabre[pipecat]``) and is imported when the first stage is made.
"""
