"""The leakage lab: on strips that are all alike the two exams agree, on strips of their own kind they don't."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.leakage import Exams, mean_interval, resemblance, two_exams, within_and_between


def made_up(apart: float, *, strips: int = 8, tiles: int = 12) -> tuple[np.ndarray, np.ndarray, dict]:
    """Tiles of strips whose patches lie around a point of their own, `apart` from those of other strips."""
    random = np.random.default_rng(0)
    owner = np.repeat(np.arange(strips), tiles)
    middles = apart * random.standard_normal((strips, 1, 6))
    patches = (middles[owner] + random.standard_normal((len(owner), 16, 6))).astype(np.float32)
    others = apart * random.standard_normal((40, 1, 6)) + random.standard_normal((40, 16, 6))
    others[:, 0] += 3 * np.sign(random.standard_normal((40, 6)))  # the defect
    return patches, owner, {"defective": others.astype(np.float32)}


def test_the_gap_opens_with_the_difference_of_strips():
    gaps = {}
    for apart in (0.0, 3.0):
        patches, owner, others = made_up(apart)
        gaps[apart] = np.mean([two_exams(patches, owner, others, seed=seed).gap for seed in range(6)])
    assert abs(gaps[0.0]) < 0.1 and gaps[3.0] > 0.2


def test_the_exams_are_of_the_sizes_asked_for_and_can_be_repeated():
    patches, owner, others = made_up(1.0)
    one, two = (two_exams(patches, owner, others, seed=7, strips=3, tiles=10) for _ in range(2))
    assert len(one.same) == len(one.new) == 10 and len(one.others["defective"]) == 40
    assert np.array_equal(one.same, two.same) and np.array_equal(one.new, two.new)
    assert not np.array_equal(one.same, two_exams(patches, owner, others, seed=8, strips=3, tiles=10).same)


def test_no_tile_of_a_fitted_strip_is_in_the_exam_by_strip_and_no_fit_tile_in_either():
    """Each strip lies on a line of its own, each tile at its own place of it: scores tell which tile was asked."""
    owner = np.repeat(np.arange(6), 10)
    place = 1000.0 * owner + np.arange(60) % 10
    patches = np.repeat(place[:, None, None], 100, axis=1).astype(np.float32)
    exams = two_exams(patches, owner, {}, seed=0, strips=3, tiles=12)
    assert (exams.same > 0).all() and (exams.same < 10).all() and (exams.new > 900).all()


def test_auroc_and_gap_by_hand():
    exams = Exams(np.array([1.0, 2.0]), np.array([1.0, 4.0]), {"defective": np.array([3.0, 5.0])})
    assert (exams.auroc("same"), exams.auroc("new"), exams.gap) == (1.0, 0.75, 0.25)


def test_resemblance_by_hand():
    patches = np.array([[[0.0], [0.0]], [[1.0], [5.0]], [[7.0], [7.0]]], np.float32)
    found = resemblance(patches, every=2)
    assert np.isnan(np.diag(found)).all()
    assert found[0, 1] == 1 and found[1, 0] == 1 and found[2, 1] == 2 and found[0, 2] == 7
    assert within_and_between(found, np.array([0, 0, 1])) == (1.0, (7 + 6 + 7 + 2) / 4)


def test_mean_interval_by_hand():
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2 and high - mean == pytest.approx(mean - low)
    assert high - mean == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)  # Student's t for 2 degrees of freedom


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"strips": 8}, "strips is 8: give 1 to 7"),
        ({"strips": 0}, "strips is 0"),
        ({"tiles": 40}, "The 4 strips have 48 tiles and the others 48: 80 and 40 are needed"),
    ],
)
def test_a_split_that_cannot_be_is_told(change: dict, told: str):
    patches, owner, others = made_up(1.0)
    with pytest.raises(InputError, match=told):
        two_exams(patches, owner, others, seed=0, **change)
    with pytest.raises(InputError, match="expected"):
        two_exams(patches[0], owner, others, seed=0)
    with pytest.raises(InputError, match="at least two"):
        mean_interval(np.array([1.0]))
