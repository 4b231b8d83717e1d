"""Measures of labelled pictures: values of `metrics`, and intervals that agree with the exact bootstrap."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.inspection.measures import measure


def pictures(count: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Return scores, labels, maps and masks of pictures of several sizes. Half have one to three regions."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2 == 1
    maps, truths = [], []
    for number, label in enumerate(labels):
        shape = (40 + number, 60)
        truth = np.zeros(shape, bool)
        for part in range(number % 3 + 1 if label else 0):
            truth[5 : 8 + number // 2, 20 * part : 20 * part + 6] = True
        maps.append((rng.normal(size=shape) + truth * rng.uniform(0.2, 3)).astype(np.float32))
        truths.append(truth)
    scores = np.array([values.max() for values in maps])
    return scores, labels, maps, truths


def test_values_are_those_of_metrics():
    scores, labels, maps, truths = pictures()
    found = measure(scores, labels, maps, truths, n_resamples=20)
    assert found.auroc.value == metrics.auroc(labels, scores)
    assert found.average_precision.value == metrics.average_precision(labels, scores)
    assert found.aupro.value == metrics.aupro(maps, truths, 0.3)
    assert (found.good_count, found.defective_count, found.mask_count) == (12, 12, 12)


def test_intervals_of_image_level_measures_are_those_of_metrics():
    scores, labels, _, _ = pictures()
    found = measure(scores, labels, n_resamples=200, seed=3)
    expected = metrics.bootstrap_interval(
        metrics.auroc, labels, scores, np.arange(len(labels)), n_resamples=200, seed=3
    )
    assert found.auroc[1:] == expected
    assert found.auroc.low < found.auroc.value < found.auroc.high


def test_the_interval_of_aupro_is_close_to_the_exact_bootstrap():
    scores, labels, maps, truths = pictures()

    def exact(_: np.ndarray, rows: np.ndarray) -> float:
        rows = rows.astype(int)
        return metrics.aupro([maps[row] for row in rows], [truths[row] for row in rows], 0.3)

    numbers = np.arange(len(labels))
    expected = metrics.bootstrap_interval(exact, labels, numbers, numbers, n_resamples=60, seed=1)
    found = measure(scores, labels, maps, truths, n_resamples=60, seed=1).aupro
    assert found[1:] == pytest.approx(expected, abs=0.003)
    assert found.high - found.low > 0.05, "an interval that this tolerance can distinguish"


@pytest.mark.parametrize("constant", [True, False])
def test_ties_of_whole_maps_do_not_break_the_interval(constant: bool):
    scores, labels, maps, truths = pictures()
    maps = [np.zeros_like(values) if constant else truth * 1.0 for values, truth in zip(maps, truths, strict=True)]
    found = measure(scores, labels, maps, truths, n_resamples=30).aupro
    expected = 0.15 if constant else 1.0  # a straight line, or all regions before any normal pixel
    assert found == pytest.approx((expected,) * 3, abs=1e-9)


def test_curves_run_from_corner_to_corner_with_the_area():
    scores, labels, _, _ = pictures()
    found = measure(scores, labels, n_resamples=5)
    false_rate, true_rate = found.roc.T
    assert found.roc[0].tolist() == [0, 0] and found.roc[-1].tolist() == [1, 1]
    assert np.trapezoid(true_rate, false_rate) == pytest.approx(found.auroc.value)
    recall, precision = found.precision_recall.T
    assert -np.sum(np.diff(recall) * precision[:-1]) == pytest.approx(found.average_precision.value)


def test_defective_pictures_without_a_mask_count_in_image_level_measures_only():
    scores, labels, maps, truths = pictures()
    fewer = [None if number == 1 else truth & (number != 3) for number, truth in enumerate(truths)]
    found = measure(scores, labels, maps, fewer, n_resamples=5)
    kept = [number for number in range(len(labels)) if number not in (1, 3)]
    assert found.aupro.value == metrics.aupro([maps[i] for i in kept], [truths[i] for i in kept], 0.3)
    assert (found.defective_count, found.mask_count) == (12, 10)


def test_a_good_picture_is_free_of_defects_whatever_its_mask_says():
    scores, labels, maps, truths = pictures()
    other = [np.ones_like(truth) if number == 0 else truth for number, truth in enumerate(truths)]
    missing = [None if number == 0 else truth for number, truth in enumerate(truths)]
    expected = measure(scores, labels, maps, truths, n_resamples=5).aupro
    assert measure(scores, labels, maps, other, n_resamples=5).aupro == expected
    assert measure(scores, labels, maps, missing, n_resamples=5).aupro == expected


def test_there_is_no_aupro_without_masks():
    scores, labels, maps, truths = pictures()
    assert measure(scores, labels, n_resamples=5).aupro is None
    assert measure(scores, labels, maps, [None] * len(maps), n_resamples=5).aupro is None
    only_defects = measure([1.0], [True], [np.eye(3)], [np.ones((3, 3), bool)])
    assert math.isnan(only_defects.aupro.value), "there is no normal pixel"


@pytest.mark.parametrize("label", [True, False])
def test_one_class_gives_nan_without_warnings(label: bool):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure([1.0, 2.0], [label, label])
    assert np.isnan([*found.auroc, *found.average_precision]).all()
    assert found.roc.shape == found.precision_recall.shape == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [True, False]), r"scores has shape \(1,\) and labels \(2,\)"),
        (([1.0, np.nan], [True, False]), "scores contains NaN"),
        (([1.0, 2.0], [True, 2]), "labels contains values other than 0 and 1"),
        (([1.0, 2.0], [True, False], [np.eye(2)] * 2), "There are maps but no truths: give both"),
        (([1.0, 2.0], [True, False], None, [np.eye(2)] * 2), "There are truths but no maps: give both"),
        (([1.0, 2.0], [True, False], [np.eye(2)], [np.eye(2)] * 2), "There are 1 maps, 2 truths and 2 labels"),
        (([1.0, 2.0], [True, False], 3, [np.eye(2)] * 2), "There are 0 maps, 2 truths and 2 labels"),
        (([1.0, 2.0], [True, False], [np.eye(2), np.eye(2) * np.nan], [np.eye(2)] * 2), r"maps\[1\] contains NaN"),
        (([1.0, 2.0], [True, False], [np.eye(2)] * 2, [np.eye(3)] * 2), r"maps\[\d\] has shape \(2, 2\)"),
        (([1.0, 2.0], [True, False], [np.eye(2)] * 2, [np.eye(2) * 7] * 2), r"truths\[0\] contains values other"),
    ],
)
def test_malformed_input_is_refused(arguments: tuple, message: str):
    with pytest.raises(InputError, match=message):
        measure(*arguments)
