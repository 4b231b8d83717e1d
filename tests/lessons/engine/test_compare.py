"""Which results count as equal: in another form, of another type, within the tolerance."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from checks_example import verdict_on

from aitex_utils.lessons.engine.compare import is_unchanged


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([1, 2], np.array([1.0, 2.0])),
        ((1, 2), np.array([1, 2])),
        ([[1, 2], [3, 4]], np.array([[1.0, 2.0], [3.0, 4.0]])),
        ([np.ones(2), np.ones(2)], np.ones((2, 2))),
        ((np.ones(2), np.ones(2)), np.ones((2, 2))),
        ([np.ones(2), np.zeros(2)], (np.ones(2), np.zeros(2))),
        ([np.ones(2), np.zeros(3)], (np.ones(2), np.zeros(3))),
        (range(3), np.arange(3)),
        (3.0, 3),
        (np.int64(3), 3.0),
        (np.array(3.0), 3),
        (Fraction(1, 2), 0.5),
        ([Fraction(1, 2), 1], [0.5, 1.0]),
        (1, True),
        (np.array([0, 1]), np.array([False, True])),
        (np.array([False, True]), [0, 1]),
        (np.float16(0.5), 0.5),
        (np.array([1, 2], np.uint8), [1.0, 2.0]),
        (float("nan"), np.nan),
        ([np.inf, 1 + 1e-9], [np.inf, 1.0]),
        (np.str_("a"), "a"),
        (["a", "b"], ("a", "b")),
        (("a", 1), ["a", 1.0]),
        ({"b": [1, 2], "a": None}, {"a": None, "b": np.array([1, 2])}),
        ({1, 2}, frozenset([2, 1])),
        ([], np.zeros(0)),
        ((None, 1), (None, 1)),
    ],
)
def test_right_in_another_form(result: Any, expected: Any):
    verdict = verdict_on(result, expected)
    assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (3 + 1e-3, 3),
        (250_001, 250_000),  # a relative tolerance of 1e-5 would allow it
        (np.array([10**6 + 1]), np.array([10**6])),
        (250_000.5, 250_000),
        (np.array([0, 255]), np.array([False, True])),
        ("1", 1),
        (["1", "2"], [1, 2]),
        (("a", "1"), ("a", 1)),
        (np.nan, 0.0),
        (1 + 0j, 1.0),
        ([1, 2], np.array([[1, 2]])),
        (np.ones(1), 1.0),
        (b"a", "a"),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
    ],
)
def test_not_right(result: Any, expected: Any):
    assert not verdict_on(result, expected).passed


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (None, "None"),
        ((v for v in "ab"), "generator"),
        (map(int, "12"), "iterator"),
        (range(10**15), "1,000,000,000,000,000 values"),
    ],
)
def test_results_that_cannot_be_compared_are_refused(result: Any, word: str):
    verdict = verdict_on(result, [1, 2])
    assert verdict.kind == "wrong kind" and f"Your function returns {'' if word == 'None' else 'a '}" in verdict.message
    assert word in verdict.message


def test_tensors():
    torch = pytest.importorskip("torch")
    expected = np.array([[1.0, 2.0], [3.0, 4.0]])
    tensor = torch.tensor(expected, dtype=torch.float32, requires_grad=True)
    for result in (tensor, tensor.to(torch.bfloat16), list(tensor), [[*row] for row in tensor], tuple(tensor)):
        assert verdict_on(result, expected).passed
    assert verdict_on(tensor[0, 0], 1).passed and verdict_on(1, tensor[0, 0]).passed
    assert verdict_on(tensor[:1], expected).kind == "wrong shape"
    assert "an object of type Linear" in verdict_on(torch.nn.Linear(1, 1), 1.0).message
    sparse = verdict_on(torch.eye(2).to_sparse(), np.eye(2))
    assert sparse.kind == "wrong kind" and "a tensor of shape (2, 2)" in sparse.message


@pytest.mark.parametrize(
    ("before", "after", "unchanged"),
    [
        ([1, (2.0, "a")], [1, (2.0, "a")], True),
        ([1], [1, 2], False),
        ((1,), [1], False),
        ({"a": np.array([np.nan])}, {"a": np.array([np.nan])}, True),
        ({"a": 1}, {"b": 1}, False),
        (np.zeros(2), np.zeros((2, 1)), False),
        (float("nan"), float("nan"), True),
        (object(), object(), True),  # not comparable
    ],
)
def test_is_unchanged(before: Any, after: Any, unchanged: bool):
    assert is_unchanged(before, after) is unchanged
