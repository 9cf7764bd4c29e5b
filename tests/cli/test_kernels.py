"""`hpcflow kernels`: every step by family, one family, one kernel, or what was meant."""

from __future__ import annotations

from dataclasses import replace

from hpcflow_kernels import contracts
from tests.cli.conftest import Command


def test_every_kernel_is_listed_under_its_family(command: Command) -> None:
    lines = command("kernels").output.splitlines()
    assert lines[0].split() == ["family", "kernel", "pattern", "gpu", "what", "it", "does"]
    named = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert {"filter", "spectral", "machine", "sport"} <= set(named)
    assert len(named) == len(set(named)), "a family stands once"
    listed = {word for line in lines[1:] for word in line.split()[:2]}
    assert set(contracts()) <= listed


def test_one_family(command: Command) -> None:
    lines = command("kernels", "sport").output.splitlines()[1:]
    assert lines[0].startswith("sport")
    assert len(lines) == sum(contract.family == "sport" for contract in contracts().values()) > 1


def test_kernels_that_a_gpu_can_compute_are_marked(command: Command) -> None:
    lines = command("kernels", "spectral").output.splitlines()[1:]
    marked = {line.split()[0 if line.startswith(" ") else 1] for line in lines if " array " in line}
    assert marked == {c.name for c in contracts().values() if c.family == "spectral" and c.array}
    assert "gpu: array; float32 within" in command("kernels", "welch").output
    assert "gpu:" not in command("kernels", "session_summary").output


def test_a_family_of_another_package_has_its_name() -> None:
    ours = next(iter(contracts().values()))
    assert ours.family == "filter"
    assert replace(ours, implementation="pump_lab.kernels:mean").family == "pump_lab"


def test_one_kernel_and_a_slip(command: Command) -> None:
    assert command("kernels", "welch").output.startswith("welch (version")
    assert "nearest: welch" in str(command("kernels", "wlch").exception)


def test_choices_of_a_parameter_are_listed(command: Command) -> None:
    lines = command("kernels", "frequency_weighting").output.splitlines()
    (told,) = (line for line in lines if line.startswith("weighting"))
    (weighting,) = contracts()["frequency_weighting"].params
    assert told.endswith(f": {', '.join(weighting.choices)}")
