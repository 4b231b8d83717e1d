"""Argument checks: which values pass, what they become, and what each message names."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils.errors import (
    InputError,
    MissingError,
    check_choice,
    check_integer,
    check_number,
    check_patches,
    check_strip,
    check_tiles,
)

# --- the errors ---


def test_input_error_is_a_value_error_and_missing_error_also_a_file_not_found_error():
    assert issubclass(InputError, ValueError)
    assert issubclass(MissingError, InputError) and issubclass(MissingError, FileNotFoundError)


def test_missing_error_prints_its_message_without_an_errno():
    assert str(MissingError("x is missing: check the name.")) == "x is missing: check the name."
    assert str(MissingError()) == ""


# --- check_integer ---

INTEGER_TYPES = st.sampled_from([int, np.int64, np.int16, np.int32])


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.none() | st.integers(-1000, 1000), INTEGER_TYPES)
def test_integers_in_the_range_become_ints_and_no_others_pass(value: int, low: int, high: int | None, kind: type):
    if low <= value and (high is None or value <= high):
        checked = check_integer("k", kind(value), low, high)
        assert checked == value and type(checked) is int
    else:
        with pytest.raises(InputError, match="^k is .*expected a whole number"):
            check_integer("k", kind(value), low, high)


def test_an_integer_beyond_64_bits_passes():
    assert check_integer("k", 2**80, 1) == 2**80


@pytest.mark.parametrize("value", [2.0, np.float32(2), True, np.True_, "2", None, [2], np.array([2]), 2j, math.nan])
def test_no_other_type_passes_as_an_integer(value: object):
    with pytest.raises(InputError, match=rf"^k is {re.escape(repr(value))}, expected a whole number from 1 to 5"):
        check_integer("k", value, 1, 5)


def test_messages_of_check_integer_name_the_range_and_the_meaning_of_its_end():
    with pytest.raises(InputError, match=r"^k is 0, .* at least 1\.$"):
        check_integer("k", 0, 1)
    with pytest.raises(InputError, match=r"^k is 6, .* from 1 to 5\.$"):
        check_integer("k", 6, 1, 5)
    with pytest.raises(InputError, match=r"^k is 6, .* from 1 to 5, the number of patches\.$"):
        check_integer("k", 6, 1, 5, "the number of patches")


# --- check_number ---


def is_inside(value: float, low: float, high: float, brackets: str) -> bool:
    """Return whether a finite value lies in an interval, by the definition of its brackets."""
    above = value > low if brackets[0] == "(" else value >= low
    below = value < high if brackets[1] == ")" else value <= high
    return math.isfinite(value) and above and below


ENDS = st.sampled_from([-2.0, 0.0, 0.5, 1.0, 3.0])


@given(
    st.one_of(ENDS, st.floats(), st.integers(-5, 5)),
    ENDS,
    st.one_of(ENDS, st.just(math.inf)),
    st.sampled_from(["[]", "[)", "(]", "()"]),
)
@example(math.inf, 0.0, math.inf, "[]")
@example(math.nan, 0.0, 1.0, "[]")
def test_numbers_in_the_interval_become_floats_and_no_others_pass(value, low: float, high: float, brackets: str):
    allowed = f"{brackets[0]}{low:g}, {high:g}{brackets[1]}"
    if is_inside(value, low, high, brackets):
        checked = check_number("share", value, allowed)
        assert checked == value and type(checked) is float
    else:
        with pytest.raises(InputError, match="^share is .*expected a number"):
            check_number("share", value, allowed)


@pytest.mark.parametrize("value", [1, np.int8(1), np.uint16(1), np.float16(1), np.float64(1)])
def test_python_and_numpy_numbers_pass(value: object):
    checked = check_number("share", value, "(0, 1]")
    assert checked == 1.0 and type(checked) is float


@pytest.mark.parametrize("value", ["0.5", None, True, np.True_, [0.5], np.array(0.5), 0.5j, np.complex64(0.5), b"1"])
def test_no_other_type_passes_as_a_number(value: object):
    with pytest.raises(InputError, match=rf"^share is {re.escape(repr(value))}, expected a number"):
        check_number("share", value, "[0, 1]")


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ("[0, 1]", "of at least 0 and up to 1"),
        ("(0, 1]", "above 0 and up to 1"),
        ("[0, 1)", "of at least 0 and below 1"),
        ("(0, 1)", "above 0 and below 1"),
        ("[0, inf)", "of at least 0"),
        ("(0.5, inf)", "above 0.5"),
    ],
)
def test_messages_of_check_number_put_the_interval_into_words(allowed: str, words: str):
    with pytest.raises(InputError, match=rf"^share is -1, expected a number {re.escape(words)}\.$"):
        check_number("share", -1, allowed)
    with pytest.raises(InputError, match=rf"{re.escape(words)}, for example 0\.7\.$"):
        check_number("share", -1, allowed, example=0.7)


# --- check_choice ---

NAMES = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4, unique=True)


@given(st.text("abc", max_size=3), NAMES)
def test_a_name_passes_exactly_if_it_is_a_choice(value: str, names: list[str]):
    if value in names:
        assert check_choice("kind", value, tuple(names)) == value
    else:
        with pytest.raises(InputError) as caught:
            check_choice("kind", value, tuple(names))
        assert str(caught.value).startswith(f"kind is {value!r}:") and ", ".join(names) in str(caught.value)


@pytest.mark.parametrize("value", [None, 0, True, b"zeros", ["zeros"], ("zeros",), "zero", "zeros ", "Zeros"])
def test_nothing_but_the_exact_name_is_a_choice(value: object):
    with pytest.raises(InputError, match=rf"^padding is {re.escape(repr(value))}: choose one of reflect, zeros"):
        check_choice("padding", value, ("reflect", "zeros"))


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
        (np.zeros((4, 9)), r"float64 of shape \(4, 9\), expected \(H, W\) uint8"),
        (np.zeros((4, 9), bool), r"bool of shape \(4, 9\)"),
        (np.zeros((4, 9, 3), np.uint8), r"uint8 of shape \(4, 9, 3\)"),
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


def test_a_number_beyond_all_floats_is_out_of_range():
    with pytest.raises(InputError, match="^a is 1000"):
        check_number("a", 10**400, "(0, 1]")
    assert check_number("a", 10**300, "(0, inf)") == 1e300
