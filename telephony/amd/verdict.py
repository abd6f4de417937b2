"""From statements to a verdict: log likelihood ratios are added, one per witness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, log

from telephony.amd.evidence import Evidence, Kind, Statement, Verdict

__all__ = ["PRIOR", "SURE", "concluded", "posterior"]

PRIOR: Mapping[Kind, float] = {
    Kind.HUMAN: 0.55,
    Kind.VOICEMAIL: 0.30,
    Kind.NETWORK: 0.05,
    Kind.FAX: 0.02,
    Kind.SILENCE: 0.05,
    Kind.MUSIC: 0.03,
}
"""Of answered calls of a campaign. What is dear is to take a person for a machine."""

SURE: Mapping[Kind, float] = {
    Kind.HUMAN: 0.90,
    Kind.VOICEMAIL: 0.92,
    Kind.NETWORK: 0.92,
    Kind.FAX: 0.95,
    Kind.SILENCE: 0.80,
    Kind.MUSIC: 0.85,
}
"""From which probability on it is said. A person is spoken to anyhow; on a machine we hang up."""
REVISE = 0.95
"""To take back what was said, more is needed."""


def posterior(statements: Iterable[Statement]) -> dict[Kind, float]:
    """The probability of each kind but the unknown; they add up to 1."""
    scores = {kind: log(prior) for kind, prior in PRIOR.items()}
    for statement in statements:
        for kind, nats in statement.weights.items():
            scores[kind] += nats
    top = max(scores.values())
    parts = {kind: exp(score - top) for kind, score in scores.items()}
    total = sum(parts.values())
    return {kind: part / total for kind, part in parts.items()}


def concluded(
    statements: Mapping[str, Statement], before: Kind | None, now: float, answered_at: float
) -> Verdict | None:
    """The verdict at `now`, if there is one that says more than `before` did."""
    likely = posterior(statements.values())
    kind = max(likely, key=lambda one: likely[one])
    least = SURE[kind]
    if before is not None and before is not Kind.UNKNOWN:
        least = max(least, REVISE if kind is not Kind.HUMAN or before is not Kind.SILENCE else 0.0)
    if kind is before or likely[kind] < least:
        return None
    return verdict(kind, statements, now, answered_at, before)


def verdict(
    kind: Kind,
    statements: Mapping[str, Statement],
    now: float,
    answered_at: float,
    before: Kind | None = None,
) -> Verdict:
    """`kind`, with what speaks for and against it, the weightiest first."""
    likely = posterior(statements.values())
    known = likely if kind in likely else {}
    confidence = known.get(kind, 0.0)
    rival = max((one for one in likely if one is not kind), key=lambda one: likely[one])
    evidence = [
        Evidence(
            statement.witness,
            statement.says,
            statement.at - answered_at,
            statement.weights.get(kind, 0.0) - statement.weights.get(rival, 0.0),
        )
        for statement in statements.values()
    ]
    evidence.sort(key=lambda one: -abs(one.weight))
    return Verdict(kind, confidence, now, now - answered_at, tuple(evidence), before)
