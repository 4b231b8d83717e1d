"""The panel, driven through its widgets: each control reaches the run, a run can be stopped, and each view is drawn."""

from __future__ import annotations

import html
import sys
import threading
from pathlib import Path

import IPython
import IPython.display
import pytest
from accessible import unlabelled
from small_bench import FABRICS, SMALL

from aitex_utils.lessons.nb10 import bench, panel, runs
from aitex_utils.lessons.nb10.choices import Choices
from aitex_utils.lessons.nb10.jobs import Step
from aitex_utils.lessons.nb10.panel import BenchPanel
from aitex_utils.lessons.nb10.runs import Run

RESULT, PATCHES, RUNS, COMPARE, EXPORT = range(5)


@pytest.fixture
def opened(small_run: Run) -> BenchPanel:
    return BenchPanel(small_run)


def run_and_wait(opened: BenchPanel) -> str:
    opened.run_button.click()
    if opened.job is not None:
        opened.job.wait()
    return status(opened)


def status(opened: BenchPanel) -> str:
    return html.unescape(opened.status.value.split(">", 1)[1].rsplit("<", 1)[0])


def test_the_controls_show_the_choices_of_the_run(opened: BenchPanel, small_run: Run):
    assert opened.choices() == small_run.choices
    assert set(opened.controls) == set(small_run.choices.to_json()) - {"seed"}


def test_each_control_and_each_view_is_labelled(opened: BenchPanel):
    assert unlabelled(opened.widget) == []


CHANGES = [
    ("fabric", "01", "01"),
    ("backbone", "efficientnet_lite2", "efficientnet_lite2"),
    ("layers", ("blocks.4", "blocks.1"), ("blocks.1", "blocks.4")),
    ("size", 448, 448),
    ("pooling", ((3,), (1,)), ((3,), (1,))),
    ("coreset_ratio", 0.05, 0.05),
    ("sampler", "random", "random"),
    ("index", "ivf", "ivf"),
    ("normalize_positions", False, False),
    ("background_quantile", False, None),
    ("smoothing", 4.5, 4.5),
    ("image_score", "top", "top"),
    ("false_alarm_rate", 0.3, 0.3),
]


@pytest.mark.parametrize(("name", "value", "expected"), CHANGES, ids=lambda v: str(v))
def test_each_control_changes_its_choice_alone(opened: BenchPanel, small_run: Run, name, value, expected):
    opened.controls[name].value = value
    changed = small_run.choices.changed(opened.choices())
    assert changed == {name: (getattr(small_run.choices, name), expected)}


def test_the_parameters_of_the_chosen_index_appear(opened: BenchPanel):
    def visible() -> set[str]:
        names = ("nlist", "nprobe", "M", "ef_search", "code_size")
        return {name for name in names if opened.controls[name].layout.display != "none"}

    assert visible() == set() and opened.index_note.layout.display == "none"
    opened.controls["index"].value = "hnsw"
    assert visible() == {"M", "ef_search"} and opened.index_note.layout.display is None
    opened.controls["M"].value = 8
    assert opened.choices().bank_arguments() == {"kind": "hnsw", "M": 8}
    opened.controls["index"].value = "pq"
    assert visible() == {"code_size"} and opened.choices().bank_arguments() == {"kind": "pq"}


def test_run_makes_and_shows_a_run(opened: BenchPanel, small_run: Run):
    opened.controls["coreset_ratio"].options = [("30 %", 0.21)]
    opened.controls["coreset_ratio"].value = 0.21
    assert not opened.run_button.disabled and opened.stop_button.disabled
    text = run_and_wait(opened)
    number = opened.shown.value
    assert text == f"Run {number} is done." and number > small_run.number
    assert opened.run.choices == opened.choices() and opened.progress.value == 1.0
    assert f"Run {number}, strip" in opened.result.value and not opened.run_button.disabled
    assert number in [run.number for run in runs.list_runs()]


