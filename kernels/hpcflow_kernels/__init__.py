"""The numerical library of hpcflow: arrays in, arrays out. It never imports hpcflow."""

from hpcflow_kernels.contract import (
    Contract,
    Dim,
    Field,
    Geometry,
    Param,
    Pattern,
    Port,
    Rows,
    UnusableRecordError,
)
from hpcflow_kernels.ranks import Ranks, Share, Spread
from hpcflow_kernels.registry import contracts, get

__all__ = [
    "Contract",
    "Dim",
    "Field",
    "Geometry",
    "Param",
    "Pattern",
    "Port",
    "Ranks",
    "Rows",
    "Share",
    "Spread",
    "UnusableRecordError",
    "contracts",
    "get",
]
