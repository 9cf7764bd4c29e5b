"""Machine code of compiled loops, kept between processes: the second one compiles nothing.

The folder is named by the versions of numba and llvmlite and the processor with its features; a file in
it by the function, its types, and the text of its module and of all modules of this package that this one
imports, directly or not. Numba's own cache looks at the one file a function stands in, and misses a change
in a loop that it calls; it also keeps an index per function, in which processes that start together lose
one another's entries. Here each compiled signature is one file, published by rename and found by its name
alone, so a thousand workers may start at once on one folder, and a torn or foreign file is compiled anew
rather than believed.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

VARIABLE = "HPCFLOW_LUMI_KERNEL_CACHE"
"""Environment variable that names the folder above the one named by hash; empty text turns it off."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Tally:
    """What this process did to have machine code."""

    compiled: int = 0
    loaded: int = 0
    saved: int = 0


TALLY = Tally()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with numba at the first call for each signature, or load what another process compiled.

    Strict IEEE arithmetic (no reassociation, no contraction), division by zero as in NumPy, no bounds
    checks, the GIL released.

    Examples
    --------
    >>> @compiled
    ... def twice(x):
    ...     return 2 * x
    >>> twice(21)
    42
    """
    from numba import njit

    dispatcher: Any = njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = _Kept(function)
    kept: Callable[P, R] = dispatcher
    return kept


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A part of compiled loops: merged into each of its callers, never called from Python."""
    from numba import njit

    part: Callable[P, R] = njit(nogil=True, error_model="numpy", forceinline=True)(function)
    return part


def base_folder() -> Path | None:
    """The folder that holds caches: the variable's, else the user's cache folder; None when off."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hpcflow-lumi" / "kernels"


_IMPORT = re.compile(
    r"^\s*(?:from\s+(hpcflow_kernels[\w.]*)\s+import\s+(\([^)]*\)|[^\n#]*)|import\s+(hpcflow_kernels[\w.]*))",
    re.MULTILINE,
)
_PACKAGE = Path(__file__).parent


@cache
def sources_hash(file: Path) -> str:
    """Hash of the text of a module and of what it imports from this package, directly or not."""
    texts = sorted(hashlib.sha256(path.read_bytes()).digest() for path in modules_of(file))
    return hashlib.sha256(b"".join(texts)).hexdigest()


def modules_of(file: Path) -> set[Path]:
    """A module's file and those of what it imports from this package, directly or not."""
    seen, waiting = {file}, [file]
    while waiting:
        names = _imported(waiting.pop().read_text(encoding="utf-8"))
        found = {path for name in names if (path := _file_of(name)) is not None} - seen
        waiting += found
        seen |= found
    return seen


def _imported(text: str) -> Iterator[str]:
    """Names that may be modules; a name that is imported from a module is tried as one too."""
    for base, names, whole in _IMPORT.findall(text):
        yield base or whole
        for name in names.strip("()").split(","):
            yield f"{base}.{name.split(' as ')[0].strip()}"


def _file_of(name: str) -> Path | None:
    """The module's file; the package's own `__init__` only hands on names and counts for nothing."""
    path = _PACKAGE.joinpath(*name.split(".")[1:])
    if path != _PACKAGE and (path / "__init__.py").is_file():
        return path / "__init__.py"
    module = path.with_name(f"{path.name}.py")
    return module if path != _PACKAGE and module.is_file() else None


def folder_name(magic: tuple[Any, ...]) -> str:
    """Name for machine code of a processor, given as numba's triple, CPU name and features."""
    import llvmlite
    import numba

    parts = (numba.__version__, llvmlite.__version__, *map(str, magic))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


class _Kept:
    """Numba's cache interface for one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._source = Path(function.__code__.co_filename)
        # what a function closes over is not in the text: such functions are compiled by every process
        self._enabled = function.__closure__ is None and self._source.is_file()

    @property
    def cache_path(self) -> str | None:
        """Where the function's files lie."""
        base = base_folder()
        return None if base is None else str(base)

    def enable(self) -> None:
        """Numba calls this where a function asks for its cache; ours asks for none."""

    def disable(self) -> None:
        """Neither load nor save."""
        self._enabled = False

    def flush(self) -> None:
        """Nothing is held back: files are whole when they appear."""

    def _file(self, signature: Any, context: Any) -> Path | None:
        base = base_folder()
        if base is None or not self._enabled:
            return None
        parts = f"{self._name}\0{signature}\0{sources_hash(self._source)}"
        key = hashlib.sha256(parts.encode()).hexdigest()[:24]
        return base / folder_name(context.codegen().magic_tuple()) / f"{key}.code"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Machine code for a signature; None where there is none that can be trusted."""
        from numba.core import compiler

        path = self._file(signature, context)
        if path is None:
            return None
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        context.refresh()
        rebuild: Any = compiler.CompileResult._rebuild
        result = rebuild(context, *pickle.loads(data[32:]))
        TALLY.loaded += 1
        return result

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was just compiled; a folder that cannot be written costs the next process time only."""
        from numba.core import serialize

        TALLY.compiled += 1
        path = self._file(signature, result.target_context)
        if path is None or result.library.has_dynamic_globals:
            return
        dumps: Any = serialize.dumps
        body: bytes = dumps(result._reduce())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _publish(path, hashlib.sha256(body).digest() + body)
        except OSError:
            return
        TALLY.saved += 1


def _publish(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
