"""Bearings: published geometries, what a `bearing` fact may say, and the frequencies that follow."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

UNITS = {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "in": 0.0254, "inch": 0.0254, '"': 0.0254}
ANGLES = {"deg": math.pi / 180, "°": math.pi / 180, "rad": 1.0}


@dataclass(frozen=True)
class Multiples:
    """Kinematic frequencies in multiples of the shaft's rotation, the outer ring standing still.

    Attributes
    ----------
    inner, outer : float
        Ball pass frequency of the inner and of the outer race (BPFI, BPFO).
    rolling : float
        Twice the ball spin frequency: a defect meets both races in one turn of the rolling element.
    cage : float
        Fundamental train frequency (FTF).
    """

    inner: float
    outer: float
    rolling: float
    cage: float


@dataclass(frozen=True)
class Bearing:
    """A bearing's geometry.

    Attributes
    ----------
    name : str
    balls : int
        Rolling elements in one row.
    ball_diameter, pitch_diameter : float
        m.
    contact_angle : float
        rad.
    source : str
        Where the numbers were published.
    aliases : tuple of str
        Other designations of the same geometry.
    """

    name: str
    balls: int
    ball_diameter: float
    pitch_diameter: float
    contact_angle: float
    source: str
    aliases: tuple[str, ...] = ()

    def multiples(self) -> Multiples:
        """Kinematics without slip (Randall and Antoni 2011, equations 1 to 4).

        >>> known = find("SKF 6205-2RS JEM").multiples()
        >>> [round(value, 3) for value in (known.inner, known.outer, known.rolling, known.cage)]
        [5.415, 3.585, 4.713, 0.398]
        """
        ratio = self.ball_diameter / self.pitch_diameter * math.cos(self.contact_angle)
        return Multiples(
            inner=self.balls / 2 * (1 + ratio),
            outer=self.balls / 2 * (1 - ratio),
            rolling=self.pitch_diameter / self.ball_diameter * (1 - ratio * ratio),
            cage=(1 - ratio) / 2,
        )


def _inches(
    name: str, balls: int, ball: float, pitch: float, degrees: float, source: str, *aliases: str
) -> Bearing:
    return Bearing(name, balls, ball * 0.0254, pitch * 0.0254, math.radians(degrees), source, aliases)


def _millimetres(
    name: str, balls: int, ball: float, pitch: float, degrees: float, source: str, *aliases: str
) -> Bearing:
    return Bearing(name, balls, ball * 1e-3, pitch * 1e-3, math.radians(degrees), source, aliases)


_CWRU = "Case Western Reserve University Bearing Data Center, bearing information"

REGISTRY = (
    _inches("SKF 6205-2RS JEM", 9, 0.3126, 1.537, 0.0, _CWRU, "6205-2RS JEM", "6205-2RS", "SKF 6205", "6205"),
    _inches("SKF 6203-2RS JEM", 8, 0.2656, 1.122, 0.0, _CWRU, "6203-2RS JEM", "6203-2RS", "SKF 6203", "6203"),
    _inches(
        "NICE", 8, 0.235, 1.245, 0.0, "Bechhoefer, MFPT bearing fault data set, 2013", "MFPT NICE", "MFPT"
    ),
    _inches(
        "Rexnord ZA-2115",
        16,
        0.331,
        2.815,
        15.17,
        "Qiu, Lee, Lin, Yu, J. Sound and Vibration 289 (2006), IMS run-to-failure tests",
        "ZA-2115",
        "IMS",
    ),
    _millimetres(
        "LDK UER204",
        8,
        7.92,
        34.55,
        0.0,
        "Wang, Lei, Li, Li, IEEE Trans. Reliability 69 (2020), XJTU-SY bearings",
        "UER204",
        "XJTU-SY",
    ),
    _millimetres(
        "NSK 6804RS",
        13,
        3.5,
        25.6,
        0.0,
        "Nectoux et al., IEEE PHM 2012, PRONOSTIA platform",
        "6804RS",
        "6804",
        "PRONOSTIA",
    ),
    _millimetres(
        "KAt 6203",
        8,
        6.75,
        28.55,
        0.0,
        "Lessmeier, Kimotho, Zimmer, Sextro, PHM Europe 2016, Paderborn test rig",
        "Paderborn 6203",
        "FAG 6203",
        "IBU 6203",
        "MTK 6203",
    ),
    _millimetres(
        "ER16K",
        9,
        7.94,
        38.52,
        0.0,
        "Huang and Baddour, Data in Brief 21 (2018), University of Ottawa",
        "ER-16K",
    ),
)
"""Published geometries. A maker's bearing of the same size may differ by a rolling element: state it."""

FORMS = (
    'a known designation, geometry such as "balls=8 ball_diameter=0.235in pitch_diameter=1.245in '
    'contact_angle=0deg", or multiples of shaft speed such as "bpfi=5.4152 bpfo=3.5848 bsf=2.3567 ftf=0.3983"'
)


class UnknownBearingError(ValueError):
    """A `bearing` fact that names no known bearing and describes none."""


_SUFFIX = r"(?:2?RS(?:H|L|R|1|2)?|2?ZR?|ZZ|DDU?|LL[UB]|VV|C[2-5]|CN|JEM)"
"""Seals, shields, clearance and grease, written behind a designation: they change nothing of what rolls."""


