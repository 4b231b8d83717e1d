"""Exercises 09.6 and 09.8: errors by distance to the edge of a tile, and the residual of a PCA on patches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .edges import edge_distances, error_by_distance
from .pca import pca_residuals

Array = np.ndarray

# 09.6 -----------------------------------------------------------------------------------------------------------------


def _edge_cases() -> list[tuple]:
    """Return error maps and a number of distances. No two sides of a map have equal errors."""
    rng = np.random.default_rng(0)
    small = np.array([[[9, 8, 7, 6], [5, 2, 1, 9], [4, 3, 2, 8], [3, 9, 9, 7]]], float)
    return [(small, 2), (rng.random((3, 9, 9)), 4), (rng.random((2, 12, 12)) ** 2, 5)]


def _by_distances(distances: Callable[[int], Array], finish: Callable[..., Array] = np.mean) -> Callable:
    """Return an answer that uses other distances, or another summary than the mean."""

    def answer(errors: Array, width: int) -> Array:
        of_pixels = distances(errors.shape[-1])
        return np.array([finish(errors[:, of_pixels == distance]) for distance in range(width)])

    return answer


def _to_corner(side: int) -> Array:
    return np.minimum(np.arange(side)[:, None], np.arange(side))


def _to_centre(side: int) -> Array:
    return edge_distances(side).max() - edge_distances(side)


def _left_and_right(side: int) -> Array:
    line = np.minimum(np.arange(side), np.arange(side)[::-1])
    return np.broadcast_to(line, (side, side))


def _top_and_bottom(side: int) -> Array:
    return _left_and_right(side).T


def _from_corner(side: int) -> Array:
    line = np.minimum(np.arange(side), np.arange(side)[::-1])
    return line[:, None] + line


def _frames(errors: Array, width: int) -> Array:
    distances = edge_distances(errors.shape[-1])
    return np.array([errors[:, distances <= distance].mean() for distance in range(width)])


def _insides(errors: Array, width: int) -> Array:
    distances = edge_distances(errors.shape[-1])
    return np.array([errors[:, distances >= distance].mean() for distance in range(width)])


def _per_tile(errors: Array, width: int) -> Array:
    return np.stack([error_by_distance(one[None], width) for one in errors])


BY_DISTANCE = Exercise(
    id="09.6",
    task="The mean error of all pixels at each distance to the nearest edge of a tile.",
    reference=error_by_distance,
    cases=_edge_cases,
    mistakes=(
        Mistake(
            "first edge only",
            "You measure the distance to the top and left edges alone. A pixel near the right or the bottom edge is "
            "near an edge too.",
            _by_distances(_to_corner),
        ),
        Mistake(
            "left and right only",
            "You measure the distance to the left and right edges alone. Take the smallest distance to any of the "
            "four.",
            _by_distances(_left_and_right),
        ),
        Mistake(
            "top and bottom only",
            "You measure the distance to the top and bottom edges alone. Take the smallest distance to any of the "
            "four.",
            _by_distances(_top_and_bottom),
        ),
        Mistake(
            "distances added",
            "You add the distances down and across. The nearest edge counts: take the smaller one with `np.minimum`.",
            _by_distances(_from_corner),
        ),
        Mistake(
            "counted from the centre",
            "Your first value belongs to the centre of the tile. The outermost pixels have the distance 0.",
            _by_distances(_to_centre),
        ),
        Mistake(
            "counted from 1",
            "Your values begin at the second ring of pixels. The outermost pixels have the distance 0.",
            _by_distances(lambda side: edge_distances(side) - 1),
        ),
        Mistake(
            "whole frames",
            "Each value is the mean over all pixels up to this distance. Take the pixels at exactly this distance.",
            _frames,
        ),
        Mistake(
            "all further inside",
            "Each value is the mean over all pixels from this distance inwards. Take the pixels at exactly this "
            "distance.",
            _insides,
        ),
        Mistake(
            "sums",
            "You add the errors up. Outer rings have more pixels than inner ones, so sums cannot be compared: take "
            "the mean.",
            _by_distances(edge_distances, np.sum),
        ),
        Mistake(
            "largest",
            "You take the largest error at each distance. The task asks for the mean.",
            _by_distances(edge_distances, np.max),
        ),
        Mistake(
            "one row per tile",
            "You return a row for each tile. The mean goes over all tiles and all pixels at a distance.",
            _per_tile,
        ),
    ),
    hints=(
        "First make an array (S, S) with the distance of each pixel to its nearest edge. In one direction, the "
        "distance "
        "is the smaller one of index and S - 1 - index.",
        "`line = np.minimum(np.arange(S), np.arange(S)[::-1])` is the distance in one direction. "
        "`np.minimum(line[:, None], line)` combines both.",
        "`errors[:, distances == d].mean()` is the mean at distance d. Collect it for all d below `width`.",
    ),
    praise="One curve now shows whether errors depend on the position in a tile.",
    returns="an array",
)

# 09.8 -----------------------------------------------------------------------------------------------------------------


def _pca_cases() -> list[tuple]:
    """Return test patches, normal patches with unequal variances and a mean, and a number of directions."""
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(5, 5))
    normal = rng.normal(size=(60, 5)) * [5, 3, 1, 0.5, 0.2] @ mixing + 4
    patches = rng.normal(size=(7, 5)) * 4 + 1
    small = np.array([[0.0, 0], [2, 0], [4, 1], [6, -1]]), np.array([[3.0, 5], [9, 2]])
    return [(small[1], small[0], 1), (patches, normal, 2), (patches[:4], normal[:30], 3)]


def _other_pca(
    *,
    mean: Callable[[Array, Array], Array] = lambda patches, normal: normal.mean(axis=0),
    fitted_on: Callable[[Array, Array], Array] = lambda patches, normal: normal,
    choose: Callable[[Array, int], Array] = lambda vectors, k: vectors[:k],
    finish: Callable[[Array], Array] = lambda lost: np.linalg.norm(lost, axis=1),
) -> Callable:
    """Return an answer with one part replaced. `choose` picks from directions (C, C) by decreasing variance."""

    def answer(patches: Array, normal: Array, k: int) -> Array:
        centre, data = mean(patches, normal), fitted_on(patches, normal)
        vectors = np.linalg.eigh(np.cov(data, rowvar=False))[1][:, ::-1].T
        kept = choose(vectors, k)
        centred = patches - centre
        return finish(centred - centred @ kept.T @ kept)

    return answer


def _explained_part(patches: Array, normal: Array, k: int) -> Array:
    """Return the length of the part inside the subspace."""
    centred = patches - normal.mean(axis=0)
    vectors = np.linalg.eigh(np.cov(normal, rowvar=False))[1][:, ::-1].T[:k]
    return np.linalg.norm(centred @ vectors.T, axis=1)


def _around_zero(patches: Array, normal: Array, k: int) -> Array:
    """Find the directions without subtraction of the mean."""
    vectors = np.linalg.svd(normal, full_matrices=False)[2][:k]
    return np.linalg.norm(patches - patches @ vectors.T @ vectors, axis=1)


PCA_RESIDUAL = Exercise(
    id="09.8",
    task="The distance of each patch to the subspace of the k directions of largest variance of normal patches.",
    reference=pca_residuals,
    cases=_pca_cases,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "mean not subtracted",
            "Your subspace goes through 0. Subtract the mean of the normal patches, before the fit and in the test.",
            _around_zero,
        ),
        Mistake(
            "mean of the test",
            "You subtract the mean of the test patches. A detector is fitted on normal patches alone, so subtract "
            "their mean.",
            _other_pca(mean=lambda patches, normal: patches.mean(axis=0)),
        ),
        Mistake(
            "fitted on the test",
            "The directions come from the test patches, which contain defects. Fit them on `normal`.",
            _other_pca(fitted_on=lambda patches, normal: patches),
        ),
        Mistake(
            "smallest variance kept",
            "You keep the directions of smallest variance. `np.linalg.eigh` sorts by increasing variance: take the "
            "last k columns.",
            _other_pca(choose=lambda vectors, k: vectors[::-1][:k]),
        ),
        Mistake(
            "rows for columns",
            "`np.linalg.eigh` returns the directions as columns, and you use its rows.",
            _other_pca(choose=lambda vectors, k: vectors[::-1].T[-k:]),
        ),
        Mistake(
            "one direction too many",
            "You keep one direction too many: keep exactly k.",
            _other_pca(choose=lambda vectors, k: vectors[: k + 1]),
        ),
        Mistake(
            "squared",
            "These are squared distances. Take the root, or use `np.linalg.norm` with an axis.",
            _other_pca(finish=lambda lost: (lost**2).sum(axis=1)),
        ),
        Mistake(
            "inside the subspace",
            "You return the length of the part that the subspace explains. The residual is the other part.",
            _explained_part,
        ),
    ),
    hints=(
        "Three steps: mean and directions of `normal`, projection of the centred patches, length of the remainder.",
        "`np.linalg.svd(normal - mean, full_matrices=False)[2][:k]` has the k directions as rows (k, C), by decreasing "
        "variance.",
        "With `centred = patches - mean`, the reconstruction is `centred @ directions.T @ directions`. The answer is "
        "the "
        "norm of the difference, with `axis=1`.",
    ),
    praise="This is a detector in five lines: no training steps, no bank.",
    returns="an array",
)
