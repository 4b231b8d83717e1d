"""The measures of one test, computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluation import PIXEL_STRIDE, compute_measures, recall_at_false_alarm_rate


def test_measures_by_hand(make_result):
    # Four clean tiles of a normal strip, one clean tile of a defective strip, three tiles with defects of two codes.
    scores = np.array([1.0, 2, 3, 4, 9, 5, 3.5, 8])
    labels = np.array([False] * 5 + [True] * 3)
    result = make_result(scores, labels, np.array([0, 0, 0, 0, 1, 1, 2, 2]), ["000", "002", "010"])
    assert result.in_c1.tolist() == [True] * 4 + [False] + [True] * 3
    measures = compute_measures(result)
    assert measures["tile_auroc"] == pytest.approx(11 / 12)  # 3.5 below 4 is the only wrong pair
    assert measures["tile_auroc_c2"] == pytest.approx(11 / 15)
    assert measures["pixel_auroc"] == measures["tile_auroc_c2"]  # every pixel of a tile is like its tile
    assert (measures["clean_tiles"], measures["defective_tiles"]) == (4, 3)
    assert measures["codes"]["002"]["tiles"] == 1 and measures["codes"]["002"]["tile_auroc"] == 1
    assert measures["codes"]["010"]["tile_auroc"] == pytest.approx(7 / 8)
    assert math.isnan(measures["recall_at_1_percent"])  # four normal tiles cannot promise 1 %
    assert "strip_auroc" not in measures


def test_strip_scores_give_a_strip_auroc(make_result):
    result = make_result(np.array([1.0, 2, 3]), np.array([False, False, True]), np.arange(3), ["000", "000", "002"])
    measures = compute_measures(replace(result, strip_scores={0: 1.0, 1: 3.0, 2: 2.0}))
    assert measures["strip_auroc"] == 0.5 and "tile_auroc_c2" not in measures


def test_recall_is_counted_at_a_threshold_from_normal_tiles_alone(make_result):
    scores = np.concatenate([np.arange(100.0), [98.5, 99.5, 150]])
    labels = np.arange(103) >= 100
    result = make_result(scores, labels, np.repeat([0, 1], [100, 3]), ["000", "002"])
    recall, flagged = recall_at_false_alarm_rate(result)
    assert recall == pytest.approx(2 / 3) and flagged[-2:].all() and not flagged[:100].any()
    assert compute_measures(result)["codes"]["002"]["recall_at_1_percent"] == pytest.approx(2 / 3)


def test_pixels_are_those_of_the_fabric_at_the_stride(make_result):
    result = make_result(np.array([1.0]), np.array([True]), np.array([0]), ["002"])
    result.maps[0][:, PIXEL_STRIDE:] = np.nan
    scores, labels = result.pixels()
    assert [part.size for part in scores] == [8 // PIXEL_STRIDE] and labels[0].all()
