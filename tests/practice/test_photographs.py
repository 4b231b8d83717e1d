"""The practice photographs: layout of MVTec AD, what a camera does, drift in order of time, whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from aitex_utils.commands import data
from aitex_utils.errors import InputError
from aitex_utils.files.images import read_colour, read_mask, to_grey
from aitex_utils.inspection.pictures import check_pictures, list_pictures, serious_picture_issues
from aitex_utils.practice import photographs
from aitex_utils.practice.camera import ORIENTATION, PICTURE_SHAPE, TURNS, write_jpeg
from aitex_utils.practice.photographs import (
    GOOD,
    KINDS,
    METADATA_FILE,
    REED_MARK,
    STAIN,
    Plan,
    make_photographs,
    photographs_are_there,
    plan_photographs,
    render_photograph,
)

SMALL = {"good": 18, "test_good": 2, "defective": 1, "later": 12}
PIXELS = [
    [135, 147, 151],
    [117, 128, 140],
    [89, 102, 116],
    [70, 89, 103],
]  # of test/knot/001.jpg before compression, at row 240, columns 320 to 323


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photographs(tmp_path_factory.mktemp("small") / "photographs", seed=1, **SMALL)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace pictures by tiny grey ones, so a set takes no time."""

    def grey(plan: Plan, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        value = (plan.number + 7 * seed) % 256
        return np.full((8, 16, 3), value, np.uint8), np.full((8, 16), 255, np.uint8)

    monkeypatch.setattr(photographs, "render_photograph", grey)


def test_the_layout_is_mvtec_ads_and_nothing_serious_is_found(small: Path):
    sets = list_pictures(small)
    assert len(sets.good) == 18 and sum(picture.is_good for picture in sets.test) == 2
    assert {picture.kind for picture in sets.test} == {GOOD, *KINDS}
    assert all(picture.mask for picture in sets.test if not picture.is_good)
    assert serious_picture_issues(check_pictures(sets)) == []


@pytest.mark.parametrize("name", ["lamp", "yarn", "reed"])
def test_a_later_set_can_be_judged_on_its_own_and_its_numbers_are_its_order(small: Path, name: str):
    sets = list_pictures(None, small / "later" / name / "test", small / "later" / name / "ground_truth")
    assert sorted(int(picture.path.stem) for picture in sets.test) == list(range(1, 13))
    defective = [picture for picture in sets.test if not picture.is_good]
    assert defective and all(picture.mask for picture in defective)
    assert min(int(picture.path.stem) for picture in defective) > 3


def test_pictures_are_upright_jpegs_of_one_size_whatever_their_orientation(small: Path):
    orientations = set()
    for path in small.rglob("*.jpg"):
        with Image.open(path) as image:
            orientations.add(image.getexif()[ORIENTATION])
            assert image.format == "JPEG"
        assert read_colour(path).shape == (*PICTURE_SHAPE, 3)
    assert orientations == set(TURNS)


@pytest.mark.parametrize("orientation", TURNS)
def test_a_turned_file_is_read_upright(tmp_path: Path, orientation: int):
    upright = np.zeros((32, 64, 3), np.uint8)
    upright[:8, :16] = 200  # the upper left corner
    write_jpeg(tmp_path / "1.jpg", upright, orientation=orientation, date="2026:03:02 09:00:00")
    read = read_colour(tmp_path / "1.jpg")
    assert read.shape == upright.shape and np.abs(read.astype(int) - upright).mean() < 3


def test_masks_mark_what_differs_from_the_same_cloth_without_the_defect():
    for kind in KINDS:
        plan = Plan("", "test", kind, 1, 0.0)
        picture, mask = render_photograph(plan)
        assert 30 <= (mask > 0).sum() < 0.1 * mask.size
        rows, columns = np.nonzero(mask)
        values = picture.astype(float)[rows, columns].mean(axis=0)
        around = (
            picture[rows.min() : rows.max() + 30, columns.min() : columns.max() + 30].astype(float).mean(axis=(0, 1))
        )
        assert np.abs(values - around).max() > 3, kind


def test_a_defect_outside_the_picture_is_drawn_anew(monkeypatch: pytest.MonkeyPatch):
    seen, see = [], photographs.see_mask

    def outside_at_first(mask: np.ndarray, shot) -> np.ndarray:
        seen.append(see(mask, shot))
        return np.zeros_like(seen[0]) if len(seen) == 1 else seen[-1]

    monkeypatch.setattr(photographs, "see_mask", outside_at_first)
    _, mask = render_photograph(Plan("", "test", "knot", 1, 0.0))
    assert len(seen) == 2 and (mask == seen[1]).all() and (seen[0] != seen[1]).any()


def test_the_stain_changes_the_hue_and_not_the_grey_value():
    picture, mask = render_photograph(Plan("", "test", STAIN, 2, 0.0))
    rows, columns = np.nonzero(mask)
    near = np.zeros(mask.shape, bool)
    near[max(rows.min() - 20, 0) : rows.max() + 20, max(columns.min() - 20, 0) : columns.max() + 20] = True
    inside, outside = mask > 0, near & (mask == 0)
    grey = to_grey(picture).astype(float)
    assert abs(grey[inside].mean() - grey[outside].mean()) < 4
    redness = picture[..., 0].astype(float) - picture[..., 2]
    assert redness[inside].mean() - redness[outside].mean() > 25


def test_the_lamp_becomes_darker_and_yellower_and_the_yarn_another():
    def colours(folder: str, age: float) -> np.ndarray:
        return render_photograph(Plan(folder, "test", GOOD, 5, age))[0].mean(axis=(0, 1))

    new, half, old = (colours("later/lamp", age) for age in (0.0, 0.5, 1.0))
    assert new.sum() > 1.08 * half.sum() > 1.16 * old.sum()
    assert new[2] / new[0] > 1.05 * half[2] / half[0] > 1.1 * old[2] / old[0]
    before, after = colours("later/yarn", 0.0), colours("later/yarn", 1.0)
    assert after[2] / after[0] > 1.05 * before[2] / before[0]


def test_the_reed_mark_grows():
    def depth(age: float) -> float:
        picture, mask = render_photograph(Plan("later/reed", "test", REED_MARK, 20, age))
        grey, inside = to_grey(picture).astype(float), mask > 0
        beside = (cv2.dilate(mask, np.ones((1, 31), np.uint8)) > 0) & ~inside
        return grey[beside].mean() - grey[inside].mean()

    assert depth(1.0) > depth(0.5) + 4 > depth(0.1) + 8


def test_pixels_of_a_seed_stay_the_same():
    """If this fails, the generator makes other photographs: raise GENERATOR, and record the pixels anew."""
    picture, _ = render_photograph(Plan("", "test", "knot", 1, 0.0))
    found = picture[240, 320:324].astype(int)
    assert np.abs(found - PIXELS).max() <= 2, found.tolist()  # processors differ in rounding


def test_the_same_seed_makes_the_same_bytes_and_another_seed_another_set(small: Path, tmp_path: Path):
    again = make_photographs(tmp_path / "again", seed=1, **SMALL)
    assert digests(again) == digests(small)
    other = render_photograph(Plan("", "train", GOOD, 1, 0.0), seed=2)[0]
    assert (other != render_photograph(Plan("", "train", GOOD, 1, 0.0), seed=1)[0]).mean() > 0.5


def test_no_two_pictures_share_their_random_numbers():
    plans = list(plan_photographs(good=40, test_good=20, defective=4, later=30))
    names = [plan.name for plan in plans]
    assert len(names) == len(set(names)) == 40 + 20 + 4 * len(KINDS) + 90


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"good": 1}, "good is 1, expected a whole number from 2 to 999"),
        ({"later": 11}, "later is 11, expected a whole number from 12 to 999"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0"),
        ({"defective": True}, "defective is True, expected a whole number"),
    ],
)
def test_sizes_that_cannot_be_made(tmp_path: Path, size: dict, message: str):
    with pytest.raises(InputError, match=message):
        make_photographs(tmp_path / "photographs", **size)
    assert not (tmp_path / "photographs").exists()


