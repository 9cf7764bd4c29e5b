"""Words that were probably meant, for the remedies of messages."""

from __future__ import annotations

from collections.abc import Iterable

_MAX_TEXT = 80


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Known words near the given one: those that differ in case alone, if there are any.

    >>> nearest("khz", ["Hz", "kHz", "MHz"])
    ['kHz']
    """
    import difflib

    words = list(dict.fromkeys(known))
    same = [other for other in words if other.casefold() == word.casefold()]
    return same[:count] or difflib.get_close_matches(word[:_MAX_TEXT], words, n=count, cutoff=0.6)


def suggest(word: str, known: Iterable[str], otherwise: str, prefix: str = "") -> str:
    """Ask for the nearest known words, or say something else where none is near.

    >>> suggest("bandpas", ["bandpass", "mean_max"], "see the list")
    'did you mean bandpass?'
    >>> suggest("zzz", ["bandpass"], "see the list")
    'see the list'
    """
    near = nearest(word, known)
    return f"did you mean {' or '.join(prefix + one for one in near)}?" if near else otherwise


def printable(text: str) -> str:
    """Write control and direction characters as escapes, so that a message cannot steer a terminal.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
