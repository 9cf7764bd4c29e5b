"""Contract of spectra of irregular samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port


def _fields(params: Params) -> tuple[Field, ...]:
    low, high, points = params["low"], params["high"], params["points"]
    grid = tuple(float(f"{low + (high - low) * k / (points - 1):.15g}") for k in range(points))
    fields = [
        Field(
            "power",
            "power spectral density of irregular samples",
            units="same^2 Hz-1",
            dtype="float64",
            dims=(Dim("frequency", grid, "Hz"),),
        ),
        Field("samples", "samples that were used", dtype="float64"),
    ]
    if params.get("band"):
        names = tuple(f"{a:g}-{b:g} Hz" for a, b in pairwise(params["band"]))
        band = (Dim("band", names),)
        fields.append(Field("band_power", "power in a band", units="same^2", dtype="float64", dims=band))
    return tuple(fields)


def _check(params: Params, rate: float | None) -> Sequence[str]:
    problems, low, high, edges = [], params["low"], params["high"], params.get("band")
    if not low < high:
        problems.append(f"`low` must lie below `high` (found {low:g} and {high:g} Hz): exchange them")
    if edges and (len(edges) < 2 or any(a >= b for a, b in pairwise(edges))):
        problems.append(
            f"`band` needs two or more rising frequencies (found {list(edges)}): write [low, high]"
        )
    elif edges and (edges[0] < low or edges[-1] > high):
        problems.append(
            f"bands lie on the grid (found {edges[0]:g} to {edges[-1]:g} Hz, grid {low:g} to {high:g} Hz): "
            "widen `low` and `high`"
        )
    return problems


CONTRACTS = (
    Contract(
        name="lomb_scargle",
        version=1,
        pattern=Pattern.RECORD,
        summary="Power spectrum of samples that are not regular in time, such as heart beats.",
        ports=(
            Port("signal", "signal", "samples"),
            Port("time", "signal", "times of the samples", "duration", optional=True),
        ),
        params=(
            Param("low", "quantity", "first frequency of the grid", "frequency", minimum=1e-9),
            Param("high", "quantity", "last frequency of the grid", "frequency", minimum=1e-9),
            Param("points", "integer", "frequencies of the grid", default=512, minimum=2, maximum=65_536),
            Param("band", "list", "edges of adjacent bands", "frequency", default=None, minimum=0.0),
            Param(
                "intervals",
                "flag",
                "whether samples are times since the one before, so that times are their running sum",
                default=False,
            ),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.spectral.irregular:lomb_scargle_of_record",
        array="hpcflow_kernels.arrays.irregular:lomb_scargle_of_record",
        array_error=1e-9,
        axis="record",
        check=_check,
        bytes_per_sample=256.0,
        flops_per_sample=40_000.0,
        error="scipy.signal.lombscargle in float64",
        source="Lomb (1976), Scargle (1982), Zechmeister and Kuerster (2009)",
    ),
)
