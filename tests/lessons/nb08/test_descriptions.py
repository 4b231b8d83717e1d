"""Descriptions of missed defects and false alarms: each part follows from the tile, its mask and its map."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb08.descriptions import contrast, describe_alarm, describe_miss


def test_contrast_is_in_standard_deviations_of_the_surroundings():
    rng = np.random.default_rng(0)
    tile = rng.normal(100, 10, (256, 256))
    mask = np.zeros((256, 256), bool)
    mask[100:140, 60:100] = True
    assert contrast(tile, mask) < 0.2
    tile[mask] -= 30
    assert contrast(tile, mask) == pytest.approx(3, abs=0.2)
    tile[:50] = 255  # outside the frame around the defect
    assert contrast(tile, mask) == pytest.approx(3, abs=0.2)
    assert contrast(tile, mask, margin=100) < 2  # inside the frame


@pytest.mark.parametrize(
    "side", [np.s_[16:24], np.s_[40:48], np.s_[:, 16:24], np.s_[:, 40:48]], ids=["up", "down", "left", "right"]
)
def test_surroundings_lie_on_all_sides(side: tuple):
    mask = np.zeros((64, 64), bool)
    mask[24:40, 24:40] = True
    tile = np.where(mask, 120.0, 100.0)
    tile[side] += 10
    assert contrast(tile, mask, margin=8) < 10 < contrast(np.where(mask, 120.0, 100.0), mask, margin=8)


def test_contrast_of_a_large_defect_is_taken_with_the_rest_of_the_tile():
    tile = np.full((64, 64), 100.0)
    tile[:, ::2] = 102
    assert contrast(tile, np.ones((64, 64), bool)) == pytest.approx(0)
    mask = np.ones((64, 64), bool)
    mask[:, 62:] = False
    tile[mask] += 5
    assert contrast(tile, mask, margin=0) == pytest.approx(5)


def test_contrast_needs_a_marked_pixel():
    with pytest.raises(InputError, match="marks no pixel"):
        contrast(np.zeros((4, 4)), np.zeros((4, 4), bool))


def test_a_faint_miss_is_described():
    tile, anomaly_map = np.random.default_rng(1).normal(100, 10, (256, 256)), np.ones((256, 256))
    mask = np.zeros((256, 256), bool)
    mask[100:110, 60:70] = True
    anomaly_map[105, 65], anomaly_map[0, 0] = 3, 4
    text = describe_miss("nep", tile, mask, anomaly_map)
    assert text.startswith("nep, 100 px marked; faint, contrast 0.")
    assert "75 % of its maximum" in text and "edge" not in text


@pytest.mark.parametrize(("step", "degree"), [(3, "faint"), (7, "moderate"), (25, "clear")])
def test_degree_follows_from_the_contrast(step: float, degree: str):
    tile, mask = np.random.default_rng(1).normal(100, 10, (256, 256)), np.zeros((256, 256), bool)
    mask[100:140, 60:100] = True
    assert f"{degree}, contrast" in describe_miss("nep", tile + step * mask, mask, np.ones((256, 256)))


def test_a_clear_miss_at_the_edge_is_described():
    tile, anomaly_map = np.random.default_rng(1).normal(100, 10, (256, 256)), np.ones((256, 256))
    mask = np.zeros((256, 256), bool)
    mask[100:, 60:70] = True
    tile[mask] += 25
    anomaly_map[105, 65] = 5
    text = describe_miss("nep", tile, mask, anomaly_map)
    for part in ("1,560 px marked", "clear, contrast 2.", "cut by the tile's edge", "highest on it"):
        assert part in text


@pytest.mark.parametrize(
    "place", [np.s_[0, 30:32], np.s_[-1, 30:32], np.s_[30:32, 0], np.s_[30:32, -1]], ids=["up", "down", "left", "right"]
)
def test_every_edge_cuts_a_defect(place: tuple):
    mask = np.zeros((64, 64), bool)
    mask[place] = True
    tile = np.random.default_rng(0).normal(100, 10, (64, 64))
    assert "cut by the tile's edge" in describe_miss("nep", tile, mask, np.ones((64, 64)))


def woven(rng: np.random.Generator, count: int, period: float = 8.0) -> np.ndarray:
    """Return tiles with threads that repeat every 8 px across and every `period` px down, in slightly varying light."""
    down, across = np.mgrid[:128, :128]
    threads = np.cos(2 * np.pi * across / 8) + np.cos(2 * np.pi * down / period)
    noise = rng.uniform(4, 6, (count, 1, 1)) * rng.normal(size=(count, 128, 128))
    return 100 + 20 * threads + noise + rng.normal(0, 2, (count, 1, 1))


@pytest.fixture(scope="module")
def typical() -> np.ndarray:
    return woven(np.random.default_rng(2), 20)


@pytest.fixture(scope="module")
def typical_tile(typical: np.ndarray) -> np.ndarray:
    """Return a new tile of the same threads and the same mean grey level."""
    tile = woven(np.random.default_rng(3), 1)[0]
    return tile + typical.mean() - tile.mean()


def test_other_light_and_sharpness_are_noticed(typical: np.ndarray):
    bright_and_soft = 0.8 * (typical[0] - 100) + 140
    text = describe_alarm(bright_and_soft, np.ones((128, 128)), typical, defect_distance=None, threshold=0.5)
    _, grey, sharpness, _ = text.split("; ")
    assert "mean grey level" in grey and "above" in grey
    assert "sharpness" in sharpness and "below" in sharpness


def test_a_typical_tile_has_no_difference(typical: np.ndarray, typical_tile: np.ndarray):
    text = describe_alarm(typical_tile, np.ones((128, 128)), typical, defect_distance=None, threshold=0.5)
    assert text.split("; ")[1:] == ["typical light, sharpness and threads", "its strip is normal."]


@pytest.mark.parametrize(
    ("marked", "threshold", "share", "place"),
    [
        (np.s_[5, 60], 0.5, "less than 1 % of its map", "row 5, column 60, at the tile's edge"),
        (np.s_[60, 60:], 0.5, "less than 1 % of its map", "row 60, column 60;"),
        (np.s_[60, 60:], 1.5, "none of its smoothed map", "row 60, column 60;"),
        (np.s_[60, 3], 0.5, "less than 1 % of its map", "row 60, column 3, at the tile's edge"),
        (np.s_[30:32], 0.5, "2 % of its map", "row 30, column 0, at the tile's edge"),
        (np.s_[:30], 0.5, "23 % of its map", "row 0, column 0, at the tile's edge"),
    ],
)
def test_extent_and_place_of_an_alarm(marked, threshold: float, share: str, place: str, typical: np.ndarray):
    anomaly_map = np.zeros((128, 128))
    anomaly_map[marked] = 1
    text = describe_alarm(typical[0], anomaly_map, typical, defect_distance=None, threshold=threshold)
    assert text.startswith(f"{share} reaches the threshold") and place in text


def test_an_alarm_over_most_of_the_tile_has_no_place(typical: np.ndarray):
    text = describe_alarm(typical[0], np.ones((128, 128)), typical, defect_distance=None, threshold=0.5)
    assert text.startswith("100 % of its map") and "highest" not in text


@pytest.mark.parametrize(
    ("distance", "ending"),
    [
        (None, "its strip is normal."),
        (40.2, "a marked defect only 40 px away."),
        (374.2, "a marked defect 374 px away."),
        (2040.2, "no marked defect nearby."),
    ],
)
def test_distance_to_the_next_defect(distance: float | None, ending: str, typical: np.ndarray):
    text = describe_alarm(typical[0], np.ones((128, 128)), typical, defect_distance=distance, threshold=0.5)
    assert text.endswith(f"; {ending}")


def test_other_threads_are_noticed_where_typical_tiles_agree(typical: np.ndarray):
    rng = np.random.default_rng(4)
    denser, anomaly_map = woven(rng, 1, period=6.4)[0], np.ones((128, 128))

    def describe(tile: np.ndarray, typical: np.ndarray) -> str:
        return describe_alarm(tile, anomaly_map, typical, defect_distance=None, threshold=0.5)

    text = describe(denser, typical)
    assert "threads repeat every 6.4 px down the tile, typically every 8.0 px" in text and "across" not in text
    overtone = woven(rng, 1, period=4.0)[0]
    assert "threads repeat" not in describe(overtone, typical)
    folded = woven(rng, 1)[0] + 60 * np.cos(2 * np.pi * np.arange(128) / 32)[:, None]
    assert "threads repeat" not in describe(folded, typical)
    mixed = np.concatenate([woven(rng, 10), woven(rng, 10, period=6.4)])
    assert "threads repeat" not in describe(denser, mixed)
