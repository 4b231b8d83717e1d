"""Large defects: rendered as their names say, and not swallowed by the background."""

from __future__ import annotations

import large_defects
import numpy as np
import pytest
from large_defects import FOLD, KINDS, WRONG_DRAFT, WRONG_WARP, background_of, measure_fabric, render_large_defect

from aitex_utils import calibration
from aitex_utils.patchcore import PatchCore

pytestmark = pytest.mark.usefixtures("one_thread")
SHAPE = (256, 2048)


@pytest.mark.parametrize("kind", KINDS)
def test_the_defect_is_where_the_mask_is(kind: str):
    image, mask = render_large_defect(0, kind, np.random.default_rng(3), SHAPE)
    assert image.shape == mask.shape == SHAPE and image.dtype == np.uint8 and mask.dtype == bool
    columns = mask.any(axis=0)
    if kind in WRONG_DRAFT:
        assert columns.sum() == WRONG_DRAFT[kind] and mask.all(axis=0).sum() == columns.sum()
    elif kind == WRONG_WARP:
        assert mask.all()
    else:
        assert kind == FOLD and 0.75 < columns.mean() < 0.85 and 0.2 < mask[:, columns].mean() < 0.5
        assert image[mask].mean() < 0.8 * image[~mask].mean()


def test_a_normal_strip_has_no_mask_and_equal_seeds_give_equal_strips():
    first, second = (render_large_defect(1, "normal", np.random.default_rng(0), SHAPE) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert not first[1].any()


def test_the_background_is_as_before_after_a_variant():
    detector, limit = PatchCore(), calibration.BACKGROUND_LIMIT
    with pytest.raises(KeyError), background_of(detector, None, 7.0):
        assert detector.background_quantile is None and calibration.BACKGROUND_LIMIT == 7.0
        raise KeyError
    assert detector.background_quantile == PatchCore().background_quantile and calibration.BACKGROUND_LIMIT == limit


@pytest.mark.slow
def test_a_stretch_of_another_draft_is_found_thanks_to_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(large_defects, "STRIPS", dict.fromkeys(large_defects.STRIPS, 2))
    kind = "other draft, 800 columns"
    results = measure_fabric(0, {"size": 192, "coreset_ratio": 0.02}, SHAPE, [kind])
    ours, without = (results[name][kind] for name in ("our defaults", "no limit of the background"))
    assert ours["tile_auroc"] > max(0.9, without["tile_auroc"] + 0.05)
    assert ours["strip_auroc"] >= without["strip_auroc"]
