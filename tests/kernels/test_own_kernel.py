"""The kernel that the guide builds is found, described, checked and run, as a package of somebody else's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from hpcflow_kernels import Spread
from hpcflow_kernels.arrays.namespace import available
from hpcflow_kernels.threads import Threads

ROOT = Path(__file__).parents[2]
HPCFLOW = "-c", "from hpcflow_lumi import main; main()"


def package(folder: Path) -> None:
    """The guide's files, and what installing would leave of them."""
    text = (ROOT / "docs/own-kernel.md").read_text()
    files = re.findall(r"^`(\S+)`:\n\n```\w+\n(.*?)^```", text, flags=re.S | re.M)
    assert len(files) == 5
    for name, content in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "mykernels/__init__.py").touch()
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    installed = folder / f"{project['name']}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (installed / "entry_points.txt").write_text("\n".join(points))


def test_the_guide_leads_to_a_kernel_that_runs(tmp_path: Path) -> None:
    package(tmp_path)
    path = os.pathsep.join([str(tmp_path), *(p for p in sys.path if p)])

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    passed = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mykernels.py")
    assert f"{10 + 6 * len(available())} passed" in passed
    assert "Largest less smallest sample" in python(*HPCFLOW, "kernels", "peak_to_peak")
    x = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    savemat(tmp_path / "a.mat", {"v": x, "rate": 100.0})
    (tmp_path / "w.yaml").write_text(
        """
hpcflow: 1
name: own
datasets:
  d:
    files: "*.mat"
    reader: matlab
    variables: {v: {select: v, units: V}}
    facts: {sampling_rate: {select: rate, units: Hz}}
steps:
  width: {kernel: peak_to_peak, input: d.v, with: {window: 2 s}}
save: [width]
"""
    )
    python(*HPCFLOW, "run", "w.yaml", "--executor", "serial")
    python(*HPCFLOW, "export", "--step", "width", "-o", "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "record,record_index,time [s],range [V]"
    got = [float(line.split(",")[-1]) for line in lines[1:]]
    assert np.allclose(got, np.ptp(x.reshape(5, 200), axis=1), rtol=1e-6)


def test_the_guides_ranks_agree_on_a_mean() -> None:
    """The collective kernel of the guide, alone and as threads."""
    text = (ROOT / "docs/own-kernel.md").read_text().partition("### Ranks that talk")[2]
    made: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], made)
    x = np.random.default_rng(2).standard_normal(20_011)
    signal = Spread(len(x), 1000.0, "V", lambda start, stop: x[start:stop].copy())
    found = []
    for count in (1, 2, 3, 7):
        shares = Threads(count).run(lambda ranks: made["against_the_mean"](ranks=ranks, signal=signal))
        assert [s.start for s in shares] == [len(x) * n // count for n in range(count)]
        found.append(np.concatenate([share.values["level"] for share in shares]))
    assert np.allclose(found[0], x - x.mean(), rtol=0, atol=1e-14)
    assert all(np.array_equal(found[0], other) for other in found)
