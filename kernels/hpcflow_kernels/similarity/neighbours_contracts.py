"""Contracts of what compares a record with all records of a dataset."""

from __future__ import annotations

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port

_PORTS = (
    Port("signal", "signal", "samples of each record"),
    Port("references", "signal", "the dataset that each record is compared with", whole=True),
)
_PARAMS = (
    Param(
        "band",
        "quantity",
        "how far matched samples may lie apart, as a share of the longer record",
        "fraction",
        default=0.1,
        minimum=0.0,
        maximum=1.0,
    ),
    Param("normalise", "flag", "bring both to mean 0 and standard deviation 1", default=True),
    Param(
        "points",
        "integer",
        "bring both to so many values at equal steps",
        default=None,
        minimum=3,
        maximum=4096,
    ),
)


def _apart(params: Params) -> str:
    return "1" if params["normalise"] else "same"


CONTRACTS = (
    Contract(
        name="dtw_distances",
        version=1,
        pattern=Pattern.RECORD,
        summary="Dynamic time warping distance of each record from all records of a dataset.",
        ports=_PORTS,
        params=_PARAMS,
        fields=lambda params: (
            Field(
                "distance",
                "distance along the best path",
                _apart(params),
                "float64",
                (Dim("reference", tuple(params["references"])),),
            ),
        ),
        implementation="hpcflow_kernels.similarity.neighbours:dtw_distances",
        cuda="hpcflow_kernels.cuda.dtw:dtw_distances",
        array_error=1e-12,
        axis="record",
        bytes_per_sample=200.0,
        flops_per_sample=40.0,
        flops_per_pair=1.2,
        error="1e-12 of the distance",
        source="Sakoe and Chiba, IEEE Trans. ASSP 26 (1978)",
    ),
    Contract(
        name="nearest_neighbour",
        version=1,
        pattern=Pattern.RECORD,
        summary="The record of a dataset nearest to each record by dynamic time warping, and its label.",
        ports=(*_PORTS, Port("labels", "fact", "a number for each reference", optional=True, whole=True)),
        params=_PARAMS,
        fields=lambda params: (
            Field("nearest", "place of the nearest reference, -1 where there is none", "1", "int64"),
            Field("distance", "its distance along the best path", _apart(params), "float64"),
            Field("label", "its label", "1", "float64"),
            Field("compared", "references that took part", "1", "int64"),
            Field("computed", "references that bounds did not exclude, in groups of 64", "1", "int64"),
        ),
        implementation="hpcflow_kernels.similarity.neighbours:nearest_neighbour",
        axis="record",
        bytes_per_sample=200.0,
        flops_per_sample=40.0,
        flops_per_pair=0.4,
        error="1e-12 of the distance",
        source="Kim, Park and Chu, ICDE 2001; Keogh and Ratanamahatana, Knowl. Inf. Syst. 7 (2005)",
    ),
)
