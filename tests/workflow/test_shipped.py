"""The workflows that users start from: the loader and an independent validator accept them."""

from __future__ import annotations

import jsonschema
import pytest
from ruamel.yaml import YAML

from hpcflow.workflow.load import load_workflow
from hpcflow.workflow.schema import json_schema


@pytest.fixture(scope="module", autouse=True)
def small_kernels():
    """The real kernels, here."""


@pytest.mark.parametrize("name", ["bearing_condition", "power_session"])
def test_a_shipped_workflow_is_sound(name, repo):
    path = repo / "workflows" / f"{name}.yaml"
    spec = load_workflow(path)
    assert spec.warnings == ()
    document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(document)) == []


def test_every_shipped_workflow_is_tried_here(repo):
    names = {path.stem for path in (repo / "workflows").glob("*.yaml")}
    assert names == {"bearing_condition", "power_session"}
