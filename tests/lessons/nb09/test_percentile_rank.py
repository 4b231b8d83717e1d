"""Percentile ranks: equal to counting and to SciPy, and only with usable normal values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import percentileofscore

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb09.percentile_rank import percentile_rank


@given(arrays(np.int8, (3, 4)), arrays(np.int8, st.integers(1, 20)))
def test_rank_is_the_share_of_smaller_values(values: np.ndarray, normal: np.ndarray):
    ranks = percentile_rank(values, normal)
    expected = (normal[None, None] < values[..., None]).mean(axis=2)
    assert ranks.shape == values.shape and ranks.dtype == np.float32
    np.testing.assert_allclose(ranks, expected, rtol=1e-6)
    np.testing.assert_allclose(ranks, percentileofscore(normal, values, kind="strict") / 100, rtol=1e-6)


def test_normal_maps_of_any_shape_are_accepted():
    normal = np.arange(24.0).reshape(2, 3, 4)
    assert percentile_rank(np.array([[12.0]]), normal).tolist() == [[0.5]]


@pytest.mark.parametrize("normal", [[], [1.0, np.nan], [1.0, np.inf]])
def test_unusable_normal_values_are_refused(normal: list[float]):
    with pytest.raises(InputError, match="give finite scores of normal pixels"):
        percentile_rank(np.zeros(2), np.array(normal))
