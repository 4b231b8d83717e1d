"""The toy of notebook 04 is reproducible and has a rare cluster."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from aitex_utils.lessons.nb04.toy import nearest_distances, toy_patches


def test_the_toy_is_reproducible_and_has_a_rare_cluster_of_eight():
    toy = toy_patches()
    assert toy.shape == (700, 2) and toy.dtype == np.float32 and np.array_equal(toy, toy_patches())
    assert np.sum((toy[:, 0] > 2) & (toy[:, 1] < -1.3)) == 8
    assert not np.array_equal(toy, toy_patches(seed=2))


def test_the_order_of_the_toy_is_random():
    is_rare = (toy_patches()[:, 0] > 2) & (toy_patches()[:, 1] < -1.3)
    assert np.flatnonzero(is_rare).std() > 100


def test_nearest_distances_are_scipy_s():
    points, centres = np.split(np.random.default_rng(0).normal(size=(50, 3)), [40])
    np.testing.assert_allclose(nearest_distances(points, centres), cdist(points, centres).min(axis=1))