def test_stop_ends_a_run_and_keeps_nothing(opened: BenchPanel, small_run: Run, monkeypatch: pytest.MonkeyPatch):
    reached, go_on = threading.Event(), threading.Event()

    def slow(choices: Choices):
        yield Step(0.4, "coreset")
        reached.set()
        go_on.wait(60)
        yield Step(0.5, "scores")
        pytest.fail("not stopped")

    monkeypatch.setattr(panel, "run_steps", slow)
    before, kept = opened.result.value, len(runs.list_runs())
    opened.run_button.click()
    assert reached.wait(60)
    assert opened.run_button.disabled and not opened.stop_button.disabled
    assert status(opened) == "coreset" and opened.progress.value == 0.4
    first_job = opened.job
    opened.run_button.click()  # a second click starts no second run
    assert opened.job is first_job
    opened.stop_button.click()
    assert status(opened) == "stopping before the next step"
    go_on.set()
    opened.job.wait()
    assert status(opened) == "Stopped. Nothing was kept." and opened.progress.value == 0.0
    assert opened.result.value == before and len(runs.list_runs()) == kept and opened.shown.value == small_run.number
    assert not opened.run_button.disabled and opened.stop_button.disabled


def test_run_waits_until_the_views_are_drawn(opened: BenchPanel, small_run: Run, monkeypatch: pytest.MonkeyPatch):
    def kept(choices: Choices):
        yield Step(0.5, "scores")
        return small_run

    states = []
    monkeypatch.setattr(panel, "run_steps", kept)
    monkeypatch.setattr(opened, "_draw_result", lambda: states.append(opened.run_button.disabled))
    opened._drawers[RESULT] = opened._draw_result
    assert run_and_wait(opened) == f"Run {small_run.number} is done."
    assert states == [True] and not opened.run_button.disabled


def test_choices_that_do_not_go_together_are_explained(opened: BenchPanel):
    opened.controls["sampler"].value = "k_means"
    assert run_and_wait(opened).startswith("normalize_positions must know from which tile")
    opened.controls["sampler"].value = "greedy"
    opened.controls["layers"].value = ()
    assert run_and_wait(opened).startswith("layers is ()")


def test_an_unexpected_error_is_shown(opened: BenchPanel, monkeypatch: pytest.MonkeyPatch):
    def broken(choices: Choices):
        yield Step(0.0, "first")
        raise RuntimeError("<broken>")

    monkeypatch.setattr(panel, "run_steps", broken)
    assert run_and_wait(opened) == "RuntimeError: <broken>" and not opened.run_button.disabled
    monkeypatch.setattr(panel, "html_table", lambda *given: 1 / 0)
    opened.tabs.selected_index = RUNS
    assert status(opened) == "ZeroDivisionError: division by zero"


def test_another_strip_and_another_rate_are_drawn(opened: BenchPanel):
    before = opened.result.value
    opened.strip.value = "shown_00_0"
    assert "strip shown_00_0 (none)" in opened.result.value != before
    before = opened.result.value
    opened.controls["false_alarm_rate"].value = 0.3
    assert "promises a false-alarm rate of at most 30 %" in opened.result.value != before


def test_a_click_on_the_map_shows_the_neighbours_there(opened: BenchPanel):
    opened.tabs.selected_index = PATCHES
    assert "training strip" in opened.patches.value and opened.picture.value.count("<img") == 2
    assert opened.picture.value.count("onclick=") == 2 and opened._name in opened.picture.value
    assert opened._name in opened.click._dom_classes
    before = opened.patches.value
    opened.click.value = "40,500"
    assert (opened.row.value, opened.column.value) == (40, 500) and opened.patches.value != before
    assert "cross at row 40, column 500" in opened.picture.value
    opened.click.value = "9999,-5"
    assert (opened.row.value, opened.column.value) == (255, 0)
    opened.click.value = "nothing"
    assert (opened.row.value, opened.column.value) == (255, 0)
    opened.column.value = 300
    assert "cross at row 255, column 300" in opened.picture.value


