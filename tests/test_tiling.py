"""Tiles there and back, and their labels: by hand, and by round trip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils.errors import InputError
from aitex_utils.tiling import tile, tile_labels, untile

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
        (8, 4, 0, "shift", [0, 4]),  # fits in evenly: nothing is added
        (10, 4, 1, "shift", [0, 3, 6]),
        (10, 4, 3, "drop", [0, 1, 2, 3, 4, 5, 6]),
        (9, 4, 2, "shift", [0, 2, 4, 5]),
        (4, 4, 3, "shift", [0]),
    ],
)
def test_corners_by_hand(length: int, size: int, overlap: int, edge: str, columns: list[int]):
    _, corners = tile(np.zeros((size, length)), size, overlap, edge)
    assert corners.tolist() == [[0, column] for column in columns]


def test_tiles_are_a_copy():
    image = np.zeros((4, 4), np.uint8)
    tile(image, size=2)[0][:] = 9
    assert not image.any()


@pytest.mark.parametrize(
    ("image", "arguments", "message"),
    [
        (np.zeros((4, 4, 3)), {"size": 2}, r"The image has shape \(4, 4, 3\), expected \(H, W\): give one grey image"),
        (np.zeros((4, 9)), {"size": 5}, r"The image is 4 x 9 px, smaller than a tile of 5 px: choose a smaller size"),
        (np.zeros((9, 4)), {"size": 5}, r"The image is 9 x 4 px, smaller than a tile"),
        (np.zeros((4, 4)), {"size": 0}, r"size is 0: give a tile at least 1 px"),
        (np.zeros((4, 4)), {"size": 2.0}, r"size is 2.0 and overlap 0: give both as whole numbers"),
        (np.zeros((4, 4)), {"size": 2, "overlap": 2}, r"overlap is 2: give 0 to 1 px, less than the tile's size of 2"),
        (np.zeros((4, 4)), {"size": 2, "overlap": -1}, r"overlap is -1: give 0 to 1 px"),
        (np.zeros((4, 4)), {"size": 2, "edge": "pad"}, r"""edge is 'pad': choose "shift" .* or "drop" """),
    ],
)
def test_what_tile_refuses(image: np.ndarray, arguments: dict, message: str):
    with pytest.raises(InputError, match=message):
        tile(image, **arguments)


# --- untile ---


@st.composite
def cuts(draw: st.DrawFn, dtypes: st.SearchStrategy) -> tuple:
    size = draw(st.integers(1, 7))
    shape = draw(st.tuples(st.integers(size, 20), st.integers(size, 20)))
    image = draw(hnp.arrays(draw(dtypes), shape))
    return image, size, draw(st.integers(0, size - 1))


@given(cuts(st.sampled_from([np.uint8, np.int16, np.uint64, np.int64, np.float16, np.float32, np.float64, bool])))
@settings(deadline=None)
def test_round_trip_is_exact_to_the_bit(cut: tuple):
    image, size, overlap = cut
    back = untile(*tile(image, size, overlap), image.shape)
    assert back.dtype == image.dtype and back.shape == image.shape
    # NaN has many bit patterns, and which one comes out is no promise; all else, infinities and -0.0 too, is
    assert np.array_equal(np.isnan(back), np.isnan(image))
    assert back[~np.isnan(image)].tobytes() == image[~np.isnan(image)].tobytes()


def test_infinities_come_back_where_tiles_overlap():
    image = np.array([[np.inf, -np.inf, 1.0, np.inf]] * 4)  # their difference would be NaN
    np.testing.assert_array_equal(untile(*tile(image, size=3, overlap=2), image.shape), image)


@given(cuts(st.just(np.float32)))
@settings(deadline=None)
def test_what_was_dropped_is_nan(cut: tuple):
    image, size, overlap = cut
    image = np.where(np.isfinite(image), image, 0)
    tiles, corners = tile(image, size, overlap, edge="drop")
    covered = np.zeros(image.shape, bool)
    for row, column in corners:
        covered[row : row + size, column : column + size] = True
    back = untile(tiles, corners, image.shape)
    assert np.array_equal(np.isnan(back), ~covered)
    assert np.array_equal(back[covered], image[covered])


def blended_slowly(tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The weighted average, pixel by pixel, as the docstring of `untile` has it."""
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
@settings(deadline=None, max_examples=50)
def test_changed_tiles_are_averaged(cut: tuple, seed: int):
    image, size, overlap = cut
    tiles, corners = tile(image, size, overlap)
    tiles = np.random.default_rng(seed).normal(size=tiles.shape).astype(np.float32)
    blended = untile(tiles, corners, image.shape)
    assert blended.dtype == np.float32
    np.testing.assert_allclose(blended, blended_slowly(tiles, corners, image.shape), atol=1e-6)  # float32 rounds


