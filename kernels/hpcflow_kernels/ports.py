"""Names of ports, and of what feeds those that take several inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def port_of(key: str) -> str:
    """The port that an input belongs to.

    >>> port_of("signals[2]"), port_of("speed")    # the third of a list, and a single one
    ('signals', 'speed')
    """
    return key.partition("[")[0]


def names_of(inputs: Sequence[tuple[str, str | None]]) -> tuple[str, ...]:
    """Short names of what feeds a port: fields where these differ, else sources, else both.

    >>> names_of([("foot", "x"), ("foot", "y")]), names_of([("left", "values"), ("right", "values")])
    (('x', 'y'), ('left', 'right'))
    """
    sources, fields = [source for source, _ in inputs], [field for _, field in inputs]
    if None not in fields and len(set(fields)) == len(fields):
        return tuple(str(field) for field in fields)
    if len(set(sources)) == len(sources):
        return tuple(sources)
    return tuple(source if field is None else f"{source}.{field}" for source, field in inputs)


def fed(port: str, inputs: Mapping[str, tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Source and field of each input of a port."""
    return [given for key, given in inputs.items() if port_of(key) == port]