def test_something_else_is_never_replaced(tmp_path: Path, quick: None):
    folder = make_photographs(tmp_path / "photographs", **SMALL)
    (folder / "test" / "knot" / "mine.jpg").write_bytes(b"mine")
    before = digests(tmp_path)
    with pytest.raises(InputError, match="contains test/knot/mine.jpg, not part of the practice photographs"):
        make_photographs(folder, **SMALL)
    assert digests(tmp_path) == before


def test_a_full_disk_leaves_nothing(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch):
    def full(path, image, *, orientation, date):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(photographs, "write_jpeg", full)
    with pytest.raises(InputError, match="disk is full"):
        make_photographs(tmp_path / "photographs", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_photographs_are_there(tmp_path: Path, quick: None):
    folder = make_photographs(tmp_path / "photographs", seed=3, **SMALL)
    assert photographs_are_there(folder, seed=3) and not photographs_are_there(folder, seed=4)
    metadata = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
    assert set(metadata) == {"generator", "seed", *SMALL, "files"} and len(metadata["files"]) > 40
    unlisted = {name: value for name, value in metadata.items() if name != "files"}
    (folder / METADATA_FILE).write_text(json.dumps(unlisted), encoding="utf-8")
    assert not photographs_are_there(folder, seed=3)
    (folder / METADATA_FILE).write_text(json.dumps(metadata), encoding="utf-8")
    assert photographs_are_there(folder, seed=3)
    next(folder.rglob("*.jpg")).unlink()
    assert not photographs_are_there(folder, seed=3)


def test_one_command_makes_them_once(tmp_path: Path, quick: None, capsys: pytest.CaptureFixture, monkeypatch):
    folder = tmp_path / "photographs"
    command = ["--photographs", "--folder", str(folder)]
    assert data.main(command) == 0 and photographs_are_there(folder, good=40)
    assert "inspect --good" in capsys.readouterr().out
    before = digests(folder)
    monkeypatch.setattr(photographs, "render_photograph", None)  # nothing is drawn
    assert data.main(command) == 0 and "already" in capsys.readouterr().out
    assert digests(folder) == before
    (folder / "mine.txt").write_text("mine")
    assert data.main([*command, "--force"]) == 1
    assert "contains mine.txt" in capsys.readouterr().err


def test_a_mask_has_the_size_of_its_picture(small: Path):
    for path in (small / "ground_truth").rglob("*.png"):
        assert read_mask(path).shape == PICTURE_SHAPE
