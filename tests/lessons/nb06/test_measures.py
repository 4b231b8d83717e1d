"""The functions of notebook 06 agree with the package, and with scikit-learn or a literal reading of the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lesson_cells import builder, functions
from measure_definitions import labels_and_scores
from nb06_names import NAMES

from aitex_utils import metrics
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.scoring import reweighted_by_patch_score, reweighted_score

SOLUTIONS = {NAMES[number]: function for number, function in functions(builder.solved, NAMES).items()}


@settings(deadline=None)
@given(labels_and_scores())
def test_measures_of_labels_and_scores(data: tuple[np.ndarray, np.ndarray]):
    """Few distinct scores, so most examples have ties within and between the classes."""
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    labels, scores = data
    area, precision = SOLUTIONS["auroc"](labels, scores), SOLUTIONS["average_precision"](labels, scores)
    assert area == pytest.approx(metrics.auroc(labels, scores), abs=1e-12)
    assert area == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert precision == pytest.approx(metrics.average_precision(labels, scores), abs=1e-12)
    assert precision == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    best, threshold = SOLUTIONS["f1_max"](labels, scores)
    assert (best, threshold) == pytest.approx(metrics.f1_max(labels, scores), abs=1e-12)
    at_each = {t: f1_score(labels, scores >= t, zero_division=0) for t in scores}
    assert best == pytest.approx(max(at_each.values()), abs=1e-12)
    assert threshold == max(t for t, f1 in at_each.items() if f1 > best - 1e-9)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 20), st.integers(1, 4))
def test_both_reweightings(seed: int, patches: int, vectors: int, channels: int):
    rng = np.random.default_rng(seed)
    tile = rng.normal(size=(patches, channels)).astype(np.float32)
    vectors_of_bank = rng.normal(size=(vectors, channels)).astype(np.float32)
    b = int(rng.integers(2, vectors + 1))
    equation_7, variant = SOLUTIONS["tile_scores"](tile, vectors_of_bank, b)
    bank = MemoryBank().add(vectors_of_bank)
    assert equation_7 == pytest.approx(reweighted_score(tile[None], bank, b)[0], rel=1e-3, abs=1e-5)
    assert variant == pytest.approx(reweighted_by_patch_score(tile[None], bank, b)[0], rel=1e-3, abs=1e-5)
