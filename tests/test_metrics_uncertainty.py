"""The second half of `metrics`: the promise of a threshold from normals, and intervals that resample strips."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aitex_utils.errors import InputError
from aitex_utils.metrics import auroc, average_precision, bootstrap_interval, threshold_for_false_alarms


def test_threshold_by_hand() -> None:
    """19 normals and one in twenty: the rank is 19, so just above the largest; one in ten: rank 18."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 20.0))
    before = scores.copy()
    assert threshold_for_false_alarms(scores, 0.05) == np.nextafter(19.0, 20.0)
    assert threshold_for_false_alarms(scores.reshape(1, 19), 0.1) == np.nextafter(18.0, 19.0)
    assert threshold_for_false_alarms([1, 2, 2, 2], 0.5) == np.nextafter(2.0, 3.0)
    np.testing.assert_array_equal(scores, before)


def test_threshold_reads_the_rate_as_written() -> None:
    """(n + 1) * rate is whole for these: rounding in binary must neither lose a rank nor gain one."""
    for count, rate, rank in ((9, 0.1, 9), (99, 0.07, 93), (9, 0.7, 3), (999, 0.001, 999), (99999, 1e-5, 99999)):
        scores = np.arange(1.0, count + 1)
        assert threshold_for_false_alarms(scores, rate) == np.nextafter(float(rank), np.inf)


