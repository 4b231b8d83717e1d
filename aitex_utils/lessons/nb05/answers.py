"""Right and typical wrong answers to exercises 05.1 and 05.2, and what they are tried on; see `nb05.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

# 05.1 -----------------------------------------------------------------------------------------------------------------

NO_NUMBER = "not a number among the distances"
Found = tuple[np.ndarray, np.ndarray]


def banks() -> list[tuple]:
    rng = np.random.default_rng(5)
    plain = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(30, 5)).astype(np.float32)
    far = (rng.normal(size=(400, 6)) + 30).astype(np.float32)  # far from 0: squares of copies come out below 0
    hand = np.array([[0, 0], [6, 7]], np.float32), np.array([[0, 0], [3, 4], [6, 8]], np.float32)
    return [hand, plain, (far[::-1][:200].copy(), far)]


def squares_between(patches: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Squared distances (n, M) in float64, by differences: exact enough to judge by."""
    differences = patches[:, None].astype(np.float64) - vectors[None].astype(np.float64)
    return (differences**2).sum(axis=2)


def nearest(patches: np.ndarray, vectors: np.ndarray) -> Found:
    squares = squares_between(patches, vectors)
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


def numbers_only(given: Any, *_: Any) -> Any:
    """Which of the copies come out below 0 hangs on the order of rounding, so all such answers count as one."""
    if isinstance(given, (tuple, list, np.ndarray)) and len(given) == 2:
        distances = np.asarray(given[0])
        if distances.dtype.kind == "f" and np.isnan(distances).any():
            return NO_NUMBER
    return given


def found_alike(expected: Any, got: Any, patches: np.ndarray, vectors: np.ndarray) -> bool:
    """Distances to what float32 gives in a matrix product; any vector will do that is as near as the expected one."""
    if isinstance(expected, str) or isinstance(got, str):
        return isinstance(expected, str) and isinstance(got, str) and expected == got
    (wanted, which), (distances, indices) = expected, got
    distances, indices = np.asarray(distances, float), np.asarray(indices)
    if distances.shape != np.shape(wanted) or indices.shape != np.shape(which) or (indices % 1 != 0).any():
        return False
    scale = float((vectors.astype(float) ** 2).sum(axis=1).max() + (patches.astype(float) ** 2).sum(axis=1).max())
    slack = 32 * np.finfo(np.float32).eps * scale
    if (abs(distances**2 - np.asarray(wanted, float) ** 2) > slack + 1e-5 * np.asarray(wanted, float) ** 2).any():
        return False
    if len(which) > len(patches) or indices.min() < 0 or indices.max() >= len(vectors) or len(which) != len(patches):
        return bool(np.array_equal(indices, which))
    to = squares_between(patches, vectors)
    rows = np.arange(len(patches))
    return bool((abs(to[rows, indices.astype(int)] - to[rows, np.asarray(which, int)]) <= slack).all())


def _by_product(patches: np.ndarray, vectors: np.ndarray, times: float = 2.0) -> np.ndarray:
    own, others = (patches**2).sum(axis=1), (vectors**2).sum(axis=1)
    return own[:, None] - times * (patches @ vectors.T) + others


def _rooted(squares: np.ndarray) -> Found:
    return np.sqrt(squares.clip(0).min(axis=1)), squares.argmin(axis=1)


def squared(patches: np.ndarray, vectors: np.ndarray) -> Found:
    distances, indices = nearest(patches, vectors)
    return distances**2, indices


def below_zero(patches: np.ndarray, vectors: np.ndarray) -> Any:
    squares = _by_product(patches, vectors)
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


def factor_forgotten(patches: np.ndarray, vectors: np.ndarray) -> Found:
    return _rooted(_by_product(patches, vectors, 1.0))


def largest_product(patches: np.ndarray, vectors: np.ndarray) -> Found:
    indices = (patches @ vectors.T).argmax(axis=1)
    return np.linalg.norm(patches - vectors[indices], axis=1), indices


def own_norm_forgotten(patches: np.ndarray, vectors: np.ndarray, clip: str = "late") -> Found:
    squares = (vectors**2).sum(axis=1) - 2 * patches @ vectors.T
    if clip == "early":
        squares = squares.clip(0)
    return _rooted(squares) if clip else (np.sqrt(squares.min(axis=1)), squares.argmin(axis=1))


def wrong_axis(patches: np.ndarray, vectors: np.ndarray) -> Found:
    return nearest(vectors, patches)


# 05.2 -----------------------------------------------------------------------------------------------------------------


def searches() -> list[tuple]:
    vectors = np.array([[0, 0], [4, 0], [0, 0], [9, 9]], np.float32)
    patches = np.array([[1, 0], [3, 0], [8, 9], [9, 8]], np.float32)
    hand = patches, vectors, np.array([2, 1, 3, -1]), np.array([0, 1, 3, 3])
    across = 4.0 * np.arange(12)
    base = np.stack([across, np.full(12, 2.0)], axis=1)
    twice = np.concatenate([base, base * [1, 1 + 2**-18]]).astype(np.float32)  # each has a twin, a trifle farther off
    many, exact = np.stack([across, np.zeros(12)], axis=1).astype(np.float32), np.arange(12)
    found = np.array([0, 1, 2, 15, 16, 17, 6, 8, 3, 9, -1, -1])  # the nearest, twins, others, and none
    return [hand, (many, twice, found, exact)]


def _distance(patches: np.ndarray, vectors: np.ndarray, which: np.ndarray) -> np.ndarray:
    return np.linalg.norm(patches.astype(np.float64) - vectors[which], axis=1)


def recall(patches: np.ndarray, vectors: np.ndarray, found: np.ndarray, exact: np.ndarray) -> float:
    hit = _distance(patches, vectors, found) <= _distance(patches, vectors, exact) * (1 + 1e-5)
    return float((hit & (found >= 0)).mean())


def missing_taken(patches: np.ndarray, vectors: np.ndarray, found: np.ndarray, exact: np.ndarray) -> float:
    """As NumPy reads it, -1 is the last vector."""
    return recall(patches, vectors, np.where(found < 0, len(vectors) + found, found), exact)


def same_index(patches: np.ndarray, vectors: np.ndarray, found: np.ndarray, exact: np.ndarray) -> float:
    return float((found == exact).mean())


def no_tolerance(patches: np.ndarray, vectors: np.ndarray, found: np.ndarray, exact: np.ndarray) -> float:
    hit = _distance(patches, vectors, found) <= _distance(patches, vectors, exact)
    return float((hit & (found >= 0)).mean())
