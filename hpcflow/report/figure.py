"""Drawings as inline SVG whose colours follow the page, so that one drawing serves light, dark and print.

matplotlib draws with stand-in colours; the SVG then names the page's CSS variables instead. Text stays
text: it can be searched, takes the page's font, and is escaped by the XML writer. No dates, no random
identifiers: the same data give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from hpcflow.report.parts import Picture
from hpcflow.report.text import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, SHADE = "#00fe01", "#00fe02", "#00fe03", "#00fe04"
BLUE, RED, AMBER, PURPLE, GREEN, TEAL = "#00fe11", "#00fe12", "#00fe13", "#00fe14", "#00fe15", "#00fe16"

SERIES = (BLUE, AMBER, PURPLE, GREEN, RED, TEAL)
"""Colours of lines that are told apart, in order of use."""

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    SHADE: "--shade",
    BLUE: "--blue",
    RED: "--red",
    AMBER: "--amber",
    PURPLE: "--purple",
    GREEN: "--green",
    TEAL: "--teal",
}

WIDE, NARROW = 760, 344
"""Widths in CSS pixels: of the text column, and of a phone's."""

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hpcflow",
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "grid.alpha": 0.7,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_DECIMALS = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")

Draw = Callable[["Figure"], None]
"""Draws into an empty figure; its size tells for which page width."""


def picture(
    draw: Draw,
    alt: str,
    caption: str = "",
    *,
    size: tuple[int, int],
    narrow: tuple[int, int] | None = None,
    margins: tuple[int, int, int, int] | None = None,
) -> Picture:
    """Draw once, or twice where a phone needs a drawing of its own.

    Parameters
    ----------
    draw
        Called with a figure of each size.
    alt
        What the picture shows.
    size, narrow
        Width and height in CSS pixels.
    margins
        Left, right, top and bottom of the only axes, in pixels; found by matplotlib otherwise, which takes
        twice as long.
    """
    return Picture(
        _svg(draw, size, alt, margins),
        alt=alt,
        caption=caption,
        narrow=_svg(draw, narrow, alt, margins) if narrow else "",
    )


def _svg(
    draw: Draw, size: tuple[int, int], alt: str, margins: tuple[int, int, int, int] | None = None
) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = _STYLE
    with matplotlib.rc_context(style):
        width, height = size
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, layout=None if margins else "constrained")
        if margins:
            left, right, top, bottom = margins
            figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
        canvas: Any = FigureCanvasSVG(figure)
        draw(figure)
        file = io.StringIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # the page's fonts will draw it
            canvas.print_svg(file, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _inline(file.getvalue(), alt)


def _inline(svg: str, alt: str) -> str:
    """Fit a drawing into a page: page colours, identifiers of its own, nothing that is not needed."""
    root = ElementTree.fromstring(svg)
    prefix = f"f{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    wanted = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.attrib.pop(name)
                if value in wanted:
                    element.set(name, prefix + value)
            elif name == f"{{{_XLINK}}}href" and value.startswith("#"):
                element.attrib.pop(name)
                element.set("href", f"#{prefix}{value[1:]}")
            elif name in ("d", "x", "y", "transform", "points"):
                element.set(name, _DECIMALS.sub(_round, value))
            else:
                value = _REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)
                element.set(name, _themed(value) if name == "style" else value)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", clean(alt))
    return _without_namespaces(root)


def _references(element: ElementTree.Element) -> list[str]:
    link = element.get(f"{{{_XLINK}}}href", "")
    found = [link[1:]] if link.startswith("#") else []
    for value in element.attrib.values():
        found += _REFERENCE.findall(value)
    return found


def _round(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")


def _themed(style: str) -> str:
    for colour, variable in _VARIABLES.items():
        style = style.replace(colour, f"var({variable})")
    return style


def _without_namespaces(root: ElementTree.Element) -> str:
    """HTML knows SVG by its tag; prefixes would only be in the way."""
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for name in [n for n in element.attrib if n.startswith("{")]:
            if name == f"{{{_XLINK}}}href":
                element.set("href", element.attrib[name])
            element.attrib.pop(name)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def spark(values: Sequence[float | None], width: int = 96, height: int = 20) -> str:
    """A line the size of a word: only numbers go into it.

    >>> spark([0, 1, None, 2])
    '0,19 32,10 M96,1'
    """
    known = [v for v in values if v is not None and np.isfinite(v)]
    if not known:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = width / max(1, len(values) - 1)
    points: list[str] = []
    pen = False
    for index, value in enumerate(values):
        if value is None or not np.isfinite(value):
            pen = False
            continue
        place = f"{index * step:.4g},{height - 1 - (value - low) / span * (height - 2):.4g}"
        points.append(place if pen or not points else f"M{place}")
        pen = True
    return " ".join(points)


def thin(values: np.ndarray, most: int) -> list[float | None]:
    """Means of equal stretches, for a spark; None where a stretch has no value."""
    if len(values) == 0:
        return []
    edges = np.linspace(0, len(values), min(most, len(values)) + 1).astype(np.int64)
    stretches = [values[a:b][np.isfinite(values[a:b])] for a, b in pairwise(edges)]
    return [float(s.mean()) if len(s) else None for s in stretches]


def envelope(x: np.ndarray, y: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Fewer points that look the same: smallest and largest of each stretch, NaN where one is missing.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    most : int
        Points to keep, about.
    """
    stretch = -(-len(y) // max(1, most // 2))
    if stretch <= 2:
        return x, y
    count = len(y) // stretch
    cut = count * stretch
    folded = y[:cut].reshape(count, stretch)
    low, high = folded.min(axis=1), folded.max(axis=1)
    swap = folded.argmin(axis=1) > folded.argmax(axis=1)
    pair = np.where(swap[:, None], np.stack([high, low], axis=1), np.stack([low, high], axis=1))
    at = x[:cut].reshape(count, stretch)
    places = np.stack([at[:, stretch // 4], at[:, (3 * stretch) // 4]], axis=1)
    return np.append(places.ravel(), x[cut:]), np.append(pair.ravel(), y[cut:])


def binned(y: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centres, means, smallest and largest values of equal stretches; NaN where nothing is known."""
    stretch = max(1, -(-len(y) // most))
    count = -(-len(y) // stretch)
    padded = np.full(count * stretch, np.nan)
    padded[: len(y)] = y
    folded = padded.reshape(count, stretch)
    known = np.isfinite(folded)
    amount = known.sum(axis=1)
    total = np.where(known, folded, 0).sum(axis=1)
    mean = np.divide(total, amount, out=np.full(count, np.nan), where=amount > 0)
    low = np.where(amount > 0, np.where(known, folded, np.inf).min(axis=1), np.nan)
    high = np.where(amount > 0, np.where(known, folded, -np.inf).max(axis=1), np.nan)
    return (np.arange(count) + 0.5) * stretch, mean, low, high


PLAIN = (58, 8, 8, 40)
"""Margins round axes with a label on the left and one below."""


def is_narrow(figure: Figure) -> bool:
    """Whether the figure is for a phone."""
    return float(figure.get_size_inches()[0]) * 72 < 500


def bare(axes: Axes) -> None:
    """An axis without ticks, labels and frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
