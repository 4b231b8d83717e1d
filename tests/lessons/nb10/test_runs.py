"""Runs measure what PatchCore measures, survive a restart, and damaged files are skipped with one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_bench import FABRICS, SMALL, small_part

from aitex_utils import PatchCore, PatchFeatures, metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb10 import patches, running, runs
from aitex_utils.lessons.nb10.bench import run, show_runs
from aitex_utils.lessons.nb10.choices import Choices
from aitex_utils.lessons.nb10.quick import quick_auroc, quick_average_precision
from aitex_utils.lessons.nb10.runs import FIGURES, Run
from aitex_utils.lessons.nb10.tables import plain_table, sort_runs, to_csv, write_csv


def fake_run(number: int, auroc: float = 0.5, **choices: object) -> Run:
    figures = dict.fromkeys(FIGURES, 1.0) | {"tile_auroc": auroc}
    return Run(number, Choices("00", **choices), figures, {"numpy": "2.0"}, "2030-01-01 12:00:00", "a", {})


@pytest.mark.parametrize("given", [{}, {"background_quantile": None}, {"image_score": "mean", "pooling": ((3,), (1,))}])
def test_scores_and_maps_are_those_of_predict_strip(given: dict):
    made = run(**SMALL | given)
    detector = PatchCore(**made.choices.detector_arguments())
    detector.fit(np.concatenate([strip.tiles for strip in small_part("00", "training")]))
    scores = []
    for strip in small_part("00", "shown"):
        result = detector.predict_strip(strip.image, region=(0, strip.image.shape[1]))
        np.testing.assert_allclose(made.map(strip.name), result.map, rtol=1e-5, atol=1e-6)
        scores.append(result.tile_scores)
    np.testing.assert_allclose(made.array("scores"), np.concatenate(scores), rtol=1e-6)
    assert made.figures["tile_auroc"] == metrics.auroc(made.array("labels"), made.array("scores"))
    assert made.figures["bank_vectors"] == sum(len(bank) for bank in detector.banks_)


def test_the_threshold_is_the_conformal_threshold_of_the_calibration_strips(small_run: Run):
    calibration = small_run.array("calibration")
    assert len(calibration) == 6
    assert small_run.threshold(0.2) == pytest.approx(metrics.conformal_threshold(calibration, 0.2))
    assert small_run.threshold(0.1) is None and "6 calibration tiles cannot promise 10 %" in small_run.alarms(0.1)
    assert "promises a false-alarm rate of at most 20 %" in small_run.alarms()


def test_a_second_run_with_the_same_choices_is_the_kept_run(small_run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "measure_steps", lambda choices: pytest.fail("measured again"))
    again = run(**SMALL)
    assert again is not small_run and again.number == small_run.number and f"{again}" == f"{small_run}"
    np.testing.assert_array_equal(again.array("scores"), small_run.array("scores"))


def test_other_data_packages_or_choices_make_a_new_run(small_run: Run, monkeypatch: pytest.MonkeyPatch):
    assert run(**SMALL | {"false_alarm_rate": 0.3}).number > small_run.number
    monkeypatch.setattr(running, "versions", lambda: {"numpy": "0.1"})
    other = run(**SMALL)
    assert other.number > small_run.number and other.versions == {"numpy": "0.1"}


def test_a_change_of_the_coreset_extracts_nothing(small_run: Run, monkeypatch: pytest.MonkeyPatch):
    run(**SMALL | {"coreset_ratio": 0.11})  # fills the memory
    extracted: list[int] = []
    transform = PatchFeatures.transform

    def counted(features: PatchFeatures, tiles: np.ndarray) -> np.ndarray:
        extracted.append(len(tiles))
        return transform(features, tiles)

    monkeypatch.setattr(PatchFeatures, "transform", counted)
    run(**SMALL | {"coreset_ratio": 0.12})
    assert extracted == []
    run(**SMALL | {"coreset_ratio": 0.12, "pooling": 1})
    assert sum(extracted) == 8 * 3  # all tiles of the training, calibration and shown strips


def test_a_stopped_run_keeps_nothing(empty_cache: Path):
    steps = running.run_steps(Choices(FABRICS[0], **SMALL))
    for _ in range(6):
        next(steps)
    steps.close()
    assert runs.read_runs() == ([], [])


def test_the_patches_in_memory_have_a_limit():
    cache = patches.PatchCache(limit=100)
    for name in "abc":
        cache.put(name, np.zeros(10, np.float32))
        assert cache.get("a") is not None  # so "a" is the last one used
    assert cache.get("b") is None and cache.get("c") is not None
    cache.put("large", np.zeros(100, np.float32))
    assert cache.get("large") is None and cache.get("a") is not None
    with pytest.raises(ValueError, match="read-only"):
        cache.get("a")[0] = 1


# Files


def damage(folder: Path, number: int, how: str) -> None:
    file, arrays = folder / f"run_{number:04d}.json", folder / f"run_{number:04d}.npz"
    content = json.loads(file.read_text())
    if how == "no json":
        file.unlink()
    elif how == "no arrays":
        arrays.unlink()
    elif how == "half json":
        file.write_text(file.read_text()[:100])
    elif how == "changed arrays":
        arrays.write_bytes(arrays.read_bytes()[:-50])
    elif how == "another number":
        file.write_text(json.dumps(content | {"number": 9}))
    elif how == "NaN":
        file.write_text(json.dumps(content | {"figures": content["figures"] | {"tile_auroc": float("nan")}}))
    elif how == "no choice":
        file.write_text(json.dumps(content | {"choices": {}}))
    elif how == "a list":
        file.write_text("[]")
    elif how == "another version":
        file.write_text(json.dumps(content | {"version": 2}))


HOW = ["no json", "no arrays", "half json", "changed arrays", "another number", "NaN", "no choice", "a list"]


@pytest.mark.parametrize("how", [*HOW, "another version"])
def test_a_damaged_run_is_skipped_with_one_sentence(empty_cache: Path, capsys: pytest.CaptureFixture, how: str):
    given = Choices("00"), dict.fromkeys(FIGURES, 0.5), {"labels": np.ones(2, bool)}
    options = {"versions": {}, "made": "2030-01-01", "fingerprint": "a"}
    numbers = [runs.save_run(*given, **options).number for _ in range(2)]
    assert numbers == [1, 2] and [one.number for one in runs.list_runs()] == [1, 2]
    damage(empty_cache, 1, how)
    capsys.readouterr()
    assert [one.number for one in runs.list_runs()] == [2]
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "Run 1 in" in printed and "is damaged" in printed and "is skipped" in printed
    assert runs.save_run(*given, **options).number == 3  # the number of a damaged run is not used again


@pytest.mark.parametrize("tiles", [6, 25, 75])
def test_the_least_rate_that_is_advised_can_be_promised(tiles: int):
    arrays = {"calibration": np.arange(float(tiles)), "labels": np.arange(2) > 0, "scores": np.arange(2.0)}
    run = runs.Run(1, Choices("00"), dict.fromkeys(FIGURES, 0.5), {}, "2030-01-01", "", arrays)
    least = float(re.search(r"choose at least ([\d.]+) %", run.alarms(0.001))[1]) / 100
    assert run.threshold(least) is not None and run.threshold(least - 0.002) is None


def test_a_pickle_is_not_read(empty_cache: Path):
    given = Choices("00"), dict.fromkeys(FIGURES, 0.5), {"labels": np.ones(2, bool)}
    runs.save_run(*given, versions={}, made="2030-01-01", fingerprint="a")
    arrays = empty_cache / "run_0001.npz"
    np.savez(arrays, labels=np.array([print], dtype=object))
    file = empty_cache / "run_0001.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sha256": runs.sha256(arrays)}))
    (kept,), problems = runs.read_runs()
    assert problems == []
    with pytest.raises(InputError, match="can no longer be read .ValueError.: run these choices again"):
        kept.array("labels")


def test_objects_are_not_written(empty_cache: Path):
    with pytest.raises(ValueError, match="pickle"):
        given = Choices("00"), dict.fromkeys(FIGURES, 0.5), {"labels": np.array([print], dtype=object)}
        runs.save_run(*given, versions={}, made="2030-01-01", fingerprint="a")
    assert runs.read_runs() == ([], [])


def test_a_full_disk_costs_the_file_not_the_run(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "atomic_write", full)
    kept = runs.save_run(
        Choices("00"), dict.fromkeys(FIGURES, 0.5), {"labels": np.ones(2, bool)}, versions={}, made="", fingerprint=""
    )
    assert kept.number == 0 and kept.array("labels").all()
    assert "The run is not kept on disk: " in capsys.readouterr().out


def test_a_run_is_found_by_its_number(small_run: Run):
    assert runs.find_run(small_run.number).choices == small_run.choices and runs.find_run(small_run) is small_run
    for wrong in (999, "1", None, True, 1.0):
        with pytest.raises(InputError, match="There is no run"):
            runs.find_run(wrong)


def test_a_strip_is_found_by_name_position_or_as_the_first_defective(small_run: Run):
    assert small_run.find_strip("shown_00_1").name == small_run.find_strip(1).name == "shown_00_1"
    assert small_run.find_strip().name == "shown_00_2"
    with pytest.raises(InputError, match="strip is 'x'"):
        small_run.find_strip("x")
    with pytest.raises(InputError, match="strip is 4"):
        small_run.find_strip(4)
    with pytest.raises(InputError, match="name is 'colours'"):
        small_run.array("colours")


# Tables


def test_runs_are_sorted_by_a_column():
    three = [fake_run(1, 0.7), fake_run(2, 0.9), fake_run(3, 0.8)]
    assert [one.number for one in sort_runs(three, "tile AUROC", descending=True)] == [2, 3, 1]
    assert [one.number for one in sort_runs(three[::-1])] == [1, 2, 3]
    with pytest.raises(InputError, match="sort_by is 'colour'"):
        sort_runs(three, "colour")


def test_the_table_has_the_choices_that_differ(capsys: pytest.CaptureFixture):
    table = plain_table([fake_run(1, backbone="efficientnet_lite2"), fake_run(2, size=320, false_alarm_rate=0.2)])
    head, *rows = [line.split() for line in table.splitlines()]
    assert head[0] == "run" and head[-2:] == ["backbone", "size"] and "false_alarm_rate" not in head
    assert rows[0][:: len(rows[0]) - 1] == ["1", "256"] and rows[1][-2:] == ["lite0", "320"] and "lite2" in rows[0]
    show_runs([fake_run(2), fake_run(1)])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["run", "1", "2"]


def test_csv_has_choices_numbers_and_versions(tmp_path: Path):
    import csv

    two = [fake_run(1, 0.7, layers=("blocks.2", "blocks.4")), fake_run(2, 0.9)]
    rows = list(csv.DictReader(to_csv(two).splitlines()))
    assert [row["tile_auroc"] for row in rows] == ["0.7", "0.9"] and rows[0]["layers"] == "blocks.2 + blocks.4"
    assert rows[0]["version of numpy"] == "2.0" and rows[1]["run"] == "2" and rows[0]["made"].startswith("2030")
    assert write_csv(two, tmp_path / "runs.csv").read_text() == to_csv(two)


def test_quick_measures_are_those_of_the_package():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels = rng.random(40) < 0.3
        labels[:2] = True, False
        scores = np.round(rng.normal(size=40) + labels, 1)
        assert quick_auroc(labels, scores) == pytest.approx(metrics.auroc(labels, scores))
        assert quick_average_precision(labels, scores) == pytest.approx(metrics.average_precision(labels, scores))
    assert np.isnan(quick_auroc(np.ones(3, bool), scores[:3])) and np.isnan(
        quick_average_precision(np.ones(3, bool), scores[:3])
    )
