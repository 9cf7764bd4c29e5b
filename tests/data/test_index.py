"""The user's table of facts: what it says, and how it says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcflow.data.index import Index, assign, read_index
from hpcflow.errors import WorkflowError

GOOD = """file,channel,sampling rate [Hz],speed [rpm],bearing,load [1]
097.mat,,48000,1796,SKF 6205-2RS,0
105.mat,DE,12000,1797,,0
105.mat,,12000,,SKF 6203,
1*.mat,,6000,1000,,7
"""


def read(tmp_path: Path, content: str | bytes, **kwargs: object) -> Index:
    path = tmp_path / "index.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_index(path, shown="index.csv", **kwargs)  # type: ignore[arg-type]


def test_values_are_si_and_the_particular_row_wins(tmp_path: Path) -> None:
    index = read(tmp_path, GOOD)
    assert [(fact.name, fact.units) for fact in index.facts] == [
        ("sampling_rate", "s-1"),
        ("speed", "s-1"),
        ("bearing", "text"),
        ("load", "1"),
    ]
    said = assign(index, ["a/097.mat", "105.mat", "105.mat", "130.mat", "x.mat"], ["", "DE", "FE", "", ""])
    assert said.values["sampling_rate"] == [48000, 12000, 12000, 6000, None]
    assert said.values["speed"][:4] == pytest.approx([1796 / 60, 1797 / 60, 1000 / 60, 1000 / 60], rel=1e-15)
    assert said.values["bearing"] == ["SKF 6205-2RS", "SKF 6203", "SKF 6203", None, None]
    assert said.values["load"] == [0, 0, 7, 7, None]
    assert said.warnings == ()


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace(",", ";").replace("48000", "48000,0"),
        GOOD.replace(",", "\t"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "# facts of the rig\n\n" + GOOD + "\n\n# end\n",
        GOOD.encode("utf-16"),
        GOOD.replace("speed [rpm]", "Speed (rpm)").replace("bearing", "bearing [text]"),
        GOOD.replace("097.mat", "./097.mat").replace("105.mat", '"105.mat"'),
    ],
    ids=["semicolon", "tab", "mark", "CRLF", "comments", "utf-16", "round", "quotes"],
)
def test_spreadsheets_write_it_in_many_ways(content: str | bytes, tmp_path: Path) -> None:
    plain, other = read(tmp_path, GOOD), read(tmp_path, content)
    assert [row.values for row in other.rows] == [row.values for row in plain.rows]
    assert [(row.file, row.channel) for row in other.rows] == [(row.file, row.channel) for row in plain.rows]


BAD = [
    ("name,speed [rpm]\na.mat,1\n", [(1, "column called file", "begin the header with file")]),
    ("file,speed\na.mat,1500\n", [(1, "state the units", "speed [rpm]")]),
    ("file,speed [rpn]\na.mat,1500\n", [(1, "'rpn' is not a known unit", "rpm")]),
    ("file,sampling_rate [s]\na.mat,1\n", [(1, "units of frequency", "")]),
    ("file,sampling_rate [Hz]\na.mat,0\n", [(2, "above 0", "samples per second")]),
    ("file,speed [rpm]\na.mat,fast\nb.mat,1e9999\nc.mat,1_0\n", [(2, "number in rpm", "'fast'")] * 1),
    ("file,speed [rpm]\na.mat,1\na.mat,2\n", [(3, "once", "line 2")]),
    ("file,speed [rpm]\n,1\n", [(2, "name a file", "")]),
    ("file,speed [rpm],speed [Hz]\na.mat,1,2\n", [(1, "two columns of one name", "speed")]),
    (
        "file,speed [rpm]\na.mat\nb.mat,1,2\n",
        [(2, "one cell per column", "1 cells under 2"), (3, "", "3 cells")],
    ),
    ("file,speed [rpm],\na.mat,1,2\n", [(1, "name each column", "")]),
    ('file,speed [rpm]\n"a.mat,1\n', [(2, "well-formed", "quotes")]),
    ("", [(0, "is empty", "")]),
    ("\n\n", [(1, "header and rows", "")]),
    (b"\x00\x01\x02file", [(0, "not a text table", "")]),
    ("file,weight [g],t [G]\na,1,1\n", [(1, "gravity or the gram", "gram"), (1, "'G' is not", "gn")]),
]


@pytest.mark.parametrize(("content", "expected"), BAD)
def test_problems_have_line_rule_and_remedy(
    content: str | bytes, expected: list[tuple[int, str, str]], tmp_path: Path
) -> None:
    with pytest.raises(WorkflowError) as caught:
        read(tmp_path, content)
    problems = caught.value.problems
    assert len(problems) >= len(expected)
    for problem, (line, rule, rest) in zip(problems, expected, strict=False):
        assert (problem.file, problem.line) == ("index.csv", line)
        assert rule in problem.rule
        assert rest in f"{problem.value} {problem.remedy}"
        assert problem.remedy


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = "file,speed [rpm],load [kg]\na,x,1\nb,1,y\na,2,2\nc,nope,nope\n"
    with pytest.raises(WorkflowError) as caught:
        read(tmp_path, text)
    assert sorted((p.line, p.column) for p in caught.value.problems) == [
        (2, 2),
        (3, 3),
        (4, 1),
        (5, 2),
        (5, 3),
    ]


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, words in [(tmp_path, "is a folder"), (tmp_path / "none.csv", "not there")]:
        with pytest.raises(WorkflowError, match=words):
            read_index(path, shown="index.csv")


def test_equal_rows_must_not_contradict(tmp_path: Path) -> None:
    index = read(tmp_path, "file,speed [rpm]\na*,1\n*b,2\nab,\n")
    with pytest.raises(WorkflowError, match="contradict line 2"):
        assign(index, ["ab"], [""])
    assert assign(index, ["ax"], [""]).values["speed"] == [1 / 60]
    agreeing = read(tmp_path, "file,speed [rpm]\na*,1\n*b,1\nab,3\n")
    assert assign(agreeing, ["ab"], [""]).values["speed"] == [pytest.approx(3 / 60)]


def test_rows_that_speak_of_nothing_are_warned_of(tmp_path: Path) -> None:
    index = read(tmp_path, "file,channel,speed [rpm]\n105.mat,DX,1\n106.mat,,1\nx/*.mat,,1\n")
    warnings = assign(index, ["105.mat"], ["DE"]).warnings
    assert warnings == (
        "index.csv:2: no record is 105.mat, channel DX; there is channel DE",
        "index.csv:3: no record is 106.mat; there is 105.mat",
        "index.csv:4: no record is x/*.mat",
    )


def test_paths_from_the_workflow_and_from_the_index(tmp_path: Path) -> None:
    index = read(tmp_path, "file,speed [rpm]\nday1/a.mat,60\nrec/day2/*,120\nb.mat,180\n", folder="rec")
    said = assign(index, ["rec/day1/a.mat", "rec/day2/x.mat", "other/b.mat", "day1/a.mat"], [""] * 4)
    assert said.values["speed"] == [1.0, 2.0, 3.0, 1.0]


def test_dimensions_that_the_workflow_states_decide(tmp_path: Path) -> None:
    index = read(tmp_path, "file,limit [g]\na,0.5\n", dimensions={"limit": "acceleration"})
    assert index.facts[0].units == "m s-2"
    assert index.rows[0].values == (0.5 * 9.80665,)
