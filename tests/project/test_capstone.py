"""The capstone: its rubric adds up, both samples are graded by all of it, and their numbers are those of the bench."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project_root import ROOT
from prose import page

from aitex_utils.commands.inspect import COLUMNS

FOLDER = ROOT / "notebooks" / "capstone"
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "capstone.json").read_text(encoding="utf-8"))
STATEMENT = re.compile(r"\*\*([RSTIFW]\d)\*\*")
GRADED = re.compile(r"^\| ([RSTIFW]\d) \| ([01]) \| (.+) \|$", re.MULTILINE)
CRITERION = re.compile(r"^\| \[([RSTIFW]): [^|]+\| ([\d, ]+) \| (\d) \|$", re.MULTILINE)
TABLE = re.compile(r"<!-- table: \w+ -->.*?<!-- end -->", re.DOTALL)
TOTAL, POINTS = 16, {"a": 15, "b": 6}


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def statements() -> list[str]:
    return STATEMENT.findall(text_of("rubric").split("## Why AUROC")[0])


def parts_of(sample: str) -> tuple[str, str]:
    """Return the report and the grading of a sample."""
    report, grading = text_of(f"sample_{sample}").split("\n## Grading\n")
    return report, grading


def test_the_rubric_has_sixteen_statements_and_its_levels_add_up():
    found, criteria = statements(), CRITERION.findall(text_of("rubric"))
    assert len(found) == len(set(found)) == TOTAL
    assert [letter for letter, _, _ in criteria] == list("RSTIFW")
    for letter, levels, points in criteria:
        assert [int(level) for level in levels.split(", ")] == list(range(int(points) + 1))
        assert [name for name in found if name[0] == letter] == [f"{letter}{i}" for i in range(1, int(points) + 1)]


def test_the_sheet_has_a_line_for_each_statement():
    assert re.findall(r"^\| ([RSTIFW]\d) ", text_of("peer_review"), re.MULTILINE) == statements()


@pytest.mark.parametrize("sample", POINTS)
def test_each_statement_is_graded_once_with_a_reason(sample: str):
    graded = GRADED.findall(parts_of(sample)[1])
    assert [name for name, _, _ in graded] == statements()
    assert all(len(reason.split()) >= 4 for _, _, reason in graded)


@pytest.mark.parametrize("sample", POINTS)
def test_the_points_of_a_grading_add_up(sample: str):
    grading = parts_of(sample)[1]
    given = {name: int(point) for name, point, _ in GRADED.findall(grading)}
    levels = re.search(r"R (\d), S (\d), T (\d), I (\d), F (\d), W (\d): \*\*(\d+) of 16\*\*", grading)
    assert [int(level) for level in levels.groups()[:-1]] == [
        sum(point for name, point in given.items() if name[0] == letter) for letter in "RSTIFW"
    ]
    assert sum(given.values()) == int(levels[7]) == POINTS[sample]


def test_new_pictures_are_needed_for_the_points_that_the_rubric_names():
    for sample in POINTS:
        given = dict(GRADED.findall(parts_of(sample)[1])[i][:2] for i in range(TOTAL))
        assert given["S3"] == "1" or (given["T3"], given["I1"]) == ("0", "0")


@pytest.mark.parametrize("sample", POINTS)
def test_a_report_has_at_most_two_pages(sample: str):
    assert 300 < len(page(parts_of(sample)[0]).prose.split()) < 1000


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def interval(counted: dict[str, Any]) -> str:
    low, high = (100 * end for end in counted["interval"])
    return f"{low:.0f} to {high:.0f} %"


def of(counted: dict[str, Any]) -> str:
    return f"{counted['k']} of {counted['n']}"
