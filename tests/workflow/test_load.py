"""What a good file becomes, overrides, files that are no text, and mutated files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpcflow.errors import WorkflowError
from hpcflow.workflow.check import check_against
from hpcflow.workflow.load import load_text, load_workflow
from hpcflow.workflow.load_yaml import MAX_BYTES, parse, plain, resolve
from hpcflow.workflow.model import Ref

GOOD = Path(__file__).parent / "good"
BEARING = (GOOD / "bearing.yaml").read_bytes()


def problems_of(source, *overrides, file="w.yaml"):
    if isinstance(source, str):
        source = source.encode()
    with pytest.raises(WorkflowError) as caught:
        load_text(source, file, overrides)
    return caught.value.problems


def test_a_good_file_becomes_a_spec():
    spec = load_workflow(GOOD / "bearing.yaml", readers={"matlab"})
    assert spec.name == "bearing-condition"
    assert spec.folder == GOOD
    assert [step.name for step in spec.steps] == ["band", "envelope", "diagnosis", "condition"]
    band = spec.step("band")
    assert band.params == {
        "low": 2000.0,
        "high": 5000.0,
        "order": 4,
        "kind": "butterworth",
        "zero_phase": True,
    }
    assert band.given == {"low": "2 kHz", "high": "5 kHz"}
    assert band.inputs == {"signal": Ref("machine", "acceleration", dataset=True)}
    assert spec.step("envelope").params == {"window": 1.0, "overlap": 0.5}
    assert list(spec.step("diagnosis").inputs) == ["spectrum", "speed", "bearing"]
    machine = spec.dataset("machine")
    assert machine.files == ("recordings/*.mat",)
    assert machine.options["variables"]["acceleration"] == {
        "select": ["*_time"], "units": "g", "dimension": "acceleration",
    }  # fmt: skip
    assert machine.defaults == {"bearing": "SKF 6205-2RS", "speed": "1797 rpm"}
    assert [str(ref) for ref in spec.save] == ["envelope", "condition", "diagnosis"]
    assert spec.run.budget == {"gpu_hours": 10.0}
    assert spec.warnings == ()


def test_every_key_and_every_way_to_write_a_value():
    spec = load_workflow(GOOD / "every_key.yaml")
    assert spec.description == "All keys of the file format, used once.\n"
    assert spec.dataset("machine").files[0] == "recordings/**/*.mat"
    assert spec.dataset("machine").defaults["bearing"] == "6205"
    assert spec.dataset("rides").zarr == "/data/rides.zarr"
    assert spec.parameters["pattern"] == ["{band}", "price $${x}"]
    assert spec.step("stats").params["bands"] == (10.0, 5000.0)
    assert spec.step("stats").params["weights"] == (1.0, 0.5, 0.2)
    assert spec.step("filtered").params["high"] == 2000.0
    assert spec.step("again").params["high"] == 2000.0
    assert spec.step("spectra").params["overlap"] == 0.5
    assert spec.step("curve").params["durations"] == (5.0, 60.0, 3600.0)
    assert spec.run.workers == 8
    assert spec.run.block_bytes == 256 * 2**20
    assert spec.run.time_limit == 5400.0
    assert spec.run.budget == {"core_hours": 500.0, "gpu_hours": 10.0}
    assert [warning.path for warning in spec.warnings] == ["parameters.pattern"]


def test_the_order_of_the_file_does_not_matter():
    head, steps, tail = re.match(rb"(.*steps:\n)(.*)(save:.*)", BEARING, re.DOTALL).groups()
    turned = head + b"\n".join(reversed(steps.rstrip(b"\n").split(b"\n"))) + b"\n" + tail
    one, other = load_text(BEARING, "w.yaml"), load_text(turned, "w.yaml")
    assert sorted(one.steps, key=lambda step: step.name) == sorted(other.steps, key=lambda step: step.name)
    for spec in (one, other):
        seen = {"machine"}
        for step in spec.steps:
            assert {ref.source for ref in step.inputs.values()} <= seen
            seen.add(step.name)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"---\n" + text + b"...\n",
        lambda text: b"# comment\n\n" + text.replace(b"\n", b" # comment\n"),
        lambda text: text.rstrip(b"\n"),
    ],
    ids=["CRLF", "BOM", "document marks", "comments", "no newline at the end"],
)
def test_other_forms_of_the_same_text_are_the_same_workflow(change):
    one, other = load_text(BEARING, "w.yaml"), load_text(change(BEARING), "w.yaml")
    assert (one.datasets, one.steps, one.save, one.run) == (
        other.datasets,
        other.steps,
        other.save,
        other.run,
    )


def test_later_checks_can_point_into_the_file():
    spec = load_workflow(GOOD / "bearing.yaml")
    lines = BEARING.decode().split("\n")
    problem = spec.problem(
        "steps.band.with.high", "the band must end below half the sampling rate", "5 kHz", "lower it"
    )
    assert lines[problem.line - 1][problem.column - 1 :].startswith('"${band[1]}"')
    assert "5 kHz, from parameter band[1] (line 5)" in str(problem)
    assert spec.problem("steps.band.with.order", "x").line == problem.line
    assert spec.problem("nowhere.at.all", "x").line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("true", True),
        ("FALSE", False), ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("+4", 4),
        ("0", 0), ("0o17", 15),
        ("0x1F", 31), ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-2.5E-3", -0.0025),
        ("1_000", "1_000"), ("1:30:00", "1:30:00"), ("2024-01-01", "2024-01-01"), ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("12 kHz", "12 kHz"), ("=", "="), ("nan", "nan"), ("Infinity", "Infinity"), ("tRUE", "tRUE"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text, value):
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_sha_and_source_are_those_of_the_file():
    import hashlib

    spec = load_workflow(GOOD / "bearing.yaml")
    assert spec.source == BEARING
    assert spec.sha256 == hashlib.sha256(BEARING).hexdigest()


# overrides


def test_overrides_set_parameters_datasets_and_run():
    spec = load_text(
        BEARING,
        "w.yaml",
        ["band=[1 kHz, 3 kHz]", "datasets.machine.files=['a/*.mat', 'b.mat']", "run.workers=3",
         "datasets.machine.defaults.load=5 lbf", "datasets.machine.store=/scratch/x.zarr"],
    )  # fmt: skip
    assert spec.step("band").params["low"] == 1000.0
    assert spec.dataset("machine").files == ("a/*.mat", "b.mat")
    assert spec.dataset("machine").store == "/scratch/x.zarr"
    assert spec.dataset("machine").defaults["load"] == "5 lbf"
    assert spec.run.workers == 3
    assert spec.overrides[0] == "band=[1 kHz, 3 kHz]"


def test_the_last_override_of_a_name_wins():
    assert load_text(BEARING, "w.yaml", ["run.workers=3", "run.workers=4"]).run.workers == 4


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("bnd=[1 kHz, 2 kHz]", ["--set bnd=", "names a parameter", "did you mean band"]),
        ("band", ["--set band", "name=value"]),
        ("", ["name=value"]),
        ("band=", ["--set band=", "has a value"]),
        ("band=[1 kHz", ["--set band=[1 kHz", "valid YAML"]),
        ("band=[1 kHz, 2 s]", ["high must be a frequency", "--set band="]),
        ("band=&x [1 kHz, 2 kHz]", ["no anchors"]),
        ("band=[1 kHz]", ["band has 1 entries"]),
        ("datasets.machin.files=x.mat", ["names a dataset", "did you mean machine"]),
        ("datasets.machine.fles=x.mat", ["--set datasets.machine.fles", "no such key", "did you mean files"]),
        ("datasets.machine.reader=5", ["reader is a text", "--set datasets.machine.reader=5"]),
        ("datasets.machine=5", ["machine is a mapping"]),
        ("steps.band.kernel=spectrum", ["sets a parameter", "make it a parameter"]),
        ("run.workers=many", ["workers is a whole number"]),
        ("save=[band]", ["names a parameter"]),
        ("band=\udcff", ["UTF-8"]),
        ("band=\x00", ["control"]),
    ],
)
def test_a_bad_override_names_the_option(override, words):
    problems = problems_of(BEARING, override)
    said = "\n".join(map(str, problems))
    for word in words:
        assert word in said
    assert all("\n" not in one.rule + one.value for one in problems)


def test_an_override_that_is_wrong_has_no_line():
    (problem,) = problems_of(BEARING, "run.device=tpu")
    assert problem.file == "--set run.device=tpu"
    assert problem.line == 0


# references


def test_references_keep_their_type_and_dollars_can_be_written():
    text = BEARING.replace(b"band: [2 kHz, 5 kHz]", b"band: [2 kHz, 5 kHz]\n  n: 12.50\n  name: a$${b}")
    text = text.replace(b'files: "recordings/*.mat"', b'files: ["${n}/${name}/$${x}/*.mat", "a/$${n}"]')
    assert load_text(text, "w.yaml").dataset("machine").files == ("12.50/a${b}/${x}/*.mat", "a/${n}")


def test_references_cannot_grow_without_bound():
    long = "x" * 3000
    text = BEARING.replace(b"band: [2 kHz, 5 kHz]", f"band: [2 kHz, 5 kHz]\n  long: {long}".encode())
    text = text.replace(b'files: "recordings/*.mat"', b'files: "${long}${long}"')
    assert "expand to at most" in str(problems_of(text)[0])
    many = ", ".join(["1"] * 5000)
    text = BEARING.replace(b"band: [2 kHz, 5 kHz]", f"band: [2 kHz, 5 kHz]\n  many: [{many}]".encode())
    files = ", ".join(['"${many}"'] * 5000)
    text = text.replace(b'files: "recordings/*.mat"', f"files: [{files}]".encode())
    start = time.process_time()
    assert any("expand to at most" in str(one) for one in problems_of(text))
    assert time.process_time() - start < 10


# files that are no workflow text


def test_bytes_that_are_no_text(tmp_path):
    for name, data, words in (
        ("latin.yaml", BEARING.replace(b"Which", b"Fl\xe4che"), ["UTF-8", "0xe4"]),
        ("utf16.yaml", BEARING.decode().encode("utf-16"), ["UTF-8", "UTF-16"]),
        ("nul.yaml", BEARING.replace(b"machine:", b"mach\x00ine:", 1), ["control", "U+0000"]),
        ("escape.yaml", BEARING.replace(b"Which", b"\x1b[31mWhich"), ["control", "U+001B"]),
        ("empty.yaml", b"", ["is not empty"]),
        ("blank.yaml", b"\n \n", ["is not empty"]),
        ("null.yaml", b"~\n", ["is not empty"]),
        ("huge.yaml", BEARING + b"# x\n" * MAX_BYTES, ["256 KiB"]),
        ("zip.yaml", b"PK\x03\x04" + bytes(range(256)), ["UTF-8"]),
        ("surrogate.yaml", b"name: \xed\xa0\x80", ["UTF-8"]),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(WorkflowError) as caught:
            load_workflow(path)
        for word in words:
            assert word in str(caught.value), name
    latin = problems_of(BEARING.replace(b"Which", b"Fl\xe4che"))[0]
    assert (latin.line, latin.column) == (3, 16)


def test_things_that_are_no_file(tmp_path):
    (tmp_path / "bearing.yaml").write_bytes(BEARING)
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    for path, words in (
        (tmp_path, ["a folder", "bearing.yaml"]),
        (tmp_path / "baering.yaml", ["no such file", "did you mean", "bearing.yaml"]),
        (tmp_path / "none" / "x.yaml", ["no such file", "cannot be read"]),
        (loop, ["cannot be read"]),
        (fifo, ["a device, pipe or socket"]),
        (Path("/dev/zero"), ["a device, pipe or socket"]),
        (str(tmp_path) + "/a\x00b", ["cannot be read"]),
        ("x" * 5000, ["cannot be read"]),
        (tmp_path / "bearing.yaml" / "x", ["cannot be read"]),
    ):
        with pytest.raises(WorkflowError) as caught:
            load_workflow(path)
        for word in words:
            assert word in str(caught.value)


def test_very_deep_and_very_wide_texts_are_refused_quickly():
    texts = (
        "a: " + "[" * 100_000, "a: " + "{a: " * 50_000, "- " * 60_000, "? " * 60_000, "!" * 50_000,
        "a: [" + "1, " * 60_000 + "]", "&a " * 1000, "a: " + "'" * 99_999, '"' * 99_999, "%" * 99_999,
        ": " * 50_000, "a: >" + "\n" * 50_000, "\n".join(f"k{i}: 1" for i in range(20000)),
    )  # fmt: skip
    for text in texts:
        start = time.process_time()
        problems_of(text)
        assert time.process_time() - start < 8, text[:20]


# after the scan


def test_a_workflow_is_checked_against_what_was_found():
    spec = load_workflow(GOOD / "bearing.yaml")
    facts = {"machine": {"speed": "s-1", "bearing": "text"}}
    assert check_against(spec, {"machine": {"acceleration": "m s-2"}}, facts) == ()
    assert check_against(spec, {}, {}) == ()
    problems = check_against(spec, {"machine": {"accelerations": "m s-2"}}, facts)
    assert {one.path for one in problems} == {"steps.band.input", "steps.condition.input"}
    assert all("did you mean machine.accelerations?" in str(one) for one in problems)
    assert all(one.line for one in problems)


def test_units_that_the_scan_found_reach_through_steps():
    text = BEARING.replace(b"units: g, dimension: acceleration", b"long_name: x")
    spec = load_text(text, "w.yaml")
    problems = check_against(spec, {"machine": {"acceleration": "V"}}, {})
    assert {one.path for one in problems} == {"steps.condition.input", "steps.diagnosis.input.spectrum"}


def test_a_fact_that_no_record_has_is_allowed_unless_it_looks_like_a_slip():
    spec = load_workflow(GOOD / "bearing.yaml")
    variables = {"machine": {"acceleration": "m s-2"}}
    assert check_against(spec, variables, {"machine": {}}) == ()
    (problem,) = check_against(spec, variables, {"machine": {"speeds": "s-1"}})
    assert "did you mean machine.speeds?" in str(problem)
    (problem,) = check_against(spec, variables, {"machine": {"speed": "text"}})
    assert "takes frequency" in str(problem)


# promises


def test_reading_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, time\n"
        "from hpcflow.workflow.load import load_workflow\n"
        "import hpcflow.workflow.model_file, ruamel.yaml\n"
        "from hpcflow.errors import WorkflowError\n"
        "t = time.process_time()\n"
        "try:\n    load_workflow(sys.argv[1])\nexcept WorkflowError:\n    pass\n"
        "print(time.process_time() - t)\n"
        "heavy = ('numpy', 'pint', 'scipy', 'pandas', 'zarr', 'xarray', 'numba')\n"
        "print([m for m in heavy if m in sys.modules])\n"
    )
    repo = Path(__file__).parents[2]
    path = os.pathsep.join([str(repo), str(repo / "kernels")])
    out = subprocess.run(
        [sys.executable, "-c", code, str(GOOD / "bearing.yaml")],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path},
    ).stdout.split("\n")  # fmt: skip
    assert float(out[0]) < 0.3
    assert out[1] == "[]"


def test_the_same_text_gives_the_same_problems():
    text = BEARING.replace(b"kernel", b"kernl")
    assert problems_of(text) == problems_of(text)


_LINES = BEARING.split(b"\n")
_SNIPPETS = (
    b"&a", b"*a", b"!!int", b"<<: *a", b"\t", b"\x00", b"\xff", b"${band[9]}", b"${", b"$${", b"'", b'"',
    b"{", b"}", b"[", b"]", b":", b": ", b"- ", b"? ", b"#", b"|", b">", b"%", b"---", b"...", b"\r",
    b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"1e999", b".nan", b"-", b"~", b"null", b"0777", b"9" * 400, b"2 s",
    b"g", b"../x", b"steps", b"machine", b"\\x1b", b"${\\x1b}",
)  # fmt: skip


@st.composite
def mutated(draw):
    """A good file with a few bytes, words or lines changed."""
    text = bytearray((GOOD / draw(st.sampled_from(["bearing.yaml", "every_key.yaml"]))).read_bytes())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        kind = draw(st.integers(0, 5))
        if kind == 0:
            text[at:at] = draw(st.sampled_from(_SNIPPETS))
        elif kind == 1:
            del text[at : at + draw(st.integers(1, 40))]
        elif kind == 2:
            text[at : at + 1] = draw(st.binary(min_size=1, max_size=3))
        elif kind == 3:
            line = draw(st.sampled_from(_LINES))
            text[at:at] = b"\n" + line + b"\n"
        elif kind == 4:
            text[at : at + draw(st.integers(0, 20))] = draw(st.sampled_from(_SNIPPETS))
        else:
            del text[at:]
    return bytes(text)


def check_no_traceback(source, overrides=()):
    problems = ()
    try:
        assert load_text(source, "w.yaml", overrides).steps
    except WorkflowError as error:
        problems = error.problems or [None]
    for one in problems:
        assert one.rule
        assert one.line >= 0
        assert "".join((one.rule, one.value, one.remedy, one.path, one.file)).isprintable()
        assert len(str(one)) < 2000


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_a_mutated_file_is_read_or_refused_in_words(source):
    check_no_traceback(source)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_read_or_refused_in_words(source):
    check_no_traceback(source)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(
    ["2 kHz", "1 s", "50 %", "machine.acceleration", "band", "${band[0]}", "${x}", "bandpass", "g", "*.mat"]
)  # fmt: skip
_KEYS = st.sampled_from(
    [
        "hpcflow",
        "name",
        "datasets",
        "steps",
        "save",
        "run",
        "kernel",
        "input",
        "with",
        "files",
        "reader",
        "low",
        "a",
        "",
    ]
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_tree_in_any_place_is_read_or_refused_in_words(data):
    import io

    from ruamel.yaml import YAML

    document = plain(parse(BEARING, "w.yaml")[0])
    place = document
    for _ in range(data.draw(st.integers(0, 4))):
        keys = [key for key in place if isinstance(place[key], dict)]
        if not keys:
            break
        place = place[data.draw(st.sampled_from(keys))]
    place[data.draw(st.sampled_from(list(place) or ["x"]))] = data.draw(_TREES)
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(document, stream)
    check_no_traceback(stream.getvalue().encode("utf-8", "surrogatepass"))


_TARGETS = ["band", "run.workers", "datasets.machine", "datasets.machine.files", "datasets", "run", "x.y.z"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=30) | st.tuples(st.sampled_from(_TARGETS), st.text(max_size=20)).map("=".join))
def test_any_override_is_taken_or_refused_in_words(override):
    check_no_traceback(BEARING, [override])
