"""The toys of notebook 05: searches in cells, walks and codes agree with what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb05.toy import (
    CLEARANCE,
    border_patch,
    count_compared,
    k_means,
    link_neighbours,
    nearest_index,
    nprobe_curve,
    reconstruct,
    search_cells,
    searched_in_cells,
    toy_bank,
    toy_codebooks,
)

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


def test_the_toy_bank_is_the_same_each_time_and_its_patch_loses_with_one_cell():
    bank, again = toy_bank(), toy_bank()
    assert all(np.array_equal(one, two) for one, two in zip(bank, again, strict=True))
    one, two = (search_cells(bank.vectors, bank.centroids, bank.patch, nprobe) for nprobe in (1, 2))
    assert one.result != one.nearest and two.result == two.nearest
    assert two.distances[two.nearest] >= CLEARANCE


def test_a_patch_on_top_of_its_nearest_vector_is_not_chosen_for_a_figure():
    patches = np.array([[4.95, 0.0], [4.86, 0.0]])  # 0.25 and 0.34 from the nearest vector, 5.2
    assert border_patch(VECTORS, CENTROIDS, patches).tolist() == [4.95, 0.0]
    assert border_patch(VECTORS, CENTROIDS, patches, clearance=0.3).tolist() == [4.86, 0.0]


def test_the_curve_counts_recall_and_distances_as_searches_do():
    bank = toy_bank()
    recalls, shares = nprobe_curve(bank)
    for nprobe in (1, 2, 12):
        searches = [search_cells(bank.vectors, bank.centroids, patch, nprobe) for patch in bank.patches]
        assert recalls[nprobe - 1] == np.mean([search.result == search.nearest for search in searches])
        counted = np.mean([search.is_searched.sum() for search in searches])
        assert shares[nprobe - 1] == pytest.approx((12 + counted) / 240)
        distances, is_searched = searched_in_cells(bank, nprobe)
        assert np.array_equal(is_searched, [search.is_searched for search in searches])
        np.testing.assert_allclose(distances, cdist(bank.patches, bank.vectors), rtol=1e-5, atol=1e-6)


def test_centroids_are_the_means_of_their_cells():
    vectors = np.random.default_rng(0).normal(size=(60, 2))
    centroids = k_means(vectors, 5)
    cell_of = nearest_index(vectors, centroids)
    np.testing.assert_allclose(centroids, [vectors[cell_of == cell].mean(axis=0) for cell in range(5)])
    assert toy_codebooks(vectors, k=4).shape == (2, 4, 1)


def test_links_lead_to_the_nearest_earlier_vectors_and_back():
    vectors = np.random.default_rng(0).normal(size=(30, 2))
    graph = link_neighbours(vectors, n_links=2)
    for i in range(2, 30):
        nearest = np.linalg.norm(vectors[:i] - vectors[i], axis=1).argsort()[:2]
        assert sorted(j for j in graph[i] if j < i) == sorted(nearest.tolist())
    assert all(i in graph[j] for i, links in enumerate(graph) for j in links)
