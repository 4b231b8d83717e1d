"""How long the notebooks of a plan compute: each section, in the order of the plan, with one cache."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import paths
import pytest
import results_files
import tables_paths


def of_a_cell(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(source)


@pytest.fixture
def small_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A plan of two notebooks, of which the second finds what the first has kept, and a stub."""
    text = nbformat.v4.new_markdown_cell
    keep = "import os\nfrom pathlib import Path\nkept = Path(os.environ['COURSE_CACHE'], 'kept')\n"
    keep += "kept.parent.mkdir(exist_ok=True)\nkept.write_text('1')\nimport time\ntime.sleep(0.6)"
    cells = {
        "00_first": [text("# 00"), text("## 1. A"), of_a_cell(keep), text("## 2. B"), of_a_cell("1")],
        "01_second": [
            text("# 01"),
            text("## 1. C"),
            of_a_cell("raise NotImplementedError"),
            of_a_cell(keep.split("kept.parent")[0] + "assert kept.read_text() == '1'"),
        ],
    }

    def make_path(name: str, folder: Path) -> list[str]:
        folder.mkdir(parents=True)
        for stem, own in cells.items():
            nbformat.write(nbformat.v4.new_notebook(cells=own), folder / f"{stem}.ipynb")
        return list(cells)

    monkeypatch.setattr(paths.path, "make_path", make_path)
    monkeypatch.setattr(paths, "write_pages", lambda: None)
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("small_plan")
def test_each_section_of_a_plan_is_measured_and_fills_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "paths.json").write_text('{"paths": {"day1": {"seconds": 60.0}}}')
    assert paths.main(["lab45"]) == 0
    results = json.loads((tmp_path / "paths.json").read_text())["paths"]
    assert list(results) == ["day1", "lab45"]  # the other plan keeps its row
    sections = results["lab45"]["sections"]
    assert [(one["notebook"], one["section"]) for one in sections if one["section"]] == [
        ("00_first", "1. A"),
        ("00_first", "2. B"),
        ("01_second", "1. C"),
    ]
    found = {one["section"]: one["seconds"] for one in sections}
    assert found["1. A"] >= 0.6 and results["lab45"]["seconds"] >= sum(found.values()) - 0.1
    monkeypatch.setattr(tables_paths, "read_results", lambda _: {"paths": {"lab45": results["lab45"]}})
    sections[0]["slowest"] = sections[0]["seconds"] = 0.0
    slow = next(one for one in sections if one["section"] == "1. A")
    slow["slowest"], results["lab45"]["seconds"] = 99.0, 150.0
    assert "| lab45 | 2.5 minutes | 99 s | 00, 1. A |" in tables_paths.paths_table()


def test_an_unknown_plan_is_refused(capsys: pytest.CaptureFixture):
    assert paths.main(["lab91"]) == 1
    assert "There is no path 'lab91': choose from day1" in capsys.readouterr().err


def test_a_copy_without_plans_is_refused(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths.plans, "plan_pages", lambda _: {})
    assert paths.main([]) == 1
    assert "run it in the whole course" in capsys.readouterr().err
