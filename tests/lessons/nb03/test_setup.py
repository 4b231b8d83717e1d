"""The data of notebook 03: fabrics and tiles, no strip on both sides, and the second call from a cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_aitex import write_png

from aitex_utils.lessons.nb03 import setup
from aitex_utils.lessons.tile_sampling import rank_fabrics

WIDTH = 560


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small data set: fabric 02 has more defective strips than 00, and 05 has no defective strip."""
    tmp_path, rng = tmp_path_factory.mktemp("strips"), np.random.default_rng(0)
    for fabric, n_defective in (("00", 1), ("02", 2), ("05", 0)):
        for number in range(4 + n_defective):
            strip = rng.integers(80, 120, (256, WIDTH)).astype(np.uint8)
            name = f"{number:04}_{'000' if number < 4 else '002'}_{fabric}"
            if number < 4:
                write_png(tmp_path / "NODefect_images" / f"folder{fabric}" / f"{name}.png", strip)
                continue
            mask = np.zeros_like(strip)
            mask[100:130, 100 : 100 + 20 * number] = 255
            write_png(tmp_path / "Defect_images" / f"{name}.png", strip + mask // 5)
            write_png(tmp_path / "Mask_images" / f"{name}_mask.png", mask)

    def strips() -> Path:
        print("Making the practice fabric.\nStrips of a test.")
        return tmp_path

    monkeypatch.setattr(setup, "lesson_strips", strips)
    monkeypatch.setattr(setup, "_said", {})
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
    for load in (setup._load_lesson, setup._load_splits):
        load.cache_clear()
    return tmp_path


def test_fabrics_are_ranked_by_their_defective_strips(root: Path):
    normal, defective, fabrics = rank_fabrics(root)
    assert fabrics == ["02", "00"] and len(normal) == 12 and len(defective) == 3


def test_a_lesson_comes_from_the_first_fabric_and_says_the_same_each_time(root: Path, capsys: pytest.CaptureFixture):
    lesson = setup.load_lesson()
    assert lesson.fabric == "02" and lesson.example_mask.sum() >= 300
    inside, outside = (lesson.example[where].mean() for where in (lesson.example_mask, ~lesson.example_mask))
    assert inside - outside > 40
    assert not np.array_equal(lesson.normal_tiles[0], lesson.other_normal)
    assert "Making" in capsys.readouterr().out
    assert setup.load_lesson() is lesson
    assert capsys.readouterr().out == "Strips of a test.\n"


def test_no_tile_of_a_split_is_on_both_sides(root: Path, capsys: pytest.CaptureFixture):
    splits = setup.load_splits()
    assert [split.fabric for split in splits] == ["00", "02"]
    for split in splits:
        assert len(split.test) == len(split.labels) == len(split.masks)
        assert split.masks[split.labels].any(axis=(1, 2)).all() and not split.masks[~split.labels].any()
        training = {tile.tobytes() for tile in split.training}
        assert training and not training & {tile.tobytes() for tile in split.test}
        assert split.labels.any() and not split.labels.all()
    setup._load_splits.cache_clear()
    capsys.readouterr()
    again = setup.load_splits()
    assert "computing" not in capsys.readouterr().out
    assert all(
        np.array_equal(a, b) for one, two in zip(splits, again, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_small_defects_are_taken_where_there_are_no_others():
    tiles = np.random.default_rng(0).integers(90, 110, (2, 16, 16)).astype(np.uint8)
    masks = np.zeros((2, 16, 16), bool)
    masks[0, :2, :2] = masks[1, :4, :4] = True
    assert setup.find_example(tiles, masks) == 1
