"""Sentences of notebook 03 that follow from a measurement, so they are right on every machine and every fabric."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def describe_layers(tile_auroc: Mapping[str, float], pixel_auroc: Mapping[str, float]) -> str:
    """Say which layer is best at the level of tiles and at the level of pixels.

    Parameters
    ----------
    tile_auroc, pixel_auroc : mapping of str to float
        Mean AUROC by layer, from early to late.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_layers({"blocks.2": 0.8, "blocks.6": 0.9}, {"blocks.2": 0.9, "blocks.6": 0.7}))
    Highest mean tile AUROC: blocks.6 (0.900).
    Highest mean pixel-level AUROC: blocks.2 (0.900).
    The last layer, blocks.6: tile AUROC 0.900, pixel-level AUROC 0.700.
    It is not the best layer at the level of pixels.
    """
    best_tile, best_pixel = (max(values, key=values.__getitem__) for values in (tile_auroc, pixel_auroc))
    last = list(tile_auroc)[-1]
    levels = [level for level, best in (("tiles", best_tile), ("pixels", best_pixel)) if best != last]
    where = f"It is not the best layer at the level of {' or '.join(levels)}." if levels else "It is the best at both."
    return "\n".join(
        (
            f"Highest mean tile AUROC: {best_tile} ({tile_auroc[best_tile]:.3f}).",
            f"Highest mean pixel-level AUROC: {best_pixel} ({pixel_auroc[best_pixel]:.3f}).",
            f"The last layer, {last}: tile AUROC {tile_auroc[last]:.3f}, pixel-level AUROC {pixel_auroc[last]:.3f}.",
            where,
        )
    )


def describe_differences(resamples: Mapping[str, np.ndarray]) -> str:
    """Say which differences are clear of 0: both ends of their 95 % interval have the same sign.

    Parameters
    ----------
    resamples : mapping of str to ndarray, each of shape (n_resamples,)
        Resampled differences (choice - default) by choice.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_differences({"128 px": np.array([-0.2, -0.1]), "384 px": np.array([-0.1, 0.2])}))
    Clearly better than the default: none of 2 choices.
    Clearly worse than the default: 128 px.
    """
    intervals = {name: np.quantile(values, [0.025, 0.975]) for name, values in resamples.items()}
    none = f"none of {len(intervals)} choices"
    better = ", ".join(name for name, (low, _) in intervals.items() if low > 0) or none
    worse = ", ".join(name for name, (_, high) in intervals.items() if high < 0) or none
    return f"Clearly better than the default: {better}.\nClearly worse than the default: {worse}."


def describe_selection(aurocs: np.ndarray, held_out: np.ndarray, default: int) -> str:
    """Compare choices made on the reported fabric with choices made on the other fabrics.

    Parameters
    ----------
    aurocs : ndarray, shape (choices, fabrics)
        Tile AUROC.
    held_out : ndarray, shape (fabrics,)
        On each fabric, the tile AUROC of the choice that is best on the other fabrics.
    default : int
        Index of the default among the choices.

    Returns
    -------
    str

    Examples
    --------
    >>> aurocs = np.array([[0.9, 0.5, 0.8], [0.7, 0.8, 0.9]])
    >>> print(describe_selection(aurocs, np.array([0.7, 0.5, 0.9]), default=0))
    Best of 2 choices per fabric, chosen on the reported tiles: mean tile AUROC 0.867.
    Chosen on the other fabrics: 0.700. The default, which was not chosen: 0.733.
    Choosing on the reported tiles raises the AUROC by 0.167.
    """
    careless, honest = float(aurocs.max(axis=0).mean()), float(np.mean(held_out))
    gap = careless - honest
    verdict = f"raises the AUROC by {gap:.3f}" if gap > 0.0005 else "makes no difference here"
    return "\n".join(
        (
            f"Best of {len(aurocs)} choices per fabric, chosen on the reported tiles: mean tile AUROC {careless:.3f}.",
            f"Chosen on the other fabrics: {honest:.3f}. "
            f"The default, which was not chosen: {aurocs[default].mean():.3f}.",
            f"Choosing on the reported tiles {verdict}.",
        )
    )


def describe_marks(maps: Mapping[str, np.ndarray], mask: np.ndarray) -> str:
    """Say, for each layer, how much larger the distances are at the defect than elsewhere, and how fine its grid is.

    Parameters
    ----------
    maps : mapping of str to ndarray, each of shape (H', W')
        Distances by layer.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool, with a marked pixel.

    Returns
    -------
    str
        A position counts as defective if any pixel of its square of the tile is marked.

    Examples
    --------
    >>> mask = np.zeros((8, 8), bool)
    >>> mask[0, 0] = True
    >>> print(describe_marks({"early": np.array([[6.0, 2.0], [2.0, 2.0]])}, mask))
    early: the distance at the defect is 3.0 times the distance elsewhere, positions are 4 px apart
    """
    lines = []
    for name, distances in maps.items():
        side = len(mask) // len(distances)
        rows, columns = distances.shape
        marked = mask[: rows * side, : columns * side].reshape(rows, side, columns, side).any(axis=(1, 3))
        ratio = distances[marked].mean() / distances[~marked].mean()
        place = f"positions are {side} px apart"
        lines.append(f"{name}: the distance at the defect is {ratio:.1f} times the distance elsewhere, {place}")
    return "\n".join(lines)
