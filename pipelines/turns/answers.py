"""What was said and is to be answered: at once, when the pause after it is over, or after us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.frames import Heard

__all__ = ["Answers"]

DOUBT_S = 0.5
"""How long what may be speech can hold up an answer: by then the gate knows, or it is noise."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """`due` is when the pause after it is over, None while what it was said over must be heard out
    first."""

    heard: Heard
    due: float | None

    def then(self, heard: Heard) -> Heard:
        """It and `heard` as one."""
        return Heard(
            f"{self.heard.text} {heard.text}".strip(),
            heard.speech_end_at,
            heard.endpoint_at,
            heard.transcript_at,
            heard.confidence if heard.text else self.heard.confidence,
        )

    def at(self, now: float) -> Heard:
        """What is answered `now`. What had to wait for us is answered as if it ended with us."""
        speech_end_at = now if self.due is None else self.heard.speech_end_at
        return Heard(self.heard.text, speech_end_at, now, now, self.heard.confidence)


class Answers:
    """`answer` is called with what the caller said, once it is all; `expect` with what it probably
    is, as soon as that can be said."""

    def __init__(self, answer: Callable[[Heard], None], expect: Callable[[str], None]) -> None:
        self._answer = answer
        self._expect = expect
        self._kept: _Kept | None = None
        self._over = False

    @property
    def waiting(self) -> bool:
        """Something was said and not answered yet."""
        return self._kept is not None

    def add(self, heard: Heard, due: float | None, now: float) -> None:
        """`heard` was said, after what waits already, and is all if nothing follows until `due`;
        None: once we were heard out."""
        if self._kept is not None:
            heard = self._kept.then(heard)
        self._kept = None
        if due is not None and (due <= now or self._over):
            self._answer(heard)
            return
        self._kept = _Kept(heard, due)
        if due is not None:
            self._expect(heard.text)

    def expect(self, text: str) -> None:
        """These are probably the last words."""
        kept = "" if self._kept is None else self._kept.heard.text
        self._expect(f"{kept} {text}".strip())

    def tick(self, now: float, *, sounding: bool, doubtful: bool = False) -> None:
        """Nobody is saying anything; `sounding`: but we are; `doubtful`: somebody may be after all,
        which is waited for."""
        kept = self._kept
        if kept is None:
            return
        if kept.due is None:
            ready = not sounding
        else:
            ready = now >= kept.due + (DOUBT_S if doubtful else 0.0)
        if ready:
            self._give(now)

    def drop(self) -> None:
        """It was answered otherwise."""
        self._kept = None

    def conclude(self, now: float, *, all_known: bool) -> None:
        """Nobody is there any more to say more: no pause is waited out. Where it is not `all_known`
        yet what was said, that is added, or this called again."""
        waited, self._over = self._over, True
        if waited or all_known:
            self._give(now)

    def _give(self, now: float) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._answer(kept.at(now))
