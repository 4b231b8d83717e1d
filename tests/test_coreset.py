"""k-center greedy against brute force in float64, up to ties, and against the obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils import coreset
from aitex_utils.coreset import k_center_greedy, k_center_greedy_obvious
from aitex_utils.errors import InputError
from aitex_utils.fast import bf16_bound as rounded

BOTH = pytest.mark.parametrize("greedy", [k_center_greedy, k_center_greedy_obvious])


def square_distances(points: np.ndarray) -> np.ndarray:
    """All of them, (N, N) float64, by differences."""
    points = points.astype(np.float64)
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


def assert_greedy(points: np.ndarray, indices: np.ndarray, radii: np.ndarray) -> None:
    """Each choice is as far from those before it as any point is, and each radius is the covering radius.

    Squares are compared: they are computed from norms in float32, so their error is some rounding of the largest norm.
    """
    squares = square_distances(points)
    slack = 16 * np.finfo(np.float32).eps * squares.max()
    assert indices.dtype == np.int64 and radii.dtype == np.float32 and indices.shape == radii.shape
    assert len(set(indices.tolist())) == len(indices)
    nearest = squares[indices[0]]
    for choice in range(len(indices)):
        nearest = np.minimum(nearest, squares[indices[choice]])
        assert abs(float(radii[choice]) ** 2 - nearest.max()) <= slack
        if choice + 1 < len(indices):
            assert nearest[indices[choice + 1]] >= nearest.max() - slack
    assert np.all(np.diff(radii.astype(np.float64) ** 2) <= slack)


@st.composite
def grids(draw: st.DrawFn) -> np.ndarray:
    """Points on a small grid: many ties and duplicates, no rounding at all."""
    shape = draw(st.tuples(st.integers(1, 60), st.integers(1, 3)))
    return draw(hnp.arrays(np.float32, shape, elements=st.integers(-3, 3).map(float)))


@st.composite
def clouds(draw: st.DrawFn) -> np.ndarray:
    """Clusters of different widths and places, in few or many dimensions, with some points repeated."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, channels = draw(st.integers(1, 300)), draw(st.integers(1, 20))
    centres = rng.normal(0, draw(st.sampled_from([0.0, 1.0, 30.0])), (draw(st.integers(1, 5)), channels))
    points = centres[rng.integers(len(centres), size=n)] + rng.normal(0, 1, (n, channels)) * rng.choice(
        [0, 0.1, 1], (n, 1)
    )
    return (points[rng.integers(n, size=n)] if draw(st.booleans()) else points).astype(np.float32)


BLOCKS = ("POOL", "FEW", "ROWS", "FRESH", "GROUP")  # sizes, any of which must give the same
SOME = [(1, 1, 1, 1, 1), (3, 2, 3, 2, 2), (16, 7, 16, 9, 4), tuple(getattr(coreset, name) for name in BLOCKS)]


def set_size(patched: pytest.MonkeyPatch, name: str, size: int) -> None:
    """Set a size in both modules, where it is there."""
    for module in (coreset, rounded):
        if hasattr(module, name):
            patched.setattr(module, name, size)


