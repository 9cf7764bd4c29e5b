"""What may go wrong with a file, said in one sentence: every reader opens files through here."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpcflow.errors import DataError

_KINDS = (
    (stat.S_ISDIR, "is a folder, not a file: name the files in it, like `folder/*.mat`"),
    (stat.S_ISFIFO, "is a pipe, which cannot be read twice: save its content to a file"),
    (stat.S_ISSOCK, "is a socket, not a file: leave it out of `files`"),
    (stat.S_ISCHR, "is a device, not a file: leave it out of `files`"),
    (stat.S_ISBLK, "is a device, not a file: leave it out of `files`"),
)


def regular_file(path: Path) -> os.stat_result:
    """Make sure that a path is an ordinary file with something in it, before anything opens it.

    Raises
    ------
    DataError
        For a broken link, a folder, a pipe, a device, an empty or unreachable file.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise DataError("is a link to nothing: mend the link or leave it out of `files`") from None
        raise DataError("is not there any more: restore it, or scan again") from None
    except (OSError, ValueError) as error:
        raise DataError(_reason(error)) from None
    for is_kind, sentence in _KINDS:
        if is_kind(status.st_mode):
            raise DataError(sentence)
    if not stat.S_ISREG(status.st_mode):
        raise DataError("is not an ordinary file: leave it out of `files`")
    if status.st_size == 0:
        raise DataError("is empty (0 bytes): copy it again from its source")
    return status


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a damaged file into a `DataError` of one sentence.

    Parameters
    ----------
    path : Path
        The file; checked with `regular_file` first.
    kind : str
        What it should be, like "a MATLAB file".
    """
    regular_file(path)
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        if error.errno is not None and error.filename is not None:
            raise DataError(_reason(error)) from error
        raise DataError(f"cannot be read as {kind} ({_short(error)}): {_ADVICE}") from error
    except (MemoryError, OverflowError) as error:
        raise DataError(
            f"claims arrays too large for this machine, as damaged files of {kind} do: {_ADVICE}"
        ) from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"ends early or is damaged ({_short(error)}): {_ADVICE}") from error
    except Exception as error:
        # Damaged files make libraries raise anything, from KeyError to RecursionError.
        raise DataError(f"cannot be read as {kind} ({_short(error)}): {_ADVICE}") from error


_ADVICE = "copy it again from its source, or check that its content is what its name says"


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "may not be read by you: ask its owner for read permission (chmod +r)"
    if isinstance(error, FileNotFoundError):
        return "is not there any more: restore it, or scan again"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened ({error.strerror.lower()}): check the path and the disk"
    return f"cannot be opened ({_short(error)}): check the path and the disk"


def _short(error: BaseException) -> str:
    """One printable line of an exception."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= 160 else text[:157] + "..."
