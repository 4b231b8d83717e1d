"""The scored tiles of notebooks 06 and 07, on a small practice fabric."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aitex_utils.lessons import scored_tiles
from aitex_utils.scoring import max_score


@pytest.fixture
def small(small_practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Take the small practice fabric for the course's, with few tiles."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(scored_tiles, "lesson_root", lambda: small_practice)
    for name, value in (("NORMAL", 3), ("DEFECTIVE", 1), ("FIT_TILES", 2), ("CALIBRATION_STRIPS", 1)):
        monkeypatch.setattr(scored_tiles, name, value)
    caches = (scored_tiles._scores, scored_tiles._by_name, scored_tiles._normal_strips)
    for function in caches:
        function.cache_clear()
    yield small_practice
    for function in caches:
        function.cache_clear()


def test_strips_are_evenly_spaced_and_have_known_masks(small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scored_tiles, "DEFECTIVE", 99)
    normal, defective = scored_tiles.choose_strips(small, "00")
    assert len(normal) == 3 and len(defective) == 3  # one of four has no mask
    assert all(strip.is_normal for strip in normal) and all(s.read_known_mask() is not None for s in defective)
    assert scored_tiles.choose_fabrics(small) == ["00"]


@pytest.mark.slow
def test_the_scores_are_cached_in_units_of_the_calibration_tiles(small: Path, capsys: pytest.CaptureFixture):
    (fabric,) = scored_tiles.load_scores()
    assert "Computing scores_fast_00 " in capsys.readouterr().out
    scored_tiles._scores.cache_clear()
    (again,) = scored_tiles.load_scores()
    assert "computing" not in capsys.readouterr().out
    assert np.array_equal(fabric.distances, again.distances)
    n = len(fabric.labels)
    assert fabric.distances.shape == (n, 32, 32) and fabric.reweighted.shape == (n, 2)
    assert np.median(fabric.scores[fabric.calibration]) == pytest.approx(1)
    assert len(fabric.fitted) == len(fabric.same_strips) == 2 and fabric.fitted.max() < fabric.scores.max()
    normal, defective = scored_tiles.choose_strips(small, "00")
    assert set(fabric.strips) == {strip.id for strip in [*normal[1:], *defective]}  # not the training strip
    assert set(fabric.strips[fabric.calibration]) == {normal[1].id}
    assert fabric.of_normal_strip.sum() == np.isin(fabric.strips, [strip.id for strip in normal]).sum()
    assert ((fabric.marked > 0) == fabric.labels).all() and not fabric.labels[fabric.of_normal_strip].any()
    with pytest.raises(ValueError, match="read-only"):
        fabric.distances[:] = 0

    test = scored_tiles.pool_test([fabric, fabric])
    assert len(test.labels) == 2 * np.sum(~fabric.calibration) == len(test.scores) == len(test.strips)
    assert test.labels.sum() == 2 * fabric.labels.sum() and not np.isin(normal[1].id, test.strips)

    name = defective[0].id
    image, anomaly_map, mask = scored_tiles.strip_with_map(fabric, name, 0)
    assert image.shape == anomaly_map.shape == mask.shape and mask.any()
    rows = fabric.strips == name
    assert np.nanmax(anomaly_map) == pytest.approx(max_score(fabric.distances[rows]).max(), rel=0.05)
    assert scored_tiles.find_strip(name).id == name
