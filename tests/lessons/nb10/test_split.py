"""The split of the practice fabric: four parts without a common strip, and masks that fit their strips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.data import lesson_root
from aitex_utils.lessons.nb10 import split
from aitex_utils.strips import list_strips
from aitex_utils.tiling import crop_tiles


def test_no_strip_is_in_two_parts_and_the_bank_sees_normal_strips_only():
    for fabric in split.bench_fabrics():
        parts = {part: split.load_part(fabric, part) for part in split.PARTS}
        names = [strip.name for strips in parts.values() for strip in strips]
        assert len(set(names)) == len(names) >= 12
        known = {strip.id: strip for strip in list_strips(lesson_root(), fabric)}
        assert all(known[strip.name].is_normal for part in ("training", "calibration") for strip in parts[part])
        for part in ("shown", "hidden"):
            kinds = [bool(strip.mask.any()) for strip in parts[part]]
            assert kinds[:2] == [False, False] and all(kinds[2:]) and 2 <= len(kinds[2:]) <= 4


def test_masks_and_tiles_fit_their_strips():
    strip = split.load_part(split.bench_fabrics()[0], "shown")[-1]
    assert strip.image.shape == strip.mask.shape and strip.image.shape[0] == 256
    np.testing.assert_array_equal(strip.labels, crop_tiles(strip.mask, strip.corners).any(axis=(1, 2)))
    np.testing.assert_array_equal(strip.tiles[1], strip.image[:, 256:512])
    with pytest.raises(ValueError, match="read-only"):
        strip.image[0, 0] = 1


def test_unknown_fabrics_and_parts_are_refused():
    with pytest.raises(InputError, match="fabric is '99': choose one of"):
        split.load_part("99", "shown")
    with pytest.raises(InputError, match="part is 'test'"):
        split.load_part(split.bench_fabrics()[0], "test")


def test_a_data_set_without_enough_strips_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(split, "list_strips", lambda root: [])
    monkeypatch.setattr(split, "lesson_root", lambda: tmp_path)
    with pytest.raises(InputError, match="No fabric in .* has 8 normal strips"):
        split.bench_fabrics()
