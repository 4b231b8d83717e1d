"""Comparing two detectors: draws of strips, paired differences and one scale, by hand and against the module's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aitex_utils import metrics
from aitex_utils.duel import draw_strips, paired_differences, share_below
from aitex_utils.errors import InputError

LABELS = np.array([True, False, False, True, False, False])
STRIPS = np.array(["b", "b", "a", "c", "d", "a"])


def test_every_draw_has_as_many_broken_and_sound_strips_as_there_are():
    drawn = draw_strips(LABELS, STRIPS, draws=50, seed=0)
    assert drawn.shape == (50, 4)
    assert np.isin(drawn, ["b", "c"]).sum(axis=1).tolist() == [2] * 50
    assert set(drawn.ravel()) == {"a", "b", "c", "d"}
    assert (drawn == draw_strips(LABELS, STRIPS, draws=50, seed=0)).all()
    assert (drawn != draw_strips(LABELS, STRIPS, draws=50, seed=1)).any()


def test_differences_worked_by_hand():
    one = np.array([4.0, 1, 2, 3, 5, 0])
    other = np.zeros(6)  # knows nothing: 0.5
    drawn = np.array([["b", "c", "a", "d"], ["c", "c", "d", "d"], ["b", "b", "a", "a"]])
    # all tiles: 6 of 8 pairs right; strip c against d: 3 < 5, none; b against a: 4 beats 1 (b's own), 2 and 0
    found = paired_differences(metrics.auroc, LABELS, one, other, STRIPS, drawn)
    np.testing.assert_allclose(found, [6 / 8 - 0.5, -0.5, 0.5])


def test_a_detector_doesn_t_differ_from_itself_and_signs_turn():
    rng = np.random.default_rng(0)
    labels, strips = np.arange(60) % 3 == 0, np.arange(60) // 6
    one, other = rng.random((2, 60))
    drawn = draw_strips(labels, strips, draws=20)
    assert not paired_differences(metrics.auroc, labels, one, one, strips, drawn).any()
    there = paired_differences(metrics.auroc, labels, one, other, strips, drawn)
    np.testing.assert_allclose(there, -paired_differences(metrics.auroc, labels, other, one, strips, drawn))


def test_its_interval_is_that_of_the_bootstrap_in_metrics():
    rng = np.random.default_rng(1)
    strips = np.repeat(np.arange(30), 8)
    labels = (strips < 12) & (rng.random(240) < 0.5)
    one, other = labels + rng.normal(0, 1, 240), labels + rng.normal(0, 2, 240)
    found = paired_differences(metrics.auroc, labels, one, other, strips, draw_strips(labels, strips, 1000))

    def apart(labels: np.ndarray, both: np.ndarray) -> float:
        return metrics.auroc(labels, both[:, 0]) - metrics.auroc(labels, both[:, 1])

    expected = metrics.bootstrap_interval(apart, labels, np.stack([one, other], axis=1), strips)
    np.testing.assert_allclose(np.quantile(found, [0.025, 0.975]), expected, atol=0.015)  # other draws of the same


@given(arrays(np.int8, (3, 4)), arrays(np.int8, st.integers(1, 20)))
def test_share_below_is_what_counting_gives(values: np.ndarray, normal: np.ndarray):
    expected = (normal[None, None] < values[..., None]).mean(axis=2)
    np.testing.assert_allclose(share_below(values, normal), expected, rtol=1e-6)


@pytest.mark.parametrize("draws", [0, -1])
def test_draws_are_at_least_one(draws: int):
    with pytest.raises(InputError, match=f"for {draws} draws: give each tile a label"):
        draw_strips(LABELS, STRIPS, draws)


def test_refusals():
    with pytest.raises(InputError, match=r"labels \(6,\) and strips \(5,\)"):
        draw_strips(LABELS, STRIPS[:5])
    with pytest.raises(InputError, match=r"labels \(0,\)"):
        draw_strips(LABELS[:0], STRIPS[:0])
    with pytest.raises(InputError, match="differ: score the same tiles with both"):
        paired_differences(metrics.auroc, LABELS, np.zeros(6), np.zeros(5), STRIPS, np.array([["a"]]))
    with pytest.raises(InputError, match="drawn names 'z', of which there is no tile"):
        paired_differences(metrics.auroc, LABELS, np.zeros(6), np.zeros(6), STRIPS, np.array([["a", "z"]]))
    for normal in ([], [1.0, np.nan]):
        with pytest.raises(InputError, match="give the scores of normal pixels"):
            share_below(np.zeros(2), np.array(normal))
