"""What synthesisers that run here have in common: a line is put out, then its sound."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from engine.frames import Audio, Frame, Say
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ

__all__ = ["alone", "pause_ms", "put_line"]


def alone(line: Say) -> Link[Frame]:
    """The inbox of a synthesiser that is to speak `line` and nothing else."""
    inbox: Link[Frame] = Link(1)
    inbox.offer(line)
    inbox.close()
    return inbox


async def put_line(line: Say, pieces: AsyncGenerator[bytes, None], outbox: Outlet) -> None:
    """Put out `line`, then `pieces` (s16le mono at 16 kHz) as they come and the pause after it.

    `pieces` is closed whatever happens. Cancelling is safe.
    """
    async with aclosing(pieces):
        await outbox.put(line)
        at = 0.0
        async for pcm in pieces:
            audio = Audio(pcm, RATE_HZ, at)
            at += audio.duration_s
            await outbox.put(audio)
        if at:
            silence = bytes(pause_ms(line.text) * RATE_HZ // 1000 * 2)
            await outbox.put(Audio(silence, RATE_HZ, at))


def pause_ms(text: str) -> int:
    """Silence after a line before the next: a breath, and less after a comma."""
    return 80 if text.rstrip(" »\"'").endswith((",", ";", ":")) else 200
