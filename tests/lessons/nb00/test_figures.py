"""Figures of notebook 00 draw the values that their captions state."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb00.figures import plot_patch_scores, plot_thresholds

TILE, MASK = np.zeros((16, 16), np.uint8), np.eye(16) > 0


def test_patch_scores_lie_over_the_pixels_of_their_tile():
    scores = np.arange(4.0).reshape(2, 2)
    figure, caption = plot_patch_scores(TILE, MASK, scores)
    left, right, bar = figure.axes
    assert left.images[0].get_extent() == right.images[0].get_extent() == [0, 16, 16, 0]
    assert np.array_equal(right.images[0].get_array(), scores) and left.lines
    assert "median 1.50, highest 3.00" in caption and bar.get_ylabel() == "distance to the memory bank"


@pytest.mark.parametrize(
    ("tile", "scores", "message"),
    [(TILE[:8], np.eye(2), "expected"), (TILE, np.ones(4), "expected"), (TILE, np.full((2, 2), np.nan), "NaN")],
)
def test_patch_scores_that_cannot_be_drawn_are_refused(tile: np.ndarray, scores: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        plot_patch_scores(tile, MASK, scores)


def drawn_share(axis, threshold: float) -> float:
    """Return the height of the curve at a threshold, in per cent."""
    steps = axis.patches[0].get_data()
    return float(steps.values[np.searchsorted(steps.edges, threshold, side="right") - 1])


def test_the_curves_show_the_share_of_tiles_that_reach_each_threshold():
    rng = np.random.default_rng(0)
    clean, defective = rng.normal(0, 1, 40).astype(np.float32), rng.normal(2, 1, 12).astype(np.float32)
    figure, caption = plot_thresholds(clean, defective, {"A": 0.5, "B": 2.0}, 0.05)
    above, below = figure.axes
    for threshold in (0.5, 2.0):
        assert drawn_share(above, threshold) == pytest.approx(100 * (defective >= threshold).mean())
        assert drawn_share(below, threshold) == pytest.approx(100 * (clean >= threshold).mean())
    assert [text.get_text() for text in above.texts] == ["A", "B"]
    assert "12 defective" in caption and "40 clean" in caption and "thresholds A, B" in caption
    assert {line.get_linestyle() for line in below.lines} == {"--", ":"}


@pytest.mark.parametrize(("clean", "thresholds"), [([], {"A": 1.0}), ([1.0], {})])
def test_thresholds_without_scores_or_names_are_refused(clean: list, thresholds: dict):
    with pytest.raises(InputError, match="at least one|empty"):
        plot_thresholds(np.array(clean), np.array([1.0]), thresholds, 0.05)
