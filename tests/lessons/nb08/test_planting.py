"""Planted defects lie where their masks say, and dim light falls from the first column to the last."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb08.planting import DEFECTS, Defect, dim_light, plant_defects
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


def test_a_strip_of_one_tile_is_refused(fabric: np.ndarray):
    with pytest.raises(InputError, match="has 1 tile, expected at least two"):
        plant_defects(fabric[:, :256], np.array([[0, 0]]))


def test_light_falls_evenly_to_its_lowest_share():
    grey = np.full((4, 101), 200, np.uint8)
    dim = dim_light(grey, 0.5)
    assert dim.dtype == np.uint8 and (dim == dim[0]).all()
    np.testing.assert_allclose(dim[0], np.linspace(200, 100, 101), atol=0.51)
    assert (dim_light(grey, 1.0) == grey).all()


@pytest.mark.parametrize("lowest", [0, -1, 1.1])
def test_light_below_0_or_above_1_is_refused(lowest: float):
    with pytest.raises(InputError, match="above 0 and up to 1"):
        dim_light(np.zeros((2, 2), np.uint8), lowest)
