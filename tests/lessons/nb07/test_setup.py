"""The pixels, regions and lights of notebook 07."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.lessons import scored_tiles
from aitex_utils.lessons.nb07 import setup
from aitex_utils.lessons.nb07.exercise_aupro import aupro


def maps_and_masks() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return two maps with NaN, three regions, and a region outside the fabric."""
    rng = np.random.default_rng(0)
    maps, masks = [rng.normal(size=(6, 9)), rng.normal(size=(5, 4))], [np.zeros((6, 9), bool), np.zeros((5, 4), bool)]
    maps[0][:, :2] = np.nan
    masks[0][3, 4], masks[0][4, 5], masks[0][1, 7], masks[0][0, 0], masks[1][1:3, 1] = True, True, True, True, True
    return maps, masks


def test_pixels_outside_the_fabric_do_not_count():
    maps, masks = maps_and_masks()
    labels, scores = setup.pool_pixels(maps, masks)
    assert len(labels) == len(scores) == 6 * 7 + 20 and labels.sum() == 5 and not np.isnan(scores).any()


@pytest.mark.filterwarnings("ignore:1 defect regions")
def test_regions_touch_at_corners_and_give_the_aupro_of_the_module():
    maps, masks = maps_and_masks()
    regions, normal = setup.split_regions(maps, masks)
    assert sorted(len(region) for region in regions) == [1, 2, 2] and len(normal) == 62 - 5
    for limit in (0.3, 0.05):
        assert aupro(regions, normal, limit) == pytest.approx(metrics.aupro(maps, masks, limit))


def test_light_multiplies_grey_values_and_saturates():
    tiles = np.array([[[0, 7, 200, 255]]], np.uint8)
    assert setup.change_light(tiles, 1.0).tolist() == tiles.tolist()
    assert setup.change_light(tiles, 0.5).tolist() == [[[0, 4, 100, 128]]]
    assert setup.change_light(tiles, 1.5).tolist() == [[[0, 10, 255, 255]]]


def test_spread_rows_are_own_and_evenly_spaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup, "LIGHT_TILES", 6)
    is_own = np.zeros(40, bool)
    is_own[10:31] = True
    assert setup._spread(is_own).tolist() == [10, 14, 18, 22, 26, 30]
    is_own[13:] = False
    assert setup._spread(is_own).tolist() == [10, 11, 12]


@pytest.mark.slow
def test_maps_and_lights_of_a_small_fabric(small_practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    for module in (scored_tiles, setup):
        monkeypatch.setattr(module, "lesson_root", lambda: small_practice)
    for name, value in (("NORMAL", 3), ("DEFECTIVE", 1), ("FIT_TILES", 2), ("CALIBRATION_STRIPS", 1)):
        monkeypatch.setattr(scored_tiles, name, value)
    monkeypatch.setattr(setup, "LIGHT_TILES", 2)
    caches = (scored_tiles._scores, scored_tiles._by_name, scored_tiles._normal_strips, setup._maps)
    for function in caches:
        function.cache_clear()
    try:
        (fabric,), (light,) = scored_tiles.load_scores(), setup.load_light()
        maps, masks = setup.load_maps(step=4)
    finally:
        for function in caches:
            function.cache_clear()
    assert len(maps) == len(masks) == len(np.unique(fabric.strips[~fabric.calibration]))
    assert all(anomaly_map.shape == mask.shape == (64, 1024) for anomaly_map, mask in zip(maps, masks, strict=True))
    assert sum(mask.any() for mask in masks) == 1
    assert set(light.scores) == set(setup.FACTORS) and {len(scores) for scores in light.scores.values()} == {4}
    assert set(light.strips) == set(fabric.strips[fabric.of_normal_strip])
    for score, name in zip(light.scores[1.0], light.strips, strict=True):  # the same tiles in the same light
        assert np.isclose(fabric.scores[fabric.strips == name], score, rtol=1e-3).any()
    assert not np.allclose(light.scores[1.0], light.scores[0.8])
