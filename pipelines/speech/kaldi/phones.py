"""The recogniser's phones, and the phones of a text as espeak-ng says them.

A phone is a class of sounds that the network tells apart: it has two pdfs (forward and self-loop).
The class at index ``k`` of `PHONES` has the pdfs ``2k`` and ``2k + 1``. In the graph a phone has a
position in its word (``_B`` begin, ``_I`` inside, ``_E`` end, ``_S`` single); the four positions of
a class are phones of their own that share its pdfs, so that the decoder finds where words begin.
The order of `symbols` gives the phones' ids from 1 on, silence first; phone ``p`` has the
transition ids ``2p`` (forward) and ``2p - 1`` (self-loop).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.speech.espeak import EspeakVoice, Mark, library

__all__ = [
    "PHONES",
    "POSITIONS",
    "SILENCE",
    "Segment",
    "classes_of_symbols",
    "positioned",
    "segments",
    "speakable",
    "symbols",
    "transcribe",
]

SILENCE = "SIL"
POSITIONS = ("B", "E", "I", "S")

PHONES: dict[str, tuple[str, ...]] = {
    # X-SAMPA. /œ̃/ counts as /ɛ̃/, as most speakers say it.
    "fr": (
        SILENCE, "a", "A~", "e", "E", "E~", "@", "i", "o", "O", "O~", "u", "y", "2", "9",
        "b", "d", "f", "g", "Z", "k", "l", "m", "n", "J", "p", "R", "s", "S", "t", "v", "w", "z",
        "j",
    ),
    # ARPAbet.
    "en": (
        SILENCE, "aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow",
        "oy", "uh", "uw", "b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng",
        "p", "r", "s", "sh", "t", "th", "v", "w", "y", "z", "zh",
    ),
}  # fmt: skip
"""The classes of each language, in the order of their pdfs."""

_VOICES = {"fr": "fr", "en": "en-us"}

# espeak-ng's mnemonics without stress and length. What stands for no sound of its own is empty.
_ENGLISH = {
    "a": "ae", "aa": "ae", "a#": "ax", "A": "aa", "A@": "aa r", "E": "eh", "e@": "eh r",
    "I": "ih", "I2": "ih", "I#": "ih", "i": "iy", "i@": "ih ax", "i@3": "ih r", "0": "aa",
    "V": "ah", "u": "uw", "U": "uh", "U@": "uh r", "O": "ao", "O2": "ao", "O@": "ao r",
    "o@": "ao r", "oU": "ow", "3": "er", "@": "ax", "@2": "ax", "@-": "ax", "@5": "ax",
    "@L": "ax l", "aI": "ay", "aI@": "ay ax", "aI3": "ay er", "aU": "aw", "aU@": "aw ax",
    "eI": "ey", "OI": "oy", "tS": "ch", "dZ": "jh", "D": "dh", "T": "th", "S": "sh", "Z": "zh",
    "N": "ng", "h": "hh", "j": "y", "r-": "r", "n-": "n", "t#": "t", "t2": "t", "?": "t",
    ";": "", "b": "b", "d": "d", "f": "f", "g": "g", "k": "k", "l": "l", "m": "m", "n": "n",
    "p": "p", "r": "r", "s": "s", "t": "t", "v": "v", "w": "w", "z": "z",
}  # fmt: skip

_FRENCH = {
    "a": "a", "a-": "a", "A": "a", "A~": "A~", "e": "e", "e-": "e", "E": "E", "E2": "E",
    "E~": "E~", "W~": "E~", "@": "@", "@-": "@", "i": "i", "o": "o", "O": "O", "O~": "O~",
    "u": "u", "y": "y", "y-": "y", "Y": "2", "W": "9", "b": "b", "d": "d", "f": "f", "g": "g",
    "Z": "Z", "k": "k", "l": "l", "m": "m", "n": "n", "n^": "J", "p": "p", "p2": "p", "r": "R",
    "s": "s", "S": "S", "t": "t", "t2": "t", "v": "v", "w": "w", "z": "z", "z2": "z", "j": "j",
    ";": "",
}  # fmt: skip

# Words that espeak-ng takes for English in a French sentence ("mail", "week-end"), said in French.
_FRENCH_OF_ENGLISH = {
    "aa": "O", "ae": "a", "ah": "9", "ao": "O", "aw": "a w", "ax": "@", "ay": "a j", "eh": "E",
    "er": "9", "ey": "E", "ih": "i", "iy": "i", "ow": "o", "oy": "O j", "uh": "u", "uw": "u",
    "ch": "t S", "dh": "z", "hh": "", "jh": "d Z", "ng": "n", "r": "R", "sh": "S", "th": "s",
    "y": "j", "zh": "Z",
}  # fmt: skip

# Phones of an elided word, where they are not one: what stands before the apostrophe.
_ELIDED = {"jusqu": 4, "lorsqu": 5, "puisqu": 5, "quoiqu": 4, "quelqu": 4, "presqu": 5}


@dataclass(frozen=True, slots=True)
class Segment:
    """A phone as it was spoken: the word it belongs to (its index in ``text.split()``, or None for
    silence), and where it begins and ends, in samples of the library's rate."""

    phone: str
    word: int | None
    start: int
    end: int


def symbols(language: str) -> tuple[str, ...]:
    """The phones of the graph in the order of their ids, which begin with 1."""
    spoken = PHONES[language][1:]
    return (SILENCE, *(f"{phone}_{position}" for phone in spoken for position in POSITIONS))


def classes_of_symbols(language: str) -> tuple[int, ...]:
    """For each of `symbols`, the index of its class in `PHONES`."""
    spoken = range(1, len(PHONES[language]))
    return (0, *(index for index in spoken for _ in POSITIONS))


