"""Text tables through pandas: delimiter, decimal sign, header, units and time column are found by looking."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from hpcflow.data.readers.arrays import FileReader
from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.columns import iso, known, numbers, split_units, to_datetimes, unique
from hpcflow.data.readers.contents import Array
from hpcflow.data.readers.timeaxis import is_time_name, stretched, units_of_name
from hpcflow.errors import DataError

HEAD = 1 << 18
"""Bytes looked at to find out how a table is written."""

ROWS = 1 << 20
"""Rows parsed at a time: the parser takes several times the memory of the numbers that it finds."""

PARSED = 64
"""Bytes of a cell while it is parsed: 50 were measured."""

LINES = 200
"""Lines looked at."""

MISSING = ("", "-", "--", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "#N/A", "#NV")
"""Cells that stand for a missing value."""

DELIMITERS = ("\t", ";", "|", ",", " ")
"""In the order of preference where two explain a table equally well; a blank means any run of blanks."""

COMMENTS = ("#", "%", "//")
"""What a line before the table may begin with to be a comment."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|Inf)")
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}\.\d{1,2}\.\d{4}.*|\d{1,2}/\d{1,2}/\d{2,4}.*|\d\d?:\d\d.*")
_PAIR = re.compile(r"(.+?)\s*(?::=|=|:|\t|;|,)\s*(.+)", re.DOTALL)
_VALUE = re.compile(r"([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    encoding: str
    delimiter: str
    decimal: str
    skip: int
    """Lines before the first row of numbers."""
    names: tuple[str, ...]
    units: tuple[str | None, ...]
    numeric: tuple[bool, ...]
    """Columns that hold numbers, by the first rows."""
    dated: tuple[bool, ...]
    """Columns that hold dates."""
    notes: dict[str, Quantity] = field(default_factory=dict)
    """Header values of the lines before the table."""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, gzipped or not, by its first bytes."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if magic[:2] == b"PK":
        raise DataError(
            "is a ZIP archive or an Excel workbook, not a text table: unpack it, or export it as CSV"
        )
    return path.open("rb")


def decode(head: bytes) -> tuple[str, str]:
    """Text of a file's first bytes, and its encoding: by the byte order mark, else UTF-8, else Windows-1252.

    Raises
    ------
    DataError
        If these are no bytes of a text.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "replace"), "utf-16"
    if b"\0" in head:
        raise DataError("is not a text table (it holds zero bytes): check what it is")
    try:
        # An incremental decoder forgives a character that the end of the head cuts in two.
        import codecs

        return codecs.getincrementaldecoder("utf-8-sig")().decode(head), "utf-8-sig"
    except UnicodeDecodeError:
        text = head.decode("cp1252", "replace")
    control = sum(letter < " " and letter not in "\t\r\n\f" for letter in text)
    if control > len(text) // 50:
        raise DataError("is not a text table (it is full of control characters): check what it is")
    return text, "cp1252"


def sniff(text: str, encoding: str, whole: bool) -> Dialect:
    """Find out how a table is written from its first lines.

    Of the delimiters that cut the second half of the lines into equally many cells, the one that
    leaves the most cells numbers, dates or missing is taken. The first row whose cells are as numeric as
    those of the rows below begins the data. Rows of words directly above, as wide, are the header; if the
    last of them holds units alone, they are the units. Everything above is notes: ``key: value`` or
    ``key (unit) := value``.

    Parameters
    ----------
    text : str
        Beginning of the file.
    encoding : str
    whole : bool
        Whether this is the whole file.

    Raises
    ------
    DataError
        If no row of numbers is found.
    """
    lines = text.splitlines()
    if not whole and len(lines) > 1:
        lines.pop()
    lines = lines[:LINES]
    best: tuple[float, list[list[str]], str, str] | None = None
    for delimiter in DELIMITERS:
        rows = _rows(lines, delimiter)
        width = _width(rows)
        if width < 2:
            continue
        for decimal in (".", ",") if delimiter != "," else (".",):
            score = _score(rows, width, decimal)
            if best is None or score > best[0]:
                best = (score, rows, delimiter, decimal)
    alone = _alone(lines)
    if alone is not None and (
        best is None or alone[0] > best[0] or (alone[0] == best[0] and alone[3] == ",")
    ):
        best = alone
    if best is None:
        raise DataError(
            "holds no table (its lines have no common number of cells): check that it is a text table "
            "with one row per sample"
        )
    _, rows, delimiter, decimal = best
    return _read_head(lines, rows, delimiter, decimal, encoding)


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    if delimiter == " ":
        return [line.split() for line in lines]
    return [next(csv.reader([line], delimiter=delimiter), []) if line.strip() else [] for line in lines]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Cells per row, if nearly all rows of the second half agree; else 0."""
    filled = [len(row) for row in rows if row]
    tail = filled[len(filled) // 2 :]
    if not tail:
        return 0
    width, count = Counter(tail).most_common(1)[0]
    return width if count >= 0.9 * len(tail) else 0


def _alone(lines: Sequence[str]) -> tuple[float, list[list[str]], str, str] | None:
    """One column without a delimiter, or with a decimal comma under a header without one."""
    rows = [[line.strip()] if line.strip() else [] for line in lines]
    header = next((row[0] for row in rows if row and not row[0].startswith(COMMENTS)), "")
    scores = [(_score(rows, 1, decimal), rows, "\0", decimal) for decimal in (".", ",")]
    if "," in header:
        scores.pop()
    return max(scores, key=lambda item: item[0], default=None)


def _score(rows: Sequence[Sequence[str]], width: int, decimal: str) -> float:
    """Share of cells that are numbers, dates or missing, in the second half of the rows."""
    filled = [row for row in rows if row]
    cells = [cell for row in filled[len(filled) // 2 :] if len(row) == width for cell in row]
    return sum(_kind(cell, decimal) != "text" for cell in cells) / len(cells) if cells else 0.0


def _kind(cell: str, decimal: str) -> str:
    text = cell.strip()
    if text in MISSING:
        return "missing"
    if _NUMBER.fullmatch(text) or (decimal == "," and _COMMA.fullmatch(text)):
        return "number"
    return "date" if _STAMP.fullmatch(text) else "text"


def _read_head(
    lines: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str, decimal: str, encoding: str
) -> Dialect:
    width = 1 if delimiter == "\0" else _width(rows)
    body = [(number, row) for number, row in enumerate(rows) if len(row) == width]
    kinds = [[_kind(row[column], decimal) for column in range(width)] for _, row in body]
    tail = kinds[len(kinds) // 2 :]
    usual = []
    for column in range(width):
        counts = Counter(kind[column] for kind in tail if kind[column] != "missing")
        usual.append(counts.most_common(1)[0][0] if counts else "missing")
    if "number" not in usual:
        raise DataError("holds no column of numbers: check that it is a text table with one row per sample")
    first = next(
        index
        for index, kind in enumerate(kinds)
        if all(
            have in (want, "missing") or want in ("text", "missing")
            for have, want in zip(kind, usual, strict=True)
        )
        and any(have in ("number", "date") for have in kind)
    )
    start = body[first][0]
    header: list[list[str]] = []
    place = start - 1
    while place >= 0 and len(header) < 3:
        if not lines[place].strip():
            place -= 1
            continue
        row = _header_cells(lines[place], rows[place], width)
        if row is None:
            break
        header.insert(0, row)
        place -= 1
    units: list[str | None] = [None] * width
    if len(header) > 1 and all(not cell or known(cell.strip("[]()")) for cell in header[-1]):
        units = [cell.strip("[]()") or None for cell in header.pop()]
    names = [".".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*header, strict=True)]
    split = [split_units(name) for name in names or [""] * width]
    return Dialect(
        encoding,
        delimiter,
        decimal,
        start,
        tuple(unique([name for name, _ in split])),
        tuple(mine or other for (_, mine), other in zip(split, units, strict=True)),
        tuple(kind == "number" for kind in usual),
        tuple(kind == "date" for kind in usual),
        _notes(lines[: place + 1]),
    )


def _header_cells(line: str, row: Sequence[str], width: int) -> list[str] | None:
    """Cells of a header row, without the sign of a comment; None where the row is no header."""
    cells = [cell.strip() for cell in row]
    comment = line.lstrip().startswith(COMMENTS)
    if comment and cells:
        cells[0] = cells[0].lstrip("#%/").strip()
        cells = cells[1:] if not cells[0] and len(cells) == width + 1 else cells
    if len(cells) != width or not any(cells) or (comment and width == 1):
        return None
    return None if any(_kind(cell, ".") in ("number", "date") for cell in cells) else cells


def _notes(lines: Sequence[str]) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for line in lines:
        text = line.strip().lstrip("#%/").strip()
        pair = _PAIR.fullmatch(text)
        if pair is None:
            continue
        key, units = split_units(pair[1].strip(' "'))
        stated = pair[2].strip(' ";,\t')
        number = _VALUE.fullmatch(stated)
        if number and (not number[2] or known(number[2])):
            value = float(number[1].replace(",", "."))
            found.setdefault(key, Quantity(value, number[2] or units))
        elif stated:
            found.setdefault(key, Quantity(stated[:1000]))
    return found


class CsvContents:
    """Columns by their names without units; header values are notes above the table and constant columns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with open_bytes(path) as file:
            head = file.read(HEAD + 1)
        text, encoding = decode(head[:HEAD])
        self.dialect = sniff(text, encoding, len(head) <= HEAD)
        self._loaded: dict[int, np.ndarray] = {}
        self._rows: int | None = None
        self._start: str | None = None
        self._columns = {name: number for number, name in enumerate(self.dialect.names)}
        self.arrays = {
            name: Array(
                name,
                "float64" if numeric else "",
                units or (units_of_name(name) if is_time_name(name) else None),
                "" if numeric else "holds no numbers",
            )
            for name, units, numeric in zip(
                self.dialect.names, self.dialect.units, self.dialect.numeric, strict=True
            )
        }
        self.time = self._time_axis()
        notes = [name for name in self.dialect.notes if name not in self._columns]
        stamped: list[str] = ["start_time"] if self._start and "start_time" not in notes else []
        self.values: Sequence[str] = (*notes, *stamped, *self._columns)

    def _time_axis(self) -> str | None:
        """The first column of numbers or dates that is called a time."""
        for name, number in self._columns.items():
            if not is_time_name(name):
                continue
            if self.dialect.numeric[number]:
                return name
            if self.dialect.dated[number]:
                stamps = to_datetimes(self._frame([number], text=True)[number])
                if stamps is not None:
                    self._loaded[number] = stamps[0]
                    self._start = iso(stamps[0][0], stamps[1])
                    self.arrays[name] = Array(name, "datetime64[ns]", None, "holds dates")
                    return name
        return None

    def _frame(self, columns: Sequence[int], text: bool = False) -> Any:
        import pandas as pd

        frame = pd.concat(list(self._frames(columns, text)), ignore_index=True)
        self._rows = len(frame)
        return frame

    def _frames(self, columns: Sequence[int], text: bool = False) -> Iterator[Any]:
        """The table, some rows at a time."""
        import pandas as pd

        look = self.dialect
        # Before pandas 3 the default parser was off by one in the last bit now and then.
        exact = {"float_precision": "round_trip"} if pd.__version__ < "3" else {}
        delimiter = {" ": r"\s+", "\0": "\0"}.get(look.delimiter, look.delimiter)
        with open_bytes(self._path) as file:
            yield from pd.read_csv(
                file,
                chunksize=ROWS,
                sep=delimiter,
                decimal=look.decimal if not text else ".",
                header=None,
                names=list(range(len(look.names))),
                index_col=False,
                usecols=list(columns),
                skiprows=look.skip,
                na_values=[] if text else list(MISSING),
                keep_default_na=False,
                dtype=str if text else None,
                encoding=look.encoding,
                encoding_errors="replace",
                low_memory=False,
                skipinitialspace=True,
                **exact,
            )

    def _fill(self, names: Sequence[str]) -> None:
        wanted = {self._columns[name] for name in names} - set(self._loaded)
        if not wanted:
            return
        if self.time is not None and self.dialect.numeric[self._columns[self.time]]:
            wanted |= {self._columns[self.time]} - set(self._loaded)  # asked for next, and as much work alone
        found = {number: np.empty(0) for number in sorted(wanted)}
        rows = 0
        for frame in self._frames(list(found)):
            for number, column in found.items():
                # Grown in place: parts to be joined later would stand in memory twice.
                column.resize(rows + len(frame), refcheck=False)
                column[rows:] = numbers(frame[number], self.dialect.names[number], rows)
            rows += len(frame)
        self._rows = rows
        self._loaded.update(found)

    def size(self, name: str) -> int:
        """Rows of the table."""
        if self._rows is None:
            self._fill([name])
        assert self._rows is not None
        return self._rows

    def value(self, name: str) -> Quantity | None:
        """A note, or the value of a column that is the same in every row."""
        if name not in self._columns:
            return Quantity(self._start) if name == "start_time" and self._start else self.dialect.notes[name]
        number = self._columns[name]
        if self.dialect.numeric[number]:
            self._fill([name])
            found = self._loaded[number]
            same = len(found) > 0 and bool((found == found[0]).all())
            return Quantity(float(found[0]), self.arrays[name].units) if same else None
        texts = self._frame([number], text=True)[number]
        return Quantity(str(texts.iloc[0])) if len(texts) and texts.nunique(dropna=False) == 1 else None

    def load(self, names: Sequence[str], start: int, stop: int | None) -> dict[str, np.ndarray]:
        """Slices of columns; a text table is parsed as a whole."""
        self._fill(names)
        return {name: self._loaded[self._columns[name]][start:stop] for name in names}

    def stretches(self, name: str) -> Iterator[tuple[int, int]]:
        """Parts of a column that is in memory."""
        return stretched(self.size(name))

    def held(self, names: Sequence[str]) -> tuple[int, float]:
        """All rows of the columns as numbers, and some of them as they are parsed."""
        rows = self.size(names[0])
        columns = len({*names, self.time} - {None})
        return columns * (rows * 8 + min(rows, ROWS) * PARSED), 0.0

    def verify(self, names: Sequence[str]) -> None:
        """Parse the columns."""
        self._fill([name for name in names if not self.arrays[name].fault])


@contextmanager
def open_csv(path: Path, patterns: Sequence[str]) -> Iterator[CsvContents]:
    """Open a text table."""
    yield CsvContents(path)


READER = FileReader("csv", 1, (".csv", ".tsv", ".txt", ".csv.gz"), "a text table", open_csv)
"""The reader `csv`."""
