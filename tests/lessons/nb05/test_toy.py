"""The toys of notebook 05: searches in cells, walks and codes agree with what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb05.toy import border_patch, count_compared, nearest_index, reconstruct, search_cells

VECTORS = np.array([[0.0, 0.0], [1.0, 0.0], [4.5, 0.0], [5.2, 0.0], [9.0, 0.0]])
CENTROIDS = np.array([[2.0, 0.0], [8.0, 0.0]])


def test_the_nearest_index_is_scipy_s():
    points, vectors = np.split(np.random.default_rng(0).normal(size=(60, 3)), [40])
    np.testing.assert_array_equal(nearest_index(points, vectors), cdist(points, vectors).argmin(axis=1))


def test_one_cell_misses_the_nearest_across_the_border_and_two_find_it():
    one, two = (search_cells(VECTORS, CENTROIDS, np.array([4.9, 0.0]), nprobe) for nprobe in (1, 2))
    assert one.probed.tolist() == [0] and one.is_searched.tolist() == [True, True, True, False, False]
    assert (one.result, one.nearest) == (2, 3) and one.distances[one.result] == pytest.approx(0.4)
    assert two.is_searched.all() and two.result == two.nearest == 3


def test_empty_cells_have_no_result():
    search = search_cells(VECTORS, np.array([[4.0, 0.0], [4.0, 90.0]]), np.array([4.0, 80.0]), 1)
    assert search.probed.tolist() == [1] and not search.is_searched.any() and search.result is None


def test_the_border_patch_is_the_one_that_loses_most():
    patches = np.array([[1.0, 0.0], [4.86, 0.0], [4.95, 0.0], [8.0, 0.0]])  # 4.95 finds 4.5 and misses 5.2
    assert border_patch(VECTORS, CENTROIDS, patches).tolist() == [4.95, 0.0]
    with pytest.raises(InputError, match="give more patches, or more centroids"):
        border_patch(VECTORS, CENTROIDS, patches[[0, 3]])


def test_a_patch_whose_nearest_cell_is_empty_does_not_count():
    centroids = np.array([[2.0, 0.0], [8.0, 0.0], [5.0, 90.0]])
    patches = np.array([[5.5, 80.0], [4.95, 0.0]])  # the first finds nothing with one cell, and 5.2 with two
    assert border_patch(VECTORS, centroids, patches).tolist() == [4.95, 0.0]


def test_a_walk_compares_its_path_and_all_neighbours_once():
    graph = [[1], [0, 2], [1, 3], [2, 4], [3]]
    assert [count_compared(graph, path) for path in ([0], [0, 1], [0, 1, 2])] == [2, 3, 4]


def test_codes_replace_each_channel_by_its_nearest_entry():
    codebooks = np.array([[[0.0], [5.0]], [[0.0], [1.0]]])
    result = reconstruct(np.array([[1.0, 0.0], [4.0, 0.4], [6.0, 0.9]]), codebooks)
    assert result.tolist() == [[0, 0], [5, 0], [5, 1]]
