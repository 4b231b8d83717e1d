"""Errors and argument checks: which values pass, what they become, and what each message names."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aitex_utils.errors import (
    InputError,
    MissingError,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_shape,
)
from aitex_utils.safety.out_of_memory import OutOfMemoryError, explain_memory

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


def test_a_number_beyond_all_floats_is_out_of_range():
    with pytest.raises(InputError, match="^a is 1000"):
        check_number("a", 10**400, "(0, 1]")
    assert check_number("a", 10**300, "(0, inf)") == 1e300


@pytest.mark.parametrize("value", ["yes", "no", 1, 0, None, 1.0, [True], np.array(True), np.array([])])
def test_only_a_bool_is_a_flag(value: object):
    with pytest.raises(InputError, match="^whiten is .*: choose True or False"):
        check_flag("whiten", value)


def test_flags_become_plain_bools():
    assert check_flag("whiten", np.bool_(True)) is True and check_flag("whiten", False) is False


@pytest.mark.parametrize("value", [4, (4,), (4, 4, 4), "44", None, (0, 4), (4, -1), (4.0, 4), (True, 4), [[4, 4]]])
def test_only_two_sides_are_a_shape(value: object):
    with pytest.raises(InputError, match="^shape"):
        check_shape("shape", value)


def test_a_long_value_is_one_short_line_of_the_message():
    for check in (lambda x: check_integer("k", x, 1), lambda x: check_number("a", x, "[0, 1]")):
        with pytest.raises(InputError) as caught:
            check(np.zeros((99, 99)))
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


# --- memory ---


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("std::bad_alloc"),
        np._core._exceptions._ArrayMemoryError((2**40,), np.dtype(np.float32)),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried to ..."),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        OSError(12, "Cannot allocate memory"),
        Exception("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 4 bytes"),
    ],
)
def test_exhausted_memory_has_one_sentence_whatever_library_ran_out(error: Exception):
    @explain_memory()
    def run_out() -> None:
        raise error

    with pytest.raises(InputError, match="^Memory ran out .*batch_size.*memory=1") as caught:
        run_out()
    assert isinstance(caught.value, MemoryError) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("no kernel"), InputError("Not enough memory there."), KeyboardInterrupt(), ValueError()],
)
def test_other_errors_pass_through_unchanged(error: BaseException):
    with pytest.raises(type(error)) as caught, explain_memory():
        raise error
    assert caught.value is error


def test_an_error_of_memory_is_explained_once():
    with pytest.raises(OutOfMemoryError) as caught, explain_memory(), explain_memory():
        raise MemoryError("here")
    assert str(caught.value).count("Memory ran out") == 1
