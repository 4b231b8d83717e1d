"""Defects: each kind leaves a mask of plausible size inside the fabric, where it changed the fabric."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.practice.defects import DEFECT_CODES, SMALL, add_defect, defect_count
from aitex_utils.practice.weave import Weave, Yarns, render_fabric, twill
from aitex_utils.strips import DEFECTS

SHAPE, SPAN = (256, 1024), (200, 1024)
WEAVE = Weave(twill(2, 1), 2.4, 2.6, 110, 0.15, specks=0)


def defect(code: str, seed: int) -> tuple[np.ndarray, Yarns]:
    yarns = Yarns(SHAPE)
    return add_defect(code, WEAVE, yarns, SPAN, np.random.default_rng(seed)), yarns


def test_every_defect_kind_of_aitex_is_there():
    assert set(DEFECT_CODES) == set(DEFECTS) - {"000"} and len(DEFECT_CODES) == 12
    assert set(SMALL) <= set(DEFECT_CODES)


@pytest.mark.parametrize("code", DEFECT_CODES)
def test_mask_lies_inside_the_fabric_and_is_not_binary(code):
    for seed in range(4):
        mask, _ = defect(code, seed)
        assert mask.shape == SHAPE and mask.dtype == np.uint8
        assert mask.any() and mask.max() > 200
        marked = mask[mask > 0]
        assert len(np.unique(marked)) > 3 and marked.min() >= 40
        if code not in ("010", "016"):  # a pick or a loose thread can run on over the edge
            assert np.nonzero(mask.any(axis=0))[0].min() >= SPAN[0] - 20


@pytest.mark.parametrize("code", DEFECT_CODES)
def test_the_picture_changes_inside_the_mask_and_hardly_elsewhere(code):
    mask, yarns = defect(code, 3)
    plain = render_fabric(WEAVE, Yarns(SHAPE), np.random.default_rng(9))
    change = np.abs(render_fabric(WEAVE, yarns, np.random.default_rng(9)) - plain)
    near = np.zeros(SHAPE, bool)
    for row, column in zip(*np.nonzero(mask), strict=True):
        near[max(row - 30, 0) : row + 31, max(column - 30, 0) : column + 31] = True
    assert change[mask > 0].mean() > 3  # grey levels
    assert change[~near].mean() < 0.35
    assert change[mask > 0].mean() > 10 * change[~near].mean()


@pytest.mark.parametrize("code", DEFECT_CODES)
def test_the_same_seed_makes_the_same_defect(code):
    (mask, yarns), (again, yarns_again) = defect(code, 1), defect(code, 1)
    np.testing.assert_array_equal(mask, again)
    for name in ("down", "right", "texture", "gain", "added"):
        np.testing.assert_array_equal(getattr(yarns, name), getattr(yarns_again, name))
        assert np.isfinite(getattr(yarns, name)).all()
    assert not np.array_equal(mask, defect(code, 2)[0])


@pytest.mark.parametrize("code", SMALL)
def test_small_kinds_are_small(code):
    pixels = [int((defect(code, seed)[0] > 0).sum()) for seed in range(12)]
    assert max(pixels) < 250 and np.median(pixels) < 100


def test_a_cut_selvage_begins_at_the_selvage():
    for seed in range(8):
        first = np.nonzero(defect("022", seed)[0].any(axis=0))[0].min()
        assert SPAN[0] <= first < SPAN[0] + 45


def test_defect_count():
    rng = np.random.default_rng(0)
    assert all(defect_count(code, rng) == 3 for code in SMALL)
    assert {defect_count("002", rng) for _ in range(30)} == {1, 2}


@pytest.mark.parametrize(
    ("code", "lighter"), [("002", -1), ("006", 1), ("019", -1), ("022", -1), ("025", -1), ("029", -1)]
)
def test_which_kinds_are_darker_and_which_lighter(code, lighter):
    mask, yarns = defect(code, 5)
    yarns.texture[:], yarns.down[:], yarns.right[:] = 1, 0, 0  # light alone, without the changes of the weave
    core = mask > 200
    plain = render_fabric(WEAVE, Yarns(SHAPE), np.random.default_rng(9))
    assert lighter * (render_fabric(WEAVE, yarns, np.random.default_rng(9)) - plain)[core].mean() > 6


def test_an_unknown_code_is_refused():
    with pytest.raises(InputError, match="code is '000'.*choose one of 002"):
        defect("000", 0)
