"""Scaled copies, outlines and crops, against pictures whose pixels are known."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from aitex_utils.inspection.embedding import (
    CROP_LARGEST,
    CROP_SMALLEST,
    Region,
    crop_window,
    fit_within,
    largest_of_blocks,
    largest_regions,
    map_uri,
    outline_path,
    picture_uri,
)


def decoded(uri: str) -> np.ndarray:
    data = base64.b64decode(re.fullmatch(r"data:image/\w+;base64,(.*)", uri)[1])
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((100, 200), (100, 200)), ((1000, 2000), (280, 560)), ((2000, 100), (560, 28)), ((3, 100_000), (1, 560))],
)
def test_copies_fit_into_a_box(shape: tuple[int, int], expected: tuple[int, int]):
    assert fit_within(shape, 560, 560) == expected


@pytest.mark.parametrize("shape", [(7, 11), (3, 4), (1, 1), (7, 1), (6, 10)])
def test_each_pixel_belongs_to_one_block(shape: tuple[int, int]):
    for row in range(7):
        for column in range(11):
            values = np.zeros((7, 11))
            values[row, column] = 5
            copy = largest_of_blocks(values, shape)
            assert copy.shape == shape and np.count_nonzero(copy == 5) == 1
    gradient = np.arange(77.0).reshape(7, 11)
    assert largest_of_blocks(gradient, shape)[-1, -1] == 76


def test_pictures_keep_their_size_and_colours():
    image = np.zeros((32, 48, 3), np.uint8)
    image[:, 24:] = 220, 40, 90
    copy = decoded(picture_uri(image))
    assert copy.shape == (32, 48, 3)
    assert np.abs(copy.astype(int) - image).max() <= 12, "JPEG, without subsampling of colours"
    grey = decoded(picture_uri(np.full((32, 48), 77, np.uint8), (8, 12)))
    assert grey.shape == (8, 12, 3) and np.abs(grey.astype(int) - 77).max() <= 2


def test_a_scaled_picture_averages():
    image = np.tile(np.array([[0, 200], [200, 0]], np.uint8), (32, 32))
    assert np.abs(decoded(picture_uri(image, (32, 32))).astype(int) - 100).max() <= 2


def test_maps_have_the_colours_of_the_common_scale():
    values = np.array([[-5.0, 0.0, 1.0, 2.0, 9.0]])
    expected = colormaps["cividis"]([0.0, 0.0, 128 / 255, 1.0, 1.0], bytes=True)[:, :3]
    assert np.array_equal(decoded(map_uri(values, (1, 5), (0.0, 2.0)))[0], expected)


def test_a_peak_of_one_pixel_survives_scaling_down():
    values = np.zeros((1000, 1000), np.float32)
    values[501, 333] = 1
    copy = decoded(map_uri(values, (50, 50), (0.0, 1.0)))
    assert np.array_equal(copy[25, 16], colormaps["cividis"](1.0, bytes=True)[:3])
    assert len(np.unique(copy.reshape(-1, 3), axis=0)) == 2


def test_maps_with_large_values_do_not_overflow():
    values = np.array([[-1e38, 1e38]], np.float32)
    assert len(np.unique(decoded(map_uri(values, (1, 2), (-1e38, 1e38)))[0], axis=0)) == 2


def corners(path: str) -> list[tuple[float, float]]:
    """Return the smallest and largest coordinates of each closed line of a path."""
    boxes = []
    for line in re.findall(r"M[^z]*z", path):
        x, y, points = 0.0, 0.0, []
        for letter, values in re.findall(r"([MLHV])([^MLHVz]*)", line):
            numbers = [float(value) for value in re.findall(r"-?[\d.]+", values)]
            x = numbers[0] if letter in "MLH" else x
            y = numbers[-1] if letter in "MLV" else y
            points.append((x, y))
        boxes.append((*np.min(points, axis=0), *np.max(points, axis=0)))
    return boxes


def test_outlines_run_outside_each_region_also_at_the_border():
    mask = np.zeros((50, 60), bool)
    mask[20:30, 10:40] = True
    mask[0:3, 55:60] = True
    assert sorted(corners(outline_path(mask))) == [(8.5, 18.5, 41.5, 31.5), (53.5, -1.5, 61.5, 4.5)]


def test_outlines_surround_holes_on_both_sides():
    mask = np.ones((60, 60), bool)
    mask[20:40, 20:40] = False
    assert len(corners(outline_path(mask))) == 2


def test_outlines_of_a_copy_are_in_its_pixels():
    mask = np.zeros((500, 600), bool)
    mask[207, 105] = True
    (box,) = corners(outline_path(mask, (50, 60)))
    assert box == (8.5, 18.5, 12.5, 22.5)  # around the pixel in row 20, column 10
    assert outline_path(np.zeros((5, 5), bool)) == ""


def test_regions_come_by_falling_size_with_the_map_s_largest_value_inside():
    found = np.zeros((40, 40), bool)
    found[2:4, 2:4] = True
    found[4, 4] = True  # touches by a corner
    found[20:30, 5:8] = True
    found[35, 35] = True
    values = np.full((40, 40), -3.0)
    values[25, 6], values[2, 4] = -1.0, 9.0  # the second is outside
    regions, count = largest_regions(found, values, most=2)
    assert count == 3
    assert regions == [
        Region((20, 29), (5, 7), 30, (25, 6), -1.0),
        Region((2, 4), (2, 4), 5, (2, 2), -3.0),
    ]


def test_no_region_is_found_in_an_empty_mask():
    assert largest_regions(np.zeros((4, 4), bool), np.zeros((4, 4)), most=4) == ([], 0)


@pytest.mark.parametrize("shape", [(1000, 1000), (100, 1000), (20, 20)])
@pytest.mark.parametrize(
    "box", [(0, 0, 0, 0), (5, 15, 5, 15), (0, 19, 0, 19), (10, 10, 0, 19)], ids=["corner", "inner", "whole", "line"]
)
def test_crops_lie_in_the_picture_and_contain_small_regions(shape: tuple[int, int], box: tuple[int, int, int, int]):
    top, bottom, left, right = box
    window = crop_window(Region((top, bottom), (left, right), 1, (top, left), 0.0), shape)
    for side, first, last, size in zip(window, (top, left), (bottom, right), shape, strict=True):
        assert 0 <= side.start <= first <= last < side.stop <= size
        assert side.stop - side.start == min(size, CROP_SMALLEST)


def test_a_crop_of_a_large_region_contains_its_peak():
    rows, columns = crop_window(Region((0, 999), (0, 999), 1, (900, 300), 0.0), (1000, 1000))
    assert rows == slice(1000 - CROP_LARGEST, 1000)
    assert columns == slice(300 - CROP_LARGEST // 2, 300 + CROP_LARGEST // 2)
