"""The leakage experiment: on strips that are all alike both splits agree, on strips that differ they do not."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb01.leakage import (
    LeakageResult,
    bed_features,
    draw_groups,
    leakage_experiment,
    mean_interval,
    nearest_normal_distance,
    tile_distances,
    tile_scores,
    within_and_between,
)
from aitex_utils.memory_bank import MemoryBank


def made_up(spread: float, *, n_strips: int = 8, n_tiles: int = 12) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return tiles whose patches lie around a centre of their strip; `spread` is the deviation of the centres."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(n_strips), n_tiles)
    centres = spread * rng.standard_normal((n_strips, 1, 6))
    patches = (centres[groups] + rng.standard_normal((len(groups), 16, 6))).astype(np.float32)
    defective = spread * rng.standard_normal((40, 1, 6)) + rng.standard_normal((40, 16, 6))
    defective[:, 0] += 3 * np.sign(rng.standard_normal((40, 6)))  # the defect
    return patches, groups, {"defective": defective.astype(np.float32)}


def mean_gap_and_novelty(spread: float) -> tuple[float, float]:
    results = [leakage_experiment(*made_up(spread), seed=seed) for seed in range(6)]
    return np.mean([result.gap for result in results]), np.mean([result.novelty_auroc for result in results])


@pytest.mark.slow
def test_there_is_no_gap_between_strips_that_are_alike():
    gap, novelty = mean_gap_and_novelty(0.0)
    assert abs(gap) < 0.05 and abs(novelty - 0.5) < 0.05


@pytest.mark.slow
def test_there_is_a_gap_between_strips_that_differ():
    gap, novelty = mean_gap_and_novelty(3.0)
    assert gap > 0.2 and novelty > 0.9


def test_results_have_the_sizes_asked_for_and_can_be_repeated():
    arguments = made_up(1.0)
    first, again = (leakage_experiment(*arguments, seed=7, n_strips=3, n_tiles=10) for _ in range(2))
    other_seed = leakage_experiment(*arguments, seed=8, n_strips=3, n_tiles=10)
    assert first.same.shape == first.new.shape == (2, 10) and first.tile_sets["defective"].shape == (2, 40)
    assert np.array_equal(first.same, again.same) and np.array_equal(first.new, again.new)
    assert not np.array_equal(first.same, other_seed.same)


def test_groups_share_no_strip_and_no_tile_is_in_both_training_and_test():
    groups = np.repeat([f"{number:04d}" for number in range(9)], 12)
    for seed in range(20):
        (training_a, test_a), (training_b, test_b) = draw_groups(groups, seed=seed, n_strips=4, n_tiles=18)
        assert len({*training_a, *test_a, *training_b, *test_b}) == 4 * 18
        strips_a, strips_b = {*groups[training_a], *groups[test_a]}, {*groups[training_b], *groups[test_b]}
        assert len(strips_a) <= 4 and len(strips_b) <= 4 and not strips_a & strips_b


def test_same_and_new_are_scores_of_known_and_new_strips():
    """Strips lie 1,000 apart and a strip's tiles up to 9, so a score shows whether its strip was known."""
    groups = np.repeat(np.arange(6), 10)
    positions = 1000.0 * groups + np.arange(60) % 10
    patches = np.repeat(positions[:, None, None], 100, axis=1).astype(np.float32)
    result = leakage_experiment(patches, groups, {}, seed=0, n_strips=3, n_tiles=12)
    assert (result.same > 0).all() and (result.same < 10).all() and (result.new > 900).all()


def test_auroc_gap_and_novelty_by_hand():
    same, new = np.array([[1.0, 2.0], [1.0, 1.0]]), np.array([[1.0, 4.0], [2.0, 2.0]])
    result = LeakageResult(same, new, {"defective": np.array([[3.0, 5.0]] * 2)})
    assert (result.auroc("same"), result.auroc("new"), result.gap) == (1.0, 0.875, 0.125)
    assert result.novelty_auroc == (0.625 + 1) / 2


def test_a_tile_s_score_is_its_largest_distance():
    bank = MemoryBank().add(np.zeros((1, 2), np.float32))
    patches = np.array([[[3.0, 4.0], [0.0, 1.0]], [[0.0, 2.0], [0.0, 0.0]]], np.float32)
    assert tile_scores(bank, patches).tolist() == [5.0, 2.0]


def test_tile_distances_by_hand():
    patches = np.array([[[0.0], [0.0]], [[1.0], [5.0]], [[7.0], [7.0]]], np.float32)
    distances = tile_distances(patches, patch_stride=2)
    assert np.isnan(np.diag(distances)).all()
    assert distances[0, 1] == 1 and distances[1, 0] == 1 and distances[2, 1] == 2 and distances[0, 2] == 7


def test_within_and_between_leave_out_the_diagonal():
    distances = np.array([[np.nan, 1, 4, 5], [3, np.nan, 6, 7], [4, 6, np.nan, 8], [5, 7, 10, np.nan]])
    assert within_and_between(distances, np.array(["a", "a", "b", "b"])) == (5.5, 5.5)
    assert within_and_between(distances[:3, :3], np.array(["a", "a", "b"])) == (2.0, 5.0)


def test_the_bed_in_three_numbers():
    strip = np.zeros((256, 600), np.uint8)
    strip[:, :100] = 250
    strip[:, 100:200] = 50
    assert bed_features(strip, 200).tolist() == [200, 150, 100] and bed_features(strip, 0).tolist() == [0, 0, 0]


def test_the_nearest_other_normal_strip_by_hand():
    features = np.array([[0.0], [2.0], [4.0], [8.0], [2.0]])
    is_normal = np.array([True, True, True, False, False])
    spread = np.std([0, 2, 4])
    assert nearest_normal_distance(features, is_normal) == pytest.approx(np.array([2, 2, 2, 4, 0]) / spread)


@pytest.mark.parametrize(("confidence", "quantile"), [(0.95, 4.302653), (0.8, 1.885618)])
def test_mean_interval_by_hand(confidence: float, quantile: float):
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0]), confidence)
    assert mean == 2 and high - mean == pytest.approx(mean - low)
    assert high - mean == pytest.approx(quantile / np.sqrt(3), rel=1e-6)  # Student's t for 2 degrees of freedom


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_strips": 5}, "n_strips is 5, expected .* from 1 to 4"),
        ({"n_strips": 0}, "n_strips is 0"),
        ({"n_tiles": 40}, "4 strips have 48 tiles, .* 80"),
    ],
)
def test_an_impossible_draw_is_refused(change: dict, words: str):
    with pytest.raises(InputError, match=words):
        leakage_experiment(*made_up(1.0), seed=0, **change)


def test_shapes_that_do_not_agree_are_refused():
    patches, groups, tile_sets = made_up(1.0)
    with pytest.raises(InputError, match=r"\(16, 6\)"):
        leakage_experiment(patches[0], groups, tile_sets, seed=0)
    with pytest.raises(InputError, match=r"groups \(5,\)"):
        leakage_experiment(patches, groups[:5], tile_sets, seed=0)
    with pytest.raises(InputError, match="at least two"):
        mean_interval(np.array([1.0]))
