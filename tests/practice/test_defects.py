"""Defects: each kind leaves a mask where it changed the fabric, inside the fabric, of a plausible size."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.practice.defects import DRAWN, SMALL, fault, how_many
from aitex_utils.practice.weave import Weave, Yarns, draw, twill
from aitex_utils.strips import DEFECTS

SHAPE, SPAN = (256, 1024), (200, 1024)
WEAVE = Weave(twill(2, 1), 2.4, 2.6, 110, 0.15, specks=0)


def made(code: str, seed: int) -> tuple[np.ndarray, Yarns]:
    yarns = Yarns(SHAPE)
    return fault(code, WEAVE, yarns, SPAN, np.random.default_rng(seed)), yarns


def test_all_kinds_of_aitex_but_none_are_drawn():
    assert set(DRAWN) == set(DEFECTS) - {"000"} and len(DRAWN) == 12
    assert set(SMALL) <= set(DRAWN)


@pytest.mark.parametrize("code", DRAWN)
def test_mask_lies_inside_the_fabric_and_isnt_binary(code):
    for seed in range(4):
        mask, _ = made(code, seed)
        assert mask.shape == SHAPE and mask.dtype == np.uint8
        assert mask.any() and mask.max() > 200
        marked = mask[mask > 0]
        assert len(np.unique(marked)) > 3 and marked.min() >= 40
        if code not in ("010", "016"):  # a pick or a loose thread may run on over the edge
            assert np.nonzero(mask.any(axis=0))[0].min() >= SPAN[0] - 20


@pytest.mark.parametrize("code", DRAWN)
def test_the_picture_changes_within_the_mask_and_hardly_elsewhere(code):
    mask, yarns = made(code, 3)
    plain = draw(WEAVE, Yarns(SHAPE), np.random.default_rng(9))
    change = np.abs(draw(WEAVE, yarns, np.random.default_rng(9)) - plain)
    near = np.zeros(SHAPE, bool)
    for row, column in zip(*np.nonzero(mask), strict=True):
        near[max(row - 30, 0) : row + 31, max(column - 30, 0) : column + 31] = True
    assert change[mask > 0].mean() > 3  # grey levels
    assert change[~near].mean() < 0.35
    assert change[mask > 0].mean() > 10 * change[~near].mean()


@pytest.mark.parametrize("code", DRAWN)
def test_the_same_seed_makes_the_same_defect(code):
    (mask, yarns), (again, yarns_again) = made(code, 1), made(code, 1)
    np.testing.assert_array_equal(mask, again)
    for name in ("down", "right", "texture", "gain", "added"):
        np.testing.assert_array_equal(getattr(yarns, name), getattr(yarns_again, name))
        assert np.isfinite(getattr(yarns, name)).all()
    assert not np.array_equal(mask, made(code, 2)[0])


@pytest.mark.parametrize("code", SMALL)
def test_small_ones_are_small(code):
    pixels = [int((made(code, seed)[0] > 0).sum()) for seed in range(12)]
    assert max(pixels) < 250 and np.median(pixels) < 100


def test_a_cut_selvage_begins_at_the_selvage():
    for seed in range(8):
        first = np.nonzero(made("022", seed)[0].any(axis=0))[0].min()
        assert SPAN[0] <= first < SPAN[0] + 45


def test_how_many():
    rng = np.random.default_rng(0)
    assert all(how_many(code, rng) == 3 for code in SMALL)
    assert {how_many("002", rng) for _ in range(30)} == {1, 2}


@pytest.mark.parametrize(
    ("code", "lighter"), [("002", -1), ("006", 1), ("019", -1), ("022", -1), ("025", -1), ("029", -1)]
)
def test_which_kinds_are_darker_and_which_lighter(code, lighter):
    mask, yarns = made(code, 5)
    yarns.texture[:], yarns.down[:], yarns.right[:] = 1, 0, 0  # light alone, not what the weave does
    core = mask > 200
    plain = draw(WEAVE, Yarns(SHAPE), np.random.default_rng(9))
    assert lighter * (draw(WEAVE, yarns, np.random.default_rng(9)) - plain)[core].mean() > 6
