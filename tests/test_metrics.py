"""Each measure against values worked by hand, and against a slow, literal reading of its definition."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure_definitions import aupro_by_thresholds, labels_and_scores, maps_and_masks

from aitex_utils.errors import InputError
from aitex_utils.metrics import aupro, auroc, average_precision, f1_max


def auroc_by_pairs(labels: np.ndarray, scores: np.ndarray) -> float:
    difference = scores[labels][:, None] - scores[~labels][None]
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


def ap_by_thresholds(labels: np.ndarray, scores: np.ndarray) -> float:
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = scores >= threshold
        recall = (flagged & labels).sum() / labels.sum()
        total += (recall - recall_before) * (flagged & labels).sum() / flagged.sum()
        recall_before = recall
    return total


def f1_by_thresholds(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    best = (-1.0, 0.0)
    for threshold in sorted(set(scores), reverse=True):
        flagged = scores >= threshold
        wrong = (flagged != labels).sum()
        hits = (flagged & labels).sum()
        best = max(best, (2 * hits / (2 * hits + wrong), threshold), key=lambda pair: pair[0])
    return best


def test_measures_by_hand() -> None:
    """From high to low: a defective sample, a normal one, one of each with equal scores, a normal one."""
    labels, scores = [1, 0, 1, 0, 0], [0.9, 0.8, 0.5, 0.5, 0.1]
    assert auroc(labels, scores) == pytest.approx((3 + 1 + 0.5) / 6)
    assert average_precision(labels, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)
    assert f1_max(labels, scores) == (pytest.approx(2 / 3), 0.9)  # F1 is 4 / 6 at 0.5 as well: the higher one counts
    assert auroc([0, 1], [0, 1]) == 1 and auroc([1, 0], [0, 1]) == 0 and auroc([0, 1], [7, 7]) == 0.5


@given(labels_and_scores())
def test_measures_agree_with_their_definitions(data: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = data
    assert auroc(labels, scores) == pytest.approx(auroc_by_pairs(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(ap_by_thresholds(labels, scores), abs=1e-12)
    f1, threshold = f1_max(labels, scores)
    assert (f1, threshold) == pytest.approx(f1_by_thresholds(labels, scores), abs=1e-12)
    flagged = scores >= threshold
    assert f1 == pytest.approx(2 * (flagged & labels).sum() / (flagged.sum() + labels.sum()))


def test_measures_agree_with_scikit_learn_on_pixels() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(3)
    labels = rng.random((7, 40, 60)) < 0.02
    scores = (rng.random(labels.shape) + 0.4 * labels).astype(np.float32).round(3)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels.ravel(), scores.ravel()), abs=1e-12)
    expected = average_precision_score(labels.ravel(), scores.ravel())
    assert average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)


@given(labels_and_scores())
def test_measures_depend_on_the_order_alone(data: tuple[np.ndarray, np.ndarray]) -> None:
    """The scores are quarters from -0.75 to 1.5; the exponential in double precision keeps them distinct."""
    labels, scores = data
    stretched = np.exp(scores.astype(np.float64))
    for measure in (auroc, average_precision):
        assert measure(labels, stretched) == measure(labels, scores)
    f1, threshold = f1_max(labels, scores)
    assert f1_max(labels, stretched) == (f1, np.exp(threshold))
    assert auroc(~labels, scores) == pytest.approx(1 - auroc(labels, scores))


def test_measures_flatten_their_input_and_leave_it_unchanged() -> None:
    labels, scores = np.array([[0, 1], [1, 0]]), np.array([[3, 2], [4, 1]], dtype=np.float32)
    before = scores.copy()
    for measure in (auroc, average_precision, f1_max):
        assert measure(labels, scores) == measure(labels.ravel().astype(bool), scores.ravel().astype(int))
    aupro(scores[None], labels[None])
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("measure, name", [(auroc, "AUROC"), (average_precision, "average"), (f1_max, "F1-max")])
def test_one_class_gives_nan_and_a_warning(measure, name: str) -> None:
    with pytest.warns(UserWarning, match=f"All 3 labels are normal, so {name}.*NaN: add defective") as record:
        assert np.isnan(measure([0, 0, 0], [1, 2, 3])).all()
    assert record[0].filename == __file__  # the warning points at the line that called
    with pytest.warns(UserWarning, match="All 2 labels are defective, .*add normal"):
        assert np.isnan(measure([1, 1], [1, 2])).all()


@pytest.mark.parametrize("measure", [auroc, average_precision, f1_max])
@pytest.mark.parametrize(
    "labels, scores, message",
    [
        ([0, 1], [1.0, np.nan], "^scores contains NaN or infinity in 1 of 2 places: leave"),
        ([0, 1], [1.0, np.inf], "^scores contains NaN or infinity in 1 of 2"),
        ([0, 1], [1.0, 2.0, 3.0], r"^labels has shape \(2,\) and scores \(3,\): give one label"),
        (np.eye(2)[:, :1], np.eye(2)[:1], r"^labels has shape \(2, 1\) and scores \(1, 2\)"),
        ([], [], "^scores contains 0 values"),
        ([0, 1], ["a", "b"], "^scores has dtype <U1, expected real numbers"),
        ([0, 255], [1, 2], "^labels contains .*0 and 1: .*labels > 0"),
        ([0, 1], [[1, 2], [3]], "^scores cannot be made one array .*: .*np.concatenate"),
    ],
)
def test_bad_labels_and_scores_are_refused(measure, labels, scores, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure(labels, scores)


def test_aupro_by_hand() -> None:
    """Regions 9 | 7 | 1 1, normals 8 7 1. Rate and overlap: 9 (0, 1/3), 8 (1/3, 1/3), 7 (2/3, 2/3), 1 (1, 1)."""
    maps = [np.array([[9.0, 8.0, 7.0, 7.0, 1.0, 1.0, 1.0]])]
    masks = [np.array([[1, 0, 1, 0, 0, 1, 1]])]
    assert aupro(maps, masks, 1.0) == pytest.approx(1 / 9 + (1 / 3 + 2 / 3) / 2 / 3 + (2 / 3 + 1) / 2 / 3)
    assert aupro(maps, masks, 0.3) == pytest.approx(1 / 3)
    assert aupro(maps, masks, 0.5) == pytest.approx(
        (1 / 9 + (1 / 3 + 1 / 2) / 2 / 6) / 0.5
    )  # the limit lies inside a slanted segment
    assert aupro(maps, masks, (0.3, 1.0)) == (aupro(maps, masks, 0.3), aupro(maps, masks, 1.0))


def test_aupro_joins_diagonals_and_weights_regions_equally() -> None:
    """Two pixels touching at a corner are flagged, a single one is missed: 1/2, not 2/3 (three regions, or pixels)."""
    mask = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
    scores = np.array([[2, 1, 1, 1], [1, 2, 1, 0], [1, 1, 1, 1]])
    assert aupro([scores], [mask], 0.5) == pytest.approx(0.5)


@given(maps_and_masks(), st.sampled_from([0.05, 0.3, 0.5, 1.0]))
def test_aupro_agrees_with_its_definition(data: tuple[list[np.ndarray], list[np.ndarray]], max_fpr: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fast = aupro(*data, max_fpr)
    assert fast == pytest.approx(aupro_by_thresholds(*data, max_fpr), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("density", [0.05, 0.4, 0.7])
def test_aupro_labels_many_regions_as_scipy_does(density: float) -> None:
    """Larger masks than above, also as views that are not C-contiguous; the definition labels them with SciPy."""
    rng = np.random.default_rng(4)
    masks = [
        rng.random((31, 47)) < density,
        (rng.random((40, 26)) < density).T,
        rng.random((60, 60))[::2, ::3] < density,
    ]
    maps = [(rng.random(mask.shape) + 0.3 * mask).round(1) for mask in masks]
    assert aupro(maps, masks, (0.3, 1.0)) == pytest.approx([aupro_by_thresholds(maps, masks, x) for x in (0.3, 1.0)])


def test_aupro_of_one_pixel_regions_is_the_auroc() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((32, 32), dtype=bool)
    mask[::4, ::4] = True
    scores = rng.random((32, 32)).round(1) + 0.2 * mask
    assert aupro([scores], [mask], 1.0) == pytest.approx(auroc(mask, scores))


def test_aupro_leaves_out_pixels_outside_the_fabric() -> None:
    scores = np.array([[np.nan, 5.0, 1.0, 2.0, np.nan, np.nan]])
    mask = np.array([[1, 1, 0, 0, 0, 1]])
    with pytest.warns(UserWarning, match="1 defect regions .*outside the fabric .*dropped") as record:
        assert aupro([scores], [mask]) == 1
    assert record[0].filename == __file__


def test_aupro_without_regions_or_normal_pixels_is_nan() -> None:
    scores = np.ones((1, 2, 2))
    with pytest.warns(UserWarning, match="no defect region .*NaN: add defective") as record:
        assert math.isnan(aupro(scores, np.zeros((1, 2, 2))))
    assert record[0].filename == __file__
    with pytest.warns(UserWarning, match="no normal pixel .*NaN: add normal"):
        assert np.isnan(aupro(scores, scores, (0.3, 0.05))).tolist() == [True, True]


@pytest.mark.parametrize(
    "maps, masks, max_fpr, message",
    [
        (np.ones((2, 3, 3)), np.ones((1, 3, 3)), 0.3, "2 maps and 1 masks: give .*a mask each"),
        ([], [], 0.3, "0 maps and 0 masks"),
        (np.ones((3, 3)), np.ones((3, 3)), 0.3, r"^maps\[0\] has shape \(3,\) .*maps\[None\]"),
        (
            np.ones((1, 3, 4)),
            np.ones((1, 3, 3)),
            0.3,
            r"^maps\[0\] has shape \(3, 4\) and masks\[0\] \(3, 3\), .*\(H, W\)",
        ),
        (np.ones((1, 3, 3)), np.full((1, 3, 3), 255), 0.3, r"^masks\[0\] contains .*0 and 1"),
        (np.full((1, 3, 3), np.inf), np.ones((1, 3, 3)), 0.3, r"^maps\[0\] contains infinity in 9 of 9 places"),
        (np.ones((1, 3, 3)), np.ones((1, 3, 3)), 0, "^max_fpr is 0, .*above 0 and up to 1"),
        (np.ones((1, 3, 3)), np.ones((1, 3, 3)), (0.3, 1.5), "^max_fpr is 1.5, .*above 0 and up to 1"),
    ],
)
def test_bad_maps_and_masks_are_refused(maps, masks, max_fpr, message: str) -> None:
    with pytest.raises(InputError, match=message):
        aupro(maps, masks, max_fpr)
