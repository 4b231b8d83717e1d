"""The gallery of notebook 08 shows the worst tiles, one of each strip, with their own maps and masks."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb08.gallery import (
    collect_failures,
    compare_found_and_missed,
    crop_around,
    describe_concentration,
    worst_rows,
)
from aitex_utils.lessons.nb08.setup import LessonStrips, TileTable, tabulate_tiles


@pytest.fixture
def strips() -> LessonStrips:
    """Return a normal and a defective strip of two tiles."""
    rng = np.random.default_rng(0)
    greys = [rng.normal(100, 10, (256, 512)).astype(np.uint8) for _ in range(3)]
    masks = [np.zeros((256, 512), bool) for _ in range(2)]
    masks[1][100:110, 300:320] = True
    greys[2][masks[1]] = 160
    return LessonStrips(
        "00", greys[:1], greys[:1], greys[1:], masks, ["a", "b"], ["none", "knots"], greys[1], {}, *greys[1:], {}
    )


@pytest.fixture
def maps(strips: LessonStrips) -> list[np.ndarray]:
    """Return maps with a false alarm in each strip, at a distance of 100 px from the defect in the second."""
    maps = [np.full((256, 512), 0.5), np.where(strips.masks[1], 0.8, 0.5)]
    maps[0][10, 20], maps[1][100, 200], maps[0][200, 400] = 1.5, 2.0, 1.2
    return maps


def test_worst_rows_are_sorted_and_of_different_strips(strips: LessonStrips, maps: list[np.ndarray]):
    table = tabulate_tiles(maps, strips)
    assert table.scores.tolist() == [1.5, 1.2, 2.0, pytest.approx(0.8)]
    assert worst_rows(table, defective=False).tolist() == [2, 0]
    assert worst_rows(table, defective=False, most=1).tolist() == [2]
    assert worst_rows(table, defective=True).tolist() == [3]


def test_failures_have_their_own_tiles(strips: LessonStrips, maps: list[np.ndarray]):
    table = tabulate_tiles(maps, strips)
    found = collect_failures(np.array([3, 2, 0]), table, maps, strips)
    np.testing.assert_array_equal(found.tiles[0], strips.test[1][:, 256:])
    np.testing.assert_array_equal(found.masks[0], strips.masks[1][:, 256:])
    np.testing.assert_array_equal(found.maps[2], maps[0][:, :256])
    assert found.titles == ["1. b\nscore 0.80", "2. b\nscore 2.00", "3. a\nscore 1.50"]
    miss, near, normal = found.descriptions
    assert miss.startswith("knots, 200 px marked; clear") and "highest on it" in miss
    assert "a marked defect 100 px away" in near and "its strip is normal" in normal


def test_found_and_missed_defects_are_compared(strips: LessonStrips, maps: list[np.ndarray]):
    table = tabulate_tiles(maps, strips)
    lines = compare_found_and_missed(table, strips).splitlines()
    assert lines[1].split() == ["found", "0", "-", "-"]
    assert lines[2].split()[:3] == ["missed", "1", "200"] and 5 < float(lines[2].split()[3]) < 7


def test_strips_with_most_false_alarms_are_named(strips: LessonStrips, maps: list[np.ndarray]):
    table = tabulate_tiles(maps, strips)
    assert describe_concentration(table, strips) == "3 false alarms: 2 in strip a, 1 in strip b."
    assert describe_concentration(table, strips, most=1) == "3 false alarms: 2 in strip a, 1 in all other strips."
    found = table._replace(scores=np.where(table.labels, 3.0, table.scores))  # a hit is no false alarm
    assert describe_concentration(found, strips) == "3 false alarms: 2 in strip a, 1 in strip b."
    none = table._replace(scores=np.zeros(4))
    assert describe_concentration(none, strips) == "0 false alarms."


def test_a_crop_lies_around_the_mask_and_inside_the_strip():
    mask = np.zeros((256, 800), bool)
    mask[128, 390:411] = True
    assert crop_around(mask) == (slice(16, 240), slice(288, 512))
    corner = np.zeros((256, 800), bool)
    corner[3, 798] = True
    assert crop_around(corner) == (slice(0, 224), slice(576, 800))


def test_a_table_of_two_strips_does_not_mix_them():
    table = TileTable(np.array([False, False]), np.array([1.0, 3.0]), np.array([1, 0]), np.zeros((2, 2), int))
    assert worst_rows(table, defective=False).tolist() == [1, 0]
