"""Planted defects lie where their masks say, and drifting light rises from the first column to the last."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb08.planting import DEFECTS, RADIUS, Defect, drift_light, plant_defects, plant_large_defects
from aitex_utils.tiling import tile


@pytest.fixture
def fabric() -> np.ndarray:
    return np.random.default_rng(0).normal(100, 10, (256, 1800)).clip(0, 255).astype(np.uint8)


def test_defects_lie_in_their_tiles_and_nowhere_else(fabric: np.ndarray):
    corners = tile(fabric)[1]
    image, masks = plant_defects(fabric, corners)
    assert list(masks) == [defect.name for defect in DEFECTS]
    changed = image != fabric
    for defect in DEFECTS:
        row, column = np.argwhere(masks[defect.name]).mean(axis=0)
        number = int(defect.tile * len(corners))
        wanted = corners[number + 1, 1] - 0.5 if defect.on_seam else corners[number, 1] + 128
        assert abs(row - 128) <= 1 and abs(column - wanted) <= 1
        change = (image.astype(float) - fabric)[masks[defect.name]].mean()
        assert np.sign(change) == np.sign(defect.strength)
    far = np.ones(fabric.shape, bool)
    for mask in masks.values():
        rows, columns = np.nonzero(mask)
        far[max(0, rows.min() - 40) : rows.max() + 40, max(0, columns.min() - 40) : columns.max() + 40] = False
    assert not changed[far].any() and changed.any()


def test_a_defect_on_a_seam_has_pixels_in_both_tiles(fabric: np.ndarray):
    corners = tile(fabric)[1]
    mask = plant_defects(fabric, corners)[1]["seam"]
    seam = corners[int(0.6 * len(corners)) + 1, 1]
    left, right = mask[:, :seam].sum(), mask[:, seam:].sum()
    assert left == right > 10


def test_the_strength_is_in_standard_deviations_of_the_fabric(fabric: np.ndarray):
    corners = tile(fabric)[1]
    strong = (Defect("spot", 0.5, False, 0.0, 5.0, -2.0),)
    image, _ = plant_defects(fabric, corners, strong)
    row, column = 128, corners[int(0.5 * len(corners)), 1] + 128
    change = image[row - 1 : row + 2, column - 1 : column + 2].astype(float) - fabric[127:130, column - 1 : column + 2]
    assert change.mean() == pytest.approx(-2 * fabric.std(), rel=0.1)


def test_a_thread_is_long_and_thin(fabric: np.ndarray):
    mask = plant_defects(fabric, tile(fabric)[1])[1]["thread"]
    rows, columns = np.nonzero(mask)
    assert np.ptp(rows) + 1 <= 4 and 55 <= np.ptp(columns) + 1 <= 65


def test_large_defects_need_closing_and_filling(fabric: np.ndarray):
    image, masks = plant_large_defects(fabric, tile(fabric)[1])
    darker = fabric.astype(float) - image > 10
    thread, stain = masks["loose thread"], masks["water stain"]
    assert not darker[~(thread | stain)].any()
    columns = darker[thread.any(axis=1)][:, thread.any(axis=0)].any(axis=0)
    assert 3 <= (np.diff(columns.astype(int)) == 1).sum() + columns[0] <= 4  # parts of the thread
    row, column = np.argwhere(stain).mean(axis=0).round().astype(int)
    assert not darker[row - 20 : row + 20, column - 20 : column + 20].any()  # only the rim is dark
    rim = np.hypot(*np.ogrid[-row : 256 - row, -column : fabric.shape[1] - column])
    assert darker[np.abs(rim - RADIUS) < 1].mean() > 0.9


def test_a_strip_of_one_tile_is_refused(fabric: np.ndarray):
    with pytest.raises(InputError, match="has 1 tile, expected at least two"):
        plant_defects(fabric[:, :256], np.array([[0, 0]]))


def test_light_rises_evenly_and_is_cut_at_white():
    grey = np.full((4, 101), 150, np.uint8)
    bright = drift_light(grey, 2.0)
    assert bright.dtype == np.uint8 and (bright == bright[0]).all()
    np.testing.assert_allclose(bright[0], np.linspace(150, 300, 101).clip(max=255), atol=0.51)
    assert (drift_light(grey, 1.0) == grey).all()


@pytest.mark.parametrize("highest", [0, 0.9, float("nan")])
def test_light_that_falls_is_refused(highest: float):
    with pytest.raises(InputError, match="1 or more"):
        drift_light(np.zeros((2, 2), np.uint8), highest)
