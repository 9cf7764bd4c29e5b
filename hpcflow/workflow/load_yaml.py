"""Strict YAML: text in, a tree of nodes with their places out, and every problem of the text at once.

The YAML 1.2 core schema, less what only surprises: no tags, anchors, aliases, merge keys, directives or
second documents, no duplicate keys, no numbers that YAML 1.1 and 1.2 read differently. The parser's event
stream is used, not its objects: nothing is built that the file did not spell out, so aliases cannot grow
(billion laughs), and depth and size are bounded while reading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hpcflow.errors import Problem
from hpcflow.words import printable
from hpcflow.workflow.model import Place

MAX_BYTES = 256 * 1024
"""A workflow is short; recordings are named by globs and described in tables."""
MAX_NODES = 20_000
MAX_DEPTH = 16
_MAX_PROBLEMS = 100

_INT = re.compile(r"[-+]?[0-9]+")
_OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
"""Control characters, other line breaks, and marks that make text read differently from what it says."""


@dataclass(frozen=True)
class Node:
    """A value of the document and where it stands.

    Attributes
    ----------
    value
        Text, bool, int, float or None; a tuple of nodes; or a dict of nodes.
    text
        A scalar as spelled (`12.50` stays so inside other text).
    plain
        Whether a scalar was written without quotes.
    keys
        Places of a mapping's keys.
    sound
        False where the text itself was refused here: no further complaint is due.
    """

    value: Any
    place: Place
    text: str = ""
    plain: bool = False
    keys: Mapping[str, Place] = field(default_factory=dict)
    sound: bool = True


def join(path: str, key: str | int) -> str:
    """Extend a path: ``steps.band``, ``save[1]``, ``steps["odd key"]``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _SIMPLE_KEY.fullmatch(key):
        shown = key if len(key) <= 40 else key[:40] + "…"
        return f"{path}[{shown!r}]"
    return f"{path}.{key}" if path else key


def plain(node: Node) -> Any:
    """The value without places: dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every node under its path, parents first."""
    yield path, node
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from walk(child, join(path, key))
    elif isinstance(node.value, tuple):
        for index, child in enumerate(node.value):
            yield from walk(child, join(path, index))


def size(node: Node) -> int:
    """How many values a node holds, itself included."""
    if isinstance(node.value, dict):
        return 1 + sum(map(size, node.value.values()))
    return 1 + sum(map(size, node.value)) if isinstance(node.value, tuple) else 1


def parse(data: bytes, file: str, option: str = "") -> tuple[Node | None, list[Problem]]:
    """Read a document.

    Parameters
    ----------
    data : bytes
        The file's bytes, or an option's text in UTF-8.
    file : str
        Name for messages.
    option : str
        The option the text came from (``--set band=...``); problems then name it instead of a line.

    Returns
    -------
    node : Node or None
        None where the text could not be read to its end.
    problems : list of Problem
    """
    reading = _Reading(option or file, bool(option))
    text = reading.decode(data)
    node = None if text is None else reading.build(text)
    return node, reading.problems


class _StopReading(Exception):
    """The rest of the text cannot be read or must not be."""


