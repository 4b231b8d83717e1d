"""The false-alarm rate that a conformal threshold promises, and bootstrap intervals that resample whole strips."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.errors import InputError
from aitex_utils.metrics import auroc, average_precision, bootstrap_interval, conformal_threshold


def test_threshold_by_hand() -> None:
    """Of 19 scores and a rate of 0.05 the rank is 19, so the threshold lies just above the largest; 0.1: rank 18."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 20.0))
    before = scores.copy()
    assert conformal_threshold(scores, 0.05) == np.nextafter(19.0, 20.0)
    assert conformal_threshold(scores.reshape(1, 19), 0.1) == np.nextafter(18.0, 19.0)
    assert conformal_threshold([1, 2, 2, 2], 0.5) == np.nextafter(2.0, 3.0)
    np.testing.assert_array_equal(scores, before)


def test_threshold_takes_the_rate_as_it_is_written() -> None:
    """(n + 1) * rate is a whole number for these: rounding in binary must neither lose a rank nor gain one."""
    for count, rate, rank in ((9, 0.1, 9), (99, 0.07, 93), (9, 0.7, 3), (999, 0.001, 999), (99999, 1e-5, 99999)):
        scores = np.arange(1.0, count + 1)
        assert conformal_threshold(scores, rate) == np.nextafter(float(rank), np.inf)


def test_threshold_has_the_precision_of_the_scores() -> None:
    """A float64 step above a float32 score would be rounded away in a comparison with float32 scores."""
    scores = np.full(20, 0.1, dtype=np.float32)
    threshold = conformal_threshold(scores, 0.05)
    assert not (scores >= threshold).any() and not (scores.astype(float) >= threshold).any()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9]))
def test_threshold_keeps_its_promise_for_each_left_out_score(values: list[int], rate: float) -> None:
    """The promise, exactly: if each value is left out in turn, the share of values that are flagged is <= the rate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        flagged = [
            values[i] >= conformal_threshold(values[:i] + values[i + 1 :], rate)
            for i in range(len(values))
            if len(values) > 1
        ]
    assert Fraction(sum(flagged), len(values)) <= Fraction(str(rate))


@pytest.mark.parametrize("count, rate", [(19, 0.05), (50, 0.1), (30, 0.25)])
def test_threshold_keeps_its_promise_on_average(count: int, rate: float) -> None:
    """Over 4000 calibration sets, the mean false-alarm rate is (n + 1 - rank) / (n + 1), within 4 standard errors."""
    rng = np.random.default_rng(1)
    rates = [1 - conformal_threshold(rng.random(count), rate) for _ in range(4000)]
    expected = math.floor(round((count + 1) * rate, 9)) / (count + 1)
    assert expected <= rate
    assert np.mean(rates) == pytest.approx(expected, abs=4 * np.std(rates) / math.sqrt(4000))


@pytest.mark.parametrize("rate, needed", [(0.1, 9), (0.05, 19), (0.3, 3), (0.001, 999)])
def test_too_few_scores_give_an_infinite_threshold(rate: float, needed: int) -> None:
    scores = np.arange(float(needed))
    with pytest.warns(
        UserWarning, match=f"^{needed - 1} normal .*{rate}, .*infinite: give at least {needed} "
    ) as record:
        assert conformal_threshold(scores[1:], rate) == math.inf
    assert record[0].filename == __file__
    assert conformal_threshold(scores, rate) < math.inf


@pytest.mark.parametrize(
    "scores, rate, message",
    [
        ([1.0, np.nan], 0.5, "^normal_scores contains NaN or infinity in 1 of 2"),
        ([], 0.5, "^normal_scores contains 0 values"),
        ([1.0], 0, "^false_alarm_rate is 0, .*above 0 and below 1"),
        ([1.0], 1.0, "^false_alarm_rate is 1.0, .*below 1"),
        ([1.0], math.nan, "^false_alarm_rate is nan, .*below 1"),
    ],
)
def test_bad_scores_and_rates_are_refused(scores, rate: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        conformal_threshold(scores, rate)


def clustered_tiles(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """20 strips of 10 tiles; every second strip has 7 defective ones; the scores of a strip share a random shift."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(20), 10)
    labels = (groups % 2 == 0) & (np.arange(200) % 10 < 7)
    return labels, rng.normal(size=20)[groups] + 0.3 * rng.normal(size=200) + labels, groups


def test_interval_covers_the_estimate_and_repeats() -> None:
    labels, scores, groups = clustered_tiles()
    for measure in (auroc, average_precision):
        low, high = bootstrap_interval(measure, labels, scores, groups, n_resamples=200)
        assert 0 <= low < measure(labels, scores) < high <= 1
        assert bootstrap_interval(measure, labels, scores, groups, n_resamples=200) == (low, high)
        assert bootstrap_interval(measure, labels, scores, groups, n_resamples=200, seed=1) != (low, high)
        narrow = bootstrap_interval(measure, labels, scores, groups, n_resamples=200, confidence=0.5)
        assert low < narrow[0] < narrow[1] < high


