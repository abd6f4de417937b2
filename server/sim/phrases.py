"""What callers say, in words that the demo recogniser knows, by the occasion."""

from __future__ import annotations

__all__ = [
    "ANSWERS",
    "BACKCHANNELS",
    "CORRECTIONS",
    "ELSEWHERE",
    "HESITANT",
    "INTERRUPTIONS",
    "WHOLE",
    "spoken",
]

ANSWERS: dict[str, tuple[str, ...]] = {
    "choice": (
        "oui",
        "oui bien sûr",
        "d'accord",
        "oui avec plaisir",
        "non pas vraiment",
        "pas du tout",
        "non je vais réfléchir",
    ),
    "open": ("je suis d'accord", "oui je crois", "allez-y je vous écoute", "non pas vraiment"),
    "digits": ("sept cinq zéro un deux", "un trois zéro zéro un", "six neuf zéro zéro trois"),
    "name": ("bernard", "martin"),
}
"""By the kind of question, said in one breath."""

HESITANT: dict[str, tuple[tuple[str, ...], ...]] = {
    "choice": (("oui", "bien sûr"), ("euh", "oui d'accord"), ("non", "pas vraiment")),
    "open": (("oui", "j'ai une assurance-vie"), ("je crois", "que c'est bien")),
    "digits": (("sept cinq", "zéro un deux"), ("un trois", "zéro", "zéro un")),
    "name": (("euh", "martin"), ("bernard", "martin")),
}
"""The same with a pause where the caller had more to say."""

WHOLE = frozenset({"oui", "non", "bernard"})
"""Of these parts nobody can know that more comes: a whole answer, said as one."""

BACKCHANNELS = ("oui", "oui oui", "d'accord", "très bien", "ah bon", "ok")
INTERRUPTIONS = (
    "attendez",
    "stop",
    "attendez je vous écoute",
    "je n'ai pas le temps",
    "pardon je n'ai pas compris",
    "c'est une erreur",
    "non je ne suis pas intéressé",
)
CORRECTIONS = ("non pardon", "pardon c'est une erreur", "non je vais réfléchir")
ELSEWHERE = ("attends deux minutes", "qui est là", "c'est une erreur de ma part", "il fait beau")
"""Said to somebody else, or by somebody else."""


def spoken() -> list[str]:
    """Everything, once."""
    said = [text for texts in ANSWERS.values() for text in texts]
    said += [part for answers in HESITANT.values() for parts in answers for part in parts]
    said += [*BACKCHANNELS, *INTERRUPTIONS, *CORRECTIONS, *ELSEWHERE]
    return list(dict.fromkeys(said))
