"""Distances made level over a tile, and mirrored borders: by hand, against the obvious way, saved, loaded, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from woven import woven

from aitex_utils import PatchCore, scoring
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER
from aitex_utils.scoring import distances_to_others, usual_distances

SIDE = 64


def paper(**parameters: object) -> PatchCore:
    return PatchCore(**{**PAPER, **parameters})


def usual_of(patches: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return what is usual, from patches (N, H', W', C) and the indices of those that were kept."""
    n, height, width, channels = patches.shape
    kept, owner = patches.reshape(-1, channels)[chosen], np.asarray(chosen) // (height * width)
    return usual_distances(np.stack(distances_to_others(list(enumerate(patches)), [kept], [owner])))


NORMAL, OTHERS = woven(8, seed=0), woven(6, seed=1)


def test_two_tiles_by_hand():
    # One channel, one row of two places. Kept: both patches of each tile. Tile 0: 0, 10; tile 1: 1, 14.
    patches = np.array([[[[0.0], [10.0]]], [[[1.0], [14.0]]]], np.float32)  # (2, 1, 2, 1)
    # To the other tile's: 0 -> 1, 10 -> 4 (14), 1 -> 1 (0), 14 -> 4 (10). The row's share is that of all.
    usual = usual_of(patches, np.arange(4))
    assert usual.shape == (1, 2)
    np.testing.assert_allclose(usual, [[1, 4]], rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 5),
    height=st.integers(1, 4),
    width=st.integers(1, 4),
    seed=st.integers(0, 1000),
    kept=st.floats(0.4, 1),
)
def test_against_the_obvious_way(n, height, width, seed, kept):
    random = np.random.default_rng(seed)
    patches = random.normal(size=(n, height, width, 3)).astype(np.float32)
    total = n * height * width
    chosen = random.permutation(total)[: max(2, round(kept * total))]
    distances = []
    for i in range(n):
        others = [patches.reshape(total, 3)[j] for j in chosen if j // (height * width) != i]
        if others:
            distances.append(cdist(patches[i].reshape(-1, 3), others).min(axis=1).reshape(height, width))
    distances = np.stack(distances)
    rows = [np.quantile(distances[:, r], 0.9) for r in range(height)]
    columns = [np.quantile(distances[:, :, c], 0.9) for c in range(width)]
    expected = np.outer(rows, columns) / np.quantile(distances, 0.9)
    np.testing.assert_allclose(usual_of(patches, chosen), expected, rtol=1e-3, atol=1e-5)


def test_equal_tiles_give_something_to_divide_by():
    usual = usual_of(np.ones((3, 2, 2, 4), np.float32), np.arange(12))
    assert usual.dtype == np.float32 and np.isfinite(usual).all() and (usual > 0).all()


def test_at_most_so_many_tiles_are_compared(monkeypatch: pytest.MonkeyPatch):
    from aitex_utils import patchcore

    asked = []
    kept = patchcore.distances_to_others
    monkeypatch.setattr(patchcore, "SAMPLES", 4)
    monkeypatch.setattr(patchcore, "distances_to_others", lambda s, *rest: asked.extend(s) or kept(s, *rest))
    paper(level=True).fit(NORMAL)
    assert [number for number, _ in asked] == [0, 2, 5, 7]  # spread over all eight


def test_kept_patches_of_one_tile_only_are_refused():
    patches = np.random.default_rng(0).normal(size=(1, 2, 2, 3)).astype(np.float32)
    with pytest.raises(
        InputError, match="All kept patches are of one tile or strip: fit on more, or keep more patches"
    ):
        usual_of(patches, np.arange(4))
    with pytest.raises(InputError, match="All kept patches are of one tile or strip"):
        paper(level=True).fit(NORMAL[:1])


@pytest.mark.parametrize("sampler", ["greedy", "random"])
def test_maps_are_the_plain_ones_divided_by_what_is_usual(sampler: str):
    plain = paper(sampler=sampler, smoothing=0).fit(NORMAL)
    level = paper(sampler=sampler, smoothing=0, level=True).fit(NORMAL)
    np.testing.assert_array_equal(level.bank_.vectors_, plain.bank_.vectors_)
    assert plain.usual_ is None and level.usual_.shape == (8, 8)
    patches = plain.features.transform(OTHERS)
    distances = plain.bank_.nearest(patches.reshape(-1, patches.shape[-1]))[0].reshape(len(OTHERS), 8, 8)
    np.testing.assert_allclose(level.score(OTHERS).scores, (distances / level.usual_).max(axis=(1, 2)), rtol=1e-4)


def test_alarms_no_longer_stand_at_the_border():
    """Of normal tiles' highest places fewer lie in the outermost ring once distances are level."""
    at_border = {}
    for level in (False, True):
        maps = paper(smoothing=0, level=level).fit(NORMAL).score(woven(40, seed=2)).maps
        highest = [np.unravel_index(m.argmax(), m.shape) for m in maps]
        at_border[level] = np.mean([min(r, c, SIDE - 1 - r, SIDE - 1 - c) < 8 for r, c in highest])
    assert at_border[True] < at_border[False]


@pytest.mark.parametrize("parameters", [{"level": True}, {"padding": "reflect"}, {"level": True, "whiten": True}])
def test_saved_and_loaded_it_scores_the_same(parameters: dict, tmp_path: Path):
    detector = paper(**parameters).fit(NORMAL)
    detector.save(tmp_path / "saved")
    loaded = PatchCore.load(tmp_path / "saved")
    assert loaded.parameters() == detector.parameters()
    np.testing.assert_array_equal(loaded.score(OTHERS).maps, detector.score(OTHERS).maps)


def test_mirrored_borders_change_the_patches_at_the_border():
    zeros, mirrored = (paper(padding=p).features.transform(OTHERS[:1])[0] for p in ("zeros", "reflect"))
    assert zeros.shape == mirrored.shape and not np.allclose(zeros[0], mirrored[0], rtol=0.01)


def test_what_level_cannot_do_is_refused_at_once():
    with pytest.raises(InputError, match="level needs to know which tile a kept patch is of"):
        paper(level=True, sampler="k_means")
    with pytest.raises(
        InputError, match=r"level needs patches \(N, H', W', C\), tile by tile, not of shape \(20, 152\)"
    ):
        paper(level=True).fit_patches(np.ones((20, 152), np.float32))
    with pytest.raises(InputError, match="padding is 'same': choose one of reflect, zeros"):
        paper(padding="same")


@settings(max_examples=20, deadline=None)
@given(samples=st.integers(2, 5), places=st.integers(1, 30), seed=st.integers(0, 99))
def test_distances_to_others_are_the_same_where_bfloat16_is_quick(samples: int, places: int, seed: int):
    random = np.random.default_rng(seed)
    patches = [random.normal(size=(2, places, 6)).astype(np.float32) for _ in range(samples)]
    owner = np.repeat(np.arange(samples), 2 * places)
    chosen = np.sort(random.permutation(len(owner))[: max(2, len(owner) // 2)])
    if len(set(owner[chosen])) < 2:
        chosen = np.arange(len(owner))
    kept = np.concatenate([p.reshape(-1, 6) for p in patches])[chosen]
    found = {}
    for quick in (True, False):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(scoring, "FEWEST", 1)
            patched.setattr(scoring, "bfloat16_is_quick", lambda quick=quick: quick)
            found[quick] = distances_to_others(list(enumerate(patches)), [kept], [owner[chosen]])
    for one, other in zip(found[True], found[False], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
