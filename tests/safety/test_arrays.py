"""Checks of arrays: which inputs are taken, which are refused, and that the advice in each message works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils.errors import InputError
from aitex_utils.safety.arrays import as_array, check_patches, check_strip, check_tiles, iter_batches

TILES = np.random.default_rng(0).integers(0, 256, (2, 8, 9), np.uint8)

# --- check_tiles ---


def test_tiles_are_returned_without_a_copy():
    tiles = np.zeros((2, 3, 4), np.uint8)
    assert check_tiles(tiles) is tiles
    assert check_tiles([tiles[0]]).shape == (1, 3, 4)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (np.zeros((256, 256), np.uint8), r"^crops has shape \(256, 256\), expected \(N, H, W\).*crops\[None\]"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"^crops has shape \(2, 8, 8, 3\), expected \(N, H, W\).*grey"),
        (np.zeros((), np.uint8), r"^crops has shape \(\), expected \(N, H, W\)"),
        (np.zeros((1, 8, 8)), r"^crops has dtype float64, expected uint8.*\.astype\(np\.uint8\)"),
        (np.zeros((1, 8, 8), bool), "^crops has dtype bool, expected uint8"),
        (np.zeros((0, 8, 8), np.uint8), r"^crops has shape \(0, 8, 8\).*empty.*at least one tile"),
        (np.zeros((1, 8, 0), np.uint8), r"^crops has shape \(1, 8, 0\).*empty"),
    ],
)
def test_arrays_that_are_not_grey_tiles_are_refused(tiles: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        check_tiles(tiles, "crops")


def test_colour_tiles_are_not_advised_to_add_an_axis():
    with pytest.raises(InputError) as caught:
        check_tiles(np.zeros((2, 8, 8, 3), np.uint8))
    assert "[None]" not in str(caught.value)


# --- check_strip ---


def test_strips_are_returned_without_a_copy():
    strip = np.zeros((4, 9), np.uint8)
    assert check_strip(strip) is strip and check_strip(strip, height=4) is strip
    assert check_strip(strip[:, :4], height=4).shape == (4, 4)  # as wide as high is wide enough


@pytest.mark.parametrize(
    ("strip", "message"),
    [
        (np.zeros((4, 9)), "^strip has dtype float64, expected uint8"),
        (np.zeros((4, 9), bool), "^strip has dtype bool, expected uint8"),
        (np.zeros((4, 9, 3), np.uint8), r"^strip has shape \(4, 9, 3\), expected \(H, W\)"),
        (np.zeros((4, 0), np.uint8), r"^strip has shape \(4, 0\): it is empty"),
        (np.zeros((5, 9), np.uint8), r"5 x 9 px, expected 4 px of height"),
        (np.zeros((4, 3), np.uint8), r"4 x 3 px, expected 4 px of height and at least that width"),
    ],
)
def test_arrays_that_are_not_strips_are_refused(strip: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        check_strip(strip, height=4)


# --- check_patches ---


@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int16, np.uint8]),
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=st.integers(0, 100),
    ),
    st.booleans(),
)
def test_patches_become_contiguous_float32(patches: np.ndarray, fortran: bool):
    checked = check_patches(np.asfortranarray(patches) if fortran else patches)
    assert checked.dtype == np.float32 and checked.flags.c_contiguous
    np.testing.assert_array_equal(checked, patches)


def test_contiguous_float32_patches_are_not_copied():
    patches = np.ones((3, 2), np.float32)
    assert check_patches(patches) is patches
    assert check_patches([[1, 2]]).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        (np.zeros(3), r"^bank has shape \(3,\), expected \(N, C\).*\.reshape\(-1, C\)"),
        (np.zeros((2, 4, 4, 3)), r"^bank has shape \(2, 4, 4, 3\), expected \(N, C\)"),
        (np.zeros((0, 3)), r"^bank has shape \(0, 3\).*empty.*at least one patch"),
        (np.zeros((3, 0)), r"^bank has shape \(3, 0\).*empty"),
        (np.zeros((2, 2), complex), r"^bank has dtype complex128, expected real numbers.*\.astype\(np\.float32\)"),
        (np.zeros((2, 2), bool), "^bank has dtype bool, expected real numbers"),
        (np.array([["a", "b"]]), "^bank has dtype <U1, expected real numbers"),
        (np.array([[1, None]]), "^bank has dtype object, expected real numbers"),
        (
            np.array([[0, 0], [0, np.nan], [np.nan, np.inf], [0, 0]]),
            "^bank contains NaN or infinity in 2 of 4 rows, first in row 1: leave",
        ),
        (np.array([[-np.inf]]), "NaN or infinity in 1 of 1 rows, first in row 0"),
        (np.array([[0.0], [1e39]]), "NaN or infinity in 1 of 2 rows, first in row 1"),  # beyond float32
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_arrays_that_are_not_patches_are_refused(patches: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        check_patches(patches, "bank")


# --- containers ---


@pytest.mark.parametrize(
    "given_as",
    [
        list,
        tuple,
        np.asfortranarray,
        torch.from_numpy,
        lambda t: [torch.from_numpy(one) for one in t],
        lambda t: np.ma.masked_array(t),
        lambda t: t[::-1][::-1],
        lambda t: t.tolist() and np.array(t.tolist(), np.uint8),
    ],
)
def test_tiles_in_any_container_are_the_same_tiles(given_as):
    np.testing.assert_array_equal(check_tiles(given_as(TILES.copy())), TILES)


def test_read_only_and_mapped_tiles_are_taken(tmp_path: Path):
    np.save(tmp_path / "tiles.npy", TILES)
    np.testing.assert_array_equal(check_tiles(np.load(tmp_path / "tiles.npy", mmap_mode="r")), TILES)


def test_tensors_with_gradient_and_of_other_byte_order_are_taken():
    tensor = torch.ones(3, 2, requires_grad=True)
    np.testing.assert_array_equal(check_patches(tensor), 1)
    np.testing.assert_array_equal(check_patches([tensor[0], tensor[1]]), 1)
    swapped = np.arange(6.0).reshape(3, 2).astype(">f4")
    checked = check_patches(swapped)
    assert checked.dtype == np.float32 and checked.dtype.isnative
    np.testing.assert_array_equal(checked, swapped)


HOSTILE = [
    "picture.png",
    b"picture.png",
    Path("picture.png"),
    ["a.png", "b.png"],
    [Path("a.png")],
    None,
    {"tiles": TILES},
    {1, 2},
    map(str, "ab"),
    object(),
    [TILES[0], TILES[0, :4]],
    [[1, 2], [3]],
    np.array([TILES[0], None], object),
    np.array(["2024-01-01"], "M8[D]"),
    np.zeros(2, [("a", int)]),
    np.ma.masked_array(TILES, TILES > 99),
    [np.ma.masked_array(one, one > 99) for one in TILES],
    torch.ones(2, 8, 9, dtype=torch.bfloat16),
    torch.ones(2, 2).to_sparse(),
    [],
    0,
    float("nan"),
]


@pytest.mark.parametrize("values", HOSTILE, ids=lambda values: type(values).__name__)
@pytest.mark.parametrize("check", [check_tiles, check_strip, check_patches, lambda v: list(iter_batches(v))])
def test_hostile_containers_are_refused_in_one_line(check, values: object):
    with pytest.raises(InputError) as caught:
        check(values)
    assert "\n" not in str(caught.value) and str(caught.value)[-1] == "."


@pytest.mark.parametrize("check", [check_tiles, check_strip, check_patches])
@pytest.mark.parametrize("values", [(one for one in TILES), iter([TILES])])
def test_generators_are_refused_with_the_call_that_works(check, values: object):
    with pytest.raises(InputError, match="np.stack"):
        check(values)


def advised(error: pytest.ExceptionInfo, **names: object) -> object:
    """Return what the call at the end of a message makes."""
    call = re.search(r"(?:with |them first with )((?:np\.|\(|[a-z_]+[.\[]).*?)(?:\.$|, or )", str(error.value))
    assert call, str(error.value)
    return eval(call[1], {"np": np, **names})


def converted(images: np.ndarray, check=check_tiles, name: str = "tiles") -> np.ndarray:
    """Return images after the advice of each refusal was taken, at most three times."""
    for _ in range(3):
        try:
            return check(images)
        except InputError:
            with pytest.raises(InputError) as caught:
                check(images)
            images = advised(caught, **{name: images})
    return check(images)


@pytest.mark.parametrize(
    ("values", "greys"),
    [
        (np.array([0, 7, 255], np.int64), [0, 7, 255]),
        (np.array([0, 7, 255], np.uint16), [0, 7, 255]),
        (np.array([0, 1023], np.uint16), [0, 255]),
        (np.array([0, 2048, 4095], np.uint16), [0, 128, 255]),
        (np.array([0, 65535, 32896], np.uint16), [0, 255, 128]),
        (np.array([0, 1, 0.5]), [0, 255, 128]),
        (np.array([0, 1.02, 0.5], np.float32), [0, 255, 128]),
        (np.array([0.2, 254.6, 100], np.float32), [0, 255, 100]),
        (np.array([False, True]), [0, 255]),
        (np.array([-1.0, 1.0]), [0, 255]),
        (np.array([-5, 5], np.int8), [0, 255]),
        (np.array([0.0, 1e30]), [0, 255]),
        (np.array([0.0, np.nan, 1.0, np.inf]), [0, 0, 255, 0]),
    ],
)
def test_the_advice_for_a_dtype_makes_the_right_greys(values: np.ndarray, greys: list[int]):
    np.testing.assert_array_equal(converted(values[None, None])[0, 0], greys)
    np.testing.assert_array_equal(converted(values[None], check_strip, "strip")[0], greys)


@pytest.mark.parametrize(
    "shape",
    [(8, 9), (8, 9, 3), (8, 9, 4), (8, 9, 1), (2, 8, 9, 3), (2, 8, 9, 4), (2, 8, 9, 1), (3, 2, 8, 9), (2, 1, 8, 9)],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_advice_for_a_shape_makes_tiles(shape: tuple[int, ...], dtype: type):
    images = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    assert converted(images).shape[1:] == (8, 9)


@pytest.mark.parametrize("shape", [(1, 8, 9), (8, 9, 3), (8, 9, 1)])
def test_the_advice_for_a_shape_makes_a_strip(shape: tuple[int, ...]):
    assert converted(np.zeros(shape, np.uint8), check_strip, "strip").shape == (8, 9)


def test_a_colour_image_is_not_taken_for_narrow_tiles():
    with pytest.raises(InputError, match="colours grey"):
        check_tiles(np.zeros((256, 256, 3), np.uint8))


@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5)))
def test_any_array_is_checked_or_refused(values: np.ndarray):
    for check in (check_tiles, check_strip, check_patches, lambda v: list(iter_batches(v))):
        try:
            check(values)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017


@given(st.recursive(st.none() | st.integers(0, 300) | st.floats() | st.text(max_size=2), st.lists, max_leaves=9))
def test_any_nested_list_is_an_array_or_refused(values: object):
    try:
        assert isinstance(as_array(values, "values"), np.ndarray)
    except InputError:
        pass


# --- batches ---


def test_batches_come_from_arrays_lists_and_generators():
    for tiles in (TILES, list(TILES), iter(TILES), [TILES[:1], TILES[1:]], torch.from_numpy(TILES), iter([TILES])):
        np.testing.assert_array_equal(np.concatenate(list(iter_batches(tiles))), TILES)


@pytest.mark.parametrize("container", [list, iter, tuple])
@pytest.mark.parametrize("n", [None, 2])
def test_tiles_of_two_sizes_are_refused_by_both_sizes(container, n: int | None):
    parts = [np.zeros((side, side) if n is None else (n, side, side), np.uint8) for side in (16, 16, 20)]
    with pytest.raises(InputError, match="16 x 16 px and 20 x 20 px"):
        list(iter_batches(container(parts)))


@pytest.mark.parametrize("tiles", [[], (), iter([])])
def test_no_tiles_are_refused(tiles):
    with pytest.raises(InputError, match="at least one tile"):
        list(iter_batches(tiles))
