"""Errors near edges, the toy windows and the sentences of notebook 09."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.baselines.ssim import ssim_maps
from aitex_utils.lessons.nb09 import verdicts
from aitex_utils.lessons.nb09.edges import (
    describe_peaks,
    edge_distances,
    error_by_distance,
    peak_edge_distances,
    peaks_in_frame,
    share_of_frame,
)
from aitex_utils.lessons.nb09.toy import spoiled_windows
from aitex_utils.lessons.nb09.training import TENSORS, compared_value, loop, tiny_training, train


def test_distances_are_symmetric_and_rise_by_one():
    distances = edge_distances(7)
    for turned in (distances.T, distances[::-1], distances[:, ::-1]):
        np.testing.assert_array_equal(turned, distances)
    assert distances[3].tolist() == [0, 1, 2, 3, 2, 1, 0] and distances[0].max() == 0


def test_a_planted_frame_is_found():
    errors = np.random.default_rng(0).random((5, 32, 32))
    errors[:, edge_distances(32) < 3] += 5
    profile = error_by_distance(errors, 8)
    assert profile[:3].min() > 5 and profile[3:].max() < 1
    assert peaks_in_frame(errors, 3) == 1 and (peak_edge_distances(errors) < 3).all()


def test_without_a_frame_peaks_are_spread_as_pixels_are():
    errors = np.random.default_rng(0).random((2000, 32, 32))
    assert peaks_in_frame(errors, 4) == pytest.approx(share_of_frame(32, 4), abs=0.03)
    assert share_of_frame(256) == 1 - (240 / 256) ** 2


def test_peaks_are_called_far_more_than_chance_only_if_they_are():
    text = describe_peaks({"A": 0.5, "B": 0.3}, 0.12)
    assert "A 50 %, far more than by chance" in text and text.endswith("B 30 %")


def test_the_copies_have_equal_pixel_errors_and_a_clear_order_of_ssim():
    windows = np.stack(list(spoiled_windows().values()))
    errors = np.abs(windows.astype(float) - windows[0]).mean(axis=(1, 2))
    assert errors[0] == 0 and np.ptp(errors[1:]) < 0.1 * errors[1]
    similarity = ssim_maps(np.repeat(windows[:1], 4, axis=0), windows).mean(axis=(1, 2))
    assert similarity[0] == pytest.approx(1) and similarity[1] > similarity[2] > similarity[3]


# The loop


def test_the_tiny_training_lowers_the_loss():
    arguments = tiny_training(20)
    losses = train(*arguments)
    assert np.mean(losses[-3:]) < 0.5 * losses[0] and not arguments[0].training


def test_the_check_sees_tensors_modes_and_reports():
    arguments = tiny_training(2)
    assert compared_value(loop(keep=lambda value: value)(*arguments), *arguments) == TENSORS
    arguments = tiny_training(2)
    _, _, modes, lengths = compared_value(loop(evaluated=(True, False), report="never")(*arguments), *arguments)
    assert modes.tolist() == [0, 1] and lengths.tolist() == []


# Sentences


def test_a_difference_is_a_verdict_only_if_its_interval_leaves_out_0():
    rng = np.random.default_rng(0)
    assert "B is better than A" in verdicts.describe_difference("A", "B", rng.normal(-1, 0.1, 100))
    assert "A is better than B" in verdicts.describe_difference("A", "B", rng.normal(1, 0.1, 100))
    assert "cannot rank the two" in verdicts.describe_difference("A", "B", rng.normal(0.05, 0.1, 100))


def test_changes_are_named_by_their_size_and_sign():
    assert "a gain of 0.300" in verdicts.describe_change("A", 0.6, 0.9)
    assert "hardly any" in verdicts.describe_change("A", 0.6, 0.585)
    assert "a loss of 0.300" in verdicts.describe_change("A", 0.9, 0.6)


def test_the_crossed_comparison_names_leaders():
    aurocs = {"codes, error": 0.7, "codes, distance": 0.9, "features, error": 0.9, "features, distance": 0.9}
    text = verdicts.describe_crossed(aurocs)
    assert "With codes, the distance leads by 0.200" in text and "features, both scores are level" in text
    assert "the distance, both representations are level" in text and "error, features lead by 0.200" in text
