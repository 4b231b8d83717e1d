"""Protocol B: 30 training tiles, 120 others to test, and patches that are extracted once for all seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from protocol_b import FabricPatches, protocol_b, split_tiles
from protocols import FabricTiles

from aitex_utils.patchcore import PatchCore

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_split_has_thirty_tiles_and_120_others():
    training, test = split_tiles(200, 3)
    assert len(training) == 30 and len(test) == 120 and not set(training) & set(test)
    assert not np.array_equal(training, split_tiles(200, 4)[0])


@pytest.mark.slow
@pytest.mark.parametrize("whiten", [False, True])
def test_patches_of_all_seeds_give_what_fit_and_predict_give(
    small_tiles: FabricTiles, quick: dict[str, Any], whiten: bool
):
    parameters = {**quick, "whiten": whiten}
    results = list(protocol_b(FabricPatches(small_tiles, [0, 1]), parameters))
    training, test = split_tiles(len(small_tiles.clean), 1)
    detector = PatchCore(seed=1, **parameters).fit(small_tiles.clean.tiles[training])
    tested = np.concatenate([small_tiles.clean.tiles[test], small_tiles.defective.tiles])
    np.testing.assert_allclose(results[1].scores, detector.predict(tested).maps.max(axis=(1, 2)), rtol=1e-5)
    assert results[1].labels.tolist() == [False] * len(test) + [True] * len(small_tiles.defective)


@pytest.mark.slow
def test_fewer_training_tiles_and_more_neighbours_raise_the_scores(small_tiles: FabricTiles, quick: dict[str, Any]):
    patches = FabricPatches(small_tiles, [0])
    (plain,) = protocol_b(patches, quick)
    (few,) = protocol_b(patches, quick, n_training=3)
    (neighbours,) = protocol_b(patches, quick, n_neighbors=5)
    assert few.scores.mean() > plain.scores.mean()
    assert (neighbours.scores > plain.scores).all()


def test_patches_are_those_of_the_tiles_that_a_split_draws(
    small_tiles: FabricTiles, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("protocol_b.TRAINING_TILES", 3)
    monkeypatch.setattr("protocol_b.TEST_TILES", 4)
    patches, features = FabricPatches(small_tiles, [5]), PatchCore(**quick).features
    patches.extract(features)
    training, test = split_tiles(len(small_tiles.clean), 5)
    assert (len(training), len(test)) == (3, 4)
    np.testing.assert_array_equal(patches.clean(training), features.transform(small_tiles.clean.tiles[training]))
    tested = np.concatenate([small_tiles.clean.tiles[test], small_tiles.defective.tiles])
    np.testing.assert_array_equal(np.concatenate(list(patches.batches(test))), features.transform(tested))


@pytest.mark.slow
def test_equal_extractors_share_the_patches(
    small_tiles: FabricTiles, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    patches, made = FabricPatches(small_tiles, [0]), []
    transform = PatchCore().features.__class__.transform
    monkeypatch.setattr("protocol_b.PatchFeatures.transform", lambda self, t: made.append(len(t)) or transform(self, t))
    patches.extract(PatchCore(**quick).features)
    once = list(made)
    assert once == [
        len(split_tiles(len(small_tiles.clean), 0)[0]) + len(split_tiles(len(small_tiles.clean), 0)[1]),
        len(small_tiles.defective),
    ]
    patches.extract(PatchCore(**{**quick, "coreset_ratio": 0.5, "whiten": True}).features)
    assert made == once
    patches.extract(PatchCore(**{**quick, "pooling": 1}).features)
    assert len(made) == 4
