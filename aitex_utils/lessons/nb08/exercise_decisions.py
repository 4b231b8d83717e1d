"""Exercises 08.3 and 08.4: the cheapest threshold, and the post-processing of a mask."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import cheapest_threshold, clean_mask

Array = np.ndarray

# 08.3 -----------------------------------------------------------------------------------------------------------------


def _threshold_cases() -> list[tuple]:
    """Return labels, scores and two costs.

    In the second case two thresholds cost the same, in the third no alarm is cheapest, in the fourth scores are tied.
    """
    rng = np.random.default_rng(2)
    small = np.array([False, False, True, True, False]), np.array([0.1, 0.6, 0.4, 0.9, 0.2])
    labels = rng.random(60) < 0.3
    scores = np.round(rng.normal(size=60) + labels, 1)
    return [(*small, 1.0, 5.0), (*small, 2.0, 2.0), (~small[0], small[1], 9.0, 1.0), (labels, scores, 2.0, 7.0)]


def _cost(flagged: Array, labels: Array, false_alarm_cost: float, miss_cost: float) -> float:
    return float(false_alarm_cost * (flagged & ~labels).sum() + miss_cost * (~flagged & labels).sum())


def _cheapest(
    labels: Array,
    scores: Array,
    false_alarm_cost: float,
    miss_cost: float,
    *,
    flag: Callable = np.greater_equal,
    cost: Callable = _cost,
    never: bool = True,
    lowest: bool = False,
) -> tuple[float, float]:
    """Return the cheapest threshold and its cost, or with a mistake in one part."""
    candidates = [np.inf, *np.unique(scores)[::-1]] if never else [*np.unique(scores)[::-1]]
    costs = [cost(flag(scores, one), labels, false_alarm_cost, miss_cost) for one in candidates]
    best = len(costs) - 1 - int(np.argmin(costs[::-1])) if lowest else int(np.argmin(costs))
    return float(candidates[best]), float(costs[best])


def _cost_of_shares(flagged: Array, labels: Array, false_alarm_cost: float, miss_cost: float) -> float:
    return float(false_alarm_cost * flagged[~labels].mean() + miss_cost * (~flagged)[labels].mean())


CHEAPEST_THRESHOLD = Exercise(
    id="08.3",
    task="The threshold with the lowest cost of false alarms and misses, and this cost.",
    reference=cheapest_threshold,
    cases=_threshold_cases,
    mistakes=(
        Mistake(
            "above for at least",
            "A tile is flagged if its score is *at least* the threshold: compare with `>=`.",
            partial(_cheapest, flag=np.greater),
        ),
        Mistake(
            "no alarm left out",
            "One candidate is missing: no alarm at all, a threshold of `np.inf`. It is the cheapest choice if alarms "
            "are expensive.",
            partial(_cheapest, never=False),
        ),
        Mistake(
            "costs exchanged",
            "The two costs are exchanged. A false alarm is a clean tile that is flagged.",
            lambda labels, scores, a, b: cheapest_threshold(labels, scores, b, a),
        ),
        Mistake(
            "classes exchanged",
            "You count hits and correctly passed tiles. Count clean tiles that are flagged, and defective tiles that "
            "are not.",
            lambda labels, scores, a, b: cheapest_threshold(~labels, scores, a, b),
        ),
        Mistake(
            "shares for counts",
            "You multiply the costs by shares. Count tiles: each false alarm and each miss has its cost.",
            partial(_cheapest, cost=_cost_of_shares),
        ),
        Mistake(
            "false alarms free",
            "The false alarms are missing from the sum, so the lowest threshold always wins.",
            partial(_cheapest, cost=lambda flagged, labels, a, b: b * (~flagged & labels).sum()),
        ),
        Mistake(
            "misses free",
            "The misses are missing from the sum, so no alarm at all always wins.",
            partial(_cheapest, cost=lambda flagged, labels, a, b: a * (flagged & ~labels).sum()),
        ),
        Mistake(
            "lowest of equals",
            "Right, except where two thresholds cost the same: take the higher threshold. It raises fewer alarms.",
            partial(_cheapest, lowest=True),
        ),
        Mistake(
            "cost missing",
            "The threshold is right. Return its cost too: `return threshold, cost`.",
            lambda *case: cheapest_threshold(*case)[0],
        ),
        Mistake(
            "threshold missing",
            "The cost is right. Return the threshold too, first: `return threshold, cost`.",
            lambda *case: cheapest_threshold(*case)[1],
        ),
    ),
    hints=(
        "Try each distinct score as a threshold, and `np.inf`, which flags nothing. Keep the cheapest.",
        "For each threshold: `flagged = scores >= threshold`. False alarms are `(flagged & ~labels).sum()`, misses are "
        "`(~flagged & labels).sum()`.",
        "Go from the highest threshold to the lowest, and replace the best only if the new cost is *lower*.",
    ),
    praise="You can now choose a threshold from costs instead of a rate.",
)

# 08.4 -----------------------------------------------------------------------------------------------------------------


def _mask_cases() -> list[tuple]:
    """Return a mask, the side of the kernel and the smallest area.

    Shapes: a ring with a gap, two halves of a bar, specks near each other and alone, and a diagonal thread.
    """
    small = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 1], [1, 1, 1, 0, 0, 0]], bool)
    shapes = np.zeros((48, 60), bool)
    shapes[8:19, 8:19] = True
    shapes[10:17, 10:17] = False
    shapes[8:19, 13:15] = False  # the gap in the ring
    shapes[30:33, 8:16] = shapes[30:33, 18:26] = True  # two halves of a bar
    shapes[12:14, 30:40:3] = True  # specks that closing joins
    shapes[24:27, 40:44] = True  # 12 px
    shapes[38, 36] = shapes[10, 50] = True
    diagonal = np.zeros((20, 20), bool)
    diagonal[np.arange(4, 12), np.arange(4, 12)] = True
    diagonal[15:17, 4:6] = True
    return [(small, 1, 2), (shapes, 5, 12), (diagonal, 1, 5)]


def _close(mask: Array, side: int) -> Array:
    import cv2

    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)) > 0


def _fill(mask: Array) -> Array:
    from scipy.ndimage import binary_fill_holes

    return binary_fill_holes(mask)


def _drop(mask: Array, keep: Callable[[Array], Array], connectivity: int = 8) -> Array:
    """Keep the components whose areas `keep` accepts."""
    import cv2

    _, components, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    areas = statistics[:, cv2.CC_STAT_AREA]
    return np.append(False, keep(areas[1:]))[components]


def _cleaned(
    mask: Array,
    closing: int,
    min_area: int,
    *,
    close: Callable = _close,
    fill: Callable = _fill,
    keep: Callable = lambda areas, least: areas >= least,
    connectivity: int = 8,
) -> Array:
    """Post-process a mask, or with a mistake in one part."""
    return _drop(fill(close(mask, closing)), lambda areas: keep(areas, min_area), connectivity)


def _open(mask: Array, side: int) -> Array:
    import cv2

    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8)) > 0


def _dilate(mask: Array, side: int) -> Array:
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def _filled_first(mask: Array, closing: int, min_area: int) -> Array:
    return _drop(_close(_fill(mask), closing), lambda areas: areas >= min_area)


def _dropped_first(mask: Array, closing: int, min_area: int) -> Array:
    return _fill(_close(_drop(mask, lambda areas: areas >= min_area), closing))


CLEAN_MASK = Exercise(
    id="08.4",
    task="A mask after closing, hole filling and the removal of small components, in this order.",
    reference=clean_mask,
    cases=_mask_cases,
    returns="an array of Booleans",
    mistakes=(
        Mistake(
            "opening for closing",
            "You open the mask, which removes thin defects. Closing is dilation, then erosion: `cv2.MORPH_CLOSE`.",
            partial(_cleaned, close=_open),
        ),
        Mistake(
            "closing left out",
            "The closing is missing, so the two halves of a bar stay apart.",
            partial(_cleaned, close=lambda mask, side: mask),
        ),
        Mistake(
            "dilated only",
            "You dilate the mask and leave it larger. Closing erodes it again: `cv2.MORPH_CLOSE` does both.",
            partial(_cleaned, close=_dilate),
        ),
        Mistake(
            "radius for side",
            "Your kernel is too large: its side is `closing` px, not 2 closing + 1.",
            partial(_cleaned, close=lambda mask, side: _close(mask, 2 * side + 1)),
        ),
        Mistake(
            "holes left",
            "The holes are still there. Fill them after the closing, for example with `binary_fill_holes`.",
            partial(_cleaned, fill=lambda mask: mask),
        ),
        Mistake(
            "holes filled first",
            "You fill holes before the closing. A ring with a gap has no hole yet: close the gap first.",
            _filled_first,
        ),
        Mistake(
            "small components dropped first",
            "You drop small components before the closing. Specks of one defect are then lost before the closing can "
            "join them.",
            _dropped_first,
        ),
        Mistake(
            "small components kept",
            "Closing and filling are right. Components of fewer than `min_area` px are still there.",
            lambda mask, closing, min_area: _fill(_close(mask, closing)),
        ),
        Mistake(
            "equal dropped",
            "A component of exactly `min_area` px is kept: compare with `>=`.",
            partial(_cleaned, keep=lambda areas, least: areas > least),
        ),
        Mistake(
            "large dropped",
            "You keep the small components and drop the large components. Reverse the comparison.",
            partial(_cleaned, keep=lambda areas, least: areas < least),
        ),
        Mistake(
            "largest only",
            "You keep the largest component only. A strip can have several defects: keep all that are large enough.",
            partial(_cleaned, keep=lambda areas, least: (areas == areas.max()) & (areas >= least)),
        ),
        Mistake(
            "four neighbours",
            "A diagonal thread falls apart, because your components have 4 neighbours per pixel. Use 8: "
            "`connectivity=8`, or `structure=np.ones((3, 3))` in SciPy.",
            partial(_cleaned, connectivity=4),
        ),
    ),
    hints=(
        "Closing: `cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)` with a kernel of ones.",
        "Holes: `scipy.ndimage.binary_fill_holes`. Components: `cv2.connectedComponentsWithStats(filled, "
        "connectivity=8)`, whose third result has the area of each component in column `cv2.CC_STAT_AREA`.",
        "`kept = areas >= min_area` with `kept[0] = False` for the background. Then `kept[components]` is the mask.",
    ),
    praise="One defect is now one component, and specks raise no alarm.",
)
