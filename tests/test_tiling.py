"""Tiles, their labels and the way back to the strip: by hand, by round trips and against slow references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils.errors import InputError
from aitex_utils.region import fabric_region
from aitex_utils.tiling import crop_tiles, tile, tile_fabric, tile_labels, untile

# --- tile ---


def test_tiles_by_hand():
    image = np.arange(24).reshape(4, 6)
    tiles, corners = tile(image, size=2)
    assert corners.tolist() == [[0, 0], [0, 2], [0, 4], [2, 0], [2, 2], [2, 4]]
    assert tiles.shape == (6, 2, 2) and corners.dtype == np.int64
    assert tiles[1].tolist() == [[2, 3], [8, 9]] and tiles[5].tolist() == [[16, 17], [22, 23]]


@pytest.mark.parametrize(
    ("length", "size", "overlap", "edge", "columns"),
    [
        (10, 4, 0, "shift", [0, 4, 6]),
        (10, 4, 0, "drop", [0, 4]),
        (8, 4, 0, "shift", [0, 4]),  # a whole number of tiles: no further one
        (10, 4, 1, "shift", [0, 3, 6]),
        (10, 4, 3, "drop", [0, 1, 2, 3, 4, 5, 6]),
        (9, 4, 2, "shift", [0, 2, 4, 5]),
        (4, 4, 3, "shift", [0]),
    ],
)
def test_corners_by_hand(length: int, size: int, overlap: int, edge: str, columns: list[int]):
    _, corners = tile(np.zeros((size, length)), size, overlap, edge)
    assert corners.tolist() == [[0, column] for column in columns]


def test_tiles_are_copies():
    image = np.zeros((4, 4), np.uint8)
    tile(image, size=2)[0][:] = 9
    assert not image.any()


@pytest.mark.parametrize(
    ("image", "arguments", "message"),
    [
        (np.zeros((4, 4, 3)), {"size": 2}, r"image has shape \(4, 4, 3\), expected \(H, W\).*grey"),
        (np.zeros((4, 9)), {"size": 5}, "4 x 9 px, smaller than a tile of 5 px: .*smaller size"),
        (np.zeros((9, 4)), {"size": 5}, "9 x 4 px, smaller than a tile of 5 px"),
        (np.zeros((4, 4)), {"size": 0}, "size is 0, .*from 1 to 2147483647"),
        (np.zeros((4, 4)), {"size": 2.0}, r"size is 2\.0, .*whole number"),
        (np.zeros((4, 4)), {"size": 2, "overlap": 2}, "overlap is 2, .*from 0 to 1, .*tile's size"),
        (np.zeros((4, 4)), {"size": 2, "overlap": -1}, "overlap is -1, .*from 0 to 1"),
        (np.zeros((4, 4)), {"size": 2, "edge": "pad"}, "edge is 'pad': choose one of shift, drop"),
    ],
)
def test_wrong_arguments_of_tile_are_refused(image: np.ndarray, arguments: dict, message: str):
    with pytest.raises(InputError, match=message):
        tile(image, **arguments)


# --- untile ---


@st.composite
def cuts(draw: st.DrawFn, dtypes: st.SearchStrategy) -> tuple:
    """Draw an image, a size of its tiles and an overlap."""
    size = draw(st.integers(1, 7))
    shape = draw(st.tuples(st.integers(size, 20), st.integers(size, 20)))
    image = draw(hnp.arrays(draw(dtypes), shape))
    return image, size, draw(st.integers(0, size - 1))


@given(cuts(st.sampled_from([np.uint8, np.int16, np.uint64, np.int64, np.float16, np.float32, np.float64, bool])))
def test_untile_inverts_tile_bit_for_bit(cut: tuple):
    image, size, overlap = cut
    stitched = untile(*tile(image, size, overlap), image.shape)
    assert stitched.dtype == image.dtype and stitched.shape == image.shape
    # NaN has many bit patterns, which may change; all other values, infinities and -0.0 included, must not.
    assert np.array_equal(np.isnan(stitched), np.isnan(image))
    assert stitched[~np.isnan(image)].tobytes() == image[~np.isnan(image)].tobytes()


def test_infinities_are_preserved_where_tiles_overlap():
    image = np.array([[np.inf, -np.inf, 1.0, np.inf]] * 4)  # the difference of equal infinities is NaN
    np.testing.assert_array_equal(untile(*tile(image, size=3, overlap=2), image.shape), image)


@given(cuts(st.just(np.float32)))
def test_pixels_that_no_tile_covers_are_nan(cut: tuple):
    image, size, overlap = cut
    image = np.where(np.isfinite(image), image, 0)
    tiles, corners = tile(image, size, overlap, edge="drop")
    covered = np.zeros(image.shape, bool)
    for row, column in corners:
        covered[row : row + size, column : column + size] = True
    stitched = untile(tiles, corners, image.shape)
    assert np.array_equal(np.isnan(stitched), ~covered)
    assert np.array_equal(stitched[covered], image[covered])


def blend_reference(tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the weighted average of overlapping tiles, pixel by pixel."""
    size = tiles.shape[1]
    image = np.zeros(shape)
    for row, column in np.ndindex(*shape):
        parts = []
        for part, (top, left) in zip(tiles, corners, strict=True):
            down, right = row - top, column - left
            if 0 <= down < size and 0 <= right < size:
                parts.append((min(down + 1, size - down) * min(right + 1, size - right), part[down, right]))
        image[row, column] = sum(w * v for w, v in parts) / sum(w for w, _ in parts)
    return image


