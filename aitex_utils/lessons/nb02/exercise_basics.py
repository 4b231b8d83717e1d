"""Exercises 02.1 to 02.3: reconstruction errors, unfolding a feature map, nearest neighbours."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


# 02.1 reconstruction errors of a linear autoencoder


def _reconstructed(points: Array, mean: Array, directions: Array) -> Array:
    return (points - mean) @ directions.T @ directions + mean


def _errors(points: Array, mean: Array, directions: Array) -> Array:
    return np.linalg.norm(points - _reconstructed(points, mean, directions), axis=1)


def _error_cases() -> list[tuple]:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return [
        (np.array([[3.0, 4.0], [1.0, 7.5], [6.0, 1.0]]), np.array([1.0, 2.0]), np.array([[1.0, 0.0]])),
        (rng.normal(size=(6, 4)) + 2, np.array([2.0, 1.5, 2.5, 1.0]), axes[:2]),
    ]


_OWN_MEAN = (
    "You take the mean of the points you are given. But the autoencoder has learnt already, and `mean` is where: a "
    "point to be judged must not move it."
)
RECONSTRUCTION = Exercise(
    "02.1",
    "How far each point is from what a linear autoencoder makes of it.",
    _errors,
    _error_cases,
    (
        Mistake(
            "mean not subtracted",
            "The directions start at the mean, not at the origin. What has to happen to a point before it is "
            "projected, and to the result afterwards?",
            lambda points, mean, directions: np.linalg.norm(points - points @ directions.T @ directions, axis=1),
        ),
        Mistake(
            "mean not put back",
            "You take the mean off before you project, but compare the result with points that still have it.",
            lambda points, mean, directions: np.linalg.norm(
                points - (points - mean) @ directions.T @ directions, axis=1
            ),
        ),
        Mistake(
            "mean added only",
            "You put the mean back, but never took it off: the codes are those of points that still have it. What do "
            "the directions start from?",
            lambda points, mean, directions: np.linalg.norm(points - points @ directions.T @ directions - mean, axis=1),
        ),
        Mistake("own mean", _OWN_MEAN, lambda points, mean, directions: _errors(points, points.mean(), directions)),
        Mistake("own mean", _OWN_MEAN, lambda points, mean, directions: _errors(points, points.mean(0), directions)),
        Mistake(
            "first direction only",
            "Right while there is one direction, wrong with two: only the first is used. All K rows of `directions` "
            "make the code.",
            lambda points, mean, directions: _errors(points, mean, directions[:1]),
        ),
        Mistake(
            "city blocks",
            "These are sums of absolute differences over the channels (the L1 length). Asked for is the straight "
            "length: squares, their sum, and its root.",
            lambda *case: np.abs(case[0] - _reconstructed(*case)).sum(axis=1),
        ),
        Mistake(
            "squares",
            "These are squared lengths. They order the points alike, but a length that is doubled comes out "
            "fourfold: one step is missing.",
            lambda *case: _errors(*case) ** 2,
        ),
        Mistake(
            "mean of squares",
            "This is the mean square over the channels, the usual loss of an autoencoder. Asked for is the length of "
            "the difference, which depends on a sum.",
            lambda *case: _errors(*case) ** 2 / case[1].size,
        ),
        Mistake(
            "what was kept",
            "This is how far the rebuilt point is from the mean: what the autoencoder kept. The error is what it lost.",
            lambda points, mean, directions: np.linalg.norm(_reconstructed(points, mean, directions) - mean, axis=1),
        ),
        Mistake(
            "one number for all points",
            "That is one length for all the points together. Each row is a point: along which axis is a length taken?",
            lambda points, mean, directions: np.linalg.norm(points - _reconstructed(points, mean, directions)),
        ),
        Mistake(
            "one number a channel",
            "There is one number for each channel, but a point has one error. Look at the axis.",
            lambda points, mean, directions: np.linalg.norm(points - _reconstructed(points, mean, directions), axis=0),
        ),
    ),
    (
        "Three steps: to the code and back (four operations on arrays), the difference, its length.",
        "With `z = (points - mean) @ directions.T` each row of `z` is a code, of shape (K,). The way back uses the "
        "same directions, without `.T`.",
        "`np.linalg.norm(differences, axis=...)` gives the length of each row for one of the two axes.",
    ),
    "You have an anomaly signal of the reconstructing kind, in three lines.",
)


# 02.2 unfold a feature map


def _unfold(feature_map: Array) -> Array:
    return feature_map.reshape(len(feature_map), -1).T


UNFOLD = Exercise(
    "02.2",
    "A feature map (C, H', W') as patches (H' W', C), row by row.",
    _unfold,
    lambda: [
        (np.arange(12.0).reshape(2, 2, 3),),
        (np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32),),
        (np.random.default_rng(2).normal(size=(4, 3, 3)),),
    ],
    (
        Mistake(
            "reshape without transpose",
            "The shape is right, and yet each row mixes values of several positions: a reshape keeps the order in "
            "memory, in which a whole channel comes before the next. The channels must be the last axis before you "
            "reshape.",
            lambda feature_map: feature_map.reshape(-1, len(feature_map)),
        ),
        Mistake(
            "columns first",
            "Each row is a patch, but they run down the columns of the grid. `.T` turns all three axes around; the "
            "two of the grid should keep their order.",
            lambda feature_map: feature_map.T.reshape(-1, len(feature_map)),
        ),
        Mistake(
            "channels in rows",
            "All the values are there, but a row is a channel and a column a patch. A memory bank wants a patch a row.",
            lambda feature_map: feature_map.reshape(len(feature_map), -1),
        ),
        Mistake(
            "still a grid",
            "The channels are last, as they should be. Now flatten the grid: two axes become one.",
            lambda feature_map: feature_map.transpose(1, 2, 0),
        ),
    ),
    (
        "Which axis has to be last, so that the numbers of one position lie next to one another?",
        "`np.moveaxis` and `.transpose` change the order of the axes; `.reshape(-1, C)` comes after. There is also a "
        "way that reshapes first, to (C, H' W').",
        "Try it on `np.arange(12).reshape(2, 2, 3)`: the first patch must be [0, 6], the second [1, 7].",
    ),
    "From here on a tile is a heap of vectors, and you know which place each came from.",
)


# 02.3 nearest neighbours without a loop


def _pairs(patches: Array, bank: Array) -> Array:
    return np.linalg.norm(patches[:, None] - bank[None], axis=2)  # (n, M)


def _nearest(patches: Array, bank: Array) -> tuple[Array, Array]:
    pairs = _pairs(patches, bank)
    return pairs.min(axis=1), pairs.argmin(axis=1)


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
    "You return one array. Asked for are two, separated by a comma: the distances, and the indices of the vectors that "
    "they belong to."
)


def _second_nearest(patches: Array, bank: Array) -> tuple[Array, Array]:
    pairs = _pairs(patches, bank)
    order = pairs.argsort(axis=1)[:, 1]
    return np.take_along_axis(pairs, order[:, None], 1)[:, 0], order


def _manhattan(patches: Array, bank: Array) -> tuple[Array, Array]:
    pairs = np.abs(patches[:, None] - bank[None]).sum(axis=2)
    return pairs.min(axis=1), pairs.argmin(axis=1)


NEAREST = Exercise(
    "02.3",
    "The distance of each patch to the bank, and the index of its nearest vector.",
    _nearest,
    _nearest_cases,
    (
        Mistake(
            "squared distances",
            "The neighbours are right, the distances are their squares. Where is the root?",
            lambda *case: (_nearest(*case)[0] ** 2, _nearest(*case)[1]),
        ),
        Mistake(
            "wrong axis",
            "You give one answer for each vector of the bank: which patch is nearest to it. Asked is the other way "
            "round. Which axis of your table of distances belongs to the bank?",
            lambda patches, bank: _nearest(bank, patches),
        ),
        Mistake(
            "city blocks",
            "These are sums of absolute differences (the L1 or Manhattan distance). PatchCore measures as the crow "
            "flies.",
            _manhattan,
        ),
        Mistake(
            "farthest",
            "These are the farthest vectors. Far from the nearest is what makes a patch strange.",
            lambda *case: (_pairs(*case).max(axis=1), _pairs(*case).argmax(axis=1)),
        ),
        Mistake(
            "the nearest left out",
            "You pass over the nearest vector and take the second. That is right when a bank is compared with "
            "itself, where each vector meets itself first. A patch that is being tested isn't in the bank.",
            _second_nearest,
        ),
        Mistake(
            "order of results",
            "Both results are right, but in the wrong order: distances first, then indices.",
            lambda *case: _nearest(*case)[::-1],
        ),
        Mistake("one of two", _ONE_ARRAY, lambda *case: _nearest(*case)[0]),
        Mistake("one of two", _ONE_ARRAY, lambda *case: _nearest(*case)[1]),
    ),
    (
        "You need a table of all distances first: a row for each patch, a column for each vector of the bank.",
        "`patches[:, None]` has shape (n, 1, C) and `bank[None]` has (1, M, C). What shape has their difference?",
        "From the table (n, M) take `.min` and `.argmin`, along the axis of the bank.",
    ),
    "That is all of PatchCore's search; FAISS only does it sooner.",
)
