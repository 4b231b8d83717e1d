"""The samplers beside the greedy one, and how many patches a share keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.coreset import coreset_size, k_means, random_subset
from aitex_utils.errors import InputError


@given(st.integers(1, 50), st.integers(0, 2**32), st.data())
def test_random_subset(n, seed, data):
    k = data.draw(st.integers(1, n))
    indices = random_subset(np.zeros((n, 2)), k, seed=seed)
    assert indices.shape == (k,) and indices.dtype == np.int64
    assert len(set(indices.tolist())) == k and indices.min() >= 0 and indices.max() < n
    np.testing.assert_array_equal(indices, random_subset(np.zeros((n, 2)), k, seed=seed))


def test_random_subset_draws_every_patch():
    drawn = np.concatenate([random_subset(np.zeros((10, 1)), 3, seed=s) for s in range(400)])
    counts = np.bincount(drawn, minlength=10)
    assert counts.min() > 80 and counts.max() < 160  # 120 each expected, 9 the standard deviation


def test_k_means_finds_clusters():
    rng = np.random.default_rng(0)
    wanted = np.array([[0, 0], [10, 0], [0, 10]])
    patches = (wanted[rng.integers(3, size=900)] + rng.normal(0, 0.1, (900, 2))).astype(np.float32)
    best = min(
        (k_means(patches, 3, seed=s) for s in range(5)),
        key=lambda centres: ((patches[:, None] - centres) ** 2).sum(2).min(1).sum(),
    )
    assert best.dtype == np.float32 and best.flags.c_contiguous
    order = np.lexsort(best.round().T[::-1])  # by first coordinate, then by second
    np.testing.assert_allclose(best[order], [[0, 0], [0, 10], [10, 0]], atol=0.1)
    np.testing.assert_array_equal(k_means(patches, 3, seed=1), k_means(patches, 3, seed=1))


@pytest.mark.filterwarnings("error")
def test_k_means_of_equal_patches():
    np.testing.assert_allclose(k_means(np.full((20, 2), 3.0), 4, seed=0), 3.0)


def test_samplers_refuse_too_many():
    for sampler in (random_subset, k_means):
        with pytest.raises(InputError, match="^k is 6, expected a whole number from 1 to the number of patches, 5"):
            sampler(np.zeros((5, 2)), 6, seed=0)
        with pytest.raises(InputError, match="NaN"):
            sampler(np.full((5, 2), np.nan), 1, seed=0)


@pytest.mark.parametrize(
    ("share", "n", "size"), [(0.1, 1000, 100), (1, 7, 7), (1.0, 7, 7), (0.01, 10, 1), (0.26, 10, 3)]
)
def test_coreset_size(share, n, size):
    assert coreset_size(share, n) == size


@pytest.mark.parametrize("share", [0, -0.1, 1.01, 10, float("nan")])
def test_coreset_size_refuses(share):
    with pytest.raises(
        InputError, match=rf"^coreset is {share}, expected a share above 0 and up to 1, for example 0\.10"
    ):
        coreset_size(share, 10)
