"""Figures of the report: their alt texts, and that they are drawn for both themes and for extreme scores."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from aitex_utils.inspection import figures
from aitex_utils.inspection.figures import DARK, LIGHT, curves, score_histogram
from aitex_utils.inspection.measures import measure


def svgs(html: str) -> list[str]:
    return [base64.b64decode(data).decode() for data in re.findall(r"image/svg\+xml;base64,([^\"]*)", html)]


def alts(html: str) -> set[str]:
    return set(re.findall(r'alt="([^"]*)"', html))


def test_the_alt_text_of_the_histogram_describes_both_sets():
    (alt,) = alts(score_histogram([1.0, 2.0, 3.0], {"good": [1.0], "defective": [2.5, 8.0]}, 2.5))
    assert alt == (
        "Histograms of scores. 3 held-out good pictures: from 1 to 3, median 2, 1 at or above the threshold. "
        "3 judged pictures: from 1 to 8, median 2.5, 2 at or above the threshold. "
        "The dashed line is the threshold, 2.5."
    )


def test_figures_are_drawn_in_the_ink_of_each_theme():
    light, dark = svgs(score_histogram([1.0, 2.0], {"unlabelled": [1.5]}, 1.8))
    assert LIGHT.ink.lower() in light and LIGHT.ink.lower() not in dark
    assert DARK.ink.lower() in dark and DARK.ink.lower() not in light


def test_kinds_differ_in_hatching():
    plain, _ = svgs(score_histogram([], {"good": [1.0, 2.0]}, 1.5))
    hatched, _ = svgs(score_histogram([], {"good": [1.0], "defective": [2.0]}, 1.5))
    assert "<pattern" in hatched and "<pattern" not in plain


@pytest.mark.parametrize("threshold", [-3.0, 0.97, 1.5, 2.0, 40.0])
def test_no_bar_lies_on_both_sides_of_the_threshold(threshold: float):
    values = np.array([1.0, 1.1, 2.0, threshold])
    edges = figures._bins(values, 30, threshold)
    assert threshold in edges
    assert edges[0] <= values.min() and values.max() < edges[-1]
    assert 12 <= len(edges) - 1 <= figures.MOST_BINS + 2


@pytest.mark.parametrize(
    ("good", "judged", "threshold"),
    [
        ([], [1.0], np.inf),
        ([1.0], [1.0], 1.0),
        ([0.0] * 5, [0.0], 0.0),
        ([1e-12, 2e-12], [3e-12], 2e-12),
        ([-5.0], [1e9], 3.0),
    ],
)
def test_extreme_scores_can_be_drawn(good: list[float], judged: list[float], threshold: float):
    html = score_histogram(good, {"unlabelled": judged, "good": []}, threshold)
    assert len(svgs(html)) == 2 and ("There is no threshold" in html) == np.isinf(threshold)


def test_curves_of_many_pictures_stay_small():
    rng = np.random.default_rng(0)
    labels = rng.random(20_000) < 0.5
    html = curves(measure(rng.random(20_000) + 0.5 * labels, labels, n_resamples=2))
    assert max(map(len, svgs(html))) < 150_000
    (alt,) = alts(html)
    assert re.fullmatch(
        r"ROC curve with an area of 0\.8\d\d, .* average precision of 0\.\d{3}, by chance 0\.\d{3}\.", alt
    )
