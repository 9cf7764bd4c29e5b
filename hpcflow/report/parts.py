"""What a page is made of. Views return these; the template turns them into HTML and escapes every text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["", "good", "bad", "warn", "quiet", "inner", "outer", "rolling"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text
        What is read.
    tone
        Colour of a badge round the text; "" for none. The text says the same, so colour is never alone.
    link
        Anchor on the page.
    spark
        Values of a small line beside the text, () for none; None breaks the line.
    note
        A second, quieter line.
    """

    text: str
    tone: Tone = ""
    link: str = ""
    spark: tuple[float | None, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table. Its first column names the row; at phone width each row becomes a small card.

    Attributes
    ----------
    head
        Column titles.
    rows
        Cells, as many as titles.
    numbers
        Columns set flush right with figures of one width.
    caption
        What the table is; read out and shown above it.
    folded
        Shown only when opened.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    numbers: tuple[int, ...] = ()
    caption: str = ""
    folded: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes
    ----------
    svg
        Inline SVG made by `hpcflow.report.figure`, safe by construction.
    narrow
        The same for phones, where the wide one would be too small to read; "" where `svg` fits.
    alt
        What it shows, for those who do not see it.
    """

    svg: str
    alt: str
    caption: str = ""
    narrow: str = ""
    kind: Literal["picture"] = "picture"


@dataclass(frozen=True)
class Pictures:
    """Figures side by side where there is room."""

    items: tuple[Picture, ...]
    kind: Literal["pictures"] = "pictures"


@dataclass(frozen=True)
class Tiles:
    """A few numbers that matter: (value, what it is)."""

    items: tuple[tuple[str, str], ...]
    kind: Literal["tiles"] = "tiles"


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    text: str
    tone: Tone = ""
    kind: Literal["note"] = "note"


@dataclass(frozen=True)
class Code:
    """Text as it was written."""

    text: str
    caption: str = ""
    kind: Literal["code"] = "code"


@dataclass(frozen=True)
class Card:
    """Everything about one record.

    Attributes
    ----------
    anchor
        Where links point to.
    facts
        (name, value) pairs.
    """

    anchor: str
    title: str
    badge: str = ""
    tone: Tone = ""
    lead: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    kind: Literal["card"] = "card"


Part = Table | Picture | Pictures | Tiles | Note | Code | Card


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Attributes
    ----------
    headline
        The outcome in half a sentence, for the top of the page; "" where another section says it.
    lead
        One paragraph under the heading.
    """

    anchor: str
    title: str
    parts: tuple[Part, ...]
    headline: str = ""
    lead: str = ""
    detail: bool = field(default=False)
    """How the run went rather than what came out of it."""
