"""Measures under other strips, from counts: compared with real resamples, and by hand."""

from __future__ import annotations

from dataclasses import replace

import bootstrap
import numpy as np
import pytest
from evaluation import compute_measures
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), n_strips=st.integers(2, 5), n_scores=st.integers(1, 9))
def test_counts_give_what_resampling_the_tiles_gives(seed: int, n_strips: int, n_scores: int):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 7, n_strips)
    scores = [rng.integers(0, n_scores, size) / 4 for size in sizes]
    labels = [rng.random(size) < 0.5 for size in sizes]
    scores[0], labels[0] = np.append(scores[0], [1.0, 0.5]), np.append(labels[0], [True, False])
    weights = rng.integers(0, 3, (6, n_strips))
    auroc, ap = bootstrap.resampled_auroc_and_ap(*bootstrap.count_by_bin(scores, labels), weights)
    for i, counts in enumerate(weights):
        y = np.concatenate([np.repeat(part, n) for part, n in zip(labels, counts, strict=True)])
        s = np.concatenate([np.repeat(part, n) for part, n in zip(scores, counts, strict=True)])
        if y.any() and not y.all():
            assert auroc[i] == pytest.approx(roc_auc_score(y, s))
            assert ap[i] == pytest.approx(average_precision_score(y, s))
        else:
            assert np.isnan(auroc[i]) and np.isnan(ap[i])


def test_many_pixels_lose_less_than_the_third_digit():
    rng = np.random.default_rng(0)
    labels = [rng.random(40_000) < 0.002 for _ in range(3)]
    scores = [rng.normal(size=40_000) + 2 * y for y in labels]
    defective, normal = bootstrap.count_by_bin(scores, labels, max_bins=512)
    assert defective.shape == normal.shape and defective.shape[1] <= 512
    assert defective.sum() + normal.sum() == 120_000
    auroc, ap = bootstrap.resampled_auroc_and_ap(defective, normal, np.ones((1, 3)))
    s, y = np.concatenate(scores), np.concatenate(labels)
    assert auroc[0] == pytest.approx(roc_auc_score(y, s), abs=1e-3)
    assert ap[0] == pytest.approx(average_precision_score(y, s), abs=5e-3)


def test_strips_with_and_without_a_defect_are_drawn_among_themselves():
    weights = bootstrap.resample_strips(3, 5, n_resamples=200)
    assert weights.shape == (200, 8)
    assert (weights[:, :3].sum(axis=1) == 3).all() and (weights[:, 3:].sum(axis=1) == 5).all()
    np.testing.assert_array_equal(weights, bootstrap.resample_strips(3, 5, n_resamples=200))
    assert bootstrap.resample_strips(0, 2, n_resamples=4).shape == (4, 2)


def test_weights_are_in_the_order_of_the_strips(make_result):
    result = make_result(np.zeros(0), np.zeros(0, bool), np.zeros(0, int), ["000", "002", "000", "010"])
    weights = bootstrap.strip_weights(result.strips)
    assert (weights[:, [1, 3]].sum(axis=1) == 2).all() and (weights[:, [0, 2]].sum(axis=1) == 2).all()
    np.testing.assert_array_equal(weights[:, [1, 3, 0, 2]], bootstrap.resample_strips(2, 2))


def test_measures_of_every_strip_once_are_the_measures(make_result):
    rng = np.random.default_rng(1)
    labels = np.arange(60) >= 40
    result = make_result(rng.normal(size=60) + labels, labels, np.arange(60) // 5, ["000"] * 7 + ["002"] * 5)
    measures, resampled = compute_measures(result), bootstrap.resample_measures(result, np.ones((1, 12)))
    assert set(resampled) == {"tile_auroc", "tile_ap", "tile_auroc_c2", "pixel_auroc", "pixel_ap"}
    for name, values in resampled.items():
        assert values[0] == pytest.approx(measures[name]), name


def test_a_strip_without_weight_does_not_count(make_result):
    scores, labels = np.array([1.0, 2, 3, 9]), np.array([False, True, False, False])
    result = make_result(scores, labels, np.arange(4), ["000", "002", "000", "000"])
    without_last = replace(result, scores=scores[:3], labels=labels[:3], tile_strips=np.arange(3))
    resampled = bootstrap.resample_measures(result, np.array([[1, 1, 1, 0]]))
    assert resampled["tile_auroc"][0] == compute_measures(without_last)["tile_auroc"] == 0.5


def test_an_interval_leaves_out_nan():
    assert bootstrap.interval(np.array([np.nan, *np.linspace(0, 1, 41)])) == pytest.approx([0.025, 0.975])


def test_means_over_seeds_leave_out_resamples_without_a_value():
    values = np.array([[0.25, np.nan, np.nan], [0.75, 0.5, np.nan]])
    np.testing.assert_array_equal(bootstrap.mean_over_seeds(values), [0.5, 0.5, np.nan])


def test_rows_of_a_resample_are_those_of_whole_strips():
    groups, is_normal = np.array([4, 4, 2, 2, 2, 7]), np.array([True, True, False, False, False, True])
    strata = bootstrap.strip_strata(groups, is_normal)
    assert [[rows.tolist() for rows in strips] for strips in strata] == [[[0, 1], [5]], [[2, 3, 4]]]
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = bootstrap.resample_rows(strata, rng)
        assert rows[-3:].tolist() == [2, 3, 4]  # the only defective strip
        assert rows[:-3].tolist() in ([0, 1, 0, 1], [0, 1, 5], [5, 0, 1], [5, 5])


def test_the_auroc_of_pairs_is_that_of_the_curve():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 6, (2, 3, 30)).astype(float), rng.random(30) < 0.4
    aurocs = bootstrap.pair_auroc(scores, labels)
    assert aurocs.shape == (2, 3)
    assert aurocs[1, 2] == pytest.approx(roc_auc_score(labels, scores[1, 2]))
