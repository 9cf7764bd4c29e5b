"""Arrays on the processor and on the device of the array back end: moved when asked for, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpcflow.plan.model import FieldPlan, StepPlan
from hpcflow_kernels import Rows
from hpcflow_kernels.arrays.namespace import Array, Place
from hpcflow_kernels.contract import Records


class Twin:
    """Values that lie on the processor, on a device, or both.

    Parameters
    ----------
    host : ndarray, optional
        The values where NumPy sees them.
    there : array, optional
        The same values on a device; one of the two must be given.
    place : Place, optional
        That device; needed by whoever asks for the other side.
    """

    def __init__(
        self, host: np.ndarray | None = None, there: Array = None, place: Place | None = None
    ) -> None:
        self._host, self._there, self._place = host, there, place

    @property
    def host(self) -> np.ndarray:
        """As NumPy has them."""
        if self._host is None:
            assert self._place is not None
            self._host = self._place.back(self._there)
        return self._host

    @property
    def there(self) -> Array:
        """As the device has them."""
        if self._there is None:
            assert self._place is not None
            self._there = self._place.put(self.host)
        return self._there


class Desk:
    """What steps on one record have moved to a device, so that the next one finds it there."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._known: dict[int, tuple[np.ndarray, Array]] = {}

    def there(self, value: Any) -> Any:
        """What a port receives, with every array of samples or rows on the device."""
        if isinstance(value, Rows):
            return value._replace(values=self._put(value.values))
        if isinstance(value, Records):
            return replace(value, rows=tuple(self.there(one) for one in value.rows))
        if isinstance(value, Mapping):
            return {name: self.there(one) for name, one in value.items()}
        return value

    def _put(self, x: np.ndarray) -> Array:
        if id(x) not in self._known:
            self._known[id(x)] = x, self.place.put(x)  # with x, so that no other gets its number
        return self._known[id(x)][1]

    def back(self, y: Array) -> np.ndarray:
        """What a kernel gave, for NumPy."""
        x = self.place.back(y)
        self._known[id(x)] = x, y
        return x


def shaped_there(step: StepPlan, field: FieldPlan, value: Array, rows: int) -> Array:
    """A kernel's output as (rows, ...) of the planned dtype, where it lies.

    Raises
    ------
    ValueError
        If the kernel returned another shape than its contract says.
    """
    from array_api_compat import array_namespace

    xp = array_namespace(value)
    shape = planned_shape(step, field, tuple(value.shape), rows)
    return xp.astype(xp.reshape(value, shape), getattr(xp, field.dtype), copy=False)


def planned_shape(step: StepPlan, field: FieldPlan, shape: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """The shape (rows, ...) of a kernel's output, which may leave out rows where they are one.

    Raises
    ------
    ValueError
        If the kernel returned another shape than its contract says.
    """
    want = (rows, *field.shape)
    if shape == want or (rows == 1 and shape == field.shape):
        return want
    raise ValueError(
        f"kernel {step.kernel} returned {field.name} of shape {shape} where its contract says {want}"
    )