class _Reading:
    """One document being read: the stack of open nodes, and the problems so far."""

    def __init__(self, file: str, from_option: bool) -> None:
        self.file = printable(file)
        self.from_option = from_option
        self.problems: list[Problem] = []
        self.text = ""
        self.lines: list[str] = []
        self.nodes = 0
        self.aliases: set[tuple[int, str]] = set()

    def place(self, mark: Any) -> Place:
        if self.from_option:
            return Place(0, 0, self.file)
        return Place(mark.line + 1, mark.column + 1)

    def report(self, place: Place, path: str, rule: str, value: str, remedy: str) -> None:
        texts = (printable(text) for text in (path, rule, value, remedy))
        self.problems.append(Problem(self.file, place.line, place.column, *texts))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise _StopReading

    def decode(self, data: bytes) -> str | None:
        if len(data) > MAX_BYTES:
            self.problems.append(
                Problem(
                    self.file, 0, 0, "", f"a workflow file has at most {MAX_BYTES // 1024} KiB",
                    f"more than {MAX_BYTES} bytes",
                    "name recordings by a glob under files, and put what is known of each into a table",
                )
            )  # fmt: skip
            return None
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._encoding(1, 1, "a UTF-16 byte order mark")
            return None
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8", "replace")
            line = before.count("\n") + 1
            column = len(before) - before.rfind("\n")
            self._encoding(line, column, f"byte 0x{data[error.start]:02x}")
            return None
        bad = list(_FORBIDDEN.finditer(text))
        for match in bad[:10]:
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            self.problems.append(
                self._at(
                    line, column, "a workflow file holds no control or direction characters",
                    f"U+{ord(match[0]):04X}", "delete the character",
                )
            )  # fmt: skip
        return None if bad else text

    def _at(self, line: int, column: int, rule: str, value: str, remedy: str) -> Problem:
        if self.from_option:
            line = column = 0
        return Problem(self.file, line, column, "", printable(rule), printable(value), remedy)

    def _encoding(self, line: int, column: int, found: str) -> None:
        remedy = "save the file as UTF-8 (in most editors: Save with encoding)"
        self.problems.append(self._at(line, column, "a workflow file is text in UTF-8", found, remedy))

    def build(self, text: str) -> Node | None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError

        self.text = text
        self.lines = text.splitlines()
        for number, line in enumerate(self.lines, 1):
            if line.startswith("%"):
                rule = "a workflow file has no YAML directives"
                self.problems.append(self._at(number, 1, rule, repr(line[:60]), "delete the line"))
                return None
            if line.strip() and not line.lstrip().startswith("#"):
                break
        try:
            return self._document(YAML(typ="safe", pure=True).parse(text))
        except _StopReading:
            return None
        except MarkedYAMLError as error:
            self._syntax(error)
        except (
            Exception
        ) as error:  # the parser is the library's: whatever it raises, the text is what is wrong
            said = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
            self.problems.append(self._at(1, 1, "a workflow file is valid YAML 1.2", said, _COMPARE))
        return None

    def _document(self, events: Iterator[Any]) -> Node | None:
        found: Node | None = None
        documents = 0
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    rule = "a workflow file holds one YAML document"
                    remedy = "delete the line --- and what follows, or make a second file"
                    self.report(self.place(event.start_mark), "", rule, "a second document", remedy)
                    raise _StopReading
            elif kind in ("ScalarEvent", "AliasEvent", "SequenceStartEvent", "MappingStartEvent"):
                found = self._node(event, events, "", 1)
        return found

    def _node(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        place = self.place(event.start_mark)
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            rule = f"a workflow file nests at most {MAX_DEPTH} levels and holds at most {MAX_NODES} values"
            self.report(
                place, "", rule, f"level {depth}, value {self.nodes}", "simplify it; put data into files"
            )
            raise _StopReading
        kind = type(event).__name__
        if kind == "AliasEvent":
            rule = "a workflow file has no anchors or aliases"
            remedy = "write the value out, or make it a parameter and use ${name}"
            if (place.line, event.anchor) not in self.aliases:
                self.aliases.add((place.line, event.anchor))
                self.report(place, path, rule, f"*{event.anchor}", remedy)
            return Node(None, place, sound=False)
        sound = self._undecorated(event, place, path)
        if kind == "ScalarEvent":
            return self._scalar(event, place, path, sound)
        if kind == "SequenceStartEvent":
            return self._list(events, place, path, depth, sound)
        return self._map(events, place, path, depth, sound)

    def _undecorated(self, event: Any, place: Place, path: str) -> bool:
        if event.anchor is not None:
            rule = "a workflow file has no anchors or aliases"
            remedy = f"delete &{event.anchor}; to use a value twice make it a parameter and write ${{name}}"
            self.report(place, path, rule, f"&{event.anchor}", remedy)
        tag = str(event.tag) if event.tag is not None else None
        if tag is not None and not (tag == "!" and type(event).__name__ == "ScalarEvent"):
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            rule = "a workflow file has no YAML tags"
            self.report(place, path, rule, shown[:60], "delete the tag; quotes make a text of a number")
            return False
        return True

    def _scalar(self, event: Any, place: Place, path: str, sound: bool) -> Node:
        is_plain = event.style is None and bool(event.implicit[0])
        value: Any = event.value
        if is_plain and sound:
            try:
                value = resolve(event.value)
            except _BadScalar as bad:
                self.report(place, path, bad.rule, event.value[:60], bad.remedy)
                sound = False
        return Node(value, place, event.value, is_plain, sound=sound)

    def _list(self, events: Iterator[Any], place: Place, path: str, depth: int, sound: bool) -> Node:
        items: list[Node] = []
        for event in events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self._node(event, events, join(path, len(items)), depth + 1))
        return Node(tuple(items), place, sound=sound)

    def _map(self, events: Iterator[Any], place: Place, path: str, depth: int, sound: bool) -> Node:
        children: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key_node = self._node(event, events, path, depth + 1)
            key = self._key(key_node, path, keys)
            child = self._node(next(events), events, path if key is None else join(path, key), depth + 1)
            if key is not None:
                children[key] = child
                keys[key] = key_node.place
        return Node(children, place, keys=keys, sound=sound)

    def _key(self, node: Node, path: str, seen: Mapping[str, Place]) -> str | None:
        if not node.sound:
            return None
        if node.text == "<<" and node.plain:
            remedy = "write the keys out, or make the values parameters"
            self.report(node.place, path, "a workflow file has no merge keys", "<<", remedy)
            return None
        if not isinstance(node.value, str):
            shown = "a collection" if isinstance(node.value, tuple | dict) else node.text or "nothing"
            self.report(
                node.place, path, "a key is a text", shown, "write a name, or put quotes around the key"
            )
            return None
        key = str(node.value)
        if key in seen:
            first = "" if self.from_option else f"; it stands first in line {seen[key].line}"
            rule = f"a key stands once in a mapping{first}"
            self.report(node.place, join(path, key), rule, repr(key[:60]), "delete or rename one of the two")
            return None
        return key

    def _syntax(self, error: Any) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        said = str(error.problem or error.context or "the text cannot be read").replace("\\x00", "the end")
        row = self.lines[line] if line < len(self.lines) else ""
        remedy = _remedy(said, row, column, self.lines[line - 1] if 0 < line <= len(self.lines) else "")
        rule = f"a workflow file is valid YAML 1.2, but here the reader says: {said}"
        self.problems.append(
            self._at(line + 1, column + 1, rule, repr(row.strip()[:60]) if row.strip() else "", remedy)
        )