def test_the_table_is_sorted(opened: BenchPanel, other_run: Run):
    opened.reload()
    opened.tabs.selected_index = RUNS
    opened.sort_by.value, opened.descending.value = "bank MiB", True
    sizes = [run.figures["bank_mib"] for run in opened.runs.values()]
    rows = [row.split("</td>")[5].rsplit(">", 1)[1] for row in opened.table.value.split("</tr>")[1:-1]]
    assert rows == [f"{size:.2f}" for size in sorted(sizes, reverse=True)] and len(rows) >= 2
    assert 'aria-sort="descending"' in opened.table.value and "bank MiB ▾" in opened.table.value
    opened.descending.value = False
    assert 'aria-sort="ascending"' in opened.table.value and "bank MiB ▴" in opened.table.value


def test_two_runs_are_compared(opened: BenchPanel, small_run: Run, other_run: Run):
    opened.reload()
    opened.tabs.selected_index = COMPARE
    opened.first.value, opened.second.value = small_run.number, other_run.number
    assert f"run {other_run.number} - run {small_run.number}" in opened.comparison.value
    opened.second.value = small_run.number
    assert "Choose two different runs" in opened.comparison.value
    elsewhere = bench.run(**SMALL | {"fabric": "01"})
    opened.reload()
    opened.first.value, opened.second.value = small_run.number, elsewhere.number
    assert "scored on different tiles" in opened.comparison.value


def test_export_has_code_and_a_link_with_all_runs(opened: BenchPanel, small_run: Run):
    opened.tabs.selected_index = EXPORT
    assert html.escape(small_run.choices.code()) in opened.export.value
    assert (
        'download="bench_runs.csv" href="data:text/csv' in opened.export.value and "tile_auroc" in opened.export.value
    )


def test_a_closed_view_is_drawn_when_it_is_opened(opened: BenchPanel):
    assert opened.result.value and not opened.patches.value and not opened.table.value
    opened.tabs.selected_index = RUNS
    assert opened.table.value and not opened.patches.value


def test_a_panel_without_runs_makes_the_first(empty_cache: Path):
    opened = BenchPanel()
    assert "There is no run yet" in opened.result.value and opened.controls["fabric"].value == FABRICS[0]
    for view in range(5):
        opened.tabs.selected_index = view
    opened.controls["size"].options = [("64 px", 64)]
    opened.controls["coreset_ratio"].options = [("20 %", 0.2)]
    opened.tabs.selected_index = RESULT
    assert run_and_wait(opened) == "Run 1 is done." and "Run 1, strip" in opened.result.value


def test_damaged_runs_are_mentioned(opened: BenchPanel, small_run: Run):
    damaged = runs.runs_folder() / "run_9999.json"
    damaged.write_text("{")
    opened.reload()
    assert "Run 9999 in" in status(opened) and "is skipped" in status(opened)
    damaged.unlink()


# Displaying


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Collect the bundles that a notebook would display."""
    found: list[dict] = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: found.append(bundle))
    return found


def test_a_picture_stands_in_for_the_widget(bundles: list[dict], small_run: Run):
    panel.show_bench(small_run)
    (bundle,) = bundles
    assert "model_id" in bundle[panel.WIDGET] and bundle["text/html"].count("<img") == 1
    assert bundle["text/plain"].startswith(f"Run {small_run.number}, strip")


def test_without_ipywidgets_the_picture_is_shown(bundles: list[dict], small_run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    panel.show_bench()
    assert sorted(bundles[0]) == ["text/html", "text/plain"]


def test_outside_a_notebook_the_caption_is_printed(small_run: Run, capsys: pytest.CaptureFixture, empty_cache: Path):
    panel.show_bench(small_run)
    panel.show_bench()
    assert capsys.readouterr().out.splitlines()[1:] == ["There is no run yet: call run()."]
