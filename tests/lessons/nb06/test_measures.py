"""What notebook 06 writes out agrees with the module, and with scikit-learn or a literal reading of the definition."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lesson_cells import builder, functions
from measure_definitions import aupro_by_thresholds, labels_and_scores, maps_and_masks
from nb06_names import NAMES
from scipy import ndimage

from aitex_utils import metrics
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.scoring import reweighted_by_patch_score, reweighted_score

OURS = {NAMES[number]: function for number, function in functions(builder.solved, NAMES).items()}


@settings(deadline=None)
@given(labels_and_scores())
def test_measures_of_labels_and_scores(data: tuple[np.ndarray, np.ndarray]):
    """Few distinct scores, so that most draws have ties within and between the classes."""
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    labels, scores = data
    area, precision = OURS["auroc"](labels, scores), OURS["average_precision"](labels, scores)
    assert area == pytest.approx(metrics.auroc(labels, scores), abs=1e-12)
    assert area == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert precision == pytest.approx(metrics.average_precision(labels, scores), abs=1e-12)
    assert precision == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    best, threshold = OURS["f1_max"](labels, scores)
    assert (best, threshold) == pytest.approx(metrics.f1_max(labels, scores), abs=1e-12)
    at_each = {t: f1_score(labels, scores >= t, zero_division=0) for t in scores}
    assert best == pytest.approx(max(at_each.values()), abs=1e-12)
    assert threshold == max(t for t, f1 in at_each.items() if f1 > best - 1e-9)


@settings(deadline=None)
@given(maps_and_masks(), st.sampled_from([0.05, 0.3, 0.5, 1.0]))
def test_aupro_of_regions(data: tuple[list[np.ndarray], list[np.ndarray]], max_fpr: float):
    """Regions cut out as the notebook does it: 8-connected, without pixels that aren't judged."""
    regions, normal = [], []
    for scores, mask in zip(*data, strict=True):
        numbers, count = ndimage.label(mask, np.ones((3, 3)))
        judged = ~np.isnan(scores)
        regions += [scores[(numbers == i) & judged] for i in range(1, count + 1)]
        normal.append(scores[judged & ~mask])
    regions, normal = [region for region in regions if len(region)], np.concatenate(normal)
    if not regions or not len(normal):
        return
    ours = OURS["aupro"](regions, normal, max_fpr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # regions without a judged pixel
        assert ours == pytest.approx(metrics.aupro(*data, max_fpr), abs=1e-9)
    assert ours == pytest.approx(aupro_by_thresholds(*data, max_fpr), abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 20), st.integers(1, 4))
def test_both_reweightings(seed: int, patches: int, vectors: int, channels: int):
    random = np.random.default_rng(seed)
    tile = random.normal(size=(patches, channels)).astype(np.float32)
    bank = random.normal(size=(vectors, channels)).astype(np.float32)
    b = int(random.integers(2, vectors + 1))
    ours, memory = OURS["tile_scores"](tile, bank, b), MemoryBank().add(bank)
    assert ours[0] == pytest.approx(reweighted_score(tile[None], memory, b)[0], rel=1e-3, abs=1e-5)
    assert ours[1] == pytest.approx(reweighted_by_patch_score(tile[None], memory, b)[0], rel=1e-3, abs=1e-5)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.sampled_from([0.0625, 0.125, 0.25, 0.5, 0.75]))
def test_the_threshold_is_the_module_s_a_hair_lower(values: list[int], rate: float):
    """Rates are powers of two or sums of such, so that no rank hangs on rounding."""
    scores = np.array(values, dtype=float)
    ours = OURS["alarm_threshold"](scores * 0 - 1, scores, scores + 100, rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few normals for that rate
        assert np.nextafter(ours, np.inf) == metrics.threshold_for_false_alarms(scores, rate)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("count", [9, 19, 20, 99, 137])
def test_the_threshold_at_usual_rates_keeps_at_least_the_module_s_promise(rate: float, count: int):
    scores = np.random.default_rng(count).random(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        exact = metrics.threshold_for_false_alarms(scores, rate)
    assert OURS["alarm_threshold"](scores, scores, scores, rate) == pytest.approx(exact, abs=1e-12)


def test_draws_of_strips_give_the_module_s_interval():
    """Where all strips have a defect there is one group only, and both draw the same from the same seed."""
    random = np.random.default_rng(0)
    strips = np.repeat(np.array(["a", "b", "c", "d", "e"]), [4, 6, 5, 3, 7])
    labels = np.concatenate([np.arange(n) < 2 for n in (4, 6, 5, 3, 7)])
    scores = random.normal(size=25) + labels
    random = np.random.default_rng(3)
    values = [metrics.auroc(labels[r], scores[r]) for r in (OURS["redraw"](strips, random) for _ in range(200))]
    interval = metrics.bootstrap_interval(metrics.auroc, labels, scores, strips, draws=200, seed=3)
    assert tuple(np.quantile(values, [0.025, 0.975])) == pytest.approx(interval, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30), st.integers(0, 10**6))
def test_a_draw_holds_whole_strips_as_many_as_there_are(names: list[str], seed: int):
    strips = np.array(names)
    rows, times = OURS["redraw"](strips, np.random.default_rng(seed)), {}
    for name in set(names):
        counts = np.bincount(rows, minlength=len(strips))[strips == name]
        assert len(set(counts.tolist())) == 1
        times[name] = counts[0]
    assert sum(times.values()) == len(set(names))
