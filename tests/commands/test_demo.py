"""The demo on a tiny data set in AITEX's layout, woven here: its results, its files, and its error messages."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_aitex import write_png

from aitex_utils.commands import demo
from aitex_utils.commands.demo import MEASURES, main, result_table, run_demo, write_results
from aitex_utils.commands.profiling import versions
from aitex_utils.commands.protocol_c import ScoredStrip, evaluate
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER, read_grey

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # One strip of a class is enough for these tests, though not for an interval.
    pytest.mark.filterwarnings("ignore:There is only one strip with"),
]

WIDTH, BED = 900, 100  # columns of a strip, and of the white bed at its left
QUICK = {"coreset_ratio": 0.02, "smoothing": 2.0}
SPOTS = {"0011_002_00": 400, "0012_006_00": 600, "0013_010_00": 700, "0014_019_00": 300}  # column of each defect
UNKNOWN = {"0013_010_00", "0014_019_00"}  # without a mask, and with an all-black one


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """Compute the intervals, which have their own tests, from few resamples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "evaluate", partial(evaluate, n_resamples=20))
        yield


def weave(seed: int) -> np.ndarray:
    """Return a strip: white bed, then plain weave of 8 x 6 px with yarn noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:256, :WIDTH]
    down, along = rng.uniform(0, 2 * np.pi, 2)
    waves = np.sin(2 * np.pi * columns / 8 + along) * np.sin(2 * np.pi * rows / 6 + down)
    image = (120 + 50 * waves + rng.normal(0, 8, columns.shape)).clip(0, 255).astype(np.uint8)
    image[:, :BED] = 255
    return image


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set: fabric 00 with four normal and four defective strips, fabric 08 without normal ones."""
    root = tmp_path_factory.mktemp("tiny")
    for i in range(4):
        write_png(root / NORMAL_FOLDER / "weave" / f"000{i}_000_00.png", weave(i))
    for i, (name, column) in enumerate(SPOTS.items()):
        image, rows, columns = weave(10 + i), *np.mgrid[:256, :WIDTH]
        spot = (rows - 120) ** 2 + (columns - column) ** 2 < 15**2
        write_png(root / DEFECT_FOLDER / f"{name}.png", np.where(spot, image // 3, image).astype(np.uint8))
        if name != "0013_010_00":
            write_png(root / MASK_FOLDER / f"{name}_mask.png", np.uint8(255) * (spot & (name != "0014_019_00")))
    write_png(root / DEFECT_FOLDER / "0100_025_08.png", weave(20))
    return root


@pytest.fixture(scope="module")
def run(root: Path) -> tuple[dict, list[ScoredStrip]]:
    return run_demo(root, "00", **QUICK)


@pytest.fixture(scope="module")
def written(run: tuple[dict, list], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "deeper"
    write_results(folder, *run)
    return folder


def read_json(folder: Path) -> dict:
    return json.loads((folder / "figures.json").read_text(encoding="utf-8"))


def read_scores(folder: Path, level: str) -> list[dict[str, str]]:
    with open(folder / "scores.csv", newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["level"] == level]


def pairs_in_order(defective: list[float], normal: list[float]) -> float:
    """Return the AUROC by its definition: each defective sample against each normal one."""
    return float(np.mean([1.0 if d > n else 0.5 if d == n else 0.0 for d in defective for n in normal]))


# results


def test_results_are_complete(run: tuple[dict, list]):
    results, scored = run
    assert results["fabric"] == "00"
    assert (results["strips_fitted"], results["strips_tested"], len(scored)) == (3, 5, 5)
    assert results["tiles_fitted"] == 3 * 4  # 800 px of fabric in tiles of 256, the last one moved back
    assert results["patches_kept"] == round(0.02 * 3 * 56 * 172)  # 448 px high, 1,376 wide, one patch every 8 px
    assert results["strips_without_known_mask"] == 2
    assert results["tiles_tested"] == 3 * 4
    assert results["tiles_defective"] == sum(int(item.labels.sum()) for item in scored if item.labels is not None) >= 2
    assert results["tile_auroc_c1"] > 0.9 and results["strip_auroc"] == 1 and results["pixel_auroc"] > 0.9
    assert list(results["seconds"]) == ["read", "fit", "score", "evaluate"]
    assert all(seconds >= 0 for seconds in results["seconds"].values()) and results["peak_memory_mib"] > 100
    assert results["parameters"]["coreset_ratio"] == 0.02 and results["versions"] == versions()


def test_the_measures_are_those_of_protocol_c(run: tuple[dict, list]):
    results, scored = run
    measures = evaluate(scored, n_resamples=20)
    assert {name: results[name] for name in measures} == measures and set(MEASURES) < set(measures)


def test_training_strips_are_not_tested(run: tuple[dict, list]):
    _, scored = run
    tested = [item.strip.id for item in scored]
    assert sorted(tested)[1:] == sorted(SPOTS) and tested[0].endswith("_000_00") and len(set(tested)) == 5
    assert {item.strip.id for item in scored if item.mask is None} == UNKNOWN


def test_the_bed_is_left_out(run: tuple[dict, list]):
    _, scored = run
    for item in scored:
        start, stop = item.result.region
        assert abs(start - BED) <= 12 and stop == WIDTH
        assert np.isnan(item.result.map[:, :start]).all() and np.isfinite(item.result.map[:, start:]).all()


def test_a_tile_is_defective_where_its_part_of_the_mask_is(run: tuple[dict, list]):
    _, scored = run
    for item in scored:
        if item.labels is not None:
            for (row, column), label in zip(item.result.corners, item.labels, strict=True):
                assert label == item.mask[row : row + 256, column : column + 256].any()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_results(root: Path):
    first, second = (run_demo(root, "00", size=64, **QUICK)[0] for _ in range(2))
    timed = {"seconds", "peak_memory_mib"}
    assert {k: v for k, v in first.items() if k not in timed} == {k: v for k, v in second.items() if k not in timed}


@pytest.mark.slow
def test_a_detector_can_be_fitted_on_tiles(root: Path):
    _, scored = run_demo(root, "00", on_strips=False, size=64, coreset_ratio=0.01)
    _, whole = run_demo(root, "00", on_strips=True, size=64, coreset_ratio=0.01)
    assert len(scored) == 5 and not np.array_equal(scored[0].result.map, whole[0].result.map, equal_nan=True)


# files


def test_the_scores_in_the_file_give_the_measures(written: Path):
    results = read_json(written)
    strips, tiles = read_scores(written, "strip"), read_scores(written, "tile")
    assert len(strips) == 5 and len(tiles) == 5 * 4

    def scores(rows: list[dict[str, str]], defective: str) -> list[float]:
        return [float(row["score"]) for row in rows if row["defective"] == defective]

    normal_strips = [row for row in tiles if row["code"] == "000"]
    assert pairs_in_order(scores(strips, "1"), scores(strips, "0")) == pytest.approx(results["strip_auroc"])
    assert pairs_in_order(scores(tiles, "1"), scores(tiles, "0")) == pytest.approx(results["tile_auroc_c2"])
    assert pairs_in_order(scores(tiles, "1"), scores(normal_strips, "0")) == pytest.approx(results["tile_auroc_c1"])
    assert {row["strip"] for row in tiles if row["defective"] == ""} == UNKNOWN
    assert {row["strip"] for row in strips if row["defective"] == "1"} == set(SPOTS)
    for strip in strips:
        own = [float(row["score"]) for row in tiles if row["strip"] == strip["strip"]]
        assert float(strip["score"]) == max(own)
    assert {row["defect"] for row in strips} == {"none", "broken end", "broken yarn", "broken pick", "fuzzyball"}


def test_the_json_file_has_all_results(written: Path, run: tuple[dict, list]):
    results = read_json(written)
    assert results.keys() == {*run[0], "files"}
    assert results["pixel_ap"] == run[0]["pixel_ap"]


def test_each_defective_strip_has_a_picture(written: Path):
    assert {path.name for path in written.iterdir()} == {"scores.csv", "figures.json", *(f"{n}.png" for n in SPOTS)}
    for name in SPOTS:
        with Image.open(written / f"{name}.png") as image:
            image.load()
            assert image.size[0] > 800
            caption = image.text["Description"]
            assert caption.startswith(f"{name}, ") and "highest at column" in caption
            assert ("marked" in caption) == (name not in UNKNOWN)


@pytest.mark.slow
def test_all_pictures_share_one_scale(run: tuple[dict, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scales, plot_strip = [], demo.plot_strip

    def record_scale(*arguments: object, scale: tuple[float, float], **options: object):
        scales.append(scale)
        return plot_strip(*arguments, scale=scale, **options)

    monkeypatch.setattr(demo, "plot_strip", record_scale)
    write_results(tmp_path, *run)
    assert len(scales) == len(SPOTS) and len(set(scales)) == 1 and 0 <= scales[0][0] < scales[0][1]


def test_nan_is_null_in_the_file(run: tuple[dict, list], tmp_path: Path):
    results = {**run[0], "pixel_ap": math.nan, "tile_auroc_c1_interval": (math.nan, 1.0)}
    write_results(tmp_path, results, [item for item in run[1] if item.strip.is_normal])

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    read = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert read["pixel_ap"] is None and read["tile_auroc_c1_interval"] == [None, 1.0]
    assert result_table(results).row_count == 15


# the command


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_its_files(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["--data", str(root), "--out", str(tmp_path / "out")]) == 0
    output, results = capsys.readouterr().out, read_json(tmp_path / "out")
    assert results["fabric"] == "00"  # the first one with normal strips
    for name, label in MEASURES.items():
        assert label in output and f"{results[name]:.3f}" in output
    for text in ("fabric 00", "3 strips, 12 tiles", "MiB", "2, in the strip AUROC only", *results["seconds"]):
        assert text in output


def run_and_fail(arguments: list[str], capsys: pytest.CaptureFixture) -> str:
    """Run the command; return the one line that it writes to the error stream."""
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("demo: ") and error.count("\n") == 1 and "Traceback" not in error
    return error


def test_wrong_arguments_give_one_sentence(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert "is not AITEX" in run_and_fail(["--data", str(tmp_path / "none")], capsys)
    data = ["--data", str(root), "--out", str(tmp_path / "out")]
    assert "There is no fabric '3' in" in run_and_fail([*data, "--fabric", "3"], capsys)
    assert not (tmp_path / "out").exists()
    assert "Fabric 08 has no normal strips" in run_and_fail([*data, "--fabric", "08"], capsys)
    assert "seed is -1, expected a whole number" in run_and_fail([*data, "--seed", "-1"], capsys)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: pytest.fail("the work began"))
    assert "cannot be written" in run_and_fail(["--data", str(root), "--out", str(tmp_path / "file")], capsys)
    assert (tmp_path / "file").read_text() == "in the way"


def test_files_of_the_user_are_never_overwritten(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """Neither a file of the same name, nor results that the user changed, nor a file beside them."""
    arguments = ["--data", str(root), "--out", str(tmp_path)]
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: pytest.fail("the work began"))
    for name in ("scores.csv", "figures.json", "0011_002_00.png", ".writable", "notes.txt"):
        (tmp_path / name).write_text("mine")
        assert f"contains {name}, not part of the demo's results" in run_and_fail(arguments, capsys)
        assert (tmp_path / name).read_text() == "mine" and os.listdir(tmp_path) == [name]
        os.remove(tmp_path / name)
    for name in ("scores.csv", "notes.txt"):
        write_results(tmp_path / name, {}, [])
        (tmp_path / name / name).write_text("mine")
        with pytest.raises(InputError, match=f"contains {name}, not part of"):
            write_results(tmp_path / name, {}, [])
        assert (tmp_path / name / name).read_text() == "mine"


@pytest.mark.slow
def test_results_are_replaced_by_the_next_run(run: tuple[dict, list], tmp_path: Path):
    write_results(tmp_path / "out", *run)
    write_results(tmp_path / "out", run[0], run[1][:0])
    assert sorted(os.listdir(tmp_path / "out")) == ["figures.json", "scores.csv"]  # no picture of the run before
    assert os.listdir(tmp_path) == ["out"]


def test_results_of_an_earlier_version_have_a_way_out(tmp_path: Path):
    (tmp_path / "figures.json").write_text('{"fabric": "00"}')
    with pytest.raises(InputError, match="delete the folder if an earlier version of this course wrote it"):
        write_results(tmp_path, {}, [])


def test_a_data_set_without_normal_strips(tmp_path: Path, capsys: pytest.CaptureFixture):
    write_png(tmp_path / DEFECT_FOLDER / "0100_025_08.png", weave(20))
    (tmp_path / NORMAL_FOLDER).mkdir()
    error = run_and_fail(["--data", str(tmp_path), "--out", str(tmp_path / "out")], capsys)
    assert "no normal strips" in error and not (tmp_path / "out").exists()


def test_one_normal_strip_is_not_enough(tmp_path: Path, capsys: pytest.CaptureFixture):
    write_png(tmp_path / NORMAL_FOLDER / "0001_000_00.png", weave(0))
    error = run_and_fail(["--data", str(tmp_path), "--out", str(tmp_path / "out")], capsys)
    assert "at least two are needed" in error


@pytest.mark.slow
def test_unreadable_strips_are_skipped_and_counted(tmp_path: Path):
    for i in range(3):
        write_png(tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png", weave(i))
    write_png(tmp_path / DEFECT_FOLDER / "0010_002_00.png", weave(4))
    (tmp_path / DEFECT_FOLDER / "0011_002_00.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning) as caught:
        results, scored = run_demo(tmp_path, "00", size=64, **QUICK)
    messages = [str(warning.message) for warning in caught]
    assert any("1 of 5 strips were skipped" in text and "0011_002_00.png" in text for text in messages)
    assert {item.strip.id for item in scored if not item.strip.is_normal} == {"0010_002_00"}
    assert math.isnan(results["tile_auroc_c1"]) and not math.isnan(results["strip_auroc"])  # no mask is known


def test_no_readable_normal_strips_give_one_sentence(tmp_path: Path):
    (tmp_path / NORMAL_FOLDER).mkdir()
    for i in range(3):
        (tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="strips were skipped"), pytest.raises(InputError, match="Too few normal"):
        run_demo(tmp_path, "00", **QUICK)


def test_strips_without_fabric_are_named_and_skipped_before_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for i, value in enumerate((0, 255)):
        write_png(tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png", np.full((256, 600), value, np.uint8))
    monkeypatch.setattr(demo, "fit_fabrics", lambda *_, **__: pytest.fail("the fit began"))
    with (
        pytest.warns(UserWarning, match=r"2 of 2 strips were skipped: Strip 0000_000_00: .*no texture.* 0001_000_00"),
        pytest.raises(InputError, match=r"Too few normal strips of fabric 00 can be used \(0\)"),
    ):
        run_demo(tmp_path, "00", **QUICK)


def spoil(root: Path) -> Path:
    """Write three good normal strips and a good defective one, and one of each kind that cannot be used."""
    for i in range(3):
        write_png(root / NORMAL_FOLDER / f"000{i}_000_00.png", weave(i))
    write_png(root / NORMAL_FOLDER / "0003_000_00.png", np.zeros((256, 600), np.uint8))
    write_png(root / NORMAL_FOLDER / "0004_000_00.png", np.full((256, 600), 255, np.uint8))
    narrow = weave(5)
    narrow[:, :650] = 255
    write_png(root / NORMAL_FOLDER / "0005_000_00.png", narrow)
    write_png(root / DEFECT_FOLDER / "0010_002_00.png", weave(10))
    write_png(root / DEFECT_FOLDER / "0011_002_00.png", np.zeros((256, 600), np.uint8))
    write_png(root / DEFECT_FOLDER / "0012_002_00.png", weave(12))
    write_png(root / MASK_FOLDER / "0012_002_00_mask.png", np.full((256, WIDTH), 255, np.uint8))  # inverted
    return root


def test_bad_strips_in_either_set_do_not_end_the_run(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setattr(demo, "run_demo", partial(run_demo, coreset_ratio=0.01, size=64))
    assert main(["--data", str(spoil(tmp_path / "aitex")), "--out", str(tmp_path / "out")]) == 0
    output, error = capsys.readouterr()
    assert {row["strip"][:4] for row in read_scores(tmp_path / "out", "strip")} < {"0000", "0001", "0002", "0010"}
    assert "1 of 9 strips were skipped: " in error and "inverted or transparent" in error
    assert "4 of 8 strips were skipped: " in error and error.count("no texture") == 3
    assert "columns look like fabric" in error and "Traceback" not in error
    assert "4 x no fabric found: " in output and "1 x mask cannot be used: Defect_images/0012_002_00.png" in output
    assert "1 pictures of defective strips" in output and "undefined" in output and "nan" not in output


def test_a_strip_that_cannot_be_predicted_keeps_the_others(root: Path, monkeypatch: pytest.MonkeyPatch):
    predict = PatchCore.predict_strip

    def fail_once(self: PatchCore, image: np.ndarray, **options: object):
        if np.array_equal(image, bad):
            raise InputError("too dark.")
        return predict(self, image, **options)

    bad = read_grey(root / DEFECT_FOLDER / "0012_006_00.png")
    monkeypatch.setattr(PatchCore, "predict_strip", fail_once)
    with pytest.warns(UserWarning, match="1 of 5 strips were skipped: Strip 0012_006_00: too dark"):
        results, scored = run_demo(root, "00", size=64, coreset_ratio=0.01)
    assert results["strips_tested"] == len(scored) == 4


def test_a_strip_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demo, "run_demo", partial(run_demo, coreset_ratio=0.01, size=64))
    for i in range(3):
        write_png(tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png", weave(i))
    shutil.copytree(tmp_path / NORMAL_FOLDER, tmp_path / NORMAL_FOLDER / "copy" / "again")
    shutil.copy(tmp_path / NORMAL_FOLDER / "0000_000_00.png", tmp_path / NORMAL_FOLDER / "0009_000_00.png")
    (tmp_path / MASK_FOLDER).mkdir()
    os.symlink("nowhere.png", tmp_path / MASK_FOLDER / "0001_000_00_mask.png")
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    output, error = capsys.readouterr()
    results = read_json(tmp_path / "out")
    assert (results["strips_fitted"], results["strips_tested"]) == (2, 1)
    assert "3 x same strip twice: NODefect_images/copy/again/0000_000_00.png, " in output
    assert "1 x same picture twice: NODefect_images/0009_000_00.png (equal to" in output
    assert "1 x not read: Mask_images/0001_000_00_mask.png (a link that leads nowhere)" in output
    assert "1 of 4 strips were left out, because the same picture is there twice: 0009_000_00.png" in error


def test_a_threshold_from_the_file_flags_what_it_flags_in_memory(written: Path, run: tuple[dict, list]):
    scores = np.concatenate([item.result.tile_scores for item in run[1]])
    np.testing.assert_array_equal([float(row["score"]) for row in read_scores(written, "tile")], scores.astype(float))
    assert [float(row["score"]) for row in read_scores(written, "strip")] == [item.result.score for item in run[1]]


@pytest.mark.slow
def test_maps_below_0_and_infinite_results_are_written(run: tuple[dict, list], tmp_path: Path, monkeypatch):
    plot_strip = demo.plot_strip

    def check_scale(*arguments: object, scale: tuple[float, float], **options: object):
        assert scale[0] <= scale[1] < 0
        return plot_strip(*arguments, scale=scale, **options)

    monkeypatch.setattr(demo, "plot_strip", check_scale)
    below = [replace(item, result=replace(item.result, map=item.result.map * 0 - 5)) for item in run[1]]
    write_results(tmp_path, {"threshold": math.inf}, below)
    assert read_json(tmp_path)["threshold"] is None and len(list(tmp_path.glob("*.png"))) == len(SPOTS)


def test_the_first_fabric_with_two_normal_strips_is_taken(tmp_path: Path):
    for name in ("0000_000_00", "0001_000_01", "0002_000_01"):
        write_png(tmp_path / NORMAL_FOLDER / f"{name}.png", weave(0))
    assert demo._first_fabric(tmp_path) == "01"


# the practice fabric and real strips


@pytest.mark.slow
def test_the_demo_on_the_practice_fabric(
    small_practice: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(demo, "run_demo", partial(run_demo, coreset_ratio=0.01, size=128))  # quick
    assert main(["--data", str(small_practice), "--out", str(tmp_path)]) == 0
    strips = read_scores(tmp_path, "strip")
    pictures = {path.stem for path in tmp_path.glob("*.png")}
    assert pictures == {row["strip"] for row in strips if row["defective"] == "1"} and len(pictures) == 4
    assert "tile AUROC, C1" in capsys.readouterr().out


@pytest.mark.slow
def test_the_demo_on_a_few_real_strips(aitex_root: Path, tmp_path: Path):
    """Two normal strips and a defective one of fabric 03, collected by links: one is fitted, two are scored."""
    normal = sorted((aitex_root / NORMAL_FOLDER).rglob("*_000_03.png"))[:2]
    masks = sorted((aitex_root / MASK_FOLDER).glob("*_03_mask.png"))[:1]
    defective = [aitex_root / DEFECT_FOLDER / mask.name.replace("_mask", "") for mask in masks]
    for folder, paths in ((NORMAL_FOLDER, normal), (DEFECT_FOLDER, defective), (MASK_FOLDER, masks)):
        (tmp_path / folder).mkdir()
        for path in paths:
            (tmp_path / folder / path.name).symlink_to(path.resolve())
    results, scored = run_demo(tmp_path, "03", coreset_ratio=0.01)
    assert (results["strips_fitted"], results["strips_tested"]) == (1, 2)
    assert results["strips_without_known_mask"] == 0 and results["tiles_defective"] >= 1
    for item in scored:
        assert 900 <= item.result.region[0] <= 1300 and item.result.map.shape == item.image.shape
