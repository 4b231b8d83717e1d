"""Tests redrawn by strip from counts: against the slow way, draw by draw, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import resampling  # noqa: E402
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), strips=st.integers(2, 5), levels=st.integers(1, 9))
def test_counts_give_what_redrawing_the_things_themselves_does(seed: int, strips: int, levels: int):
    random = np.random.default_rng(seed)
    sizes = random.integers(0, 7, strips)
    scores = [random.integers(0, levels, n) / 4 for n in sizes]
    labels = [random.random(n) < 0.5 for n in sizes]
    scores[0], labels[0] = np.append(scores[0], [1.0, 0.5]), np.append(labels[0], [True, False])
    weights = random.integers(0, 3, (6, strips))
    found = resampling.redrawn(*resampling.counts(scores, labels), weights)
    for i, of in enumerate(weights):
        y = np.concatenate([np.repeat(part, n) for part, n in zip(labels, of, strict=True)])
        s = np.concatenate([np.repeat(part, n) for part, n in zip(scores, of, strict=True)])
        if y.any() and not y.all():
            assert found["auroc"][i] == pytest.approx(roc_auc_score(y, s))
            assert found["ap"][i] == pytest.approx(average_precision_score(y, s))
        else:
            assert np.isnan(found["auroc"][i]) and np.isnan(found["ap"][i])


def test_many_pixels_lose_less_than_the_third_digit():
    random = np.random.default_rng(0)
    labels = [random.random(40_000) < 0.002 for _ in range(3)]
    scores = [random.normal(size=40_000) + 2 * y for y in labels]
    defective, normal = resampling.counts(scores, labels, bins=512)
    assert defective.shape == normal.shape and defective.shape[1] <= 512
    assert defective.sum() + normal.sum() == 120_000
    found = resampling.redrawn(defective, normal, np.ones((1, 3)))
    s, y = np.concatenate(scores), np.concatenate(labels)
    assert found["auroc"][0] == pytest.approx(roc_auc_score(y, s), abs=1e-3)
    assert found["ap"][0] == pytest.approx(average_precision_score(y, s), abs=5e-3)


def test_the_two_kinds_are_drawn_each_among_themselves():
    weights = resampling.drawn_strips(3, 5, draws=200)
    assert weights.shape == (200, 8)
    assert (weights[:, :3].sum(axis=1) == 3).all() and (weights[:, 3:].sum(axis=1) == 5).all()
    np.testing.assert_array_equal(weights, resampling.drawn_strips(3, 5, draws=200))
    assert resampling.drawn_strips(0, 2, draws=4).shape == (4, 2)


def test_an_interval_leaves_nan_out():
    assert resampling.interval(np.array([np.nan, *np.linspace(0, 1, 41)])) == pytest.approx([0.025, 0.975])


def test_means_over_seeds_leave_out_draws_without_a_figure():
    draws = np.array([[0.25, np.nan, np.nan], [0.75, 0.5, np.nan]])
    np.testing.assert_array_equal(resampling.over_seeds(draws), [0.5, 0.5, np.nan])
    assert resampling.interval(resampling.over_seeds(draws)) == [0.5, 0.5]
