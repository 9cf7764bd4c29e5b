"""Every bad file: the line, the words that must be said, nothing else said, and never a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hpcflow.errors import WorkflowError
from hpcflow.workflow.load import load_workflow

BAD = Path(__file__).parent / "bad"
READERS = ("activity", "csv", "matlab")
_EXPECT = re.compile(r"# expect ([0-9]+): (.*)")


def expectations(path):
    """(line, words) of each ``# expect LINE: words; words`` comment at the head of a bad file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    for line in lines:
        match = _EXPECT.fullmatch(line)
        if match is None:
            break
        found.append((int(match[1]), match[2].split("; ")))
    return found


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_problem_has_its_line_and_says_what_to_do(path):
    wanted = expectations(path)
    assert wanted, "a bad file says what is expected of it"
    with pytest.raises(WorkflowError) as caught:
        load_workflow(path, readers=READERS)
    problems = caught.value.problems
    for line, words in wanted:
        texts = [str(one) for one in problems if one.line == line]
        assert any(all(word in text for word in words) for text in texts), (
            f"{line}: {words} not in {caught.value}"
        )
    if path.stem != "yaml_billion_laughs":  # where each alias of each line is named
        assert len(problems) == len(wanted), f"more was said: {caught.value}"
    for one in problems:
        assert one.rule
        assert str(path) == one.file
        assert one.line == 0 or one.column > 0
        assert one.remedy or "below its upper edge" in one.rule or "cannot judge" in one.rule
        assert "\n" not in one.rule + one.value + one.remedy
        assert len(str(one)) < 900


def test_there_are_many_bad_files():
    assert len(list(BAD.glob("*.yaml"))) >= 60
