"""The array back end: where it computes, what it moves, and that a broken kernel is noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from hpcflow.conformance import checks
from hpcflow_kernels import get, registry
from hpcflow_kernels.arrays import namespace
from hpcflow_kernels.arrays.namespace import NoDeviceError, Place, available, place
from hpcflow_kernels.arrays.segments import by_segment
from hpcflow_kernels.arrays.transforms import cut
from tests import toy
from tests.conftest import require

PLACES = available()


@pytest.fixture
def torch_here() -> None:
    require(namespace.is_installed("torch"), "PyTorch")


@pytest.fixture(params=PLACES, ids=str)
def here(request) -> Place:
    return request.param


class TestPlace:
    @pytest.mark.parametrize("library", ["array_api_strict", "torch"])
    def test_kernels_are_tried_on_a_strict_library_and_on_a_fast_one(self, library):
        require(library in {found.library for found in PLACES}, library)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool, np.complex64])
    def test_there_and_back(self, here, dtype):
        x = np.arange(12).reshape(3, 4).astype(dtype)
        for given in (x, x[:, ::2], x[::-1], x.T):
            got = here.back(here.put(given))
            assert got.dtype == given.dtype
            assert np.array_equal(got, given)

    def test_what_is_put_is_a_copy(self, here):
        x = np.arange(3.0)
        there = here.put(x)
        x[:] = 9
        assert np.array_equal(here.back(there), np.arange(3.0))
        x.flags.writeable = False
        assert np.array_equal(here.back(here.put(x)), x)

    def test_the_variable_names_it(self, monkeypatch, torch_here):
        monkeypatch.setenv(namespace.VARIABLE, "torch:cpu")
        assert place() == Place("torch", "cpu")
        monkeypatch.setenv(namespace.VARIABLE, "array_api_strict")
        assert place() == Place("array_api_strict")

    @pytest.mark.parametrize(("asked", "told"), [("tensorflow", "use torch"), ("torch:cuda", "sees no GPU")])
    def test_what_is_not_there_is_said(self, monkeypatch, asked, told):
        monkeypatch.setattr(namespace, "is_installed", lambda library: True)
        monkeypatch.setattr(namespace, "_gpus", lambda library: 0)
        with pytest.raises(NoDeviceError, match=told):
            place(asked)

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ("torch:gpu", "unknown device .*torch:cuda:1"),
            ("cupy:1", "use cupy alone"),
            ("array_api_strict:cpu", "use array_api_strict alone"),
        ],
    )
    def test_no_device_is_passed_over_in_silence(self, monkeypatch, asked, told):
        monkeypatch.setattr(namespace, "is_installed", lambda library: True)
        monkeypatch.setattr(namespace, "_gpus", lambda library: 1)
        with pytest.raises(NoDeviceError, match=told):
            place(asked)

    def test_a_library_that_is_missing_is_said(self, monkeypatch):
        monkeypatch.setattr(namespace, "is_installed", lambda library: False)
        with pytest.raises(NoDeviceError, match="not installed"):
            place("torch:cpu")

    def test_without_a_gpu_nothing_is_chosen(self, monkeypatch):
        monkeypatch.delenv(namespace.VARIABLE, raising=False)
        monkeypatch.setattr(namespace, "is_installed", lambda library: True)
        monkeypatch.setattr(namespace, "_gpus", lambda library: 0)
        with pytest.raises(NoDeviceError, match=r"torch sees none.*HPCFLOW_LUMI_ARRAYS=torch:cpu"):
            place()

    def test_the_first_with_a_gpu_is_chosen(self, monkeypatch):
        monkeypatch.delenv(namespace.VARIABLE, raising=False)
        monkeypatch.setattr(namespace, "_gpus", lambda library: int(library == "cupy"))
        assert place() == Place("cupy")
        monkeypatch.setattr(namespace, "_gpus", lambda library: 1)
        assert place() == Place("torch", "cuda")

    def test_it_names_library_version_and_device(self, torch_here):
        assert str(Place("torch", "cpu")).endswith(" on cpu")
        assert str(Place("torch", "cpu")).startswith("torch 2")

    def test_threads_are_the_workers(self, torch_here):
        text = (
            "from hpcflow_kernels.arrays.namespace import place; import numpy, torch;"
            "place('torch:cpu').put(numpy.zeros(1)); print(torch.get_num_threads())"
        )
        for given, expected in (("", "1"), ("2", "2")):
            environment = {**os.environ, "OMP_NUM_THREADS": given}
            done = subprocess.run(
                [sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=True
            )
            assert done.stdout.strip() == expected

    def test_contracts_and_plans_import_no_library_of_arrays(self):
        text = (
            "import sys, hpcflow_kernels as k; k.contracts(); import hpcflow_kernels.arrays.namespace;"
            "print([n for n in ('torch', 'array_api_strict', 'array_api_compat') if n in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "gaps", [(), (slice(0, 2),), (slice(50, 53), slice(55, 60)), (slice(97, None),), (slice(None),)]
)
def test_stretches_between_gaps_are_records_of_their_own(here, gaps):
    contract = replace(toy.CONTRACTS["smooth"], min_samples=lambda params, rate: 3)

    def total(x, *, rate):
        """Of the stretch so far and to come: differs with its length."""
        return x * 0 + float(x.shape[0]) * rate

    x = np.ones(100)
    for gap in gaps:
        x[gap] = np.nan
    got = here.back(by_segment(total, here.put(x), contract, {}, 2.0, here))
    expected = np.full(100, np.nan)
    bounds = np.flatnonzero(np.diff(np.concatenate([[0], np.isfinite(x), [0]])))
    for start, stop in bounds.reshape(-1, 2):
        if stop - start >= 3:
            expected[start:stop] = 2.0 * (stop - start)
    assert np.array_equal(got, expected, equal_nan=True)


def on_processor(x, *, rate, frame, hop):
    if len(x) < frame:
        return {"peak": np.zeros(0, x.dtype)}
    return {"peak": np.lib.stride_tricks.sliding_window_view(x, frame)[::hop].max(axis=1)}


class TestBrokenKernels:
    """Each promise of the array back end, broken, is noticed."""

    @pytest.fixture
    def broken(self, monkeypatch):
        def run(function, error=1e-6):
            monkeypatch.setattr(toy, "broken", function, raising=False)
            monkeypatch.setattr(toy, "sound", on_processor, raising=False)
            framed = toy.CONTRACTS["framed"]
            contract = replace(
                framed,
                fields=lambda params: framed.fields(params)[:1],
                implementation="tests.toy:sound",
                array="tests.toy:broken",
                array_error=error,
            )
            monkeypatch.setattr(registry, "contracts", lambda: {"framed": contract})
            found = []
            for check in checks("framed", {"frame": 100, "hop": 50}):
                try:
                    check()
                except AssertionError as told:
                    found.append(f"{check}: {told}")
            return "\n".join(found)

        return run

    @staticmethod
    def peak(x, *, rate, frame, hop):
        from array_api_compat import array_namespace

        return {"peak": array_namespace(x).max(cut(x, frame, hop), axis=-1)}

    def test_a_sound_one_passes(self, broken):
        assert broken(self.peak) == ""

    def test_a_wrong_value(self, broken, torch_here):
        def off(x, **params):
            return {"peak": self.peak(x, **params)["peak"] * 1.00001}

        found = broken(off)
        assert "torch cpu: float32 as on the processor: peak of float32 is 1e-05 of its largest" in found
        assert "array_api_strict: float64" in found
        assert "float32 as" not in broken(off, error=2e-5)

    def test_another_type(self, broken):
        def double(x, **params):
            from array_api_compat import array_namespace

            made = self.peak(x, **params)["peak"]
            return {"peak": array_namespace(x).astype(made, array_namespace(x).float64)}

        assert "peak is float64" in broken(double)

    def test_an_input_written_to(self, broken):
        def centred(x, **params):
            made = self.peak(x, **params)
            x[0] = 0.0
            return made

        assert "wrote to its input" in broken(centred)

    def test_gaps_filled(self, broken):
        def filled(x, **params):
            from array_api_compat import array_namespace

            xp = array_namespace(x)
            return self.peak(xp.where(xp.isnan(x), xp.zeros_like(x), x), **params)

        assert "is not missing where it is on the processor" in broken(filled)

    def test_a_function_that_is_no_standard(self, broken):
        def median(x, *, rate, frame, hop):
            from array_api_compat import array_namespace

            return {"peak": array_namespace(x).nanmedian(cut(x, frame, hop), axis=-1)}

        with pytest.raises(AttributeError):
            broken(median)

    def test_a_result_left_on_the_processor(self, broken):
        def numpy(x, **params):
            return {"peak": np.asarray(self.peak(x, **params)["peak"])}

        assert "is not of the library and device" in broken(numpy)


def test_a_kernel_without_one_refuses_to_load_it():
    with pytest.raises(ValueError, match="no implementation for 'array'"):
        replace(get("welch"), array="").load("array")
    assert get("welch").backends == ("cpu", "array")
    assert replace(get("welch"), array="").backends == ("cpu",)
