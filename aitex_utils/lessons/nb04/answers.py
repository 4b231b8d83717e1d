"""Right answers and typical wrong ones to the exercises of notebook 04, and what they are tried on; see `nb04.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

# 04.1 -----------------------------------------------------------------------------------------------------------------


def coverings() -> list[tuple]:
    """Patches (N, C) and chosen ones (k, C); in the second case the chosen ones aren't among the patches."""
    rng = np.random.default_rng(0)
    small = np.array([[0, 0], [3, 4], [6, 8]], np.float32), np.array([[0, 0], [6, 6]], np.float32)
    cloud = rng.normal(size=(40, 3)).astype(np.float32)
    return [small, (cloud, rng.normal(size=(4, 3)).astype(np.float32)), (cloud, cloud[[3, 17, 8]])]


def apart(patches: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return all distances (N, k)."""
    return np.linalg.norm(np.asarray(patches, np.float64)[:, None] - chosen, axis=2)


def covering_radius(patches: np.ndarray, chosen: np.ndarray) -> float:
    return float(apart(patches, chosen).min(axis=1).max())


# 04.2 -----------------------------------------------------------------------------------------------------------------


def clouds() -> list[tuple]:
    """Patches (N, C), how many to choose, and where to start; no two distances alike."""
    rng = np.random.default_rng(4)
    line = np.array([[0.0], [1.0], [5.0], [9.0], [20.0]], np.float32)
    return [
        (line, 3, 1),
        (rng.normal(size=(60, 2)).astype(np.float32), 8, 0),
        (rng.normal(size=(80, 5)).astype(np.float32), 12, 33),
    ]


def farthest_first(
    patches: np.ndarray,
    k: int,
    start: int,
    *,
    keep: Any = np.minimum,
    skip: int = 0,
    power: int = 1,
    early: bool = False,
    none_yet: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose greedily, or wrongly in one of several ways: `skip` leaves out the first ones that were chosen."""
    nearest, best, indices, radii = None, start, [], []
    for _ in range(k + skip):
        indices.append(best)
        before = none_yet if nearest is None else nearest.max()
        distance = np.linalg.norm(patches - patches[best], axis=1)
        nearest = distance if nearest is None else keep(nearest, distance)
        best = int(nearest.argmax())
        radii.append(before if early else nearest.max())
    return np.array(indices[skip:]), np.array(radii[skip:]) ** power


def latest(nearest: np.ndarray, distance: np.ndarray) -> np.ndarray:
    return distance


def one_less(patches: np.ndarray, k: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    return farthest_first(patches, k - 1, start, skip=1)


def one_more(patches: np.ndarray, k: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    return farthest_first(patches, k + 1, start)


def as_vectors(patches: np.ndarray, k: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    indices, radii = farthest_first(patches, k, start)
    return patches[indices], radii


# 04.3 -----------------------------------------------------------------------------------------------------------------


def banks() -> list[tuple]:
    return [(10, 2, 3, 2), (1000, 152, 10, 1), (36_864, 128, 2000, 300), (5, 3, 4, 8)]


def traffic(
    n: int, channels: int, k: int, block: int = 1, *, size: int = 4, nearest: int = 2, passes: Any = None
) -> float:
    """Count the bytes moved; `nearest` times the array of nearest distances is moved in each pass."""
    passes = -(-k // block) if passes is None else passes(k, block)
    return passes * size * n * (channels + nearest)


# 04.4 -----------------------------------------------------------------------------------------------------------------


def pools() -> list[tuple]:
    """Pool (P, C), squared distances to the nearest centre (P,), the floor and how many at most.

    In the first case, where all numbers are whole, one of them equals the floor. The last is cut off by `most`.
    """
    rng = np.random.default_rng(1)
    small = np.array([[0, 0], [0, 2], [7, 0], [0, 4]], np.float32), np.array([30, 26, 25, 27], np.float32), 25.0, 9
    wide = rng.normal(size=(40, 3)).astype(np.float32) * 3
    near = rng.uniform(4, 9, size=40).astype(np.float32)
    below_one = wide * np.float32(0.3), near * np.float32(0.1), 0.42, 40
    return [small, (wide, near, 3.9, 40), below_one, (wide * 2, near * 3, 11.0, 4)]


def choose_inside(
    pool: np.ndarray,
    near: np.ndarray,
    floor: float,
    most: int,
    *,
    floored: str = "before",
    bounded: bool = True,
    lowered: bool = True,
) -> list[int]:
    """Choose in the pool as the notebook says, or wrongly in one of several ways."""
    near, chosen = np.array(near), []
    while len(chosen) < (most if bounded else len(near)):
        best = int(near.argmax())
        low = near[best] <= floor if floored == "strictly" else near[best] < floor
        if low and floored in ("before", "strictly"):
            break
        chosen.append(best)
        if low and floored == "after":
            break
        if lowered:
            near = np.minimum(near, ((pool - pool[best]) ** 2).sum(axis=1))
        near[best] = -1.0
    return chosen


def only_the_last(pool: np.ndarray, near: np.ndarray, floor: float, most: int) -> list[int]:
    """Forget what the distances were before the last choice."""
    chosen: list[int] = []
    while len(chosen) < most and near.max() >= floor:
        chosen.append(int(near.argmax()))
        near = ((pool - pool[chosen[-1]]) ** 2).sum(axis=1)
    return chosen


def floor_squared(pool: np.ndarray, near: np.ndarray, floor: float, most: int) -> list[int]:
    return choose_inside(pool, near, floor**2, most)


def by_distance(pool: np.ndarray, near: np.ndarray, floor: float, most: int) -> list[int]:
    """Lower the squared distances by distances whose root was taken."""
    near, chosen = np.array(near), []
    while len(chosen) < most and near.max() >= floor:
        chosen.append(int(near.argmax()))
        near = np.minimum(near, np.linalg.norm(pool - pool[chosen[-1]], axis=1))
    return chosen


# 04.5 -----------------------------------------------------------------------------------------------------------------


def curves() -> list[tuple]:
    """Falling radii and a wanted one: reached exactly, reached between, reached at once, never reached."""
    radii = np.array([9.0, 6.0, 5.0, 2.5, 2.0, 1.0], np.float32)
    return [(radii, 5.0), (radii, 2.2), (radii, 10.0), (radii, 0.5)]


def size_for(radii: np.ndarray, wanted: float) -> int:
    reached = np.flatnonzero(np.asarray(radii) <= wanted)
    return int(reached[0]) + 1 if len(reached) else 0


def index_for_size(radii: np.ndarray, wanted: float) -> int:
    return int(np.argmax(np.asarray(radii) <= wanted))


def strictly_below(radii: np.ndarray, wanted: float) -> int:
    return size_for(radii, np.nextafter(np.float64(wanted), -np.inf))


def first_of_none(radii: np.ndarray, wanted: float) -> int:
    return index_for_size(radii, wanted) + 1


def one_more_than_all(radii: np.ndarray, wanted: float) -> int:
    return int((np.asarray(radii) > wanted).sum()) + 1


def how_many(radii: np.ndarray, wanted: float) -> int:
    return int((np.asarray(radii) <= wanted).sum())


def halved_wrongly(radii: np.ndarray, wanted: float, more: int = 0) -> int:
    """`searchsorted` takes the radii for rising."""
    return int(np.searchsorted(radii, wanted)) + more


def all_if_never(radii: np.ndarray, wanted: float) -> int:
    return size_for(radii, wanted) or len(radii)


def last_one(radii: np.ndarray, wanted: float) -> int:
    reached = np.flatnonzero(np.asarray(radii) <= wanted)
    return int(reached[-1]) + 1 if len(reached) else 0