_COMPARE = "compare the line with an example: name, colon, space, value; two spaces more for each level"


def _remedy(said: str, row: str, column: int, before: str) -> str:
    at = row[column : column + 1]
    if at == "\t" or "'\\t'" in said or (row[: len(row) - len(row.lstrip())] + before[:1]).count("\t"):
        return "replace the tab by spaces"
    if "${" in re.sub(r"\"[^\"]*\"|'[^']*'", "", row):
        return 'put quotes around a reference inside [ ] or { }, like "${name[0]}"'
    if at in "@`%*&!|>" and at:
        return "put quotes around the value"
    if "end of stream" in said or "quoted scalar" in said:
        return "close the quotation mark or bracket that was opened"
    if "mapping values are not allowed" in said:
        return "put quotes around a value that holds a colon and a space, or correct the indentation"
    if "expected ',' or" in said or "but found '<stream end>'" in said or "the end" in said:
        return "close the bracket, separate entries by commas, put quotes around text with brackets or commas"
    if "block" in said:
        return "keys of one mapping start in one column: correct the indentation"
    if "could not find expected ':'" in said:
        return "write name, colon, space, value"
    return _COMPARE


class _BadScalar(Exception):
    def __init__(self, rule: str, remedy: str) -> None:
        self.rule, self.remedy = rule, remedy


def resolve(text: str) -> str | int | float | bool | None:
    """Type a plain scalar by the core schema.

    Raises
    ------
    _BadScalar
        For a number that readers of YAML disagree about, or that no float can hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise _BadScalar("a number is finite", "write a number, or put quotes around a text")
    if len(text) > 64 and _FLOAT.fullmatch(text):
        raise _BadScalar("a number has at most 64 characters", "shorten it, or put quotes around a text")
    if _LEADING_ZERO.fullmatch(text):
        bare = text.replace("_", "").lstrip("+-").lstrip("0") or "0"
        raise _BadScalar(
            "a number with a leading zero is octal to some readers of YAML and decimal to others",
            f'write {bare} for the decimal number, or "{text}" for the text',
        )
    if _INT.fullmatch(text):
        return int(text)
    if _OTHER_INT.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise _BadScalar("a number is finite", "write a smaller number, or put quotes around a text")
        return number
    return text


def moved(node: Node, place: Place) -> Node:
    """The same value standing somewhere else (a parameter, where it is used)."""
    if isinstance(node.value, dict):
        children = {key: moved(child, place) for key, child in node.value.items()}
        return replace(node, value=children, place=place, keys=dict.fromkeys(children, place))
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(moved(child, place) for child in node.value), place=place)
    return replace(node, place=place)