def test_a_tile_fades_linearly_into_the_next():
    _, corners = tile(np.zeros((8, 12)), size=8, overlap=4)
    tiles = np.stack([np.zeros((8, 8)), np.ones((8, 8))])
    row = untile(tiles, corners, (8, 12))[3]
    np.testing.assert_allclose(row, [0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1], atol=1e-15)  # last digit


def test_integers_are_rounded_not_cut_off():
    _, corners = tile(np.zeros((8, 12)), size=8, overlap=4)
    tiles = np.stack([np.zeros((8, 8), np.uint8), np.full((8, 8), 9, np.uint8)])
    # 1.8, 3.6, 5.4, 7.2
    assert untile(tiles, corners, (8, 12))[0].tolist() == [0, 0, 0, 0, 2, 4, 5, 7, 9, 9, 9, 9]
    falling = untile(tiles[::-1], corners, (8, 12))  # the deviation from the first tile is negative
    assert falling[0].tolist() == [9, 9, 9, 9, 7, 5, 4, 2, 0, 0, 0, 0]
    assert falling.dtype == np.uint8


TILES, CORNERS = tile(np.arange(16, dtype=np.uint8).reshape(4, 4), size=2)


@pytest.mark.parametrize(
    ("tiles", "corners", "shape", "message"),
    [
        (TILES[0], CORNERS, (4, 4), r"tiles has shape \(2, 2\), expected \(N, size, size\): give them as tile cuts"),
        (TILES[:, :1], CORNERS, (4, 4), r"tiles has shape \(4, 1, 2\), expected"),
        (TILES.astype(complex), CORNERS, (4, 4), r"tiles is complex128, which can't be blended: convert it"),
        (
            TILES,
            CORNERS[:3],
            (4, 4),
            r"corners is int64 of shape \(3, 2\), expected integers \(4, 2\): give the corners",
        ),
        (TILES, CORNERS * 1.0, (4, 4), r"corners is float64 of shape \(4, 2\), expected integers"),
        (TILES, CORNERS, (4, 4, 1), r"shape is \(4, 4, 1\), expected \(H, W\): give the rows and columns"),
        (TILES, CORNERS, (4, 3), r"The tile at row 0, column 2 reaches out of an image of 4 x 3 px: give the shape"),
        (TILES, CORNERS - 1, (4, 4), r"The tile at row -1, column -1 reaches out"),
        (TILES, CORNERS, (4, 5), r"4 pixels are covered by no tile, and uint8 has no NaN to mark them: cut with edge="),
        (TILES > 0, CORNERS, (4, 5), r"4 pixels are covered by no tile, and bool has no NaN"),
    ],
)
def test_what_untile_refuses(tiles: np.ndarray, corners: np.ndarray, shape: tuple, message: str):
    with pytest.raises(InputError, match=message):
        untile(tiles, corners, shape)


# --- labels ---


def test_labels_by_hand():
    masks = np.zeros((4, 10, 10), np.uint8)
    masks[1, 3, 3] = 1  # AITEX's masks aren't binary: any value above 0
    masks[2].flat[:7] = 255
    masks[3] = 255
    assert tile_labels(masks).tolist() == [False, True, True, True]
    assert tile_labels(masks, 0.07).tolist() == [False, False, True, True]  # exactly the share: defective
    assert tile_labels(masks, 0.0701).tolist() == [False, False, False, True]
    assert tile_labels(masks, 1.0).tolist() == [False, False, False, True]
    assert tile_labels(masks > 0).dtype == bool


@given(hnp.arrays(bool, (3, 5, 4)), st.integers(0, 20))
def test_a_share_counts_pixels(masks: np.ndarray, least: int):
    assert tile_labels(masks, least / 20).tolist() == [max(least, 1) <= int(mask.sum()) for mask in masks]


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_out_of_range(share: float):
    with pytest.raises(InputError, match=rf"min_share is {share}: give a share of the tile's area between 0 and 1"):
        tile_labels(np.zeros((1, 2, 2)), share)


def test_labels_of_a_single_mask():
    with pytest.raises(InputError, match=r"mask_tiles has shape \(2, 2\), expected \(N, H, W\): cut the mask"):
        tile_labels(np.zeros((2, 2)))
