"""The leakage lab: on strips that are all alike the two exams agree, on strips of their own kind they don't."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb01.leakage import (
    Exams,
    bed_numbers,
    draw_sides,
    mean_interval,
    nearest_normal,
    resemblance,
    two_exams,
)


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
    gaps, strange = {}, {}
    for apart in (0.0, 3.0):
        patches, owner, others = made_up(apart)
        exams = [two_exams(patches, owner, others, seed=seed) for seed in range(6)]
        gaps[apart], strange[apart] = (np.mean([getattr(e, name) for e in exams]) for name in ("gap", "strangeness"))
    assert abs(gaps[0.0]) < 0.05 and gaps[3.0] > 0.2
    assert abs(strange[0.0] - 0.5) < 0.05 and strange[3.0] > 0.9


def test_the_exams_are_of_the_sizes_asked_for_and_can_be_repeated():
    patches, owner, others = made_up(1.0)
    one, two = (two_exams(patches, owner, others, seed=7, strips=3, tiles=10) for _ in range(2))
    assert one.same.shape == one.new.shape == (2, 10) and one.others["defective"].shape == (2, 40)
    assert np.array_equal(one.same, two.same) and np.array_equal(one.new, two.new)
    assert not np.array_equal(one.same, two_exams(patches, owner, others, seed=8, strips=3, tiles=10).same)


def test_sides_share_no_strip_and_no_tile_is_both_fitted_on_and_tested():
    owner = np.repeat([f"{n:04d}" for n in range(9)], 12)
    for seed in range(20):
        (fit_a, test_a), (fit_b, test_b) = draw_sides(owner, seed=seed, strips=4, tiles=18)
        assert len({*fit_a, *test_a, *fit_b, *test_b}) == 4 * 18
        assert not {*owner[fit_a], *owner[test_a]} & {*owner[fit_b], *owner[test_b]}


def test_each_clean_tile_sits_both_exams():
    """Each strip lies at a place of its own, far from others: scores tell whether a known or a new strip was asked."""
    owner = np.repeat(np.arange(6), 10)
    place = 1000.0 * owner + np.arange(60) % 10
    patches = np.repeat(place[:, None, None], 100, axis=1).astype(np.float32)
    exams = two_exams(patches, owner, {}, seed=0, strips=3, tiles=12)
    assert (exams.same > 0).all() and (exams.same < 10).all() and (exams.new > 900).all()


def test_auroc_gap_and_strangeness_by_hand():
    same, new = np.array([[1.0, 2.0], [1.0, 1.0]]), np.array([[1.0, 4.0], [2.0, 2.0]])
    exams = Exams(same, new, {"defective": np.array([[3.0, 5.0]] * 2)})
    assert (exams.auroc("same"), exams.auroc("new"), exams.gap) == (1.0, 0.875, 0.125)
    assert exams.strangeness == (0.625 + 1) / 2


def test_resemblance_by_hand():
    patches = np.array([[[0.0], [0.0]], [[1.0], [5.0]], [[7.0], [7.0]]], np.float32)
    found = resemblance(patches, every=2)
    assert np.isnan(np.diag(found)).all()
    assert found[0, 1] == 1 and found[1, 0] == 1 and found[2, 1] == 2 and found[0, 2] == 7


def test_the_bed_in_three_numbers():
    strip = np.zeros((256, 600), np.uint8)
    strip[:, :100] = 250
    strip[:, 100:200] = 50
    assert bed_numbers(strip, 200).tolist() == [200, 150, 100] and bed_numbers(strip, 0).tolist() == [0, 0, 0]


def test_the_nearest_other_normal_strip_by_hand():
    numbers = np.array([[0.0], [2.0], [4.0], [8.0], [2.0]])
    normal = np.array([True, True, True, False, False])
    spread = np.std([0, 2, 4])
    assert nearest_normal(numbers, normal) == pytest.approx(np.array([2, 2, 2, 4, 0]) / spread)


def test_mean_interval_by_hand():
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2 and high - mean == pytest.approx(mean - low)
    assert high - mean == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)  # Student's t for 2 degrees of freedom


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"strips": 5}, "strips is 5: give 1 to 4"),
        ({"strips": 0}, "strips is 0"),
        ({"tiles": 40}, "4 strips have 48 tiles, 80 are needed"),
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
