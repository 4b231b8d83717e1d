"""The strips of notebook 00 are split without overlap; fitting and predicting are done once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_aitex import make_small
from woven import woven

from aitex_utils.lessons.nb00 import setup
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import Strip, list_strips


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


def test_each_strip_has_one_purpose(tmp_path: Path):
    all_strips = list_strips(make_small(tmp_path))
    all_strips[3].masks[0].unlink()  # of the first defective strip of fabric 00
    strips = setup.sort_strips(list_strips(tmp_path))
    parts = [strips.training, strips.held_out, strips.defective, strips.unmasked]
    assert strips.fabric == "00" and [len(part) for part in parts] == [2, 1, 1, 1]
    assert len({strip.id for part in parts for strip in part}) == 5
    assert "2 for training, 1 held out" in strips.describe() and "1 without a mask" in strips.describe()


def test_a_fabric_with_many_normal_strips_takes_no_longer_to_fit():
    many = [Strip(f"{i:04}_000_02", "02", "000", Path()) for i in range(20)]
    strips = setup.sort_strips(many)
    assert len(strips.training) + len(strips.held_out) == setup.MAX_NORMAL
    assert "20 normal strips" in strips.describe() and "12 not used here" in strips.describe()
    assert "not used here." not in setup.sort_strips(many[:8]).describe().splitlines()[0]


def test_a_fitted_detector_comes_back_from_the_cache_and_predicts_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tiles = woven(3, seed=0)
    image = np.concatenate(list(woven(5, seed=1)), axis=1)
    options = {"size": 64, "coreset_ratio": 0.2, "seed": 1}
    direct = PatchCore(**options).fit(tiles)
    first = setup.fit_cached(PatchCore(**options), tiles)
    strip = Strip("0001_000_02", "02", "000", Path())
    monkeypatch.setattr(Strip, "read", lambda self: image)
    monkeypatch.setattr("aitex_utils.patchcore.fabric_region", lambda strip: _Certain((0, strip.shape[1])))
    expected = setup.predict_cached(first, [strip])[strip.id]
    for name in ("fit", "predict_strip"):
        monkeypatch.setattr(PatchCore, name, _refuse)
    again = setup.fit_cached(PatchCore(**options), tiles)
    result = setup.predict_cached(again, [strip])[strip.id]
    assert np.array_equal(direct.bank_.vectors_, again.bank_.vectors_)
    assert np.array_equal(expected.map, result.map) and np.array_equal(expected.tile_scores, result.tile_scores)
    assert result.score == expected.score and result.region == expected.region == (0, image.shape[1])
    assert np.array_equal(expected.corners, result.corners)


class _Certain(tuple):
    is_certain = True


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("computed again")
