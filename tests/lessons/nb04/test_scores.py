"""Scores, intervals and verdicts of notebook 04."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb04.scores import (
    SEEDS,
    SHARES,
    describe_difference,
    resample_aurocs,
    score_fabric,
    scores_by_prefix,
    tile_aurocs,
)
from aitex_utils.lessons.nb04.setup import FabricPatches
from aitex_utils.lessons.nb04.toy import nearest_distances
from aitex_utils.metrics import auroc


@pytest.fixture(scope="module")
def patches() -> list[FabricPatches]:
    rng = np.random.default_rng(0)
    bank = rng.normal(size=(400, 4)).astype(np.float32)
    test = rng.normal(size=(12, 9, 4)).astype(np.float32)
    labels = np.arange(12) >= 6
    test[labels, 0] += 3
    return [FabricPatches("00", bank, test, labels), FabricPatches("01", bank[::2], test[::-1], labels[::-1])]


def test_scores_of_prefixes_are_those_of_searches_of_their_own(patches: list[FabricPatches]):
    order = np.random.default_rng(1).permutation(400)
    scores = scores_by_prefix(patches[0].bank, order, [3, 50, 400], patches[0].test)
    flat = patches[0].test.reshape(-1, 4)
    for size, row in zip((3, 50, 400), scores, strict=True):
        exact = nearest_distances(flat, patches[0].bank[order[:size]]).reshape(12, -1).max(axis=1)
        np.testing.assert_allclose(row, exact, rtol=1e-4)


@pytest.mark.parametrize(("method", "seeds", "ratios"), [("all", 1, 1), ("greedy", SEEDS, 3), ("k-means", 1, 3)])
def test_each_method_has_its_seeds_and_ratios(method: str, seeds: int, ratios: int, patches: list[FabricPatches]):
    assert score_fabric(method, patches[0].bank, patches[0].test).shape == (seeds, ratios, 12)


def test_scores_fall_with_the_size(patches: list[FabricPatches]):
    scores = score_fabric("random", patches[0].bank, patches[0].test)
    assert len(SHARES) == scores.shape[1] and (np.diff(scores, axis=1) <= 0).all()


def test_aurocs_are_the_metric_s(patches: list[FabricPatches]):
    scores = [score_fabric("greedy", part.bank, part.test) for part in patches]
    found = tile_aurocs(scores, patches)
    assert found.shape == (2, SEEDS, 3)
    assert found[1, 2, 0] == auroc(patches[1].labels, scores[1][2, 0])


def test_resamples_scatter_around_the_aurocs(patches: list[FabricPatches]):
    scores = {name: [score_fabric(name, part.bank, part.test) for part in patches] for name in ("all", "random")}
    resampled = resample_aurocs(scores, patches, n_resamples=200)
    assert {name: values.shape for name, values in resampled.items()} == {"all": (200, 1), "random": (200, 3)}
    for name, values in resampled.items():
        expected = tile_aurocs(scores[name], patches).mean(axis=(0, 1))
        np.testing.assert_allclose(values.mean(axis=0), expected, atol=0.03)


def test_tied_scores_count_half(patches: list[FabricPatches]):
    resampled = resample_aurocs({"all": [np.zeros((1, 1, 12))] * 2}, patches, n_resamples=3)
    assert resampled["all"].tolist() == [[0.5]] * 3


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.02, "a is ahead"), (-0.02, -0.01, "b is ahead"), (-0.01, 0.02, "cannot distinguish")],
)
def test_the_verdict_on_a_difference_follows_its_interval(low: float, high: float, verdict: str):
    assert verdict in describe_difference("a", "b", (low + high) / 2, low, high)
