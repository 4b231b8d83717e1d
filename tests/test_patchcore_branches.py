"""A detector with several pooling branches: a coreset and a memory bank per branch, distances combined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from woven import woven

from aitex_utils import PatchCore
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.features import MULTI_SCALE_POOLING, split_branches

SIDE = 64
TILES = np.concatenate([strip[None, :, :SIDE] for strip in woven(6, 3, SIDE, 128)])
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return PatchCore(size=SIDE, pooling=MULTI_SCALE_POOLING, smoothing=0).fit(TILES[:4])


def test_each_branch_has_a_coreset_and_a_bank_of_its_own(detector: PatchCore):
    radii = []
    assert len(detector.banks_) == 2 and detector.bank_ is detector.banks_[0]
    for bank, pooling in zip(detector.banks_, (3, 1), strict=True):
        patches = PatchCore(size=SIDE, pooling=pooling).features.transform(TILES[:4]).reshape(-1, 152)
        assert len(bank) == round(0.05 * len(patches))
        chosen, covering_radii = k_center_greedy(patches, len(bank), seed=0)
        np.testing.assert_allclose(bank.vectors_, patches[chosen], atol=1e-5)
        radii.append(covering_radii[-1])
    assert detector.radius_ == pytest.approx(max(radii), rel=1e-5)


def test_maps_are_the_geometric_mean_of_both_branches(detector: PatchCore):
    result, patches = detector.predict(TILES[4:]), detector.features.transform(TILES[4:])
    branches = zip(detector.banks_, split_branches(patches, 2), strict=True)
    first, second = (bank.search(branch.reshape(-1, 152))[0] for bank, branch in branches)
    expected = np.sqrt(first * second).reshape(2, 8, 8) / detector.position_scale_
    np.testing.assert_allclose(detector.predict_patches(patches).maps, result.maps, rtol=1e-5)
    np.testing.assert_allclose(result.scores, expected.max(axis=(1, 2)), rtol=1e-4)


def test_all_banks_are_saved_and_loaded(detector: PatchCore, tmp_path: Path):
    detector.save(tmp_path / "saved")
    loaded = PatchCore.load(tmp_path / "saved")
    assert loaded.parameters() == detector.parameters() and loaded.pooling == MULTI_SCALE_POOLING
    np.testing.assert_array_equal(loaded.predict(TILES[4:]).maps, detector.predict(TILES[4:]).maps)
    (tmp_path / "saved" / "bank_2.npy").unlink()
    with pytest.raises(InputError, match=r"bank_2\.npy is missing"):
        PatchCore.load(tmp_path / "saved")


@pytest.mark.parametrize("image_score", ["reweighted", "reweighted_by_patch"])
def test_reweighted_scores_are_refused_with_several_branches(image_score: str):
    with pytest.raises(InputError, match=f"image_score {image_score} .*pooling=3"):
        PatchCore(image_score=image_score, pooling=MULTI_SCALE_POOLING)
