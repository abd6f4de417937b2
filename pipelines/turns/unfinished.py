"""Words after which nobody stops: what a phrase that is not finished ends in.

Words keep their accents here ("à" goes on, the "a" of "livret a" does not), and their apostrophes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.mind.language import LANGUAGES as MEANINGS
from pipelines.mind.language import Language, tokens

__all__ = ["ENDINGS", "Endings", "digits", "spoken"]


@dataclass(frozen=True, slots=True)
class Endings:
    """`goes_on` are words, and pairs of them, that something follows, unless one of those given
    with them stands close before ("j'en ai un", "ça va"); `hesitations` are sounds of thinking;
    `beginnings` are said alone by nobody, though they may end something ("oui je veux")."""

    goes_on: Mapping[str, frozenset[str]]
    hesitations: frozenset[str]
    beginnings: frozenset[str] = frozenset()

    def unfinished(self, words: Sequence[str]) -> bool:
        """Whether `words` (see `spoken`) break off. One word alone is an answer, unless it only
        leads to one."""
        if not words:
            return False
        if " ".join(words) in self.beginnings:
            return True
        last = words[-1]
        if last in self.hesitations or last.endswith(("'", "-")):
            return True
        return self._goes_on(last, words[-4:-1]) or self._goes_on(
            " ".join(words[-2:]), words[-5:-2]
        )

    def _goes_on(self, ending: str, before: Sequence[str]) -> bool:
        settled = self.goes_on.get(ending)
        return settled is not None and settled.isdisjoint(before)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _after(words: str, unless: str = "") -> dict[str, frozenset[str]]:
    """Pairs are written with ``_``."""
    return {word.replace("_", " "): _set(unless) for word in words.split()}


# fmt: off
FRENCH = Endings(
    goes_on=_after(
        "le la les un une des du de au aux ce cet cette ces mon ma mes ton ta tes son sa ses notre"
        " votre nos vos leur leurs quel quelle quels quelles"
        " à dans pour par sur sous avec sans chez entre vers en depuis pendant contre jusqu'à"
        " et ou mais donc car que qui si parce puisque comme lorsque quand"
        " je tu il ils on ne j'ai c'est c'était suis est était sont voudrais voulais aimerais"
        " très plutôt trop",
        unless="en j'en n'en s'en l'en",
    )
    # "Ça va", "j'y vais", "oui je veux"; but "je vais" leads to what one does.
    | _after("vais vas va vont", unless="ça y j'y n'y")
    | _after("veux veut peux peut dois doit", unless="oui si")
    | _after("n'ai n'as n'a n'avez n'ont n'est n'étais n'était m'ai m'a m'avez l'avez")
    # "Je ne sais pas" is all; "je n'ai pas" is not.
    | _after("n'ai_pas ai_pas n'a_pas n'est_pas est_pas c'est_pas suis_pas vais_pas"),
    hesitations=_set("euh heu hum hm mm ben bah alors disons enfin"),
    beginnings=frozenset({"je dirais", "je veux", "il y a", "il faut"}),
)

ENGLISH = Endings(
    goes_on=_after(
        "a an the my your his our their of to for with from at by into about between"
        " and or but because so if that which who when than as"
        " i i'm i've i'll i'd it's there's we're want very rather too would_like i'd_like"
        " i'm_not it's_not"
    ),
    hesitations=_set("uh um er erm hm hmm well"),
    beginnings=frozenset({"i think", "i guess", "i would", "i have", "there is"}),
)
# fmt: on

ENDINGS: Mapping[str, Endings] = {"fr": FRENCH, "en": ENGLISH}
"""By ISO 639-1 code."""

_WORD = re.compile(r"[^\W_]+(?:['-](?:[^\W_]+|$))*'?")


def spoken(text: str) -> list[str]:
    """Words in lower case with accents, apostrophes and hyphens."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def digits(text: str, language: str) -> int:
    """How many digits were said, in words or figures, as telephone numbers are: "zéro six
    douze quatre-vingt-dix-sept" are six."""
    meaning = MEANINGS.get(language)
    if meaning is None:
        return sum(map(str.isdecimal, text))
    return sum(map(_size, _groups(tokens(text, meaning), meaning)))


def _groups(words: Sequence[str], meaning: Language) -> list[list[int]]:
    """The numbers of `words`: each the values it was said with. A word in figures counts for its
    length, as that many zeros."""
    groups: list[list[int]] = []
    for word in words:
        if word.isdecimal():
            groups.extend([0] for _ in word)
            continue
        value = 100 if word in meaning.hundred else meaning.numbers.get(word)
        if value is None:
            continue
        if groups and _joins(groups[-1], value):
            groups[-1].append(value)
        else:
            groups.append([value])
    return groups


def _joins(group: Sequence[int], value: int) -> bool:
    """ "soixante dix", "vingt deux", "quatre vingt(s)", "quatre-vingt-douze", "dix sept"."""
    last = group[-1]
    if value == 20:
        return last == 4 and len(group) == 1
    if last == 20 and len(group) == 2:
        return 0 < value < 20
    if last in (60, 80):
        return 0 < value < 20
    if last == 10:
        return 6 < value < 10
    return last % 10 == 0 and last >= 20 and 0 < value < 10


def _size(values: Sequence[int]) -> int:
    return 3 if 100 in values else 2 if max(values) > 9 else 1
