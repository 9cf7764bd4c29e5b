"""Values as people read them: numbers, durations, units, names that may hold anything."""

from __future__ import annotations

import math
import re
import unicodedata

MISSING = "—"
"""What stands where there is no value; never 0."""

_KEPT = "\n\t\u200c\u200d\u00ad"
_FACTOR = re.compile(r"([A-Za-zµ°%]+)(-?[0-9]+)?")
_SEPARATED = re.compile(r"[^_/.#:;,=&@\-]+[_/.#:;,=&@\-]*|[_/.#:;,=&@\-]+")
_WORDS = re.compile(r"\S+\s*|\s+")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def clean(text: str) -> str:
    r"""Make control and direction characters visible, so that a name cannot pretend to be another.

    >>> clean("a\u202egnp.exe"), clean("tab\x07")
    ('a⟨U+202E⟩gnp.exe', 'tab⟨U+0007⟩')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨U+{ord(c):04X}⟩" if _hidden(c) else c for c in text)


def _hidden(character: str) -> bool:
    return character not in _KEPT and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")


def short(text: str, most: int = 48) -> str:
    """Cut the middle out of a long name.

    >>> short("abcdefghij", 7)
    'abc…hij'
    """
    text = clean(text).replace("\n", " ").replace("\t", " ")
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def pieces(text: str, most: int = 24) -> list[str]:
    """Where a long name may be broken: after its separators, and within what is longer than `most`.

    >>> pieces("of a_b"), pieces("recordings/pump_1.mat"), len(pieces("x" * 30))
    (['of a_b'], ['recordings/', 'pump_', '1.', 'mat'], 2)
    """
    found = [""]
    for word in _WORDS.findall(clean(text)):
        parts = _SEPARATED.findall(word) if len(word) > most * 2 // 3 else [word]
        first, *others = (part[k : k + most] for part in parts for k in range(0, len(part), most))
        found[-1] += first
        found += others
    return found


def without_folder(names: list[str]) -> list[str]:
    """Names without the folder that all of them lie in; a channel's name, after ``#``, is left alone.

    >>> without_folder(["data/a/1.mat#x/y", "data/a/2.mat"])
    ['1.mat#x/y', '2.mat']
    """
    folders = [name.partition("#")[0].rpartition("/")[0] for name in names]
    if not folders or not folders[0] or len(set(folders)) > 1:
        return names
    return [name[len(folders[0]) + 1 :] for name in names]


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits that mean something.

    >>> number(29.9333), number(1234567.0), number(0.0000123), number(float("nan")), number(-2.5)
    ('29.9', '1,234,567', '1.23 × 10⁻⁵', '—', '−2.5')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e9):
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa} × 10{str(int(power)).translate(_RAISED)}".replace("-", "−")
    if size >= 10 ** (digits - 1) or size == 0:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def percent(fraction: float | None) -> str:
    """A fraction in percent.

    >>> percent(0.8751), percent(None)
    ('88 %', '—')
    """
    if fraction is None or not math.isfinite(fraction):
        return MISSING
    return f"{fraction * 100:.0f} %"


def clock(seconds: float | None) -> str:
    """A duration as hours, minutes, seconds.

    >>> clock(8355.6), clock(59.6), clock(None)
    ('2:19:16', '1:00', '—')
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    whole = math.floor(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def units(text: str) -> str:
    """SI units as they are printed.

    >>> units("m s-2"), units("s-1"), units("1"), units("m2 s-4 Hz-1"), units("min-1")
    ('m/s²', 'Hz', '', 'm²/(s⁴ Hz)', '/min')
    """
    if text in ("1", "text", ""):
        return ""
    if text == "s-1":
        return "Hz"
    above: list[str] = []
    below: list[str] = []
    for word in text.split():
        found = _FACTOR.fullmatch(word)
        if found is None:
            return text
        power = int(found[2] or 1)
        raised = "" if abs(power) == 1 else str(abs(power)).translate(_RAISED)
        (above if power > 0 else below).append(found[1] + raised)
    if not below:
        return " ".join(above)
    under = below[0] if len(below) == 1 else f"({' '.join(below)})"
    return f"{' '.join(above)}/{under}"


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """A number with its unit.

    >>> quantity(2000.0, "m s-2"), quantity(float("nan"), "W")
    ('2,000 m/s²', '—')
    """
    shown, printed = number(value, digits), units(unit)
    if shown == MISSING or not printed:
        return shown
    return f"{shown} {printed}" if not printed.startswith("/") else shown + printed


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """``1 record``, ``1,200 records``, ``3 activities``.

    >>> count(1, "record"), count(3, "activity", "activities")
    ('1 record', '3 activities')
    """
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def listed(parts: list[str]) -> str:
    """``a, b and c``.

    >>> listed(["a", "b", "c"]), listed([])
    ('a, b and c', '')
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