@pytest.fixture(params=[(sizes, quick) for sizes in SOME for quick in (False, True)], ids=str)
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny pools, so that all patches are brought up to date many times, and tiny blocks; in bfloat16 first or not."""
    for name, size in zip(BLOCKS, request.param[0], strict=True):
        set_size(monkeypatch, name, size)
    monkeypatch.setattr(coreset, "bfloat16_is_quick", lambda: request.param[1])


@BOTH
def test_points_on_a_line(greedy):
    """0 1 3 7 12 from 0: 12 is 12 away, then 7 (5 from 12), then 3 (3 from 0), then 1 (1 from 0)."""
    line = np.array([[0], [1], [3], [7], [12]], np.float32)
    indices, radii = greedy(line, 5, seed=0, start=0)
    assert indices.tolist() == [0, 4, 3, 2, 1]
    np.testing.assert_allclose(radii, [12, 5, 3, 1, 0], rtol=1e-5, atol=1e-3)
    indices, radii = greedy(line, 2, seed=0, start=2)
    assert indices.tolist() == [2, 4]
    np.testing.assert_allclose(radii, [9, 4], rtol=1e-5)  # 12 is 9 away; then 7 is 4 from 3


@BOTH
def test_single_point(greedy):
    indices, radii = greedy(np.array([[3.0, 4.0]]), 1, seed=5)
    assert indices.tolist() == [0] and radii.tolist() == [0.0]


@BOTH
@pytest.mark.parametrize("k", [1, 2, 9, 40])
def test_equal_points_are_each_taken_once(greedy, k, small_blocks):
    indices, radii = greedy(np.full((40, 3), 7.7, np.float32), k, seed=1)
    assert len(set(indices.tolist())) == k
    np.testing.assert_allclose(radii, 0, atol=1e-6)


@BOTH
def test_duplicates_come_last(greedy, small_blocks):
    points = np.repeat(np.array([[0, 0], [8, 0], [0, 4]], np.float32), 5, axis=0)
    indices, radii = greedy(points, 15, seed=0, start=0)
    assert (indices[:3] // 5).tolist() == [0, 1, 2]
    np.testing.assert_allclose(radii[:3], [8, 4, 0], atol=2e-3)
    assert sorted(indices.tolist()) == list(range(15))


@BOTH
@settings(max_examples=60, deadline=None)
@given(points=st.one_of(grids(), clouds()), data=st.data())
def test_greedy_is_greedy(greedy, points, data):
    k = data.draw(st.one_of(st.integers(1, len(points)), st.just(len(points))))
    start = data.draw(st.one_of(st.none(), st.integers(0, len(points) - 1)))
    quick = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as patched:
        for name in BLOCKS:
            set_size(patched, name, data.draw(st.integers(1, 40), name))
        patched.setattr(coreset, "bfloat16_is_quick", lambda: quick)
        indices, radii = greedy(points, k, seed=data.draw(st.integers(0, 9)), projection=None, start=start)
    assert start is None or indices[0] == start
    assert len(indices) == k
    assert_greedy(points, indices, radii)


def test_the_yardstick_refuses_a_wrong_order_and_a_wrong_radius():
    points = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    indices, radii = k_center_greedy(points, 10, seed=0)
    assert_greedy(points, indices, radii)
    with pytest.raises(AssertionError):
        assert_greedy(points, indices[[0, 2, 1, *range(3, 10)]], radii)
    with pytest.raises(AssertionError):
        assert_greedy(points, indices, radii * 1.001)


def test_fast_equals_obvious_where_nothing_ties(small_blocks):
    points = np.random.default_rng(3).normal(size=(600, 12)).astype(np.float32)
    fast, slow = k_center_greedy(points, 300, seed=4), k_center_greedy_obvious(points, 300, seed=4)
    np.testing.assert_array_equal(fast[0], slow[0])
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-4)


@pytest.mark.parametrize("quick", [False, True])
def test_fast_equals_obvious_with_the_blocks_it_really_uses(quick: bool, monkeypatch: pytest.MonkeyPatch):
    """More patches than a pool and than a block of rows, more choices than a pool holds."""
    monkeypatch.setattr(coreset, "bfloat16_is_quick", lambda: quick)
    points = np.random.default_rng(0).normal(size=(coreset.POOL + 900, 6)).astype(np.float32)
    fast, slow = (f(points, coreset.POOL + 100, seed=0) for f in (k_center_greedy, k_center_greedy_obvious))
    np.testing.assert_allclose(fast[1] ** 2, slow[1] ** 2, atol=1e-4)  # ties and rounding may swap two choices
    assert np.mean(fast[0] == slow[0]) > 0.95


@settings(max_examples=40, deadline=None)
@given(points=st.one_of(grids(), clouds()), data=st.data())
def test_fewer_are_the_first_of_more(points, data):
    k = data.draw(st.integers(1, len(points)))
    m = data.draw(st.integers(1, k))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(coreset, "POOL", data.draw(st.integers(1, 40)))
        (more, radii), (fewer, fewer_radii) = (k_center_greedy(points, j, seed=0) for j in (k, m))
    np.testing.assert_array_equal(fewer, more[:m])
    slack = 16 * np.finfo(np.float32).eps * square_distances(points).max()
    np.testing.assert_allclose(fewer_radii**2, radii[:m] ** 2, atol=slack + 1e-30)


@BOTH
@settings(max_examples=25, deadline=None)
@given(clouds(), st.integers(1, 6), st.integers(0, 5))
def test_distances_are_measured_in_the_projection(greedy, points, projection, seed):
    """The radii belong to the projected points, which are drawn anew here from the same seed."""
    start = len(points) // 2
    indices, radii = greedy(points, len(points), seed=seed, projection=projection, start=start)
    projected, _ = coreset._prepared(points, 1, seed, projection, start)
    assert projected.shape == (len(points), min(projection, points.shape[1]))
    assert_greedy(projected, indices, radii)


def test_projection_keeps_distances_on_average():
    points = np.random.default_rng(0).normal(size=(60, 400)).astype(np.float32)
    projected, _ = coreset._prepared(points, 1, 0, 128, None)
    upper = np.triu_indices(60, 1)
    ratio = square_distances(projected)[upper] / square_distances(points)[upper]
    assert abs(ratio.mean() - 1) < 0.05 and ratio.std() < 2 * np.sqrt(2 / 128)


@BOTH
def test_no_projection_where_it_would_save_nothing(greedy):
    points = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    results = [greedy(points, 20, seed=0, projection=p) for p in (None, 5, 6, 128)]
    for indices, radii in results[1:]:
        np.testing.assert_array_equal(indices, results[0][0])
        np.testing.assert_array_equal(radii, results[0][1])


@BOTH
def test_seed_and_start(greedy):
    points = np.random.default_rng(0).normal(size=(200, 30)).astype(np.float32)
    first, again = (greedy(points, 50, seed=7, projection=8) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert len({int(greedy(points, 1, seed=s)[0][0]) for s in range(30)}) > 15
    named = greedy(points, 50, seed=7, projection=8, start=int(first[0][0]))  # the same start, told: the same coreset
    np.testing.assert_array_equal(named[0], first[0])


def test_patches_are_left_as_they_were():
    points = np.random.default_rng(0).normal(5, 1, (50, 4)).astype(np.float32)
    before = points.copy()
    k_center_greedy(points, 10, seed=0)
    np.testing.assert_array_equal(points, before)


def test_covering_radius_is_at_most_twice_the_best():
    """Gonzalez' bound, against every choice of three of twelve points."""
    from itertools import combinations

    for seed in range(10):
        points = np.random.default_rng(seed).normal(size=(12, 2)).astype(np.float32)
        distances = np.sqrt(square_distances(points))
        best = min(distances[list(three)].min(axis=0).max() for three in combinations(range(12), 3))
        assert best * (1 - 1e-4) <= k_center_greedy(points, 3, seed=seed)[1][-1] <= 2 * best * (1 + 1e-4)


