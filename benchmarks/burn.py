"""A kernel that takes a known time: it burns processor time and says how long that took on the wall.

As a program it is one block of the peers, which start a process for each: ``python burn.py MILLISECONDS
[FILE]`` appends the seconds to a file.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from hpcflow_kernels import Contract


def burn(milliseconds: float) -> float:
    """Keep the processor busy for some milliseconds of its time; wall seconds that this took."""
    began = time.perf_counter()
    end = time.thread_time() + milliseconds / 1e3
    while time.thread_time() < end:
        pass
    return time.perf_counter() - began


def burned(
    x: np.ndarray, *, rate: float, frame: int, milliseconds: float, timed: bool
) -> dict[str, np.ndarray]:
    """Largest sample of each frame, after burning; where `timed`, also how long that took."""
    import numpy as np

    seconds = burn(milliseconds)
    peaks = x.reshape(-1, frame).max(axis=1)
    return {"peak": peaks, "seconds": np.full(len(peaks), seconds)} if timed else {"peak": peaks}


def _contracts() -> tuple[Contract, ...]:
    from hpcflow_kernels import Contract, Field, Geometry, Param, Pattern, Port

    def fields(params: Any) -> tuple[Field, ...]:
        peak = Field("peak", "largest sample", "same", "same")
        return (peak, Field("seconds", "time burned", "s", "float64")) if params["timed"] else (peak,)

    return (
        Contract(
            name="burned",
            version=1,
            pattern=Pattern.WINDOW,
            summary="Largest sample of each frame, after a known time.",
            ports=(Port("signal", "signal", "samples"),),
            params=(
                Param("frame", "integer", "samples"),
                Param("milliseconds", "number", "processor time to burn"),
                Param("timed", "flag", "whether the time is among the results", default=True),
            ),
            fields=fields,
            implementation="benchmarks.burn:burned",
            axis="frame",
            geometry=lambda params, rate: Geometry(hop=params["frame"], frame=params["frame"]),
        ),
    )


def __getattr__(name: str) -> Any:
    if name == "CONTRACTS":
        return _contracts()
    raise AttributeError(name)


if __name__ == "__main__":
    took = burn(float(sys.argv[1]))
    if len(sys.argv) > 2:
        with open(sys.argv[2], "a") as file:
            file.write(f"{took}\n")