@pytest.mark.slow
def test_strip_level_interval_is_wider_than_tile_level_interval() -> None:
    labels, scores, groups = clustered_tiles()
    by_strip = bootstrap_interval(auroc, labels, scores, groups, n_resamples=300)
    by_tile = bootstrap_interval(auroc, labels, scores, np.arange(200), n_resamples=300)
    assert np.diff(by_strip) > 1.5 * np.diff(by_tile)


def test_resamples_consist_of_whole_strips_of_both_kinds() -> None:
    """Each resample has complete strips: as many with a defect, and as many without, as there are."""
    labels, _, groups = clustered_tiles()
    names = np.array([f"strip {i:02d}" for i in groups])
    rows = np.arange(200)
    largest_counts = []

    def check_resample(drawn_labels: np.ndarray, drawn_rows: np.ndarray) -> float:
        _, counts = np.unique(drawn_rows, return_counts=True)
        assert len(drawn_rows) == 200 and drawn_labels.sum() == 70
        tiles_of = {strip: set(drawn_rows[groups[drawn_rows] == strip]) for strip in groups[drawn_rows]}
        assert all(len(tiles) == 10 for tiles in tiles_of.values())
        largest_counts.append(counts.max())
        return float(drawn_rows[0])

    bootstrap_interval(check_resample, labels, rows, names, n_resamples=20)
    assert max(largest_counts) > 1  # with replacement


def test_interval_ends_at_percentiles_of_the_resamples() -> None:
    """Four strips of one tile, two of each kind: the mean defective score is 0, 1/2 or 1 with odds of 1 : 2 : 1."""
    labels, scores, groups = np.array([1, 1, 0, 0]), np.array([0.0, 1.0, 5.0, 6.0]), np.arange(4)
    values = []

    def mean_of_defective(drawn_labels: np.ndarray, drawn_scores: np.ndarray) -> float:
        values.append(drawn_scores[drawn_labels == 1].mean())
        return values[-1]

    low, high = bootstrap_interval(mean_of_defective, labels, scores, groups, confidence=0.4)
    assert (low, high) == tuple(np.quantile(values, [0.3, 0.7])) == (0.5, 0.5)
    assert bootstrap_interval(mean_of_defective, labels, scores, groups, confidence=0.8) == (0.0, 1.0)


def test_resamples_with_one_class_are_counted_and_left_out() -> None:
    """Strips a and b are all defective, c has one normal tile: (2/3)^3 = 30 % of the resamples have no c."""
    labels, scores, groups = np.array([1, 1, 1, 0]), np.array([3.0, 2.0, 1.0, 0.0]), np.array(list("abcc"))
    with pytest.warns(UserWarning, match="of 400 resamples .*NaN .*left out: add strips") as record:
        assert bootstrap_interval(auroc, labels, scores, groups, n_resamples=400) == (1.0, 1.0)
    assert len(record) == 1 and record[0].filename == __file__  # one warning, not one per resample
    assert 80 < int(str(record[0].message).split()[0]) < 160


def test_interval_of_one_class_is_nan() -> None:
    with pytest.warns(UserWarning, match="^50 of 50 resamples .*NaN"):
        assert np.isnan(bootstrap_interval(auroc, [0, 0], [1.0, 2.0], [0, 1], n_resamples=50)).all()


def test_a_single_strip_of_a_kind_gives_a_warning() -> None:
    for labels, kind in (([1, 0, 0], "with a"), ([0, 1, 1], "without a")):
        with pytest.warns(UserWarning, match=f"only one strip {kind} defect, .*too narrow: add") as record:
            bootstrap_interval(auroc, labels, [1.0, 2.0, 3.0], [0, 1, 2], n_resamples=5)
        assert len(record) == 1 and record[0].filename == __file__


@pytest.mark.parametrize(
    "labels, scores, groups, options, message",
    [
        ([0, 1], [1, 2], [0], {}, r"^labels \(2,\), scores \(2,\) and groups \(1,\) differ"),
        ([0, 1], [1], [0, 1], {}, r"scores \(1,\) .*: give each tile one row"),
        ([0, 1], [1, 2], [[0], [1]], {}, r"groups \(2, 1\) .*groups \(N,\)"),
        ([], [], [], {}, r"^labels \(0,\), .*empty"),
        ([0, 1], [1, 2], [0, 1], {"confidence": 95}, "^confidence is 95, .*above 0 and below 1"),
        ([0, 1], [1, 2], [0, 1], {"n_resamples": 0}, "^n_resamples is 0, .*from 1 to 100000"),
    ],
)
def test_bad_labels_scores_groups_and_options_are_refused(labels, scores, groups, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bootstrap_interval(auroc, labels, scores, groups, **options)