@given(cuts(st.just(np.uint8)), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_tiles_that_differ_are_averaged_with_weights(cut: tuple, seed: int):
    image, size, overlap = cut
    tiles, corners = tile(image, size, overlap)
    tiles = np.random.default_rng(seed).normal(size=tiles.shape).astype(np.float32)
    blended = untile(tiles, corners, image.shape)
    assert blended.dtype == np.float32
    np.testing.assert_allclose(blended, blend_reference(tiles, corners, image.shape), atol=1e-6)  # float32 rounds


def test_one_tile_fades_linearly_into_the_next():
    _, corners = tile(np.zeros((8, 12)), size=8, overlap=4)
    tiles = np.stack([np.zeros((8, 8)), np.ones((8, 8))])
    row = untile(tiles, corners, (8, 12))[3]
    np.testing.assert_allclose(row, [0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1], atol=1e-15)  # rounding of float64


def test_blended_integers_are_rounded_not_truncated():
    _, corners = tile(np.zeros((8, 12)), size=8, overlap=4)
    tiles = np.stack([np.zeros((8, 8), np.uint8), np.full((8, 8), 9, np.uint8)])
    # Before rounding 1.8, 3.6, 5.4 and 7.2.
    assert untile(tiles, corners, (8, 12))[0].tolist() == [0, 0, 0, 0, 2, 4, 5, 7, 9, 9, 9, 9]
    falling = untile(tiles[::-1], corners, (8, 12))  # the deviation from the first tile is negative
    assert falling[0].tolist() == [9, 9, 9, 9, 7, 5, 4, 2, 0, 0, 0, 0]
    assert falling.dtype == np.uint8


TILES, CORNERS = tile(np.arange(16, dtype=np.uint8).reshape(4, 4), size=2)


@pytest.mark.parametrize(
    ("tiles", "corners", "shape", "message"),
    [
        (TILES[0], CORNERS, (4, 4), r"tiles has shape \(2, 2\), expected \(N, size, size\)"),
        (TILES[:, :1], CORNERS, (4, 4), r"tiles has shape \(4, 1, 2\), expected"),
        (TILES.astype(complex), CORNERS, (4, 4), r"tiles is complex128, .*\.astype"),
        (
            TILES,
            CORNERS[:3],
            (4, 4),
            r"corners is int64 of shape \(3, 2\), expected integers \(4, 2\)",
        ),
        (TILES, CORNERS * 1.0, (4, 4), r"corners is float64 of shape \(4, 2\), expected integers"),
        (TILES, CORNERS, (4, 4, 1), r"shape is \(4, 4, 1\), expected height and width"),
        (TILES, CORNERS, (4, 3), "row 0, column 2 reaches out of an image of 4 x 3 px"),
        (TILES, CORNERS - 1, (4, 4), "row -1, column -1 reaches out"),
        (TILES, CORNERS, (4, 5), "4 pixels are covered by no tile, and uint8 has no NaN.*edge="),
        (TILES > 0, CORNERS, (4, 5), "4 pixels are covered by no tile, and bool has no NaN"),
    ],
)
def test_wrong_arguments_of_untile_are_refused(tiles: np.ndarray, corners: np.ndarray, shape: tuple, message: str):
    with pytest.raises(InputError, match=message):
        untile(tiles, corners, shape)


# --- crop_tiles ---


@given(cuts(st.sampled_from([np.uint8, np.float32, bool])))
def test_crops_at_the_corners_of_tile_are_its_tiles(cut: tuple):
    image, size, overlap = cut
    tiles, corners = tile(image, size, overlap)
    np.testing.assert_array_equal(crop_tiles(image, corners, size), tiles, strict=True)
    np.testing.assert_array_equal(crop_tiles(image, corners[::-1], size), tiles[::-1])


def test_crops_are_copies_at_any_corner():
    image = np.arange(12).reshape(3, 4)
    crops = crop_tiles(image, [[1, 2], [0, 0], [1, 2]], size=2)
    assert crops.tolist() == [[[6, 7], [10, 11]], [[0, 1], [4, 5]], [[6, 7], [10, 11]]]
    crops[:] = 0
    assert image.sum() == 66


def test_the_default_crops_are_256_px_wide():
    assert crop_tiles(np.zeros((256, 600), np.uint8), np.array([[0, 100], [0, 344]])).shape == (2, 256, 256)


@pytest.mark.parametrize(
    ("image", "corners", "message"),
    [
        (np.zeros((4, 4, 3)), [[0, 0]], r"image has shape \(4, 4, 3\), expected \(H, W\)"),
        (np.zeros((4, 4)), [[0.0, 0.0]], r"corners is float64 of shape \(1, 2\), expected integers \(1, 2\)"),
        (np.zeros((4, 4)), [0, 0], r"corners is int64 of shape \(2,\)"),
        (np.zeros((4, 4)), [[0, 0, 0]], r"corners is int64 of shape \(1, 3\)"),
        (np.zeros((4, 4)), [[0, 0], [3, 0]], "row 3, column 0 reaches out of an image of 4 x 4 px"),
        (np.zeros((4, 4)), [[0, -1]], "row 0, column -1 reaches out"),
        (np.zeros((1, 4)), [[0, 0]], "row 0, column 0 reaches out of an image of 1 x 4 px"),
    ],
)
def test_wrong_arguments_of_crop_tiles_are_refused(image: np.ndarray, corners: list, message: str):
    with pytest.raises(InputError, match=message):
        crop_tiles(image, corners, size=2)


# --- tile_fabric ---


@pytest.mark.parametrize(("size", "overlap"), [(256, 0), (128, 0), (128, 40)])
def test_tiles_of_the_fabric_begin_behind_the_bed_and_have_corners_in_the_whole_strip(size: int, overlap: int):
    strip = np.random.default_rng(0).integers(80, 160, (256, 1100), np.uint8)
    strip[:, :300] = 255
    begin, end = fabric_region(strip)
    assert begin >= 300
    tiles, corners = tile_fabric(strip, size, overlap)
    assert tiles.dtype == np.uint8 and corners.dtype == np.int64
    np.testing.assert_array_equal(tiles, crop_tiles(strip, corners, size))
    np.testing.assert_array_equal(corners - [0, begin], tile(strip[:, begin:end], size, overlap)[1])
    assert corners[:, 1].min() == begin and corners[:, 1].max() + size == end


def test_fabric_narrower_than_a_tile_is_refused():
    strip = np.random.default_rng(0).integers(80, 160, (256, 400), np.uint8)
    strip[:, :190] = 255
    with pytest.raises(InputError, match="256 x 1.. px, smaller than a tile of 256 px"):
        tile_fabric(strip)
    assert len(tile_fabric(strip, size=128)[0]) == 4  # two rows of two columns


# --- tile_labels ---


def test_labels_by_hand():
    masks = np.zeros((4, 10, 10), np.uint8)
    masks[1, 3, 3] = 1  # AITEX's masks are not binary: any value above 0
    masks[2].flat[:7] = 255
    masks[3] = 255
    assert tile_labels(masks).tolist() == [False, True, True, True]
    assert tile_labels(masks, 0.07).tolist() == [False, False, True, True]  # exactly the share is enough
    assert tile_labels(masks, 0.0701).tolist() == [False, False, False, True]
    assert tile_labels(masks, 1.0).tolist() == [False, False, False, True]
    assert tile_labels(masks > 0).dtype == bool


@given(hnp.arrays(bool, (3, 5, 4)), st.integers(0, 20))
def test_min_share_is_a_share_of_the_pixels(masks: np.ndarray, n_pixels: int):
    assert tile_labels(masks, n_pixels / 20).tolist() == [max(n_pixels, 1) <= int(mask.sum()) for mask in masks]


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan"), "0.1"])
def test_a_share_out_of_range_is_refused(share: object):
    with pytest.raises(InputError, match=f"^min_share is {share!r}, .* of at least 0 and up to 1, for example"):
        tile_labels(np.zeros((1, 2, 2)), share)


def test_a_single_mask_is_refused():
    with pytest.raises(InputError, match=r"mask_tiles has shape \(2, 2\), expected \(N, H, W\).*tile\(mask"):
        tile_labels(np.zeros((2, 2)))


@pytest.mark.parametrize("size", [2.5, 0, -1, None])
def test_crop_tiles_refuses_a_size_that_is_no_length(size: object):
    with pytest.raises(InputError, match="size is"):
        crop_tiles(np.zeros((4, 4)), np.array([[0, 0]]), size)


def test_corners_of_narrow_integers_do_not_overflow():
    corners = np.array([[200, 250]], np.uint8)
    with pytest.raises(InputError, match="row 200, column 250 reaches out"):
        crop_tiles(np.zeros((300, 300)), corners, 100)
    assert crop_tiles(np.zeros((300, 400)), corners, 100).shape == (1, 100, 100)
