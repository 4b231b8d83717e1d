"""Resampled strips: as many of each kind as there are, and the same as in the package's bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb09.resampling import resample_strips

LABELS = np.array([True, False, False, True, False, False])
GROUPS = np.array(["b", "b", "a", "c", "d", "a"])


def test_every_resample_has_as_many_strips_of_each_kind_as_there_are():
    resamples = resample_strips(LABELS, GROUPS, 50)
    assert resamples.shape == (50, 4) and set(resamples.ravel()) == {"a", "b", "c", "d"}
    assert np.isin(resamples, ["b", "c"]).sum(axis=1).tolist() == [2] * 50  # strips with a defect


def test_seed_decides_the_resamples():
    resamples = resample_strips(LABELS, GROUPS, 50, seed=1)
    assert (resamples == resample_strips(LABELS, GROUPS, 50, seed=1)).all()
    assert (resamples != resample_strips(LABELS, GROUPS, 50, seed=2)).any()


@pytest.mark.parametrize("labels", [LABELS, np.zeros(6, bool), np.ones(6, bool)], ids=["both", "normal", "defective"])
def test_strips_are_those_of_the_bootstrap_in_metrics(labels: np.ndarray):
    weights = 10.0 ** np.arange(6)  # a sum of them says which tiles a resample contains, and how often

    def weight_of_tiles(labels: np.ndarray, scores: np.ndarray) -> float:
        return float(scores.sum())

    groups = (labels, weights, np.zeros(6), GROUPS)
    expected = metrics.paired_bootstrap(weight_of_tiles, *groups, n_resamples=20, seed=4)
    resamples = resample_strips(labels, GROUPS, 20, seed=4)
    sums = [sum(weights[GROUPS == strip].sum() for strip in strips) for strips in resamples]
    assert sums == expected.tolist()


def test_unusable_arguments_are_refused():
    with pytest.raises(InputError, match=r"labels has shape \(6,\) and groups \(5,\)"):
        resample_strips(LABELS, GROUPS[:5], 1)
    with pytest.raises(InputError, match=r"labels has shape \(0,\)"):
        resample_strips(LABELS[:0], GROUPS[:0], 1)
    with pytest.raises(InputError, match="n_resamples is 0"):
        resample_strips(LABELS, GROUPS, 0)
