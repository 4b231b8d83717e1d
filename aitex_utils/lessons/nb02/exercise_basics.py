"""Exercises 02.1 to 02.3: reconstruction errors, unfolding a feature map, nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import align, close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import nearest, reconstruction_errors, unfold

Array = np.ndarray


# 02.1 reconstruction errors of a linear autoencoder


def _reconstructed(points: Array, mean: Array, directions: Array) -> Array:
    return (points - mean) @ directions.T @ directions + mean


def _error_cases() -> list[tuple]:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return [
        (np.array([[3.0, 4.0], [1.0, 7.5], [6.0, 1.0]]), np.array([1.0, 2.0]), np.array([[1.0, 0.0]])),
        (rng.normal(size=(6, 4)) + 2, np.array([2.0, 1.5, 2.5, 1.0]), axes[:2]),
    ]


_OWN_MEAN = (
    "You compute the mean of the points to test. The autoencoder was fitted on other points, and `mean` is their mean. "
    "A tested point must not change it."
)
RECONSTRUCTION = Exercise(
    "02.1",
    "The distance between each point and its reconstruction by a linear autoencoder.",
    reconstruction_errors,
    _error_cases,
    (
        Mistake(
            "mean not subtracted",
            "The directions start at the mean, not at the origin. What must happen to a point before it is "
            "projected, and to the result afterwards?",
            lambda points, mean, directions: np.linalg.norm(points - points @ directions.T @ directions, axis=1),
        ),
        Mistake(
            "mean not put back",
            "You subtract the mean before you project, but compare the result with points from which it is not "
            "subtracted.",
            lambda points, mean, directions: np.linalg.norm(
                points - (points - mean) @ directions.T @ directions, axis=1
            ),
        ),
        Mistake(
            "mean added only",
            "You add the mean at the end, but do not subtract it at the start. The directions start at the mean, so "
            "the codes need points minus the mean.",
            lambda points, mean, directions: np.linalg.norm(points - points @ directions.T @ directions - mean, axis=1),
        ),
        Mistake(
            "own mean",
            _OWN_MEAN,
            lambda points, mean, directions: reconstruction_errors(points, points.mean(), directions),
        ),
        Mistake(
            "own mean",
            _OWN_MEAN,
            lambda points, mean, directions: reconstruction_errors(points, points.mean(0), directions),
        ),
        Mistake(
            "first direction only",
            "Right with one direction, wrong with two: you use only the first. The code has one number for each of "
            "the K rows of `directions`.",
            lambda points, mean, directions: reconstruction_errors(points, mean, directions[:1]),
        ),
        Mistake(
            "city blocks",
            "These are sums of absolute differences over the channels (the L1 norm). The exercise needs the Euclidean "
            "norm: the root of the sum of squares.",
            lambda *case: np.abs(case[0] - _reconstructed(*case)).sum(axis=1),
        ),
        Mistake(
            "squares",
            "These are squared norms. They rank the points alike, but doubling a norm multiplies its square by four. "
            "One step is missing.",
            lambda *case: reconstruction_errors(*case) ** 2,
        ),
        Mistake(
            "mean of squares",
            "This is the mean square over the channels, the typical loss of an autoencoder. The exercise needs the "
            "norm of the difference, the root of a sum.",
            lambda *case: reconstruction_errors(*case) ** 2 / case[1].size,
        ),
        Mistake(
            "what was kept",
            "This is the distance between the reconstruction and the mean: the part that the autoencoder keeps. The "
            "error is the part that it loses.",
            lambda points, mean, directions: np.linalg.norm(_reconstructed(points, mean, directions) - mean, axis=1),
        ),
        Mistake(
            "one number for all points",
            "This is one norm for all points together. Each row is a point: along which axis must the norm run?",
            lambda points, mean, directions: np.linalg.norm(points - _reconstructed(points, mean, directions)),
        ),
        Mistake(
            "one number per channel",
            "There is one number per channel, but the exercise needs one per point. Look at the axis.",
            lambda points, mean, directions: np.linalg.norm(points - _reconstructed(points, mean, directions), axis=0),
        ),
    ),
    (
        "There are three steps: compute the reconstructions (four array operations), the differences and their norms.",
        "With `z = (points - mean) @ directions.T` each row of `z` is a code, of shape (K,). The reconstruction "
        "uses the same directions, without `.T`.",
        "`np.linalg.norm(differences, axis=...)` returns the norm of each row for one of the two axes.",
    ),
    "You have the anomaly score of a linear autoencoder, in three lines.",
)


# 02.2 unfold a feature map


UNFOLD = Exercise(
    "02.2",
    "A feature map (C, H', W') as patches (H' W', C), row by row.",
    unfold,
    lambda: [
        (np.arange(12.0).reshape(2, 2, 3),),
        (np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32),),
        (np.random.default_rng(2).normal(size=(4, 3, 3)),),
    ],
    (
        Mistake(
            "reshape without transpose",
            "The shape is right, but each row mixes values of several positions. A reshape keeps the order in "
            "memory, where a whole channel comes before the next. Make the channels the last axis before you reshape.",
            lambda feature_map: feature_map.reshape(-1, len(feature_map)),
        ),
        Mistake(
            "columns first",
            "Each row is a patch, but the patches run down the columns of the grid: position (1, 0) comes before "
            "(0, 1). The formula goes row by row, so `w` must change fastest. Only the channel axis moves, and H' and "
            "W' keep their order.",
            lambda feature_map: feature_map.T.reshape(-1, len(feature_map)),
        ),
        Mistake(
            "channels in rows",
            "All values are there, but a row is a channel and a column is a patch. A memory bank has one "
            "patch per row.",
            lambda feature_map: feature_map.reshape(len(feature_map), -1),
        ),
        Mistake(
            "still a grid",
            "The channels are last, as they should be. Now flatten the grid: two axes become one.",
            lambda feature_map: feature_map.transpose(1, 2, 0),
        ),
    ),
    (
        "Which axis must be last, so that the numbers of one position lie next to one another?",
        "`np.moveaxis` and `.transpose` change the order of the axes, and `.reshape(-1, C)` comes after. Another way "
        "reshapes first, to (C, H' W').",
        "Try it on `np.arange(12).reshape(2, 2, 3)`: the first patch must be [0, 6], the second [1, 7].",
    ),
    "Each row is now one patch, and its index gives its position.",
)


# 02.3 nearest neighbours without a loop


def _pairs(patches: Array, bank: Array) -> Array:
    return np.linalg.norm(patches[:, None] - bank[None], axis=2)  # (n, M)


def _nearest_cases() -> list[tuple]:
    rng = np.random.default_rng(3)
    bank = rng.normal(size=(9, 3))
    return [
        # Whole numbers: the distance of the patch that is in the bank is exactly 0 in every way of computing it.
        (np.array([[0.0, 2.0], [7.0, 1.0], [3.0, 5.0]]), np.array([[4.0, 5.0], [0.0, 0.0], [7.0, 1.0], [9.0, 9.0]])),
        (rng.normal(size=(5, 3)) * 2, bank),
        (rng.normal(size=(9, 3)) * 2, bank),
    ]


_ONE_ARRAY = (
    "You return one array. The exercise needs two, separated by a comma: the distances, and the indices of the nearest "
    "vectors."
)
_FLOAT_INDICES = (
    "The values are right, but the indices are floats, and `bank[indices]` would raise an error. Return integers, "
    "as `argmin` does."
)


def _second_nearest(patches: Array, bank: Array) -> tuple[Array, Array]:
    pairs = _pairs(patches, bank)
    order = pairs.argsort(axis=1)[:, 1]
    return np.take_along_axis(pairs, order[:, None], 1)[:, 0], order


def _manhattan(patches: Array, bank: Array) -> tuple[Array, Array]:
    pairs = np.abs(patches[:, None] - bank[None]).sum(axis=2)
    return pairs.min(axis=1), pairs.argmin(axis=1)


def _agree_in_kind(expected: Any, actual: Any, *_case: Any) -> bool:
    """Say whether results agree, and are integers where integers are expected."""
    pairs = align(plain(expected, False), actual)
    if not close(*pairs, 1e-5):
        return False
    if not isinstance(actual, tuple) or not isinstance(pairs[0], tuple):
        return True  # a single array, or a list that became one array of floats
    return all((e.dtype.kind in "iu") == (a.dtype.kind in "iu") for e, a in zip(*pairs, strict=True))


NEAREST = Exercise(
    "02.3",
    "The distance between each patch and the bank, and the index of its nearest vector.",
    nearest,
    _nearest_cases,
    (
        Mistake(
            "squared distances",
            "The neighbours are right, but the distances are squared. Where is the root?",
            lambda *case: (nearest(*case)[0] ** 2, nearest(*case)[1]),
        ),
        Mistake(
            "wrong axis",
            "You return one answer per vector of the bank: the patch nearest to it. The exercise needs one answer "
            "per patch. Which axis of your table of distances belongs to the bank?",
            lambda patches, bank: nearest(bank, patches),
        ),
        Mistake(
            "city blocks",
            "These are sums of absolute differences (the L1 or Manhattan distance). PatchCore uses the Euclidean "
            "distance.",
            _manhattan,
        ),
        Mistake(
            "farthest",
            "These are the farthest vectors. An anomalous patch is far even from its nearest vector.",
            lambda *case: (_pairs(*case).max(axis=1), _pairs(*case).argmax(axis=1)),
        ),
        Mistake(
            "the nearest left out",
            "You skip the nearest vector and return the second. This is right only if a bank is compared with itself, "
            "because each vector then finds itself first. A test patch is not in the bank.",
            _second_nearest,
        ),
        Mistake(
            "order of results",
            "Both results are right, but in the wrong order: distances first, then indices.",
            lambda *case: nearest(*case)[::-1],
        ),
        Mistake("one of two", _ONE_ARRAY, lambda *case: nearest(*case)[0]),
        Mistake("one of two", _ONE_ARRAY, lambda *case: nearest(*case)[1]),
        Mistake("float indices", _FLOAT_INDICES, lambda *case: (nearest(*case)[0], 1.0 * nearest(*case)[1])),
    ),
    (
        "Start with a table of all distances: a row for each patch, a column for each vector of the bank.",
        "`patches[:, None]` has shape (n, 1, C) and `bank[None]` has (1, M, C). What shape does their difference have?",
        "From the table (n, M) take `.min` and `.argmin`, along the axis of the bank.",
    ),
    "That is the whole search of PatchCore. FAISS computes the same, but faster.",
    agree=_agree_in_kind,
)
