"""The data of notebook 04 come from the right strips, and from the cache the second time."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.data import lesson_root
from aitex_utils.lessons.nb04 import setup
from aitex_utils.lessons.tile_sampling import draw_tiles
from aitex_utils.strips import list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels


@pytest.fixture(scope="module")
def strips():
    return list_strips(lesson_root(), "00")


@pytest.mark.slow
def test_tiles_of_normal_strips_are_clean_and_of_others_defective(strips):
    for is_normal in (True, False):
        group = [strip for strip in strips if strip.is_normal == is_normal and (is_normal or strip.masks)][:2]
        tiles = draw_tiles(group, 5, np.random.default_rng(0)).tiles
        assert tiles.shape[0] <= 5 and tiles.shape[1:] == (256, 256)
        images, labels = [], []
        for strip in group:
            found, corners = tile_fabric(strip.read())
            images.append(found)
            labels.append(tile_labels(crop_tiles(strip.read_mask(), corners)))
        wanted = np.concatenate(images)[np.concatenate(labels) != is_normal]
        assert all((tile == wanted).all(axis=(1, 2)).any() for tile in tiles)


def test_fitting_and_test_strips_are_apart():
    found = setup._split_fabrics(lesson_root())
    assert len(found) == 3
    for fabric, fitting, held_out, defective in found:
        names = [strip.path for group in (fitting, held_out, defective) for strip in group]
        assert len(set(names)) == len(names) and fitting and held_out and defective
        assert {strip.fabric for group in (fitting, held_out, defective) for strip in group} == {fabric}


@pytest.mark.slow
def test_the_second_call_computes_nothing(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(setup, "FABRICS", 1)
    monkeypatch.setattr(setup, "BANK_TILES", 1)
    monkeypatch.setattr(setup, "TEST_TILES", 1)
    monkeypatch.setattr(setup, "LARGE_TILES", 1)
    first, large = setup.load_patches(), setup.load_large_bank()
    capsys.readouterr()
    second = setup.load_patches()
    assert "computing" not in capsys.readouterr().out
    assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True))
    assert [part.fabric for part in first] and first[0].bank.shape == (1024, 152)
    assert large.shape == (1024, 152) and abs(large.mean(axis=0)).max() < 1e-3