def positioned(word: tuple[str, ...]) -> tuple[str, ...]:
    """A word's phones with their positions: ``("w", "i")`` is ``("w_B", "i_E")``."""
    if len(word) == 1:
        return (f"{word[0]}_S",)
    last = len(word) - 1
    ends = {0: "B", last: "E"}
    return tuple(f"{phone}_{ends.get(index, 'I')}" for index, phone in enumerate(word))


def _language_map(language: str) -> dict[str, tuple[str, ...]]:
    def split(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
        return {mnemonic: tuple(phones.split()) for mnemonic, phones in table.items()}

    english = split(_ENGLISH)
    if language == "en":
        return english
    loan = split(_FRENCH_OF_ENGLISH)
    borrowed = {
        mnemonic: tuple(said for phone in phones for said in loan.get(phone, (phone,)))
        for mnemonic, phones in english.items()
    }
    return borrowed | split(_FRENCH)


_MAPS = {language: _language_map(language) for language in PHONES}


def _phones_of(mnemonic: str, language: str) -> tuple[str, ...] | None:
    """The classes of a mnemonic, or None if it is a pause."""
    bare = mnemonic.strip("',%=|").replace(":", "")
    if not bare or bare.startswith("_"):
        return None
    try:
        return _MAPS[language][bare]
    except KeyError:
        raise ValueError(
            f"espeak-ng's phoneme {mnemonic!r} has no class in {language!r}; "
            f"add it to the table in {__name__}"
        ) from None


class _Spelling:
    """A text as espeak-ng gets it: elided words are joined to the next ("l' an" is "l'an")."""

    def __init__(self, text: str) -> None:
        self.words = text.split()
        self._starts: list[int] = []
        self.line = ""
        for word in self.words:
            if self.line and not self.line.endswith("'"):
                self.line += " "
            self._starts.append(len(self.line))
            self.line += word

    def group_at(self, character: int) -> range:
        """The words that are one for espeak-ng, by the character at which it begins."""
        last = max((i for i, start in enumerate(self._starts) if start <= character), default=0)
        while last + 1 < len(self.words) and self.words[last].endswith("'"):
            last += 1
        first = last
        while first > 0 and self.words[first - 1].endswith("'"):
            first -= 1
        return range(first, last + 1)

    def split(self, group: range, count: int) -> Iterator[int]:
        """To which word of `group` each of its `count` phones belongs."""
        for word in group[:-1]:
            elided = min(_ELIDED.get(self.words[word].rstrip("'"), 1), count)
            count -= elided
            yield from (word,) * elided
        yield from (group[-1],) * count


def segments(text: str, marks: Iterable[Mark], samples: int, language: str) -> list[Segment]:
    """What espeak-ng said for ``speakable(text)``: contiguous segments from 0 to `samples`.

    A mnemonic of two classes is cut in halves; one of none goes to the phone before it.
    Raises ValueError for a phoneme that the language's table does not have.
    """
    spelling = _Spelling(text)
    # "(en)" and "(fr)" stand where the language changes, and take no time of their own.
    ordered = [mark for mark in marks if not mark.phoneme.startswith("(")]
    said: list[tuple[str, range | None, int]] = []  # phone, words, first sample
    for index, mark in enumerate(ordered):
        end = ordered[index + 1].sample if index + 1 < len(ordered) else samples
        phones = _phones_of(mark.phoneme, language)
        if phones is None:
            said.append((SILENCE, None, mark.sample))
            continue
        group = spelling.group_at(mark.character)
        for part, phone in enumerate(phones):
            start = mark.sample + (end - mark.sample) * part // len(phones)
            said.append((phone, group, start))
    return list(_merge(said, spelling, samples))


def _merge(
    said: list[tuple[str, range | None, int]], spelling: _Spelling, samples: int
) -> Iterator[Segment]:
    """Give each phone its word and end; pauses that follow each other become one."""
    counts: dict[range, int] = {}
    for _, group, _ in said:
        if group is not None:
            counts[group] = counts.get(group, 0) + 1
    owners = {group: spelling.split(group, count) for group, count in counts.items()}
    pending: tuple[str, int | None, int] = (SILENCE, None, 0)
    for phone, group, start in said:
        word = None if group is None else next(owners[group])
        if word is None and pending[1] is None:
            continue
        if start > pending[2] or pending[1] is not None:  # a phone may have no time at all
            yield Segment(*pending, start)
        pending = (phone, word, start)
    if samples > pending[2]:
        yield Segment(*pending, samples)


def speakable(text: str) -> str:
    """`text` as it is given to espeak-ng: elided words joined to the next."""
    return _Spelling(text).line


def transcribe(text: str, language: str) -> list[tuple[str, ...]]:
    """The phones of each of ``text.split()``, as said in this sentence: with its liaisons.

    A word that espeak-ng swallows into its neighbour is looked up alone, and then so are the
    others; what cannot be spoken at all is empty. Takes about 1 ms a sentence.
    Raises ValueError for a phoneme that the language's table does not have.
    """
    words = text.split()
    said = _said(text, language)
    if len(words) > 1 and not all(said):
        alone = [_said(word, language)[0] for word in words]
        return [one if one and not all(said) else two for one, two in zip(alone, said, strict=True)]
    return said


def _said(text: str, language: str) -> list[tuple[str, ...]]:
    spelling = _Spelling(text)
    voice = EspeakVoice(_VOICES[language], rate_wpm=400)  # the faster, the sooner done
    pcm, marks = library().trace(spelling.line, voice)
    said: list[list[str]] = [[] for _ in spelling.words]
    for segment in segments(text, marks, len(pcm) // 2, language):
        if segment.word is not None:
            said[segment.word].append(segment.phone)
    return [tuple(phones) for phones in said]
