"""Results are written where they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import results_files
from PIL import Image
from project_root import ROOT

from aitex_utils.plots import make_axes


def test_results_are_written_where_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    assert results_files.read_results_if_any("tried") == {}
    with pytest.raises(FileNotFoundError):
        results_files.read_results("tried")
    results_files.write_results("tried", {"b": [1, 2.5], "a": None})
    assert (
        results_files.read_results("tried") == results_files.read_results_if_any("tried") == {"b": [1, 2.5], "a": None}
    )
    assert (tmp_path / "tried.json").read_text(encoding="utf-8").endswith("}\n")


def test_all_floats_are_rounded():
    nested = {5: [0.123456, np.float32(0.5)], "n": 3, "name": ("a", None, True)}
    assert results_files.rounded(nested, 3) == {"5": [0.123, 0.5], "n": 3, "name": ["a", None, True]}


def test_a_figure_carries_its_caption(tmp_path: Path):
    results_files.write_figure(make_axes(1, 1, (2, 1))[0], "An empty axis.", tmp_path / "empty.png")
    with Image.open(tmp_path / "empty.png") as image:
        assert image.info["Description"] == "An empty axis." and "Software" not in image.info


def unwritten() -> set[str]:
    """Return the results files that no benchmark writes, and no build of the notebooks."""
    sources = [path.read_text(encoding="utf-8") for path in results_files.BENCHMARKS.glob("*.py")]
    calls = [call for source in sources for call in re.findall(r"^ +write_results\(.*", source, re.MULTILINE)]
    names = [name for call in calls for name in re.findall(r'"([\w{}.()]+)"', call)]
    pattern = "|".join(re.sub(r"\{.*?\}", r"\\w+", name) for name in names)
    files = {path.stem for path in results_files.RESULTS.glob("*.json") if not re.fullmatch(pattern, path.stem)}
    build = (ROOT / "notebooks" / "build.py").read_text(encoding="utf-8")
    return {name for name in files if f'"{name}.json"' not in build}


def test_each_results_file_is_written_by_a_command_or_says_that_none_writes_it():
    assert unwritten() == {"independent"}
    measured = results_files.read_results("independent")["measured"]
    assert "Typed in" in measured["written_by"] and "No command" in measured["written_by"]


def test_a_results_file_without_a_command_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("accuracy_b", "demo_aitex", "demo_practice", "notebooks", "speed", "other"):
        (tmp_path / f"{name}.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    assert unwritten() == {"other"}


def typing_errors(measures: dict[str, Any]) -> list[str]:
    """Return the measures that are no shares, or that lie outside their intervals."""
    wrong = []
    for name, value in measures.items():
        low, high = measures.get(f"{name}_interval", [0.0, 1.0]) if not name.endswith("_interval") else [0.0, 1.0]
        values = value if isinstance(value, list) else [value]
        if sorted([low, *values, high]) != [low, *values, high] or low < 0 or high > 1:
            wrong.append(name)
    return wrong


def test_the_typed_results_say_how_they_were_measured_and_have_no_visible_typing_error():
    results = results_files.read_results("independent")
    assert results["measured"]["command"] == "python course.py demo --fabric FF"
    assert {"how", "seed", "version", "version_day", "data", "choices", "limit"} <= set(results["measured"])
    assert set(results["fabrics"]).isdisjoint(results_files.read_results("demo_aitex"))
    parts = [*results["fabrics"].values(), *results["other_crop"]["fabrics"].values()]
    assert [typing_errors(part[detector]) for part in parts for detector in ("ours", "anomalib")] == [[]] * 2 * len(
        parts
    )
    for fabric in results["fabrics"].values():
        assert {f"tile_auroc_{negatives}_interval" for negatives in ("c1", "c2")} <= set(fabric["ours"])


@pytest.mark.parametrize(
    "measures", [{"a": 9.7}, {"a": 0.97, "a_interval": [0.98, 1.0]}, {"a": 0.5, "a_interval": [0.6, 0.4]}, {"a": -0.1}]
)
def test_a_typing_error_is_noticed(measures: dict[str, Any]):
    assert "a" in typing_errors(measures) and typing_errors({"a": 0.5, "a_interval": [0.4, 0.6]}) == []
