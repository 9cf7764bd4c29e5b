"""What every kernel promises, as checks that its own tests can run: ours, and those of other packages.

import pytest
from hpcflow.conformance import checks

@pytest.mark.parametrize("check", checks("my_kernel", {"frame": 100}), ids=str)
def test_promises(check):
    check()
"""

from __future__ import annotations

from hpcflow.conformance.arrays import of_arrays
from hpcflow.conformance.cuda import of_cuda
from hpcflow.conformance.cut import of_cut
from hpcflow.conformance.ranks import of_ranks
from hpcflow.conformance.reduced import of_reduced
from hpcflow.conformance.trial import Check, Params, Trial
from hpcflow.conformance.whole import of_whole
from hpcflow_kernels import Pattern, get
from hpcflow_kernels.probes import probe_of

__all__ = ["Check", "checks"]


def checks(name: str, params: Params | None = None, bound: float = 0.0) -> list[Check]:
    """The checks of a registered kernel, on each back end that its contract names and this machine has.

    Parameters
    ----------
    name
        As a workflow calls it.
    params
        Parameters to try it with; the rest have their defaults, or what the kernel's calibration uses.
    bound
        How far cutting a record may move its output, of the largest value in float64; 0 where no bit may
        change. Map and window kernels only.

    Raises
    ------
    KeyError
        If no kernel is registered under the name, or it has no parameter of that name.
    """
    contract = get(name)
    known = {param.name for param in contract.params}
    unknown = sorted(set(params or ()) - known)
    if unknown:
        raise KeyError(f"{name} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known)) or 'none'}")
    probe = probe_of(name)
    given = {**probe.params, **(params or {})}
    trial = Trial(contract, {p.name: given.get(p.name, p.default) for p in contract.params}, bound, probe)
    found: list[Check] = []
    if contract.pattern in (Pattern.MAP, Pattern.WINDOW):
        found += of_cut(trial)
    if contract.pattern in (Pattern.RECORD, Pattern.EVENTS, Pattern.COLLECTIVE):
        found += of_whole(trial)
    if contract.pattern == Pattern.COLLECTIVE:
        found += of_ranks(trial)
    if contract.pattern == Pattern.REDUCE:
        found += of_reduced(trial)
    return [*found, *of_arrays(trial), *of_cuda(trial)]
