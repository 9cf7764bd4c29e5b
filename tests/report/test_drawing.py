"""Drawings: the same bytes every time, the page's colours, text stays text, curves keep their peaks."""

from __future__ import annotations

import doctest
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from hpcflow.plan.model import FieldPlan
from hpcflow.report import figure as fig
from hpcflow.report import text
from hpcflow.report.generic import _heat
from hpcflow.report.parts import Picture

NAME = "</text><script>alert(1)</script> $x^2$ & 'a' \"b\""


def drawing(label: str = NAME) -> Picture:
    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1, 2], [3, 1, 2], color=fig.RED)
        axes.fill_between([0, 1], [0, 0], [1, 1], color=fig.SHADE)
        axes.set_title(label)

    return fig.picture(draw, label, size=(fig.WIDE, 200), narrow=(fig.NARROW, 200))


@pytest.fixture(scope="module")
def drawn() -> Picture:
    return drawing()


def test_the_same_data_give_the_same_bytes(drawn: Picture) -> None:
    assert drawing() == drawn
    assert drawn.svg != drawn.narrow


def test_text_is_escaped_and_is_not_read_as_mathematics(drawn: Picture) -> None:
    assert "<script" not in drawn.svg
    root = ElementTree.fromstring(drawn.svg)
    assert NAME in [element.text for element in root.iter("text")]
    assert root.get("aria-label") == NAME
    assert root.get("role") == "img"


def test_every_colour_is_the_page_s_own(drawn: Picture) -> None:
    assert "var(--red)" in drawn.svg
    assert "var(--shade)" in drawn.svg
    styles = " ".join(e.get("style") or "" for e in ElementTree.fromstring(drawn.svg).iter())
    assert not re.findall(r"#[0-9a-f]{6}", styles)


def test_nothing_is_loaded_and_no_identifier_stands_twice(drawn: Picture) -> None:
    both = drawn.svg + drawn.narrow
    assert "http" not in both
    names = re.findall(r' id="([^"]+)"', both)
    assert names
    assert len(set(names)) == len(names)
    for used in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', both):
        assert (used[0] or used[1]) in names


def test_fewer_points_keep_the_largest_and_the_smallest() -> None:
    y = np.random.default_rng(0).standard_normal(100_000)
    y[70_001] = 50
    x, thin = fig.envelope(np.arange(len(y), dtype=float), y, 1000)
    assert len(thin) <= 1100
    assert (thin.max(), thin.min()) == (y.max(), y.min())
    assert abs(x[thin.argmax()] - 70_001) <= 100_000 / 500
    assert np.all(np.diff(x) >= 0)


def test_few_points_stay_as_they_are() -> None:
    y = np.arange(50.0)
    assert fig.envelope(y, y, 600)[1] is y


def test_bins_agree_with_numpy_and_leave_gaps_out() -> None:
    y = np.arange(1000.0)
    y[250:520] = np.nan
    centre, mean, low, high = fig.binned(y, 100)
    for k, start in enumerate(range(0, 1000, 10)):
        part = y[start : start + 10]
        known = part[np.isfinite(part)]
        want = (known.mean(), known.min(), known.max()) if len(known) else (np.nan,) * 3
        np.testing.assert_array_equal((mean[k], low[k], high[k]), want)
        assert centre[k] == start + 5


def test_the_examples_in_the_docstrings_hold() -> None:
    for module in (text, fig):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


@pytest.mark.parametrize("value", [float("nan"), None])
def test_what_is_missing_is_a_dash_and_never_zero(value: float | None) -> None:
    assert {f(value) for f in (text.number, text.percent, text.clock)} == {"—"}
    assert text.quantity(value, "W") == "—"


def field(dim: str, coordinate: tuple, units: str) -> FieldPlan:
    return FieldPlan("power", "power", units, "float32", ((dim, coordinate, ""),), ())


def test_a_map_of_densities_has_a_decade_to_a_tick():
    frequencies = tuple(map(float, range(64)))
    values = np.random.default_rng(8).lognormal(-7, 3, (100, 64))
    drawn = _heat(values, field("frequency", frequencies, "m2 s-4 Hz-1"), "s", "a.mat").svg
    assert {"0.01", "0.001", "1 × 10⁻⁴"} <= texts(drawn)
    level = _heat(values - 1.0, field("frequency", frequencies, "m s-2"), "s", "a.mat").svg
    assert not {"0.001", "1 × 10⁻⁴"} & texts(level), "values below zero have no logarithm"


def test_every_named_feature_has_its_line_and_its_own_range():
    names = tuple(f"feature {k}" for k in range(22))
    values = np.random.default_rng(9).normal(size=(30, 22)) * 10.0 ** np.arange(22)
    drawn = _heat(values, field("feature", names, "1"), "s", "a.mat").svg
    assert {*names, "each by its own range"} <= texts(drawn)


def texts(svg: str) -> set[str]:
    return {"".join(element.itertext()) for element in ElementTree.fromstring(svg).iter("text")}
