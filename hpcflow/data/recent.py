"""What was used last, up to a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was used longest ago. Threads may share it.

    Parameters
    ----------
    limit : int
        Largest sum of the weights that are kept. The newest entry is kept whatever it weighs.

    Examples
    --------
    >>> kept: Recent[str, int] = Recent(2)
    >>> for name in "abc":
    ...     kept.put(name, ord(name))
    >>> kept.get("a"), kept.get("c")
    (None, 99)
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, now the newest; None if it was forgotten."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value in place of what was used longest ago."""
        with self._lock:
            self._drop(key)
            self._entries[key] = value, weight
            self._weight += weight
            while self._weight > self.limit and len(self._entries) > 1:
                self._drop(next(iter(self._entries)))

    def drop(self, key: K) -> None:
        """Forget a value, if it is there."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: K) -> None:
        if key in self._entries:
            self._weight -= self._entries.pop(key)[1]
