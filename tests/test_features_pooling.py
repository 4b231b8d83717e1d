"""Local neighbourhood aggregation per layer and in several branches: by hand, branch by branch, and with whitening."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from woven import woven

from aitex_utils import features as features_module
from aitex_utils.backbones import load_backbone
from aitex_utils.errors import InputError
from aitex_utils.features import (
    MULTI_SCALE_POOLING,
    PatchFeatures,
    check_pooling,
    count_branches,
    fuse_layers,
    split_branches,
    stack_branch,
)

SIDE = 64
TILES = np.concatenate([strip[None, :, :SIDE] for strip in woven(6, 3, SIDE, 128)])
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def layers() -> list[torch.Tensor]:
    """Return the outputs of the default layers for one tile."""
    features = PatchFeatures(size=SIDE)
    with torch.inference_mode():
        return features.layer_outputs(features.preprocess(TILES[:1]))


# --- fuse_layers ---


def test_two_branches_by_hand():
    output = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]]]])
    pooled = fuse_layers([output], ((3,), (1,)))
    assert pooled.shape == (1, 3, 3, 2)
    # First channel: at a corner the mean of the four positions that exist, in the middle of all nine. Second: as it is.
    np.testing.assert_allclose(pooled[0, 0, 0], [3, 1])
    np.testing.assert_allclose(pooled[0, 1, 1], [46 / 9, 5])
    np.testing.assert_allclose(pooled[0, 2, 2], [29 / 4, 10])


def test_a_tuple_gives_one_side_per_layer_and_its_last_one_all_further_layers(layers: list[torch.Tensor]):
    fused = fuse_layers(layers, (3, 1))[0].numpy()
    channels = layers[0].shape[1]
    np.testing.assert_allclose(fused[..., :channels], fuse_layers(layers[:1], 3)[0].numpy(), rtol=1e-6)
    np.testing.assert_array_equal(fused[..., channels:], fuse_layers(layers, 1)[0].numpy()[..., channels:])
    np.testing.assert_array_equal(fuse_layers(layers, (3,)).numpy(), fuse_layers(layers, 3).numpy())


def test_branches_are_concatenated_in_order(layers: list[torch.Tensor]):
    pooling = ((3, 1), (5,), (1,))
    for branch, sides in zip(split_branches(fuse_layers(layers, pooling).numpy(), 3), pooling, strict=True):
        np.testing.assert_array_equal(branch, fuse_layers(layers, sides).numpy())


# --- splitting and stacking ---


def test_split_branches_returns_views_of_equal_width():
    patches = np.arange(24).reshape(2, 2, 6)
    branches = split_branches(patches, 3)
    assert [branch.shape for branch in branches] == [(2, 2, 2)] * 3
    assert all(np.shares_memory(branch, patches) for branch in branches)
    np.testing.assert_array_equal(np.concatenate(branches, axis=-1), patches)


def test_channels_that_do_not_divide_into_the_branches_are_refused():
    with pytest.raises(InputError, match="patches has 5 channels, .* 2 branches: .*features"):
        split_branches(np.zeros((1, 5)), 2)


def test_stack_branch_equals_one_branch_of_all_arrays_in_order():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(2, width, 6)).astype(np.float32) for width in (3, 1)]
    flat = np.concatenate([patches.reshape(-1, 6) for patches in arrays])
    for branch in range(3):
        np.testing.assert_array_equal(stack_branch(arrays, 3, branch), flat[:, 2 * branch : 2 * branch + 2])


def test_stack_branch_copies_only_where_it_must():
    patches = np.random.default_rng(0).normal(size=(2, 3, 6)).astype(np.float32)
    assert np.shares_memory(stack_branch([patches], 1, 0), patches)
    assert stack_branch([patches], 2, 1).flags.c_contiguous


# --- check_pooling and count_branches ---


def test_poolings_become_plain_ints_and_tuples():
    assert check_pooling(np.int64(3)) == 3 and type(check_pooling(np.int64(3))) is int
    assert check_pooling([3, 1]) == (3, 1) and check_pooling([[3], 1]) == MULTI_SCALE_POOLING
    assert PatchFeatures(pooling=(3, 1), pretrained=False).pooling == (3, 1)


@pytest.mark.parametrize("pooling", [(3, 2), (), [0], (3, "1"), ((3,), (2,)), ((3,), ()), True, None, 2, -1, 1.0])
def test_poolings_with_a_side_that_is_not_odd_are_refused(pooling: object):
    with pytest.raises(InputError, match="^pooling is .*, expected an odd number .*for example 3"):
        check_pooling(pooling)


@pytest.mark.parametrize(
    ("pooling", "n_branches"), [(3, 1), ((3, 1), 1), (MULTI_SCALE_POOLING, 2), (((3,), (5,), (1,)), 3)]
)
def test_only_a_tuple_of_tuples_has_several_branches(pooling: object, n_branches: int):
    assert count_branches(pooling) == n_branches
    assert PatchFeatures(pooling=pooling, pretrained=False).n_branches == n_branches


# --- PatchFeatures ---


def test_each_branch_is_whitened_by_itself():
    both = PatchFeatures(size=SIDE, pooling=MULTI_SCALE_POOLING, whiten=True).fit(TILES)
    single = PatchFeatures(size=SIDE, pooling=1, whiten=True).fit(TILES)
    np.testing.assert_allclose(split_branches(both.transform(TILES), 2)[1], single.transform(TILES), atol=2e-2)
    assert both.whitening_.shape == (304, 304)
    assert not both.whitening_[:152, 152:].any() and not both.whitening_[152:, :152].any()


def test_with_pooling_equals_a_new_extractor_with_that_pooling():
    branched = PatchFeatures(size=SIDE, pretrained=False).with_pooling([[3], [1]])
    assert branched.pooling == MULTI_SCALE_POOLING and branched.n_branches == 2 and branched.size == SIDE
    expected = PatchFeatures(size=SIDE, pooling=MULTI_SCALE_POOLING, pretrained=False).transform(TILES)
    np.testing.assert_array_equal(branched.transform(TILES), expected)


def test_with_pooling_leaves_the_original_unchanged():
    features = PatchFeatures(size=SIDE, whiten=True, pretrained=False).fit(TILES)
    before = features.transform(TILES)
    unpooled = features.with_pooling(1)
    unpooled.fit(TILES[:3])
    assert features.pooling == 3 and unpooled.pooling == 1
    np.testing.assert_array_equal(features.transform(TILES), before)


def test_with_pooling_shares_the_network(monkeypatch: pytest.MonkeyPatch):
    loaded = []
    monkeypatch.setattr(
        features_module, "load_backbone", lambda *a, **o: loaded.append(load_backbone(*a, **o)) or loaded[-1]
    )
    features = PatchFeatures(size=SIDE, pooling=1, pretrained=False)
    pooled = features.with_pooling(3)
    assert len(loaded) == 1
    before = pooled.transform(TILES[:1])
    with torch.no_grad():
        loaded[0].network.conv_stem.weight.mul_(2)
    assert not np.array_equal(pooled.transform(TILES[:1]), before)


def test_the_whitening_of_with_pooling_is_not_fitted():
    features = PatchFeatures(size=SIDE, whiten=True, pretrained=False).fit(TILES)
    unpooled = features.with_pooling(1)
    assert unpooled.whiten and not hasattr(unpooled, "mean_") and not hasattr(unpooled, "whitening_")
    with pytest.raises(InputError, match=r"not fitted yet: call fit\(tiles\)"):
        unpooled.transform(TILES)


def test_with_pooling_refuses_what_the_constructor_refuses():
    with pytest.raises(InputError, match="pooling is 2"):
        PatchFeatures(pretrained=False).with_pooling(2)
