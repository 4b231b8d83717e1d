"""Fitting in bounded memory: a detector fitted block by block detects as well as one fitted on all patches at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from woven import woven

from aitex_utils import PatchCore, streaming_coreset
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER

SIDE = 64
NO_MEMORY = 1e-9  # GiB: every block is reduced
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("normalize_positions", [False, True])
def test_a_detector_fitted_by_blocks_separates_defective_tiles(normalize_positions: bool, monkeypatch):
    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 200)
    training, test = woven(8, seed=0), woven(6, seed=1)
    defective = test[:3].copy()
    defective[:, 20:32, 30:42] //= 3
    parameters = {**PAPER, "normalize_positions": normalize_positions}
    at_once = PatchCore(**parameters).fit(training)
    by_blocks = PatchCore(**parameters).fit(iter(np.split(training, 4)), memory=NO_MEMORY)
    assert len(by_blocks.bank_) == len(at_once.bank_)
    assert by_blocks.tile_shape_ == (SIDE, SIDE) and not by_blocks.fitted_on_strips_
    distances = cdist(at_once.features.transform(training).reshape(-1, 152), by_blocks.bank_.vectors_)
    assert by_blocks.radius_ >= distances.min(axis=1).max() * (1 - 1e-4)
    assert by_blocks.predict(defective).scores.min() > by_blocks.predict(test[3:]).scores.max()
    if normalize_positions:
        np.testing.assert_allclose(by_blocks.position_scale_, at_once.position_scale_, rtol=0.4)


def test_a_detector_fitted_on_strips_by_blocks_localises_a_defect(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 100)
    strips = list(woven(4, 11, SIDE, 320))
    at_once = PatchCore(size=SIDE).fit_strips(strips, tile_size=SIDE)
    by_blocks = PatchCore(size=SIDE).fit_strips(iter(strips), tile_size=SIDE, memory=NO_MEMORY)
    assert by_blocks.fitted_on_strips_ and len(by_blocks.bank_) == len(at_once.bank_)
    np.testing.assert_allclose(by_blocks.position_scale_, at_once.position_scale_, rtol=0.4)
    strip = strips[1].copy()
    strip[25:35, 195:205] //= 3
    anomaly_map = by_blocks.predict_strip(strip, region=(0, 320)).map
    assert abs(np.nanargmax(anomaly_map) % 320 - 200) <= 12


@pytest.mark.parametrize("parameters", [{"sampler": "random"}, {"whiten": True}])
def test_memory_needs_the_greedy_sampler_without_whitening(parameters: dict):
    with pytest.raises(InputError, match="sampler greedy, without whitening.*leave memory out"):
        PatchCore(**{**PAPER, **parameters}).fit(woven(2, seed=0), memory=1.0)


def test_a_wrong_memory_and_empty_streams_are_refused():
    with pytest.raises(InputError, match="^memory is -1, .* above 0"):
        PatchCore(**PAPER).fit(woven(2, seed=0), memory=-1)
    with pytest.raises(InputError, match="nothing to learn from: give at least one tile"):
        PatchCore(**PAPER).fit(iter([]))
    with pytest.raises(InputError, match="nothing to learn from"):
        PatchCore(size=SIDE).fit_strips([], tile_size=SIDE, memory=1.0)
