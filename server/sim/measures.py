"""What the caller noticed of turn-taking: `server.talk.turn_taking`, on what the far end played.

What can be understood both ways counts for neither: speech over a question of ours, where "oui" may
be its answer, over a turn that may not be interrupted, and over one that must be at any sound.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from server.sim.call import Outcome, Shared
from server.sim.phrases import WHOLE
from server.sim.sounds import whole_sound
from server.talk.far_end import Run
from server.talk.turn_taking import IGNORED, INTERRUPTING, Said, Sounded, TurnTaking, judge

__all__ = ["measure"]


@dataclass(slots=True)
class _Turn:
    """A turn that was heard: what it said, how it may be interrupted, and where it is."""

    lines: list[str]
    runs: list[Run]
    whole: bool = False

    def plain(self, sample: int, shared: Shared, rate_hz: int) -> bool:
        """Whether speech that begins at `sample` is over a statement that may be interrupted."""
        step = next((shared.steps[text] for text in self.lines if text in shared.steps), "")
        known = shared.scenario.steps.get(step)
        if known is not None and known.barge_in != "polite":
            return False
        statement = sum(len(whole_sound(text)) for text in self.lines[:-1]) // 2 * rate_hz // 16000
        return sum(max(0, min(run.end, sample) - run.start) for run in self.runs) < statement


def measure(outcome: Outcome, shared: Shared) -> TurnTaking:
    """Of one call."""
    rate = outcome.script.rate_hz
    ms = 1000 / rate
    turns: defaultdict[int, _Turn] = defaultdict(lambda: _Turn([], []))
    for run in outcome.far.runs:
        turns[run.turn].runs.append(run)
    for _, message in outcome.messages:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                turns[turn].lines.append(text)
            case {"type": "turn", "turn": int(turn), "interrupted": bool(cut)}:
                turns[turn].whole = not cut
            case _:
                pass
    said = [
        Said(one.kind, one.first * ms, one.last * ms, one.more, one.text in WHOLE)
        for one in sorted(outcome.said, key=lambda one: one.first)
        if not (one.kind in INTERRUPTING or one.kind in IGNORED)
        or not one.turn
        or turns[one.turn].plain(one.first, shared, rate)
    ]
    sounded = [Sounded(run.turn, run.start * ms, run.end * ms) for run in outcome.far.runs]
    return judge(said, sounded, {number for number, turn in turns.items() if turn.whole})
