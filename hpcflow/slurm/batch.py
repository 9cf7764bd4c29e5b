"""A batch script as checks see it: its directives, and its commands as words. Nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SHORT = {
    "-p": "partition",
    "-A": "account",
    "-N": "nodes",
    "-n": "ntasks",
    "-c": "cpus-per-task",
    "-t": "time",
    "-a": "array",
    "-G": "gpus",
    "-o": "output",
    "-J": "job-name",
}
_COMMENT = re.compile(r"\s#[^'\"]*$")
_BETWEEN = re.compile(r"\|\||&&|;|\||\$\(|(?<![&>])&(?![&>\d])")
"""What stands between commands, the begin of ``$(…)`` included."""
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


@dataclass(frozen=True)
class Command:
    """One command: its line, its words, and whether a loop repeats it."""

    line: int
    words: tuple[str, ...]
    looped: bool = False

    @property
    def program(self) -> str:
        """The first word that is no assignment, without its folder."""
        word = next((w for w in self.words if not _ASSIGNMENT.match(w)), "")
        return word.rpartition("/")[2]

    @property
    def options(self) -> Mapping[str, str]:
        """Its options by long name."""
        return dict(_options(self.words[1:]))


@dataclass(frozen=True)
class BatchScript:
    """What a script asks of Slurm, and what it does.

    Attributes
    ----------
    directives
        Of its ``#SBATCH`` lines, by long name; only those before the first command count.
    late
        Lines of ``#SBATCH`` after the first command, which Slurm ignores.
    """

    directives: Mapping[str, str]
    commands: tuple[Command, ...]
    late: tuple[int, ...] = ()

    def number(self, name: str, default: int) -> int:
        """A directive that is a whole number."""
        text = self.directives.get(name, "").partition("-")[0]
        return int(text) if text.isdigit() else default

    def named(self, *programs: str) -> list[Command]:
        """The commands that start one of these programs."""
        return [command for command in self.commands if command.program in programs]

    @property
    def modules(self) -> list[tuple[int, str]]:
        """Modules that are loaded, with their lines."""
        return [
            (command.line, name)
            for command in self.named("module", "ml")
            for name in command.words[2 if command.program == "module" else 1 :]
            if command.program == "ml" or command.words[1:2] in (("load",), ("add",))
        ]

    @property
    def variables(self) -> list[tuple[int, str]]:
        """``NAME=value`` that is exported or stands before a command, with its line."""
        return [
            (command.line, word)
            for command in self.commands
            for word in command.words
            if _ASSIGNMENT.match(word)
        ]


def read_batch(text: str) -> BatchScript:
    """Read a script; what is no plain command (here-documents, nested quotes) is taken as words."""
    directives: dict[str, str] = {}
    commands: list[Command] = []
    late: list[int] = []
    depth = 0
    for number, line in _logical_lines(text):
        if line.startswith("#SBATCH"):
            if commands:
                late.append(number)
            else:
                directives |= dict(_options(_words(line[7:].partition(" #")[0])))
            continue
        if line.startswith("#"):
            continue
        code = _COMMENT.sub("", line)
        for part in re.split(_BETWEEN, code):
            words = _words(part)
            while words[:1] and words[0] in ("do", "then", "else", "!", "{", "(", "time", "exec"):
                words = words[1:]
            if not words or words[0].startswith("#"):
                continue
            if words[0] in ("for", "while", "until"):
                depth += 1
            looped = depth > 0
            if words[0] == "done":
                depth = max(0, depth - 1)
                continue
            if words[0] in ("while", "until", "if", "elif"):
                words = words[1:]
            commands.append(Command(number, tuple(words), looped))
    return BatchScript(directives, tuple(commands), tuple(late))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations, each with the number of its first."""
    held, first = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if held else number
        if line.rstrip().endswith("\\") and not line.startswith("#"):
            held += line.rstrip()[:-1] + " "
            continue
        yield first, (held + line).strip()
        held = ""
    if held:
        yield first, held.strip()


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # a quote that another part closes
        return [word.strip("\"')") for word in text.split()]


def _options(words: list[str] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Long options with their values: ``--mem=4G``, ``--mem 4G``, ``-c 4``, ``-c4``."""
    position = 0
    while position < len(words):
        word = words[position]
        following = words[position + 1] if position + 1 < len(words) else ""
        value = "" if following.startswith("-") else following
        if word.startswith("--"):
            name, equals, given = word[2:].partition("=")
            yield name, given if equals else value
        elif word[:2] in _SHORT:
            yield _SHORT[word[:2]], word[2:].lstrip("=") or value
        elif not word.startswith("-") and position and words[position - 1].startswith("-"):
            pass  # the value of the option before
        elif not word.startswith("-"):
            return  # the program that is started; what follows is its own
        position += 1
