"""What arrays are taken, what they become, and each message where they aren't."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils.errors import InputError, MissingError, check_patches, check_tiles


def test_kinds_of_error():
    assert issubclass(InputError, ValueError)
    assert issubclass(MissingError, InputError) and issubclass(MissingError, FileNotFoundError)


def test_missing_error_prints_its_sentence_alone():
    assert str(MissingError("x isn't there: look again.")) == "x isn't there: look again."
    assert str(MissingError()) == ""


def test_tiles_are_returned_as_they_are():
    tiles = np.zeros((2, 3, 4), np.uint8)
    assert check_tiles(tiles) is tiles
    assert check_tiles([tiles[0]]).shape == (1, 3, 4)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (np.zeros((256, 256), np.uint8), r"^crops has shape \(256, 256\), expected \(N, H, W\): .*crops\[None\]\.$"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"^crops has shape \(2, 8, 8, 3\), expected \(N, H, W\): give grey tiles"),
        (np.zeros((), np.uint8), r"^crops has shape \(\), expected \(N, H, W\)"),
        (np.zeros((1, 8, 8)), r"^crops is float64, expected uint8 .*\.astype\(np\.uint8\)\.$"),
        (np.zeros((1, 8, 8), bool), "^crops is bool, expected uint8"),
        (np.zeros((0, 8, 8), np.uint8), r"^crops has shape \(0, 8, 8\): it is empty, give at least one tile\.$"),
        (np.zeros((1, 8, 0), np.uint8), "it is empty"),
    ],
)
def test_tiles_that_are_refused(tiles: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        check_tiles(tiles, "crops")


def test_advice_about_the_axis_is_not_given_where_it_would_not_help():
    with pytest.raises(InputError) as caught:
        check_tiles(np.zeros((2, 8, 8, 3), np.uint8))
    assert "[None]" not in str(caught.value)


@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int16, np.uint8]),
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=st.integers(0, 100),
    ),
    st.booleans(),
)
def test_patches_become_contiguous_float32(patches: np.ndarray, fortran: bool):
    given_patches = np.asfortranarray(patches) if fortran else patches
    checked = check_patches(given_patches)
    assert checked.dtype == np.float32 and checked.flags.c_contiguous
    np.testing.assert_array_equal(checked, patches)


def test_good_patches_are_not_copied():
    patches = np.ones((3, 2), np.float32)
    assert check_patches(patches) is patches
    assert check_patches([[1, 2]]).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        (np.zeros(3), r"^bank has shape \(3,\), expected \(N, C\): unfold a feature map with \.reshape\(-1, C\)\.$"),
        (np.zeros((2, 4, 4, 3)), r"expected \(N, C\)"),
        (np.zeros((0, 3)), r"^bank has shape \(0, 3\): it is empty, give at least one patch\.$"),
        (np.zeros((3, 0)), "it is empty"),
        (np.zeros((2, 2), complex), r"^bank holds complex128, expected real numbers: .*\.astype\(np\.float32\)\.$"),
        (np.zeros((2, 2), bool), "^bank holds bool, expected real numbers"),
        (np.array([["a", "b"]]), "expected real numbers"),
        (np.array([[1, None]]), "^bank holds object, expected real numbers"),
        (
            np.array([[0, 0], [0, np.nan], [np.nan, np.inf], [0, 0]]),
            r"^bank holds NaN or infinity in 2 of 4 rows, first in row 1: leave those rows out\.$",
        ),
        (np.array([[-np.inf]]), "NaN or infinity in 1 of 1 rows, first in row 0"),
    ],
)
def test_patches_that_are_refused(patches: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        check_patches(patches, "bank")
