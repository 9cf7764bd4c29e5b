"""The workflows that users start from: the loader and an independent validator accept them."""

from __future__ import annotations

import jsonschema
import pytest
from ruamel.yaml import YAML

from hpcflow.workflow import model_file
from hpcflow.workflow.load import load_text, load_workflow
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


def test_the_example_of_the_documentation_is_sound(repo):
    text = (repo / "docs" / "workflow-file.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    spec = load_text(example.encode(), "example.yaml")
    assert spec.step("band").params["low"] == 2000.0
    changed = load_text(example.encode(), "example.yaml", ["band=[1 kHz, 3 kHz]"])
    params = changed.step("band").params
    assert (params["low"], params["high"], params["order"]) == (1000.0, 3000.0, 4)


def test_the_documentation_names_every_key(repo):
    text = (repo / "docs" / "workflow-file.md").read_text(encoding="utf-8")
    shapes = (
        model_file.WorkflowShape,
        model_file.DatasetShape,
        model_file.VariableShape,
        model_file.StepShape,
    )
    for shape in (*shapes, model_file.RunShape):
        for name, one in shape.model_fields.items():
            assert f"`{one.alias or name}`" in text
