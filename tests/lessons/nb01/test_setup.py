"""The set-up of notebook 01: which strips, columns and defects it chooses, and how it changes recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aitex_utils.lessons.nb01.setup import LeakageData, LessonStrips, change_recordings, leakage_strips
from aitex_utils.strips import Strip


def strips_of(fabric: str, n_normal: int, n_defective: int) -> list[Strip]:
    codes = ["000"] * n_normal + ["030"] * n_defective
    return [Strip(f"{i:04d}_{code}_{fabric}", fabric, code, Path(f"{i}.png")) for i, code in enumerate(codes)]


def lesson(strips: list[Strip], starts: list[int] | None = None) -> LessonStrips:
    starts = starts or [0] * len(strips)
    marks = np.array([not strip.is_normal for strip in strips])
    return LessonStrips(Path(), tuple(strips), np.array([[start, 1000] for start in starts]), marks)


def test_a_fabric_without_normal_strips_is_left_out():
    data = lesson([*strips_of("00", 2, 1), *strips_of("01", 0, 2)])
    assert data.fabrics == ["00"] and [strip.fabric for strip in data.marked] == ["00"]
    assert data.is_normal.tolist() == [True, True, False, False, False]


def test_the_example_is_the_strip_whose_fabric_begins_last():
    data = lesson([*strips_of("00", 2, 0), *strips_of("01", 2, 0)], [10, 900, 40, 20])
    assert data.example.id == "0000_000_01" and data.columns[data.example.id] == slice(40, 1000)


def test_the_lab_takes_the_fabric_with_most_marked_strips_and_spreads_over_it():
    data = lesson([*strips_of("00", 20, 3), *strips_of("01", 9, 30)])
    fabric, normal, defective = leakage_strips(data)
    assert fabric == "01" and len(normal) == 8 and len(defective) == 13
    assert normal[0].id == "0000_000_01" and normal[-1].id == "0008_000_01"


def test_the_widest_cut_defect_is_found(monkeypatch: pytest.MonkeyPatch):
    data = lesson(strips_of("00", 1, 1), [100, 100])
    mask = np.zeros((256, 1000), bool)
    mask[3, 100 + 250 : 100 + 262] = True  # 12 px, across the first seam
    mask[9, 100 + 300 : 100 + 350] = True  # 50 px, within a tile
    monkeypatch.setattr(Strip, "read_mask", lambda strip: mask)
    strip, columns = data.cut_defect()
    assert not strip.is_normal and columns == (250, 262)
    assert data.cut_defect(widest=5 + 50)[1] == (250, 262)
    mask[3] = False
    assert data.cut_defect()[1] == (300, 350)  # no defect is cut: the widest


def test_recordings_change_by_strip_and_in_the_same_way_each_time():
    rng = np.random.default_rng(0)
    images = [rng.integers(80, 160, (64, 64), np.uint8) for _ in range(3)]
    weak, strong = change_recordings(images, 1), change_recordings(images, 2)
    again = change_recordings(images, 2)
    assert all(np.array_equal(one, two) for one, two in zip(strong, again, strict=True))
    assert all(image.dtype == np.uint8 for image in strong)
    shifts = [
        [abs(float(new.mean()) - old.mean()) for new, old in zip(part, images, strict=True)] for part in (weak, strong)
    ]
    assert sum(shifts[0]) < sum(shifts[1])
    assert np.array_equal(change_recordings(images, 0)[0], images[0])


def test_the_lab_describes_itself():
    patches = np.zeros((3, 4, 2), np.float32)
    lab = LeakageData("02", [], [], patches, np.array(["a", "a", "b"]), patches, np.zeros((3, 3)))
    assert lab.describe() == "Fabric 02: 3 clean tiles of 2 normal strips, 3 defective tiles."