def test_threshold_holds_in_the_precision_of_the_scores() -> None:
    """A float64 step above a float32 score would be rounded away when float32 scores are held against it."""
    scores = np.full(20, 0.1, dtype=np.float32)
    threshold = threshold_for_false_alarms(scores, 0.05)
    assert not (scores >= threshold).any() and not (scores.astype(float) >= threshold).any()


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9]))
def test_threshold_promise_for_the_left_out(values: list[int], rate: float) -> None:
    """The promise itself, exactly: leave each of the values out in turn, the share that raises an alarm is <= rate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        alarms = [
            values[i] >= threshold_for_false_alarms(values[:i] + values[i + 1 :], rate)
            for i in range(len(values))
            if len(values) > 1
        ]
    assert Fraction(sum(alarms), len(values)) <= Fraction(str(rate))


@pytest.mark.parametrize("count, rate", [(19, 0.05), (50, 0.1), (30, 0.25)])
def test_threshold_promise_in_the_mean(count: int, rate: float) -> None:
    """Over 4000 sets of uniform normals the mean chance of a new alarm is (n + 1 - rank) / (n + 1), within 4 sigma."""
    random = np.random.default_rng(1)
    chances = [1 - threshold_for_false_alarms(random.random(count), rate) for _ in range(4000)]
    expected = math.floor(round((count + 1) * rate, 9)) / (count + 1)
    assert expected <= rate
    assert np.mean(chances) == pytest.approx(expected, abs=4 * np.std(chances) / math.sqrt(4000))


@pytest.mark.parametrize("rate, needed", [(0.1, 9), (0.05, 19), (0.3, 3), (0.001, 999)])
def test_too_few_normals_promise_nothing(rate: float, needed: int) -> None:
    scores = np.arange(float(needed))
    with pytest.warns(UserWarning, match=f"{needed - 1} normal .* infinite: give at least {needed} held-out") as record:
        assert threshold_for_false_alarms(scores[1:], rate) == math.inf
    assert record[0].filename == __file__
    assert threshold_for_false_alarms(scores, rate) < math.inf


@pytest.mark.parametrize(
    "scores, rate, message",
    [
        ([1.0, np.nan], 0.5, "normal_scores holds NaN or infinity in 1 of 2"),
        ([], 0.5, "normal_scores holds 0 values"),
        ([1.0], 0, "rate is 0, expected a false-alarm rate above 0 and below 1"),
        ([1.0], 1.0, "rate is 1.0, expected"),
        ([1.0], math.nan, "rate is nan, expected"),
    ],
)
def test_threshold_names_bad_input(scores, rate: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        threshold_for_false_alarms(scores, rate)


def clustered_tiles(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """20 strips of 10 tiles; half of the strips hold 7 defective ones; a strip shifts all its tiles alike."""
    random = np.random.default_rng(seed)
    strips = np.repeat(np.arange(20), 10)
    labels = (strips % 2 == 0) & (np.arange(200) % 10 < 7)
    return labels, random.normal(size=20)[strips] + 0.3 * random.normal(size=200) + labels, strips


def test_interval_holds_the_estimate_and_repeats() -> None:
    labels, scores, strips = clustered_tiles()
    for measure in (auroc, average_precision):
        low, high = bootstrap_interval(measure, labels, scores, strips, draws=200)
        assert 0 <= low < measure(labels, scores) < high <= 1
        assert bootstrap_interval(measure, labels, scores, strips, draws=200) == (low, high)
        assert bootstrap_interval(measure, labels, scores, strips, draws=200, seed=1) != (low, high)
        narrow = bootstrap_interval(measure, labels, scores, strips, draws=200, level=0.5)
        assert low < narrow[0] < narrow[1] < high


def test_interval_by_strip_is_wider_than_by_tile() -> None:
    labels, scores, strips = clustered_tiles()
    by_strip = bootstrap_interval(auroc, labels, scores, strips, draws=300)
    by_tile = bootstrap_interval(auroc, labels, scores, np.arange(200), draws=300)
    assert np.diff(by_strip) > 1.5 * np.diff(by_tile)


def test_interval_draws_whole_strips_of_both_kinds() -> None:
    """Each draw seen from inside: complete strips, as many with a defect and without as there are."""
    labels, _, strips = clustered_tiles()
    names = np.array([f"strip {i:02d}" for i in strips])
    rows = np.arange(200)
    seen = []

    def watch(drawn_labels: np.ndarray, drawn_rows: np.ndarray) -> float:
        _, counts = np.unique(drawn_rows, return_counts=True)
        assert len(drawn_rows) == 200 and drawn_labels.sum() == 70
        whole = {strip: set(drawn_rows[strips[drawn_rows] == strip]) for strip in strips[drawn_rows]}
        assert all(len(found) == 10 for found in whole.values())
        seen.append(counts.max())
        return float(drawn_rows[0])

    bootstrap_interval(watch, labels, rows, names, draws=20)
    assert max(seen) > 1  # with replacement


def test_interval_is_the_percentiles_of_the_draws() -> None:
    """Four strips of one tile, two of each kind: the mean score of the defective is 0, 1/2 or 1 by 1/4, 1/2, 1/4."""
    labels, scores, strips = np.array([1, 1, 0, 0]), np.array([0.0, 1.0, 5.0, 6.0]), np.arange(4)
    values = []

    def mean_of_defective(drawn_labels: np.ndarray, drawn_scores: np.ndarray) -> float:
        values.append(drawn_scores[drawn_labels == 1].mean())
        return values[-1]

    low, high = bootstrap_interval(mean_of_defective, labels, scores, strips, level=0.4)
    assert (low, high) == tuple(np.quantile(values, [0.3, 0.7])) == (0.5, 0.5)
    assert bootstrap_interval(mean_of_defective, labels, scores, strips, level=0.8) == (0.0, 1.0)


def test_interval_counts_draws_without_both_classes() -> None:
    """Strips a and b are all defective, c holds one clean tile: a draw without c has one class, (2/3)^3 = 30 %."""
    labels, scores, strips = np.array([1, 1, 1, 0]), np.array([3.0, 2.0, 1.0, 0.0]), np.array(list("abcc"))
    with pytest.warns(UserWarning, match="of 400 draws gave nan and were left out: add strips of the class") as record:
        assert bootstrap_interval(auroc, labels, scores, strips, draws=400) == (1.0, 1.0)
    assert len(record) == 1 and record[0].filename == __file__  # not one warning for each draw
    assert 80 < int(str(record[0].message).split()[0]) < 160


def test_interval_without_both_classes_is_nan() -> None:
    with pytest.warns(UserWarning, match="50 of 50 draws gave nan"):
        assert np.isnan(bootstrap_interval(auroc, [0, 0], [1.0, 2.0], [0, 1], draws=50)).all()


def test_interval_from_one_strip_is_told() -> None:
    for labels, kind in (([1, 0, 0], "with a"), ([0, 1, 1], "without a")):
        with pytest.warns(UserWarning, match=f"Only one strip {kind} defect: .* too narrow; add some") as record:
            bootstrap_interval(auroc, labels, [1.0, 2.0, 3.0], [0, 1, 2], draws=5)
        assert len(record) == 1 and record[0].filename == __file__


@pytest.mark.parametrize(
    "labels, scores, strips, options, message",
    [
        ([0, 1], [1, 2], [0], {}, r"labels \(2,\), scores \(2,\) and strips \(1,\) differ in their first axis"),
        ([0, 1], [1], [0, 1], {}, r"scores \(1,\).* give each tile one row"),
        ([0, 1], [1, 2], [[0], [1]], {}, r"strips \(2, 1\).* strips \(N,\) with the id of each tile's strip"),
        ([], [], [], {}, "or are empty"),
        ([0, 1], [1, 2], [0, 1], {"level": 95}, "level is 95 and draws is 1000: give a level between 0 and 1"),
        ([0, 1], [1, 2], [0, 1], {"draws": 0}, "draws is 0: .* at least 1 draw"),
    ],
)
def test_interval_names_bad_input(labels, scores, strips, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bootstrap_interval(auroc, labels, scores, strips, **options)
