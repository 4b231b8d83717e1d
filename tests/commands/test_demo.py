"""The demo on a tiny dataset in AITEX's layout, woven here: its figures, its files, and what it says is wrong."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aitex_utils import metrics
from aitex_utils.commands import demo
from aitex_utils.commands.demo import main, result_table, run_demo, write_results
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.metrics import auroc
from aitex_utils.strips import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER

# One strip of a class is enough for these tests, though not for an interval.
pytestmark = pytest.mark.filterwarnings("ignore:Only one strip with")

WIDTH, BED = 900, 100  # columns of a strip, and of the white bed at its left
QUICK = {"coreset": 0.02, "smoothing": 2.0}
SPOTS = {"0011_002_00": 400, "0012_006_00": 600, "0013_010_00": 700, "0014_019_00": 300}  # column of each defect


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    """The intervals have their own tests; here a tenth of the draws will do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "bootstrap_interval", partial(metrics.bootstrap_interval, draws=100))
        yield


def weave(seed: int) -> np.ndarray:
    """A strip: white bed, then plain weave of 8 x 6 px with yarn noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :WIDTH]
    down, along = random.uniform(0, 2 * np.pi, 2)
    waves = np.sin(2 * np.pi * x / 8 + along) * np.sin(2 * np.pi * y / 6 + down)
    image = (120 + 50 * waves + random.normal(0, 8, x.shape)).clip(0, 255).astype(np.uint8)
    image[:, :BED] = 255
    return image


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fabric 00: four normal and four defective strips; of their masks one lacks, one is all black. 08: none normal."""
    root = tmp_path_factory.mktemp("tiny")
    for i in range(4):
        write(root / NORMAL_FOLDER / "weave" / f"000{i}_000_00.png", weave(i))
    for i, (name, column) in enumerate(SPOTS.items()):
        image, y, x = weave(10 + i), *np.mgrid[:256, :WIDTH]
        spot = (y - 120) ** 2 + (x - column) ** 2 < 15**2
        write(root / DEFECT_FOLDER / f"{name}.png", np.where(spot, image // 3, image).astype(np.uint8))
        if name != "0013_010_00":
            write(root / MASK_FOLDER / f"{name}_mask.png", np.uint8(255) * (spot & (name != "0014_019_00")))
    write(root / DEFECT_FOLDER / "0100_025_08.png", weave(20))
    return root


@pytest.fixture(scope="module")
def ran(root: Path) -> tuple[dict, list[demo.Scored]]:
    return run_demo(root, "00", **QUICK)


@pytest.fixture(scope="module")
def written(ran: tuple[dict, list], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "deeper"
    write_results(folder, *ran)
    return folder


def rows_of(folder: Path, level: str) -> list[dict[str, str]]:
    with open(folder / "scores.csv", newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["level"] == level]


def pairs_in_order(defective: list[float], normal: list[float]) -> float:
    """AUROC by its definition: each defective thing against each normal one."""
    return float(np.mean([1.0 if d > n else 0.5 if d == n else 0.0 for d in defective for n in normal]))


# figures


def test_figures_are_complete(ran: tuple[dict, list]):
    figures, scored = ran
    assert figures["fabric"] == "00"
    assert (figures["strips_fitted"], figures["strips_tested"], len(scored)) == (3, 5, 5)
    assert figures["tiles_fitted"] == 3 * 4  # 800 px of fabric in tiles of 256, the last one moved back
    assert figures["patches_kept"] == round(0.02 * 3 * 56 * 172)  # 448 px high, 1,376 wide, one patch every 8 px
    assert figures["strips_without_known_mask"] == 2
    assert figures["tiles_tested"] == 3 * 4
    assert figures["tiles_defective"] == sum(int(s.labels.sum()) for s in scored if s.labels is not None) >= 2
    for name in ("tile_auroc_c1", "tile_auroc_c2", "strip_auroc", "pixel_auroc", "pixel_ap", "aupro_0.3"):
        assert 0 <= figures[name] <= 1
    for name in ("tile_auroc_c1", "tile_auroc_c2"):
        low, high = figures[f"{name}_interval"]
        assert low <= figures[name] <= high
    assert figures["tile_auroc_c1"] > 0.9 and figures["strip_auroc"] == 1 and figures["pixel_auroc"] > 0.9
    assert list(figures["seconds"]) == ["read", "fit", "score", "evaluate"]
    assert all(seconds >= 0 for seconds in figures["seconds"].values()) and figures["peak_memory_mib"] > 100
    assert figures["parameters"]["coreset"] == 0.02 and figures["versions"] == versions()


def test_fitted_and_tested_strips_are_different_ones(ran: tuple[dict, list]):
    _, scored = ran
    tested = [s.strip.id for s in scored]
    assert sorted(tested)[1:] == sorted(SPOTS) and tested[0].endswith("_000_00") and len(set(tested)) == 5


def test_the_bed_is_not_judged(ran: tuple[dict, list]):
    _, scored = ran
    for s in scored:
        begin, end = s.found.region
        assert abs(begin - BED) <= 12 and end == WIDTH
        assert np.isnan(s.found.map[:, :begin]).all() and np.isfinite(s.found.map[:, begin:]).all()


def test_strips_without_a_known_mask_count_in_the_strip_auroc_only(ran: tuple[dict, list]):
    figures, scored = ran
    unknown = {s.strip.id for s in scored if s.mask is None}
    assert unknown == {"0013_010_00", "0014_019_00"}
    assert all((s.labels is None) == (s.strip.id in unknown) for s in scored)
    # Were these strips taken for normal ones, their high scores would lower each of these figures.
    without = [s for s in scored if s.strip.id not in unknown]
    again = demo.evaluate(without)
    changed = {name for name, value in again.items() if value != figures[name]}
    assert changed <= {"strips_without_known_mask", "strip_auroc"}
    assert again["strips_without_known_mask"] == 0
    # And as defective strips that the detector took for the most normal, they are the two of four that it misses.
    missed = [
        demo.Scored(s.strip, s.image, s.mask, replace(s.found, score=0.0), s.labels) if s.mask is None else s
        for s in scored
    ]
    assert demo.evaluate(missed)["strip_auroc"] == 0.5


def test_c1_leaves_out_clean_tiles_of_defective_strips(ran: tuple[dict, list]):
    figures, scored = ran
    known = [s for s in scored if s.labels is not None]
    defective = [x for s in known for x in s.found.tile_scores[s.labels]]
    clean = {True: [], False: []}
    for s in known:
        clean[s.strip.is_normal] += list(s.found.tile_scores[~s.labels])
    assert figures["tile_auroc_c1"] == pytest.approx(pairs_in_order(defective, clean[True]))
    assert figures["tile_auroc_c2"] == pytest.approx(pairs_in_order(defective, clean[True] + clean[False]))
    # Made-up scores tell the two apart: a clean tile of a defective strip above all others lowers C2 alone.
    spoiled = [demo.Scored(s.strip, s.image, s.mask, s.found, s.labels) for s in known]
    victim = next(s for s in spoiled if not s.strip.is_normal)
    scores = victim.found.tile_scores.copy()
    scores[~victim.labels] += 1e6
    victim.found = demo.StripFound(victim.found.map, 1e6, scores, victim.found.corners, victim.found.region)
    again = demo.evaluate(spoiled)
    assert again["tile_auroc_c1"] == figures["tile_auroc_c1"] and again["tile_auroc_c2"] < figures["tile_auroc_c2"]


def test_pixel_figures_are_over_the_fabric_of_strips_with_known_masks(ran: tuple[dict, list]):
    figures, scored = ran
    known = [s for s in scored if s.mask is not None]
    inside = [np.s_[:, s.found.region[0] : s.found.region[1]] for s in known]
    masks = np.concatenate([s.mask[i].ravel() for s, i in zip(known, inside, strict=True)])
    scores = np.concatenate([s.found.map[i].ravel() for s, i in zip(known, inside, strict=True)])
    assert figures["pixel_auroc"] == pytest.approx(auroc(masks, scores))
    assert masks.sum() == sum(s.mask.sum() for s in known) > 0


def test_a_tile_is_defective_where_its_own_part_of_the_mask_is(ran: tuple[dict, list]):
    _, scored = ran
    for s in scored:
        if s.labels is not None:
            for (row, column), label in zip(s.found.corners, s.labels, strict=True):
                assert label == s.mask[row : row + 256, column : column + 256].any()


def test_the_same_seed_gives_the_same_figures(ran: tuple[dict, list], root: Path):
    again, _ = run_demo(root, "00", **QUICK)
    unlike = {"seconds", "peak_memory_mib"}
    assert {k: v for k, v in again.items() if k not in unlike} == {k: v for k, v in ran[0].items() if k not in unlike}


# files


def test_scores_in_the_file_give_the_figures(written: Path):
    figures = json.loads((written / "figures.json").read_text(encoding="utf-8"))
    strips, tiles = rows_of(written, "strip"), rows_of(written, "tile")
    assert len(strips) == 5 and len(tiles) == 5 * 4

    def scores(rows: list[dict[str, str]], defective: str) -> list[float]:
        return [float(row["score"]) for row in rows if row["defective"] == defective]

    normal_strips = [row for row in tiles if row["code"] == "000"]
    assert pairs_in_order(scores(strips, "1"), scores(strips, "0")) == pytest.approx(figures["strip_auroc"])
    assert pairs_in_order(scores(tiles, "1"), scores(tiles, "0")) == pytest.approx(figures["tile_auroc_c2"])
    assert pairs_in_order(scores(tiles, "1"), scores(normal_strips, "0")) == pytest.approx(figures["tile_auroc_c1"])
    assert {row["strip"] for row in tiles if row["defective"] == ""} == {"0013_010_00", "0014_019_00"}
    assert {row["strip"] for row in strips if row["defective"] == "1"} == set(SPOTS)
    for strip in strips:  # a strip's score is the highest of its tiles
        own = [float(row["score"]) for row in tiles if row["strip"] == strip["strip"]]
        assert float(strip["score"]) == max(own)
    assert {row["defect"] for row in strips} == {"none", "broken end", "broken yarn", "broken pick", "fuzzyball"}


def test_the_json_holds_all_figures(written: Path, ran: tuple[dict, list]):
    figures = json.loads((written / "figures.json").read_text(encoding="utf-8"))
    assert figures.keys() == ran[0].keys()
    assert figures["pixel_ap"] == ran[0]["pixel_ap"]


def test_a_picture_of_each_defective_strip(written: Path):
    assert {path.name for path in written.iterdir()} == {"scores.csv", "figures.json", *(f"{n}.png" for n in SPOTS)}
    for name in SPOTS:
        with Image.open(written / f"{name}.png") as picture:
            picture.load()
            assert picture.size[0] > 800
            told = picture.text["Description"]
            assert told.startswith(f"{name}, ") and "highest at column" in told
            assert ("mask spans columns" in told) == (name in ("0011_002_00", "0012_006_00"))


def test_all_pictures_share_one_scale(ran: tuple[dict, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scales = []

    def spy(*arguments: object, scale: tuple[float, float], **rest: object):
        scales.append(scale)
        return demo_plot(*arguments, scale=scale, **rest)

    demo_plot = demo.plot_strip
    monkeypatch.setattr(demo, "plot_strip", spy)
    write_results(tmp_path, *ran)
    assert len(scales) == len(SPOTS) and len(set(scales)) == 1 and 0 <= scales[0][0] < scales[0][1]


def test_figures_that_are_nan_are_null_in_the_file(ran: tuple[dict, list], tmp_path: Path):
    figures = {**ran[0], "pixel_ap": math.nan, "tile_auroc_c1_interval": (math.nan, 1.0)}
    write_results(tmp_path, figures, [s for s in ran[1] if s.strip.is_normal])

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} isn't JSON")

    told = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert told["pixel_ap"] is None and told["tile_auroc_c1_interval"] == [None, 1.0]
    assert result_table(figures).row_count == 15


# the command


def test_the_command_prints_a_table_and_writes_its_files(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["--data", str(root), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    figures = json.loads((tmp_path / "out" / "figures.json").read_text(encoding="utf-8"))
    assert figures["fabric"] == "00"  # the first one with normal strips
    for name in ("tile_auroc_c1", "tile_auroc_c2", "strip_auroc", "pixel_auroc", "pixel_ap", "aupro_0.3"):
        assert f"{figures[name]:.3f}" in told
    for words in (
        "PatchCore on fabric 00",
        "tile AUROC, C1",
        "AUPRO at 0.3",
        "3 strips, 12 tiles",
        "peak memory",
        "MiB",
    ):
        assert words in told
    assert "2; in the strip AUROC only" in told and all(f"{step} " in told for step in figures["seconds"])


def told_by(arguments: list[str], capsys: pytest.CaptureFixture) -> str:
    """Run the command; return the one line that it says to the error stream."""
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("demo: ") and error.count("\n") == 1 and "Traceback" not in error
    return error


def test_wrong_arguments_give_one_sentence(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert "holds no AITEX: it should contain" in told_by(["--data", str(tmp_path / "none")], capsys)
    data = ["--data", str(root), "--out", str(tmp_path / "out")]
    assert "There is no fabric '3' in" in told_by([*data, "--fabric", "3"], capsys)
    assert not (tmp_path / "out").exists()
    assert "Fabric 08 has no normal strips, so nothing can be learnt" in told_by([*data, "--fabric", "08"], capsys)
    assert "seed is -1, expected a whole number" in told_by([*data, "--seed", "-1"], capsys)
    assert not list((tmp_path / "out").iterdir())


def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: pytest.fail("the work began"))
    assert "can't be written" in told_by(["--data", str(root), "--out", str(tmp_path / "file")], capsys)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_dataset_without_normal_strips(tmp_path: Path, capsys: pytest.CaptureFixture):
    write(tmp_path / DEFECT_FOLDER / "0100_025_08.png", weave(20))
    (tmp_path / NORMAL_FOLDER).mkdir()
    told = told_by(["--data", str(tmp_path), "--out", str(tmp_path / "out")], capsys)
    assert "holds no normal strips, so there is nothing to learn from" in told


def test_one_normal_strip_is_not_enough(tmp_path: Path, capsys: pytest.CaptureFixture):
    write(tmp_path / NORMAL_FOLDER / "0001_000_00.png", weave(0))
    assert "at least two are needed" in told_by(["--data", str(tmp_path), "--out", str(tmp_path / "out")], capsys)


def test_unreadable_strips_are_skipped_and_counted(tmp_path: Path):
    for i in range(3):
        write(tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png", weave(i))
    write(tmp_path / DEFECT_FOLDER / "0010_002_00.png", weave(4))
    (tmp_path / DEFECT_FOLDER / "0011_002_00.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning) as caught:
        figures, scored = run_demo(tmp_path, "00", **QUICK)
    told = [str(w.message) for w in caught]
    assert any(text.startswith("1 of 3 strips were skipped: ") and "0011_002_00.png" in text for text in told)
    assert {s.strip.id for s in scored if not s.strip.is_normal} == {"0010_002_00"}
    assert math.isnan(figures["tile_auroc_c1"]) and not math.isnan(figures["strip_auroc"])  # no mask is known


def test_no_readable_normal_strips_give_one_sentence(tmp_path: Path):
    (tmp_path / NORMAL_FOLDER).mkdir()
    for i in range(3):
        (tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="strips were skipped"), pytest.raises(InputError, match="can be read, one to"):
        run_demo(tmp_path, "00", **QUICK)


def test_a_strip_that_cannot_be_tiled_is_named(tmp_path: Path):
    for i in range(2):
        write(tmp_path / NORMAL_FOLDER / f"000{i}_000_00.png", np.full((256, 600), 9, np.uint8))
    with pytest.raises(InputError, match=r"^Strip 000[01]_000_00: .*no texture"):
        run_demo(tmp_path, "00", **QUICK)


# the practice fabric and real strips


def test_the_demo_on_the_practice_fabric(small_practice: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["--data", str(small_practice), "--out", str(tmp_path)]) == 0
    strips = rows_of(tmp_path, "strip")
    pictures = {path.stem for path in tmp_path.glob("*.png")}
    assert pictures == {row["strip"] for row in strips if row["defective"] == "1"} and len(pictures) == 4
    assert "tile AUROC, C1" in capsys.readouterr().out


def test_the_demo_on_a_few_real_strips(aitex_root: Path, tmp_path: Path):
    """Two normal strips and a defective one of fabric 03, brought together by links: one is fitted, two are scored."""
    normal = sorted((aitex_root / NORMAL_FOLDER).rglob("*_000_03.png"))[:2]
    masks = sorted((aitex_root / MASK_FOLDER).glob("*_03_mask.png"))[:1]
    defective = [aitex_root / DEFECT_FOLDER / mask.name.replace("_mask", "") for mask in masks]
    for folder, paths in ((NORMAL_FOLDER, normal), (DEFECT_FOLDER, defective), (MASK_FOLDER, masks)):
        (tmp_path / folder).mkdir()
        for path in paths:
            (tmp_path / folder / path.name).symlink_to(path.resolve())
    figures, scored = run_demo(tmp_path, "03", coreset=0.01)
    assert (figures["strips_fitted"], figures["strips_tested"]) == (1, 2)
    assert figures["strips_without_known_mask"] == 0 and figures["tiles_defective"] >= 1
    for s in scored:
        assert 900 <= s.found.region[0] <= 1300 and s.found.map.shape == s.image.shape
