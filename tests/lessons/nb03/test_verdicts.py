"""Verdicts of notebook 03 follow from the measurement, whichever way it turns out."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.nb03 import verdicts


def test_the_last_layer_can_be_best_at_both_levels():
    said = verdicts.describe_layers({"a": 0.7, "b": 0.9}, {"a": 0.7, "b": 0.8})
    assert said.endswith("It is the best at both.") and "tile AUROC: b (0.900)" in said


def test_the_last_layer_can_be_best_at_neither_level():
    said = verdicts.describe_layers({"a": 0.9, "b": 0.7}, {"a": 0.9, "b": 0.8})
    assert said.endswith("It is not the best layer at the level of tiles or pixels.")


def test_differences_are_clear_only_beyond_zero():
    values = np.linspace(-0.1, 0.1, 101)
    said = verdicts.describe_differences({"up": values + 0.2, "down": values - 0.2, "even": values})
    assert said == "Clearly better than the default: up.\nClearly worse than the default: down."
    assert verdicts.describe_differences({"even": values}).count("none of 1 choices") == 2


def test_a_selection_that_flatters_not_at_all_is_said():
    aurocs = np.array([[0.9, 0.9], [0.8, 0.8]])
    said = verdicts.describe_selection(aurocs, np.array([0.9, 0.9]), default=1)
    assert (
        "mean tile AUROC 0.900" in said and said.endswith("makes no difference here.") and "not chosen: 0.800" in said
    )


def test_marks_compare_positions_with_and_without_a_defect():
    mask = np.zeros((64, 64), bool)
    mask[5, 40] = True
    distances = np.ones((8, 8))
    distances[0, 5] = 2.5
    said = verdicts.describe_marks({"x": distances, "y": np.ones((2, 2))}, mask).splitlines()
    assert said == ["x: the distance at the defect is 2.5 times the distance elsewhere, positions are 8 px apart"] + [
        "y: the distance at the defect is 1.0 times the distance elsewhere, positions are 32 px apart"
    ]
