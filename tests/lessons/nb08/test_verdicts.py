"""Verdicts of notebook 08 follow from the maps, scores and masks that they are given."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.lessons.nb08 import verdicts
from aitex_utils.lessons.nb08.verdicts import (
    compare_aurocs,
    count_components,
    defect_peaks,
    describe_cleaning,
    describe_fix,
    flagged_elsewhere,
    overlap,
)


@pytest.fixture
def planted() -> dict[str, np.ndarray]:
    masks = {name: np.zeros((256, 1024), bool) for name in ("left", "right")}
    masks["left"][100:104, 50:60] = masks["right"][100:104, 600:610] = True
    return masks


def test_a_peak_counts_on_the_defect_and_up_to_8_px_beside_it(planted: dict):
    one = np.zeros((256, 1024))
    one[112, 55] = 3  # 9 px below the last row
    assert defect_peaks(one, planted) == {"left": 0, "right": 0}
    one[111, 617] = 2
    assert defect_peaks(one, planted) == {"left": 0, "right": 2}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(0.5, 1.0, "now found"), (1.0, 0.99, "now missed"), (0.2, 0.3, "missed"), (2.0, 1.5, "found")],
)
def test_a_defect_at_the_threshold_is_found(before: float, after: float, verdict: str, planted: dict):
    maps = [np.where(planted["left"], value, 0.1) for value in (before, after)]
    line = describe_fix(*maps, planted).splitlines()[0]
    assert line.split(maxsplit=4)[-1] == verdict and f"{before:.2f} -> {after:.2f}" in line


def test_false_alarms_are_counted_in_clean_tiles_only(planted: dict):
    mask = planted["left"] | planted["right"]
    one = np.zeros((256, 1024))
    one[0, [10, 300, 620]] = 1  # the first and the last in tiles with a defect
    assert flagged_elsewhere(one, mask) == 1
    assert describe_fix(np.zeros((256, 1024)), one, planted).endswith("clean tiles flagged: 0 -> 1 of 2")


def test_the_interval_decides_the_verdict():
    rng = np.random.default_rng(0)
    labels, groups = rng.random(200) < 0.2, np.repeat(np.arange(20), 10)
    noise = rng.normal(size=200)
    good = noise + 3 * labels
    for before, after, verdict in ((noise, good, "higher"), (good, noise, "lower"), (good, good, "cannot distinguish")):
        text = compare_aurocs(labels, before, after, groups, "fix")
        assert verdict in text and text.startswith("fix: ")
        for scores in (before, after):
            assert f"{metrics.auroc(labels, scores):.3f}" in text


def test_the_quick_auroc_is_the_module_s():
    rng = np.random.default_rng(1)
    labels, scores = rng.random(80) < 0.4, rng.integers(0, 9, 80).astype(float)
    assert verdicts._quick_auroc(labels, scores) == pytest.approx(metrics.auroc(labels, scores))
    assert np.isnan(verdicts._quick_auroc(np.zeros(4, bool), np.ones(4)))


def test_cleaning_is_described_by_components_and_overlap():
    truth = np.zeros((20, 20), bool)
    truth[5:10, 5:10] = True
    raw = truth.copy()
    raw[7, :], raw[15, 15] = False, True
    text = describe_cleaning(raw, truth, truth)
    assert text.startswith("3 components -> 1 component, for 1 marked region.") and text.endswith("77 % -> 100 %.")
    assert count_components(np.zeros((3, 3), bool)) == 0 and count_components(np.eye(3)[::-1] > 0) == 1


def test_overlap_is_intersection_over_union():
    a, b = np.array([True, True, False, False]), np.array([False, True, True, False])
    assert overlap(a, b) == pytest.approx(1 / 3) and overlap(a & False, b & False) == 1