@BOTH
@pytest.mark.parametrize("k", [0, -1, 6, 2.0, True, None, "3"])
def test_k(greedy, k):
    with pytest.raises(InputError, match="^k is .*, expected a whole number from 1 to the number of patches, 5"):
        greedy(np.zeros((5, 2)), k, seed=0)


@BOTH
def test_other_arguments(greedy):
    points = np.zeros((5, 2))
    for start in (-1, 5):
        with pytest.raises(InputError, match=rf"^start is {start}, expected the index of a patch, 0 to 4\.$"):
            greedy(points, 1, seed=0, start=start)
    with pytest.raises(InputError, match="^projection is 0, expected a number of dimensions, or None"):
        greedy(points, 1, seed=0, projection=0)
    with pytest.raises(InputError, match=r"patches has shape \(5, 2, 2\), expected \(N, C\)"):
        greedy(np.zeros((5, 2, 2)), 1, seed=0)
    with pytest.raises(InputError, match="patches holds NaN or infinity in 1 of 5 rows"):
        greedy(np.array([[0, np.nan], *[[0, 0]] * 4]), 1, seed=0)
    with pytest.raises(InputError, match="it is empty, give at least one patch"):
        greedy(np.zeros((0, 2)), 1, seed=0)


def test_numpy_numbers_are_numbers():
    assert len(k_center_greedy(np.eye(5), np.int32(3), seed=0, start=np.int64(2))[0]) == 3


@settings(max_examples=60, deadline=None)
@given(points=clouds(), scale=st.sampled_from([1e-3, 1.0, 50.0]), seed=st.integers(0, 99), data=st.data())
def test_the_bound_in_bfloat16_misses_no_patch_that_comes_nearer(points, scale, seed, data):
    random = np.random.default_rng(seed)
    points = (points * scale).astype(np.float32)
    fresh = random.permutation(len(points))[: data.draw(st.integers(1, len(points)))]
    squares = np.einsum("ij,ij->i", points, points)
    away = square_distances(points)
    nearest = away[:, random.integers(len(points), size=2)].min(axis=1).astype(np.float32)
    nearest[random.random(len(points)) < 0.1] = -1.0  # centres
    with pytest.MonkeyPatch.context() as patched:
        set_size(patched, "ROWS", data.draw(st.integers(1, 40)))
        set_size(patched, "GROUP", data.draw(st.integers(1, 9)))
        groups = rounded.Rounded(points, squares).may_change(fresh, nearest)
        size = rounded.GROUP
    assert len(groups) == -(-len(fresh) // size)
    slack = 1e-5 * squares.max()
    for i, rows in enumerate(groups):
        nearer = away[:, fresh[i * size : (i + 1) * size]].min(axis=1) < nearest - slack
        assert set(np.flatnonzero(nearer)) <= set(rows.tolist())


def test_the_bound_in_bfloat16_spares_most_patches():
    """A bound that lets everything through would be true as well."""
    random = np.random.default_rng(0)
    points = random.normal(size=(4000, 64)).astype(np.float32)
    squares = np.einsum("ij,ij->i", points, points)
    chosen, _ = k_center_greedy(points, 500, seed=0, projection=None)
    nearest = np.full(len(points), np.inf, np.float32)
    coreset._lower(points, squares, nearest, chosen[:400], np.arange(len(points)))
    groups = rounded.Rounded(points, squares).may_change(chosen[400:], nearest)
    assert sum(map(len, groups)) < 0.5 * len(groups) * len(points)


def test_whether_bfloat16_is_quick_is_measured_once():
    assert rounded.bfloat16_is_quick() in (True, False)
    assert rounded.bfloat16_is_quick.cache_info().currsize == 1
