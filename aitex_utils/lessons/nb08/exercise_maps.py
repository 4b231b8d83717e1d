"""Exercises 08.1, 08.2 and 08.5: background subtraction, position-wise normalisation, and a planted flaw."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import background_of_colleague, normalise_positions, repaired_background, subtract_background

Array = np.ndarray

# 08.1 -----------------------------------------------------------------------------------------------------------------


def _background_cases() -> list[tuple]:
    """Return a map and a quantile: one map of whole numbers, one with drift and defects, one with another quantile."""
    rng = np.random.default_rng(3)
    small = np.array([[4, 4, 4, 4, 6, 6], [4, 9, 4, 4, 6, 6], [5, 5, 5, 5, 7, 7]], float)
    drifting = rng.gamma(4, 0.25, (16, 60)) + np.linspace(0, 4, 60)
    drifting[6:9, 20:30] += 5
    drifting[:3] += 1.5  # rows at the edge
    other = rng.gamma(4, 0.25, (12, 90)) + np.sin(np.arange(90) / 9)
    return [(small, 0.25), (drifting, 0.25), (other, 0.4)]


def _column_quantiles(anomaly_map: Array, quantile: float) -> Array:
    return np.quantile(anomaly_map, quantile, axis=0)


def _row_quantiles(rest: Array, anomaly_map: Array, quantile: float) -> Array:
    return np.quantile(rest, quantile, axis=1)


def _subtract(
    anomaly_map: Array,
    quantile: float,
    *,
    of_columns: Callable = _column_quantiles,
    of_rows: Callable = _row_quantiles,
    width: Callable[[int], int] = lambda height: 2 * height + 1,
    modes: tuple[str, str] = ("nearest", "reflect"),
) -> Array:
    """Subtract the background, or with a mistake in one part."""
    from scipy.ndimage import median_filter

    height = len(anomaly_map)
    rest = anomaly_map - median_filter(of_columns(anomaly_map, quantile), width(height), mode=modes[0])
    rows = of_rows(rest, anomaly_map, quantile)
    return rest - median_filter(rows, height // 4 | 1, mode=modes[1])[:, None]


def _no_window(anomaly_map: Array, quantile: float) -> Array:
    rest = anomaly_map - np.quantile(anomaly_map, quantile, axis=0)
    return rest - np.quantile(rest, quantile, axis=1)[:, None]


def _columns_only(anomaly_map: Array, quantile: float) -> Array:
    from scipy.ndimage import median_filter

    columns = np.quantile(anomaly_map, quantile, axis=0)
    return anomaly_map - median_filter(columns, 2 * len(anomaly_map) + 1, mode="nearest")


def _rows_only(anomaly_map: Array, quantile: float) -> Array:
    from scipy.ndimage import median_filter

    rows = np.quantile(anomaly_map, quantile, axis=1)
    return anomaly_map - median_filter(rows, len(anomaly_map) // 4 | 1, mode="reflect")[:, None]


def _rows_first(anomaly_map: Array, quantile: float) -> Array:
    return _columns_only(_rows_only(anomaly_map, quantile), quantile)


def _background_itself(anomaly_map: Array, quantile: float) -> Array:
    return anomaly_map - subtract_background(anomaly_map, quantile)


def _sign_reversed(anomaly_map: Array, quantile: float) -> Array:
    return -subtract_background(anomaly_map, quantile)


def _clipped(anomaly_map: Array, quantile: float) -> Array:
    return np.maximum(subtract_background(anomaly_map, quantile), 0)


def _one_value(anomaly_map: Array, quantile: float) -> Array:
    return anomaly_map - np.quantile(anomaly_map, quantile)


SUBTRACT_BACKGROUND = Exercise(
    id="08.1",
    task="A strip's map minus the running median of its columns' quantile, then of its rows' quantile.",
    reference=subtract_background,
    cases=_background_cases,
    mistakes=(
        Mistake(
            "mean for quantile",
            "You take the mean of each column or row. A defect raises a mean, so it would count as background. Take "
            "`np.quantile(..., quantile, axis=...)`.",
            partial(
                _subtract,
                of_columns=lambda one, quantile: one.mean(axis=0),
                of_rows=lambda rest, one, quantile: rest.mean(axis=1),
            ),
        ),
        Mistake(
            "median for quantile",
            "You take the median. A defect that fills half of a column would then count as background. Use the "
            "argument `quantile`.",
            partial(
                _subtract,
                of_columns=lambda one, quantile: np.median(one, axis=0),
                of_rows=lambda rest, one, quantile: np.median(rest, axis=1),
            ),
        ),
        Mistake(
            "quantile typed",
            "Right for a quantile of 0.25. Use the argument `quantile` instead of the number.",
            lambda anomaly_map, quantile: subtract_background(anomaly_map, 0.25),
        ),
        Mistake(
            "no window",
            "You subtract each column's own quantile. A defect as tall as the strip would then vanish. Apply the "
            "running median first, `median_filter(columns, width, ...)`.",
            _no_window,
        ),
        Mistake(
            "narrow window",
            "The first window is too narrow. It covers 2 H + 1 columns, where H is the number of rows.",
            partial(_subtract, width=lambda height: height),
        ),
        Mistake(
            "rows of the map",
            "Step 2 starts again from the original map. Take the quantile of each row *after* step 1.",
            partial(_subtract, of_rows=lambda rest, one, quantile: np.quantile(one, quantile, axis=1)),
        ),
        Mistake("columns only", "Step 1 is right. Step 2 is missing: the same with the rows.", _columns_only),
        Mistake("rows only", "Step 2 is right, but step 1 is missing: first the columns.", _rows_only),
        Mistake(
            "rows first", "You do the rows first. The task asks for the columns first, then the rows.", _rows_first
        ),
        Mistake(
            "background returned",
            "You return the background. The task asks for the map minus the background.",
            _background_itself,
        ),
        Mistake("sign reversed", "The sign is reversed: it is the map minus the background.", _sign_reversed),
        Mistake(
            "negative values cut",
            "You replace negative values by 0. Keep them: a place below its background is not an error.",
            _clipped,
        ),
        Mistake(
            "one value for all",
            "You subtract one number from the whole map. Light that drifts along the strip stays in it. Compute one "
            "quantile per column.",
            _one_value,
        ),
        Mistake(
            "other border of the columns",
            'Right, except near the strip\'s ends: the columns need `mode="nearest"`, and the default of '
            '`median_filter` is "reflect".',
            partial(_subtract, modes=("reflect", "reflect")),
        ),
        Mistake(
            "other border of the rows",
            'Right, except near the top and the bottom: the rows need `mode="reflect"`.',
            partial(_subtract, modes=("nearest", "nearest")),
        ),
    ),
    hints=(
        "Step 1 needs one number per column: `np.quantile(anomaly_map, quantile, axis=0)`.",
        'Smooth these numbers with `median_filter(columns, 2 * height + 1, mode="nearest")`, and subtract them. They '
        "have the shape (W,), which fits the rows of the map.",
        "Step 2 does the same with axis=1, a window of `height // 4 | 1` and the mode reflect. Its result needs "
        "`[:, None]`.",
    ),
    praise="Light that drifts along the strip is gone, and small defects stay.",
)

# 08.2 -----------------------------------------------------------------------------------------------------------------


def _position_cases() -> list[tuple]:
    """Return distances of tiles, distances of normal tiles, and a quantile. Rows and columns differ at the edges."""
    rng = np.random.default_rng(5)
    small = np.array([[[2.0, 4.0], [8.0, 6.0]]]), np.array([[[1.0, 2.0], [4.0, 6.0]], [[1.0, 2.0], [4.0, 6.0]]]), 0.5
    by_row, by_column = np.array([3, 1, 1, 1, 2.0]), np.array([1.5, 1, 1, 1, 4.0])
    scale = by_row[:, None] * by_column
    middle = rng.gamma(9, 0.1, (4, 5, 5)) * scale, rng.gamma(9, 0.1, (7, 5, 5)) * scale, 0.9
    return [small, middle, (middle[0][:2] * 2, middle[1][::2] + 0.3, 0.6)]


def _normalise(
    distances: Array,
    normal: Array,
    quantile: float,
    *,
    typical: Callable = np.quantile,
    scale: Callable = lambda rows, columns, overall: rows[:, None] * columns / overall,
    apply: Callable = lambda distances, scale: distances / scale,
) -> Array:
    """Normalise, or with a mistake in one part."""
    rows = typical(normal, quantile, axis=(0, 2))
    columns = typical(normal, quantile, axis=(0, 1))
    return apply(distances, scale(rows, columns, typical(normal, quantile)))


def _each_position(distances: Array, normal: Array, quantile: float) -> Array:
    return distances / np.quantile(normal, quantile, axis=0)


NORMALISE_POSITIONS = Exercise(
    id="08.2",
    task="Distances divided by the typical distance of normal tiles: row quantile times column quantile over all.",
    reference=normalise_positions,
    cases=_position_cases,
    mistakes=(
        Mistake(
            "each position by itself",
            "You estimate a scale for each position alone. With few tiles, these scales are noisy. Take one quantile "
            "per row and one per column, and multiply them.",
            _each_position,
        ),
        Mistake(
            "rows and columns exchanged",
            "Rows and columns are exchanged. The quantile of row i runs over all tiles and all columns: `axis=(0, 2)`.",
            partial(_normalise, scale=lambda rows, columns, overall: columns[:, None] * rows / overall),
        ),
        Mistake(
            "scale of the tested tiles",
            "You estimate the scale from the tiles under test. A defect would then cancel its own score. Estimate it "
            "from `normal`.",
            lambda distances, normal, quantile: normalise_positions(distances, distances, quantile),
        ),
        Mistake(
            "not divided by the overall quantile",
            "The product of a row and a column has squared units. Divide it by the quantile of all distances.",
            partial(_normalise, scale=lambda rows, columns, overall: rows[:, None] * columns),
        ),
        Mistake(
            "mean for quantile",
            "You take means. Use `np.quantile` with the argument `quantile`.",
            partial(_normalise, typical=lambda normal, quantile, axis=None: normal.mean(axis=axis)),
        ),
        Mistake(
            "quantile typed",
            "Right for a quantile of 0.9. Use the argument `quantile` instead of the number.",
            lambda distances, normal, quantile: normalise_positions(distances, normal, 0.9),
        ),
        Mistake(
            "subtracted",
            "You subtract the scale. Divide instead, so the spread shrinks too where distances are large.",
            partial(_normalise, apply=lambda distances, scale: distances - scale),
        ),
        Mistake(
            "multiplied",
            "You multiply by the scale, which makes large distances at the edge larger still. Divide by it.",
            partial(_normalise, apply=lambda distances, scale: distances * scale),
        ),
        Mistake(
            "rows only",
            "You divide by the factors of the rows only. Divide by the factors of the columns too.",
            partial(_normalise, scale=lambda rows, columns, overall: rows[:, None] + 0 * columns),
        ),
        Mistake(
            "columns only",
            "You divide by the factors of the columns only. Divide by the factors of the rows too.",
            partial(_normalise, scale=lambda rows, columns, overall: 0 * rows[:, None] + columns),
        ),
        Mistake(
            "scale returned",
            "You return the scale. The task asks for the distances divided by it.",
            partial(_normalise, apply=lambda distances, scale: scale),
        ),
    ),
    hints=(
        "Take three kinds of quantile of `normal`: one per row, one per column, and one of all distances.",
        "`np.quantile(normal, quantile, axis=(0, 2))` has one value per row, `axis=(0, 1)` one per column.",
        "The scale is `rows[:, None] * columns / overall`, with the shape of a tile. Divide `distances` by it.",
    ),
    praise="Each position is now measured against normal patches at the same position.",
)

# 08.5 -----------------------------------------------------------------------------------------------------------------


def _flaw_cases() -> list[tuple]:
    """Return a map and the columns of the window. A defect of the second map is as high as the strip."""
    rng = np.random.default_rng(8)
    small = np.array([[1, 1, 1, 7, 1, 2, 2, 2, 2], [1, 1, 1, 7, 1, 2, 2, 2, 2]], float)
    high = rng.gamma(4, 0.25, (12, 80)) + np.linspace(0, 2, 80)
    high[:, 30:36] += 5
    return [(small, 5), (high, 33), (high[:, ::-1][:, :50] * 2, 15)]


def _remove(
    anomaly_map: Array,
    width: int,
    *,
    of_columns: Callable = lambda one: np.quantile(one, 0.25, axis=0),
    smooth: Callable,
) -> Array:
    """Subtract a background, or with a mistake in one part."""
    return anomaly_map - smooth(of_columns(anomaly_map), width)


def _running_mean(columns: Array, width: int) -> Array:
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(columns, width, mode="nearest")


def _running_median(columns: Array, width: int, mode: str = "nearest") -> Array:
    from scipy.ndimage import median_filter

    return median_filter(columns, width, mode=mode)


REPAIRED_BACKGROUND = Exercise(
    id="08.5",
    task="The colleague's background subtraction without its flaw.",
    reference=repaired_background,
    cases=_flaw_cases,
    mistakes=(
        Mistake(
            "unchanged",
            "The flaw is still there. Look at the figure: which line lets the defect's columns raise the "
            "background of their neighbours?",
            background_of_colleague,
        ),
        Mistake(
            "shadow hidden",
            "You replace negative values by 0. This hides the shadow, but the defect is still too low: its own score "
            "is part of the background.",
            lambda anomaly_map, width: np.maximum(background_of_colleague(anomaly_map, width), 0),
        ),
        Mistake(
            "wider mean",
            "A wider window makes the shadow wider and fainter, and drifting light stays in the map. Keep the width, "
            "and replace the mean.",
            partial(_remove, smooth=lambda columns, width: _running_mean(columns, 3 * width)),
        ),
        Mistake(
            "other line changed",
            "You changed the statistic of each column. The running mean is still there, and a defect as tall as the "
            "strip raises every statistic of its columns.",
            partial(_remove, of_columns=lambda one: np.median(one, axis=0), smooth=_running_mean),
        ),
        Mistake(
            "no window",
            "You subtract each column's own quantile. The shadow is gone, and so is the defect: it is as tall as the "
            "strip.",
            partial(_remove, smooth=lambda columns, width: columns),
        ),
        Mistake(
            "one value for all",
            "You subtract one number from all columns. Drifting light then stays in the map. Keep the window.",
            partial(_remove, smooth=lambda columns, width: np.median(columns)),
        ),
        Mistake(
            "other border",
            'Right, except near the ends of the strip: keep `mode="nearest"`, as in the colleague\'s function.',
            partial(_remove, smooth=partial(_running_median, mode="reflect")),
        ),
        Mistake(
            "background returned",
            "You return the background. Return the map minus the background.",
            lambda anomaly_map, width: anomaly_map - repaired_background(anomaly_map, width),
        ),
    ),
    hints=(
        "The map falls below 0 on both sides of the defect. So the background is too high there.",
        "The defect covers 6 columns of a window of 33. Which statistic of 33 numbers ignores 6 large numbers?",
        "Replace `uniform_filter1d` by `median_filter`, with the same width and mode.",
    ),
    praise="A median ignores a minority of high columns, so the defect no longer raises its own background.",
)
