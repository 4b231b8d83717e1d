"""The functions of notebook 07 agree with the package, and with scikit-learn or a literal reading of the definition."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lesson_cells import builder, functions
from measure_definitions import aupro_by_thresholds, maps_and_masks
from nb07_names import NAMES
from scipy import ndimage

from aitex_utils import metrics

SOLUTIONS = {NAMES[number]: function for number, function in functions(builder.solved, NAMES).items()}


@settings(deadline=None)
@given(maps_and_masks(), st.sampled_from([0.05, 0.3, 0.5, 1.0]))
def test_aupro_of_regions(data: tuple[list[np.ndarray], list[np.ndarray]], max_fpr: float):
    """Take regions as the notebook does: 8-connected, without pixels that are NaN."""
    regions, normal = [], []
    for scores, mask in zip(*data, strict=True):
        numbers, count = ndimage.label(mask, np.ones((3, 3)))
        on_fabric = ~np.isnan(scores)
        regions += [scores[(numbers == i) & on_fabric] for i in range(1, count + 1)]
        normal.append(scores[on_fabric & ~mask])
    regions, normal = [region for region in regions if len(region)], np.concatenate(normal)
    if not regions or not len(normal):
        return
    area = SOLUTIONS["aupro"](regions, normal, max_fpr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # regions of NaN only
        assert area == pytest.approx(metrics.aupro(*data, max_fpr), abs=1e-9)
    assert area == pytest.approx(aupro_by_thresholds(*data, max_fpr), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.sampled_from([0.0625, 0.125, 0.25, 0.5, 0.75]))
def test_threshold_is_the_next_number_below_that_of_metrics(values: list[int], rate: float):
    """Rates are sums of powers of two, so no rank depends on rounding."""
    scores = np.array(values, dtype=float)
    threshold = SOLUTIONS["alarm_threshold"](np.full(len(scores), -1.0), scores, scores + 100, rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few normal scores for that rate
        assert np.nextafter(threshold, np.inf) == metrics.conformal_threshold(scores, rate)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("count", [9, 19, 20, 99, 137])
def test_threshold_at_decimal_rates_agrees_with_metrics(rate: float, count: int):
    scores = np.random.default_rng(count).random(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        exact = metrics.conformal_threshold(scores, rate)
    assert SOLUTIONS["alarm_threshold"](scores, scores, scores, rate) == pytest.approx(exact, abs=1e-12)


def test_resampled_strips_give_the_interval_of_metrics():
    """If all strips have a defect, there is one stratum only, and equal seeds give equal resamples."""
    groups = np.repeat(np.array(["a", "b", "c", "d", "e"]), [4, 6, 5, 3, 7])
    labels = np.concatenate([np.arange(n) < 2 for n in (4, 6, 5, 3, 7)])
    scores = np.random.default_rng(0).normal(size=25) + labels
    rng = np.random.default_rng(3)
    resamples = [SOLUTIONS["resample_strips"](groups, rng) for _ in range(200)]
    values = [metrics.auroc(labels[rows], scores[rows]) for rows in resamples]
    interval = metrics.bootstrap_interval(metrics.auroc, labels, scores, groups, n_resamples=200, seed=3)
    assert tuple(np.quantile(values, [0.025, 0.975])) == pytest.approx(interval, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30), st.integers(0, 10**6))
def test_a_resample_consists_of_as_many_whole_strips_as_there_are(names: list[str], seed: int):
    groups = np.array(names)
    rows = SOLUTIONS["resample_strips"](groups, np.random.default_rng(seed))
    counts = np.bincount(rows, minlength=len(groups))  # how often each tile was drawn
    by_strip = [set(counts[groups == name].tolist()) for name in set(names)]
    assert all(len(times) == 1 for times in by_strip)
    assert sum(times.pop() for times in by_strip) == len(set(names))
