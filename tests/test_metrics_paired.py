"""Paired bootstrap of two detectors: resampled differences by hand, and compared with `bootstrap_interval`."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.metrics import auroc, bootstrap_interval, paired_bootstrap

LABELS = np.array([True, False, False, True, False, False])
GROUPS = np.array(["b", "b", "a", "c", "d", "a"])  # b and c have a defect, a and d have none


def test_each_resample_has_as_many_strips_of_both_kinds_as_there_are():
    resamples = []

    def remember(labels: np.ndarray, scores: np.ndarray) -> float:
        resamples.append(scores)
        return 0.0

    names = np.array([ord(name) for name in GROUPS])
    paired_bootstrap(remember, LABELS, names, names, GROUPS, n_resamples=50)
    assert len(resamples) == 100
    for names_of_a, names_of_b in zip(resamples[::2], resamples[1::2], strict=True):
        np.testing.assert_array_equal(names_of_a, names_of_b)  # the same tiles for both detectors
        # A strip that is drawn twice brings its tiles twice.
        draws = {name: np.count_nonzero(names_of_a == ord(name)) / (GROUPS == name).sum() for name in "abcd"}
        assert draws["b"] + draws["c"] == 2 and draws["a"] + draws["d"] == 2
    assert len({tuple(resample) for resample in resamples}) > 5


@pytest.mark.slow
def test_differences_by_hand():
    """Only strips b and c have a defect and only a and d have none, so the lowest and the highest value are known."""
    scores_a, scores_b = np.array([4.0, 1, 2, 3, 5, 0]), np.zeros(6)  # detector b cannot rank: 0.5
    differences = paired_bootstrap(auroc, LABELS, scores_a, scores_b, GROUPS, n_resamples=300)
    # c and d alone: 3 < 5, no pair in the right order. b and a alone: 4 > 1 (b's own), 2 and 0, all pairs in order.
    assert differences.min() == -0.5 and differences.max() == 0.5
    assert len(differences) == 300


def test_a_detector_does_not_differ_from_itself_and_the_sign_follows_the_order():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(60) % 3 == 0, np.arange(60) // 6
    scores_a, scores_b = rng.random((2, 60))
    assert not paired_bootstrap(auroc, labels, scores_a, scores_a, groups, n_resamples=20).any()
    a_minus_b = paired_bootstrap(auroc, labels, scores_a, scores_b, groups, n_resamples=20)
    b_minus_a = paired_bootstrap(auroc, labels, scores_b, scores_a, groups, n_resamples=20)
    np.testing.assert_allclose(a_minus_b, -b_minus_a)
    assert a_minus_b.any()


def test_equal_seeds_give_equal_resamples_for_every_pair():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(60) % 3 == 0, np.arange(60) // 6
    a, b, c = rng.random((3, 60))
    a_b, b_c, a_c = (paired_bootstrap(auroc, labels, *pair, groups, n_resamples=9) for pair in ((a, b), (b, c), (a, c)))
    np.testing.assert_allclose(a_b + b_c, a_c)
    assert (paired_bootstrap(auroc, labels, a, b, groups, n_resamples=9, seed=1) != a_b).any()


@pytest.mark.slow
def test_the_interval_of_the_differences_equals_the_bootstrap_interval():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(30), 8)
    labels = (groups < 12) & (rng.random(240) < 0.5)
    scores_a, scores_b = labels + rng.normal(0, 1, 240), labels + rng.normal(0, 2, 240)
    differences = paired_bootstrap(auroc, labels, scores_a, scores_b, groups, n_resamples=200)

    def difference(labels: np.ndarray, both: np.ndarray) -> float:
        return auroc(labels, both[:, 0]) - auroc(labels, both[:, 1])

    expected = bootstrap_interval(difference, labels, np.stack([scores_a, scores_b], axis=1), groups, n_resamples=200)
    np.testing.assert_allclose(np.quantile(differences, [0.025, 0.975]), expected)  # the same resamples


def test_resamples_that_give_nan_are_left_out_with_a_warning_at_the_line_that_called():
    labels, groups = np.array([1, 1, 1, 0]), np.array(list("abcc"))  # (2/3)^3 = 30 % of the resamples have no c
    with pytest.warns(UserWarning, match="of 200 resamples .*NaN .*left out") as record:
        differences = paired_bootstrap(auroc, labels, np.arange(4), -np.arange(4), groups, n_resamples=200)
    assert len(record) == 1 and record[0].filename == __file__
    assert len(differences) == 200 - int(str(record[0].message).split()[0])
    assert 80 < len(differences) < 180 and np.isfinite(differences).all()


def test_a_single_strip_of_a_kind_gives_a_warning_at_the_line_that_called():
    with pytest.warns(UserWarning, match="only one strip with a defect, .*too narrow") as record:
        paired_bootstrap(auroc, [1, 0, 0], np.arange(3), np.zeros(3), [0, 1, 2], n_resamples=5)
    assert len(record) == 1 and record[0].filename == __file__


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="^n_resamples is 0, .*from 1 to 100000"):
        paired_bootstrap(auroc, LABELS, np.zeros(6), np.zeros(6), GROUPS, n_resamples=0)
    with pytest.raises(InputError, match=r"groups \(5,\) differ"):
        paired_bootstrap(auroc, LABELS, np.zeros(6), np.zeros(6), GROUPS[:5])
    with pytest.raises(InputError, match=r"^labels \(0,\), .*empty"):
        paired_bootstrap(auroc, LABELS[:0], np.zeros(0), np.zeros(0), GROUPS[:0])
    with pytest.raises(InputError, match=r"^scores_a \(6,\) and scores_b \(5,\) differ: score the same tiles"):
        paired_bootstrap(auroc, LABELS, np.zeros(6), np.zeros(5), GROUPS)
