"""The JSON Schema, tried with a validator that is not ours."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from hpcflow.errors import WorkflowError
from hpcflow.workflow.load import load_workflow
from hpcflow.workflow.schema import json_schema

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.yaml"))
# What no schema sees: the text, references, cycles, units beyond their presence, paths, kernels' checks.
UNSEEN = (
    "yaml_",
    "unit_",
    "reference_",
    "cycle",
    "path_",
    "input_fact_from_step",
    "input_signal",
    "input_unknown",
    "input_whole_dataset",
    "input_list_entry",
    "save_unknown_output",
    "default_",
    "parameters_contradict",
    "kernel_fails_itself",
    "only_comments",
    "step_named_like_dataset",
    "account_with_options",
)
SEEN = sorted(path for path in (HERE / "bad").glob("*.yaml") if not path.stem.startswith(UNSEEN))


@pytest.fixture(scope="module")
def validator(small_kernels):
    schema = json_schema(readers=("matlab", "csv"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(path):
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_pass_loader_and_schema(path, validator):
    load_workflow(path)
    assert list(validator.iter_errors(read(path))) == []


@pytest.mark.parametrize("path", SEEN, ids=lambda path: path.stem)
def test_the_schema_refuses_what_it_can_see(path, validator):
    assert list(validator.iter_errors(read(path)))


def test_most_of_the_bad_files_that_are_yaml_fail_the_schema(validator):
    paths = [path for path in (HERE / "bad").glob("*.yaml") if not path.stem.startswith("yaml_")]
    failing = 0
    for path in paths:
        try:
            document = read(path)
        except Exception:
            failing += 1
            continue
        failing += bool(list(validator.iter_errors(document)))
    assert failing / len(paths) > 0.6


def test_the_schema_offers_kernels_and_their_parameters(validator):
    step = validator.schema["$defs"]["StepShape"]
    offered = json.dumps(step["properties"]["kernel"])
    assert "bandpass" in offered
    assert "Keep one frequency band." in offered
    of_bandpass = next(
        one for one in step["allOf"] if one["if"]["properties"]["kernel"]["const"] == "bandpass"
    )
    literals = of_bandpass["then"]["properties"]["with"]["anyOf"][0]
    assert set(literals["properties"]) == {"low", "high", "order", "kind", "zero_phase"}
    assert literals["required"] == ["low", "high"]
    assert "kHz" in literals["properties"]["low"]["description"]
    assert "default 50 %" in json.dumps(step["allOf"])
    json.dumps(validator.schema)


def test_what_the_loader_accepts_the_schema_accepts(tmp_path, validator):
    document = read(HERE / "good" / "bearing.yaml")
    variants = {
        "12 kHz": True, "12kHz": True, "720000 rpm": True, "7.2e5 1/min": True, "12000": False, "kHz": False,
        "12000 /s": True, "1.2e4 Hz": True,
    }  # fmt: skip
    for text, fine in variants.items():
        changed = copy.deepcopy(document)
        changed["steps"]["band"]["with"] = {"low": "1 Hz", "high": text}
        path = tmp_path / "workflow.yaml"
        with path.open("w") as stream:
            YAML(typ="safe", pure=True).dump(changed, stream)
        if fine:
            load_workflow(path)
        else:
            with pytest.raises(WorkflowError):
                load_workflow(path)
        assert (list(validator.iter_errors(changed)) == []) is fine, text
