"""The other samplers, the size of a coreset, and `subsample`, which takes a sampler by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils.coreset import SAMPLERS, coreset_size, k_center_greedy, k_means, random_subset, subsample
from aitex_utils.errors import InputError


def normal_patches(n: int, channels: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, channels)).astype(np.float32)


# --- random_subset ---


@given(st.integers(1, 50), st.integers(0, 2**32 - 1), st.data())
def test_a_random_subset_has_k_different_indices_that_the_seed_determines(n, seed, data):
    k = data.draw(st.integers(1, n))
    indices = random_subset(np.zeros((n, 2)), k, seed=seed)
    assert indices.shape == (k,) and indices.dtype == np.int64
    assert len(set(indices.tolist())) == k and indices.min() >= 0 and indices.max() < n
    np.testing.assert_array_equal(indices, random_subset(np.zeros((n, 2)), k, seed=seed))


def test_every_patch_is_drawn_equally_often():
    drawn = np.concatenate([random_subset(np.zeros((10, 1)), 3, seed=seed) for seed in range(400)])
    counts = np.bincount(drawn, minlength=10)
    assert counts.min() > 80 and counts.max() < 160  # 120 expected, standard deviation 9


# --- k_means ---


def test_k_means_finds_clusters():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    patches = (centres[rng.integers(3, size=900)] + rng.normal(0, 0.1, (900, 2))).astype(np.float32)
    results = [k_means(patches, 3, seed=seed) for seed in range(5)]
    best = min(results, key=lambda result: (cdist(patches, result).min(axis=1) ** 2).sum())
    assert best.dtype == np.float32 and best.flags.c_contiguous
    order = np.lexsort(best.round().T[::-1])  # by first coordinate, then by second
    np.testing.assert_allclose(best[order], [[0, 0], [0, 10], [10, 0]], atol=0.1)
    np.testing.assert_array_equal(results[1], k_means(patches, 3, seed=1))


@pytest.mark.filterwarnings("error")
def test_k_means_of_equal_patches_gives_equal_centres_without_a_warning():
    np.testing.assert_allclose(k_means(np.full((20, 2), 3.0), 4, seed=0), 3.0)


@pytest.mark.parametrize("sampler", [random_subset, k_means])
@pytest.mark.parametrize("k", [0, 6, 2.0, True])
def test_samplers_refuse_k_out_of_range_and_nan(sampler, k):
    with pytest.raises(InputError, match=f"^k is {k!r}, .* from 1 to 5, the number of patches"):
        sampler(np.zeros((5, 2)), k, seed=0)
    with pytest.raises(InputError, match="NaN"):
        sampler(np.full((5, 2), np.nan), 1, seed=0)


# --- coreset_size ---


@pytest.mark.parametrize(
    ("ratio", "n", "size"), [(0.1, 1000, 100), (1, 7, 7), (1.0, 7, 7), (0.01, 10, 1), (0.26, 10, 3)]
)
def test_coreset_size_is_rounded_and_at_least_1(ratio: float, n: int, size: int):
    assert coreset_size(ratio, n) == size


@pytest.mark.parametrize("ratio", [0, -0.1, 1.01, 10, float("nan"), None, "0.1", True])
def test_a_ratio_outside_0_to_1_is_refused(ratio):
    with pytest.raises(InputError, match=f"^coreset_ratio is {ratio!r}, .* above 0 and up to 1, for example 0.1"):
        coreset_size(ratio, 10)


# --- subsample ---


@settings(max_examples=25)
@given(n=st.integers(1, 60), ratio=st.floats(0.01, 1), sampler=st.sampled_from(SAMPLERS), seed=st.integers(0, 99))
def test_subsample_returns_as_many_vectors_as_the_ratio_keeps(n: int, ratio: float, sampler: str, seed: int):
    patches = normal_patches(n, 3)
    vectors, indices, radius = subsample(patches, ratio, sampler, seed=seed)
    assert vectors.shape == (coreset_size(ratio, n), 3) and vectors.dtype == np.float32
    assert (indices is None) == (sampler == "k_means") and (radius is None) == (sampler != "greedy")
    if indices is not None:
        np.testing.assert_array_equal(vectors, patches[indices])
    np.testing.assert_array_equal(subsample(patches, ratio, sampler, seed=seed).vectors, vectors)


def test_subsample_equals_the_samplers():
    patches = normal_patches(50, 4)
    indices, radii = k_center_greedy(patches, 10, seed=3)
    greedy = subsample(patches, 0.2, seed=3)
    np.testing.assert_array_equal(greedy.indices, indices)
    assert greedy.radius == float(radii[-1])
    np.testing.assert_array_equal(subsample(patches, 0.2, "random", seed=3).indices, random_subset(patches, 10, seed=3))
    np.testing.assert_array_equal(subsample(patches, 0.2, "k_means", seed=3).vectors, k_means(patches, 10, seed=3))


def test_the_radius_of_a_greedy_subsample_is_its_covering_radius():
    patches = normal_patches(200, 5)
    result = subsample(patches, 0.1, "greedy", seed=0)
    assert result.radius == pytest.approx(cdist(patches, result.vectors).min(axis=1).max(), rel=1e-4)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_subsample_refuses_wrong_ratios_and_patches(sampler: str):
    with pytest.raises(InputError, match="^coreset_ratio is 0, "):
        subsample(np.zeros((5, 2)), 0, sampler, seed=0)
    with pytest.raises(InputError, match="^patches contains NaN"):
        subsample(np.full((5, 2), np.nan), 0.5, sampler, seed=0)
    with pytest.raises(InputError, match=r"^patches has shape \(0, 2\)"):
        subsample(np.zeros((0, 2)), 0.5, sampler, seed=0)


def test_subsample_checks_its_arguments():
    with pytest.raises(InputError, match="sampler is 'best'.* greedy, random, k_means"):
        subsample(np.eye(4), 0.5, "best", seed=0)
    with pytest.raises(InputError, match="NaN or infinity"):
        subsample(np.full((4, 2), np.nan), 0.5, seed=0)
    assert subsample(np.eye(4, dtype=np.float64), 0.5, seed=0).vectors.dtype == np.float32
    assert subsample([[0.0], [1.0]], 0.5, seed=0).vectors.shape == (1, 1)