def _key(designation: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", designation.upper())


def _plain(designation: str) -> str:
    """A designation's key without suffixes.

    >>> _plain("SKF 6205-2RS/C3"), _plain("6205ZZ"), _plain("6202-2Z"), _plain("6205 ETN9")
    ('SKF6205', '6205', '6202', '6205ETN9')
    """
    words = re.split(r"[^A-Z0-9]+", designation.upper().strip())
    while len(words) > 1 and re.fullmatch(_SUFFIX, words[-1]):
        words.pop()
    return re.sub(
        rf"(?<=[0-9]{{4}}){_SUFFIX}$", "", words.pop() if len(words) == 1 else _key(" ".join(words))
    )


def find(designation: str) -> Bearing:
    """The published geometry of a designation.

    Case, blanks, hyphens and slashes do not matter, nor do suffixes of seals, shields, clearance and grease.

    Raises
    ------
    UnknownBearingError
        With the known designations.

    Examples
    --------
    >>> find("skf 6205-2RS C3").name
    'SKF 6205-2RS JEM'
    """
    for key in (_key, _plain):
        for bearing in REGISTRY:
            if key(designation) in {key(name) for name in (bearing.name, *bearing.aliases)}:
                return bearing
    raise UnknownBearingError(
        f"no bearing is known as {designation!r} (known: {', '.join(bearing.name for bearing in REGISTRY)}), "
        f"so its fault frequencies cannot be worked out: give {FORMS}"
    )


def multiples_of(fact: str) -> Multiples:
    """Frequencies of whatever a `bearing` fact says.

    Parameters
    ----------
    fact : str
        A designation; or ``balls= ball_diameter= pitch_diameter= [contact_angle=]`` with units mm, cm, m or
        in and deg or rad; or ``bpfi= bpfo= bsf= [ftf=]`` as multiples of shaft speed, `bsf` being the spin of
        the rolling element (its line lies at twice that).

    Raises
    ------
    UnknownBearingError
        Naming what is wrong with the text.

    Examples
    --------
    >>> round(multiples_of("balls=8 ball_diameter=0.235in pitch_diameter=1.245in").outer, 3)
    3.245
    >>> round(multiples_of("bpfi=5.4152, bpfo=3.5848, bsf=2.3567").cage, 4)
    0.3983
    """
    if "=" not in fact:
        return find(fact).multiples()
    given: dict[str, str] = {}
    rest = re.sub(
        r"([A-Za-z_]+)\s*=\s*([^\s,;]+)[,;]?", lambda m: given.update({m[1].lower(): m[2]}) or "", fact
    )
    if rest.strip():
        raise UnknownBearingError(f"{rest.strip()!r} in the bearing {fact!r} is not name=value: give {FORMS}")
    if "bpfi" in given or "bpfo" in given:
        _only(fact, given, ("bpfi", "bpfo", "bsf"), ("ftf",))
        inner, outer, spin = (_number(fact, name, given[name]) for name in ("bpfi", "bpfo", "bsf"))
        cage = _number(fact, "ftf", given["ftf"]) if "ftf" in given else outer / (inner + outer)
        if not 0 < cage < 0.5 < outer < inner:
            raise UnknownBearingError(
                f"bearing {fact!r}: multiples of shaft speed must satisfy 0 < ftf < 0.5 < bpfo < bpfi: check "
                "whether they are in Hz, or exchanged"
            )
        return Multiples(inner, outer, 2 * spin, cage)
    _only(fact, given, ("balls", "ball_diameter", "pitch_diameter"), ("contact_angle",))
    balls = _number(fact, "balls", given["balls"])
    ball = _number(fact, "ball_diameter", given["ball_diameter"], UNITS)
    pitch = _number(fact, "pitch_diameter", given["pitch_diameter"], UNITS)
    angle = (
        _number(fact, "contact_angle", given["contact_angle"], ANGLES) if "contact_angle" in given else 0.0
    )
    if balls != int(balls) or not 3 <= balls <= 500 or not 0 < ball < pitch or not 0 <= angle < math.pi / 2:
        raise UnknownBearingError(
            f"bearing {fact!r}: needs a whole number of at least 3 balls, 0 < ball_diameter < pitch_diameter "
            "and a contact angle below 90 deg"
        )
    return Bearing(fact, int(balls), ball, pitch, angle, "the record's own facts").multiples()


def _only(fact: str, given: dict[str, str], needed: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in given]
    unknown = [name for name in given if name not in needed + allowed]
    if missing or unknown:
        what = f"lacks {', '.join(missing)}" if missing else f"has no place for {', '.join(unknown)}"
        raise UnknownBearingError(f"bearing {fact!r} {what}: give {FORMS}")


def _number(fact: str, name: str, text: str, units: dict[str, float] | None = None) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)(.*)", text)
    unit = match[2] if match else ""
    if match is None or (units is None and unit) or (units is not None and unit not in units):
        expected = f"a number with a unit ({', '.join(units)})" if units else "a plain number"
        raise UnknownBearingError(f"bearing {fact!r}: {name} must be {expected}, not {text!r}")
    return float(match[1]) * (units[unit] if units else 1.0)
