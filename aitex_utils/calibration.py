"""Make anomaly scores comparable: position-wise normalisation, and subtraction of a strip's background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import InputError, check_number
from .fast.bf16_bound import has_fast_bf16
from .fast.pruned_search import MIN_SIZE, PrunedSearch
from .features import split_branches
from .memory_bank import MemoryBank
from .safety.devices import check_device
from .safety.scores import check_float32, check_map
from .scoring import geometric_mean_distance

BACKGROUND_LIMIT = 2.5  # times its median: on AITEX's normal strips the background reaches 1.8 times its median


def position_scale(distances: Sequence[np.ndarray], quantile: float = 0.9) -> np.ndarray:
    """Return the typical distance of normal patches at each position of a tile.

    Near its edge a tile's patches lie farther from the bank than in its centre, because the network sees something
    else than fabric beyond the edge. Without normalisation most false alarms lie there.

    Parameters
    ----------
    distances : sequence of ndarray, each of shape (H', W')
        Distances of n normal tiles, see `leave_one_out_distances`.
    quantile : float
        Quantile of the distances that counts as typical.

    Returns
    -------
    ndarray, shape (H', W')
        float32, above 0; 1 where the tiles are copies of each other, so that there is nothing to normalise by.

    Notes
    -----
    The scale is row quantile times column quantile, divided by the quantile of all distances: n tiles are too few to
    estimate each position by itself.

    Examples
    --------
    >>> distances = np.ones((8, 4, 4))
    >>> distances[:, 0] = 3
    >>> position_scale(distances, quantile=0.5)[:2].tolist()
    [[3.0, 3.0, 3.0, 3.0], [1.0, 1.0, 1.0, 1.0]]
    """
    distances = np.asarray(distances)  # (n, H', W')
    rows, columns = np.quantile(distances, quantile, axis=(0, 2)), np.quantile(distances, quantile, axis=(0, 1))
    overall = float(np.quantile(distances, quantile))
    if overall <= 0:
        return np.ones(distances.shape[1:], np.float32)
    return np.maximum(rows[:, None] * columns / overall, 1e-3 * overall).astype(np.float32)


def row_scale(distances: Sequence[np.ndarray], quantile: float = 0.9) -> np.ndarray:
    """Return the typical distance of normal patches in each row of a whole strip, which has no edge left or right.

    Parameters
    ----------
    distances : sequence of ndarray, each of shape (H', W')
        Distances of normal strips, see `leave_one_out_distances`; widths can differ.
    quantile : float
        Quantile of the distances that counts as typical.

    Returns
    -------
    ndarray, shape (H', 1)
        float32, above 0; 1 where the strips are copies of each other.

    Examples
    --------
    >>> row_scale([np.array([[2.0, 2.0], [1.0, 1.0]]), np.array([[2.0], [1.0]])]).tolist()
    [[2.0], [1.0]]
    """
    scale = np.quantile(np.concatenate(distances, axis=1), quantile, axis=1)
    least = 1e-3 * float(scale.max()) or 1.0
    return np.maximum(scale, least).astype(np.float32)[:, None]


def leave_one_out_distances(
    samples: Sequence[tuple[int, np.ndarray]],
    vectors: Sequence[np.ndarray],
    groups: Sequence[np.ndarray],
    device: str = "cpu",
) -> list[np.ndarray]:
    """Return the distances of normal tiles or strips to the coreset patches of all *other* tiles or strips.

    The distance to a tile's own coreset patches would be too small, smaller than the distance of any new tile.

    Parameters
    ----------
    samples : sequence of (int, ndarray)
        Numbers of tiles or strips, and their patches (H', W', C).
    vectors : sequence of ndarray, each of shape (k, C / n_branches)
        Coreset of each branch.
    groups : sequence of ndarray, each of shape (k,)
        For each vector the number of its tile or strip.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where the neighbours are searched, as in `memory_bank.MemoryBank`.

    Returns
    -------
    list of ndarray, each of shape (H', W')
        float32. Tiles are left out if a coreset consists of their own patches alone.

    Raises
    ------
    InputError
        If no tile remains.

    Examples
    --------
    >>> samples = [(0, np.zeros((1, 1, 2))), (1, np.full((1, 1, 2), 3.0))]
    >>> vectors = np.array([[0.0, 0.0], [3.0, 3.0]], np.float32)
    >>> [float(one.round(2)[0, 0]) for one in leave_one_out_distances(samples, [vectors], [np.array([0, 1])])]
    [4.239999771118164, 4.239999771118164]
    """
    device = check_device(device)
    usable = [(number, patches) for number, patches in samples if not any((g == number).all() for g in groups)]
    if not usable:
        raise InputError(
            "All coreset patches belong to one tile or strip: fit on more, take a larger coreset, or set "
            "normalize_positions=False."
        )

    def of_branch(branch: int, bank: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
        # One search serves all samples. It is freed before the next branch makes its own.
        search = PrunedSearch(bank) if device == "cpu" and len(bank) >= MIN_SIZE and has_fast_bf16() else None
        parts = [(number, split_branches(patches, len(vectors))[branch]) for number, patches in usable]
        return [_distances_without(part, bank, group == number, search, device) for number, part in parts]

    by_branch = [of_branch(branch, *pair) for branch, pair in enumerate(zip(vectors, groups, strict=True))]
    return [geometric_mean_distance(of_sample) for of_sample in zip(*by_branch, strict=True)]


def subtract_background(anomaly_map: np.ndarray, quantile: float) -> np.ndarray:
    """Subtract from a strip's anomaly map the background around each place on the same strip.

    Strips differ in light and weave, and both drift along a strip. A strip, or a part of it, that differs a little from
    the training strips is not a defect. A place that differs from its surroundings is.

    Parameters
    ----------
    anomaly_map, quantile
        As in `strip_background`.

    Returns
    -------
    ndarray, shape (H, W)
        float32, NaN where the map is.

    Raises
    ------
    InputError
        If the quantile is out of range.

    Notes
    -----
    `strip_background` states three conditions on which a defect counts as background.

    Examples
    --------
    >>> strip = np.full((16, 64), 5.0)
    >>> strip[8, 32] = 7
    >>> above = subtract_background(strip, quantile=0.25)
    >>> float(above[8, 32]), float(above[0, 0])
    (2.0, 0.0)
    """
    anomaly_map = check_float32(anomaly_map, "anomaly_map")
    return anomaly_map - strip_background(anomaly_map, quantile)


def strip_background(anomaly_map: np.ndarray, quantile: float) -> np.ndarray:
    """Return the background around each place of a strip's anomaly map.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        NaN outside the fabric.
    quantile : float
        Quantile that counts as background, 0 to 1: the lower, the larger a defect can be.

    Returns
    -------
    ndarray, shape (H, W)
        float32, NaN in the columns in which the map has any.

    Raises
    ------
    InputError
        If the quantile is out of range.

    Notes
    -----
    Three steps. The first step takes the quantile of each column, as a running median over 2 H + 1 columns. The second
    step adds the quantile of the remaining rows, as a running median over a quarter of the rows. The third step limits
    this background to 2.5 times its median over the strip, so a stretch that is woven wrongly keeps a high score. A
    defect below this limit counts as background where it fills more than the share 1 - `quantile` of H neighbouring
    columns or of H / 8 neighbouring rows.

    Examples
    --------
    >>> strip = np.full((16, 64), 5.0)
    >>> strip[8, 32] = 7
    >>> np.unique(strip_background(strip, quantile=0.25)).tolist()
    [5.0]
    """
    from scipy.ndimage import median_filter

    check_number("background_quantile", quantile, "[0, 1]", example=0.25)
    anomaly_map = check_map(check_float32(anomaly_map, "anomaly_map"))
    height, on_fabric = len(anomaly_map), ~np.isnan(anomaly_map).any(axis=0)
    fabric, background = anomaly_map[:, on_fabric], np.full_like(anomaly_map, np.nan)
    columns = median_filter(np.quantile(fabric, quantile, axis=0), 2 * height + 1, mode="nearest")
    rows = median_filter(np.quantile(fabric - columns, quantile, axis=1), height // 4 | 1, mode="reflect")
    unlimited = columns + rows[:, None]
    background[:, on_fabric] = np.minimum(unlimited, max(BACKGROUND_LIMIT * float(np.median(unlimited)), 0.0))
    return background


def _distances_without(
    patches: np.ndarray, vectors: np.ndarray, exclude: np.ndarray, search: PrunedSearch | None, device: str
) -> np.ndarray:
    """Return the distances (H', W') of patches (H', W', C) to vectors (k, C), except the vectors of `exclude` (k,)."""
    flat = patches.reshape(-1, patches.shape[-1]).astype(np.float32)
    if search is None:
        return MemoryBank(device=device).add(vectors[~exclude]).search(flat, 1)[0].reshape(patches.shape[:2])
    return np.sqrt(search.search(flat, exclude)[0]).astype(np.float32).reshape(patches.shape[:2])
