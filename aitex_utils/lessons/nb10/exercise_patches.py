"""Exercises 10.1 and 10.2: the origin of a bank vector, and the quality of an approximate search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import patch_origin, search_quality

Array = np.ndarray
Pair = tuple[int, int]

# 10.1 -----------------------------------------------------------------------------------------------------------------


def _origin_cases() -> list[tuple]:
    """Return indices, grids and shapes of tiles: oblong grids, the last patch of a tile, and the first."""
    return [
        (7, (2, 3), (16, 24)),
        (23, (4, 6), (32, 96)),
        (24, (4, 6), (32, 96)),
        (5 * 1024 + 33, (32, 32), (256, 256)),
        (3 * 512 + 100, (16, 32), (256, 256)),
    ]


def _origin(
    index: int,
    grid: Pair,
    tile_shape: Pair,
    *,
    per_tile: Callable[[Pair], int] = lambda grid: grid[0] * grid[1],
    place: Callable[[int, Pair], Pair] = lambda position, grid: divmod(position, grid[1]),
    pixel: Callable[[int, int], int] = lambda number, stride: number * stride,
) -> tuple[int, int, int]:
    """Return the origin of a patch, or with a mistake in one part."""
    tile, position = divmod(index, per_tile(grid))
    row, column = place(position, grid)
    strides = tile_shape[0] // grid[0], tile_shape[1] // grid[1]
    return tile, pixel(row, strides[0]), pixel(column, strides[1])


def _column_by_column(position: int, grid: Pair) -> Pair:
    column, row = divmod(position, grid[0])
    return row, column


def _exchanged(index: int, grid: Pair, tile_shape: Pair) -> tuple[int, int, int]:
    tile, top, left = patch_origin(index, grid, tile_shape)
    return tile, left, top


def _not_within_tile(index: int, grid: Pair, tile_shape: Pair) -> tuple[int, int, int]:
    row, column = divmod(index, grid[1])
    tile = index // (grid[0] * grid[1])
    return tile, row * (tile_shape[0] // grid[0]), column * (tile_shape[1] // grid[1])


def _strides_exchanged(index: int, grid: Pair, tile_shape: Pair) -> tuple[int, int, int]:
    tile, position = divmod(index, grid[0] * grid[1])
    row, column = divmod(position, grid[1])
    return tile, row * (tile_shape[1] // grid[1]), column * (tile_shape[0] // grid[0])


PATCH_ORIGIN = Exercise(
    id="10.1",
    task="The training tile of a bank vector, and the upper left pixel of its patch.",
    reference=patch_origin,
    cases=_origin_cases,
    mistakes=(
        Mistake(
            "column by column",
            "You count the patches column by column. They are counted row by row: divide by the number of *columns*.",
            partial(_origin, place=_column_by_column),
        ),
        Mistake(
            "divided by rows",
            "You divide the position in the tile by the number of rows. A row has `columns` patches: divide by "
            "`grid[1]`.",
            partial(_origin, place=lambda position, grid: divmod(position, grid[0])),
        ),
        Mistake(
            "row and column exchanged",
            "The tile is right, but `top` and `left` are exchanged. The row comes first.",
            _exchanged,
        ),
        Mistake(
            "patches for pixels",
            "Tile, row and column are right, but in units of patches. Multiply by the stride in px: the height of the "
            "tile divided by the rows of the grid, and the width by its columns.",
            partial(_origin, pixel=lambda number, stride: number),
        ),
        Mistake(
            "middle for corner",
            "This is the middle of the patch's rectangle. Return its upper left pixel.",
            partial(_origin, pixel=lambda number, stride: number * stride + stride // 2),
        ),
        Mistake(
            "row of the whole set",
            "The row still counts the patches of all previous tiles. Take the remainder within the tile first: "
            "`divmod(index, rows * columns)`.",
            _not_within_tile,
        ),
        Mistake(
            "tile by its rows",
            "You divide the index by the number of rows to find the tile. A tile has rows x columns patches: divide by "
            "their product.",
            partial(_origin, per_tile=lambda grid: grid[0]),
        ),
        Mistake(
            "strides exchanged",
            "The strides are exchanged. The row is multiplied by height / rows, and the column by width / columns.",
            _strides_exchanged,
        ),
    ),
    hints=(
        "A tile has rows x columns patches. How many whole tiles fit into `index`, and what remains?",
        "`divmod(a, b)` returns quotient and remainder. Use it once for the tile, and once for the row in the tile.",
        "`tile, position = divmod(index, rows * columns)` and `row, column = divmod(position, columns)`. Then multiply "
        "row and column by their strides in px.",
    ),
    praise="Each vector of the bank now leads back to a place on a training tile.",
)

# 10.2 -----------------------------------------------------------------------------------------------------------------

LIMIT = 1 + 1e-6


def _quality_cases() -> list[tuple]:
    """Return exact and approximate distances, the latter never smaller.

    In the second case, a wrong distance exceeds the exact maximum. In the third case, some distances are rounded.
    """
    small = np.array([[[1.0, 2.0]], [[3.0, 1.0]]], np.float32)
    overtaken = np.array([[[1.0, 4.0, 3.0]], [[2.0, 5.0, 1.0]], [[1.0, 1.0, 6.0]]], np.float32)
    rng = np.random.default_rng(0)
    exact = rng.gamma(4, 1, (12, 5, 4)).astype(np.float32)
    missed = rng.random(exact.shape) < 0.15
    approximate = np.where(missed, exact * (1 + rng.random(exact.shape)), exact).astype(np.float32)
    approximate[:4] = np.nextafter(approximate[:4], np.float32(np.inf))
    return [
        (small, small + np.array([[[0.5, 0.0]], [[0.5, 0.0]]], np.float32)),
        (overtaken, overtaken + np.array([[[0, 0, 2.0]], [[0, 0, 0]], [[0, 0, 1.0]]], np.float32)),
        (exact, approximate),
    ]


def _right(exact: Array, approximate: Array) -> Array:
    return approximate <= exact * LIMIT


def _quality(recall: Callable, unchanged: Callable) -> Callable:
    """Return a function that makes a mistake in one of its two results."""
    return lambda exact, approximate: (float(recall(exact, approximate)), float(unchanged(exact, approximate)))


def _recall(exact: Array, approximate: Array) -> float:
    return _right(exact, approximate).mean()


def _unchanged(exact: Array, approximate: Array) -> float:
    return (approximate.max(axis=(1, 2)) <= exact.max(axis=(1, 2)) * LIMIT).mean()


def _at_maximum(exact: Array, approximate: Array) -> float:
    rows = np.arange(len(exact))
    best = exact.reshape(len(exact), -1).argmax(axis=1)
    return _right(exact, approximate).reshape(len(exact), -1)[rows, best].mean()


def _same_place(exact: Array, approximate: Array) -> float:
    places = [distances.reshape(len(distances), -1).argmax(axis=1) for distances in (exact, approximate)]
    return (places[0] == places[1]).mean()


SEARCH_QUALITY = Exercise(
    id="10.2",
    task="The recall@1 over all patches, and the share of tiles with an unchanged score.",
    reference=search_quality,
    cases=_quality_cases,
    mistakes=(
        Mistake(
            "patch of the maximum",
            "The recall is right. For the second value, you test only the patch with the largest *exact* distance. "
            "A wrong distance of another patch can exceed it, so compare the two maxima.",
            _quality(_recall, _at_maximum),
        ),
        Mistake(
            "place of the maximum",
            "The recall is right. For the second value, you compare the positions of the maxima. Compare their values.",
            _quality(_recall, _same_place),
        ),
        Mistake(
            "all patches of a tile",
            "The recall is right. The second value counts tiles in which *all* patches are right. The score depends on "
            "the largest distance alone.",
            _quality(_recall, lambda e, a: _right(e, a).all(axis=(1, 2)).mean()),
        ),
        Mistake(
            "one maximum for all tiles",
            "The recall is right. For the second value, take one maximum per tile: `max(axis=(1, 2))`.",
            _quality(_recall, lambda e, a: float(a.max() <= e.max() * LIMIT)),
        ),
        Mistake(
            "tiles for patches",
            "The second value is right. The recall counts *patches*: compare all distances, not only the maxima.",
            _quality(_unchanged, _unchanged),
        ),
        Mistake(
            "exchanged",
            "Both values are right, but in the wrong order: the recall comes first.",
            lambda exact, approximate: search_quality(exact, approximate)[::-1],
        ),
        Mistake(
            "misses for hits",
            "You return the shares of wrong distances and changed scores. Return 1 minus each of them.",
            lambda exact, approximate: tuple(1 - value for value in search_quality(exact, approximate)),
        ),
        Mistake(
            "no tolerance",
            "You compare with `==`, but equal distances can differ by rounding. Use the limit of the task: "
            "`approximate <= exact * (1 + 1e-6)`.",
            lambda e, a: (float((e == a).mean()), float((e.max(axis=(1, 2)) == a.max(axis=(1, 2))).mean())),
        ),
        Mistake(
            "counts for shares",
            "You return counts. Divide the first by the number of patches, and the second by the number of tiles.",
            lambda e, a: (float(_right(e, a).sum()), float((a.max(axis=(1, 2)) <= e.max(axis=(1, 2)) * LIMIT).sum())),
        ),
    ),
    hints=(
        "An approximate search can only miss the nearest vector, so its distance is never smaller. A distance is "
        "right if it does not exceed the exact distance, apart from rounding.",
        "Recall: `(approximate <= exact * (1 + 1e-6)).mean()`. For the second value, first take the largest distance "
        "of each tile, in both arrays.",
        "`approximate.max(axis=(1, 2)) <= exact.max(axis=(1, 2)) * (1 + 1e-6)`, and the mean over the tiles.",
    ),
    praise="The second value is lower than the recall if the misses concentrate where the distances are large.",
)
