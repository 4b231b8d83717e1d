"""Tiles to patches: shapes at each step, each step against a slow and literal one, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures, join_layers

VIT, SWIN = "timm:vit_tiny_patch16_224", "timm:swin_tiny_patch4_window7_224"


def random_tiles(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), dtype=np.uint8)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def lite0() -> PatchFeatures:
    return PatchFeatures()


def hooked(features: PatchFeatures, tiles: np.ndarray, layer: str) -> np.ndarray:
    """What a layer gives in a pass through the whole network, taken without the module's own hooks."""
    taken = []
    network = features._network
    handle = dict(network.named_modules())[layer].register_forward_hook(lambda m, i, out: taken.append(out.clone()))
    with torch.inference_mode():
        network(features._prepared(tiles))
    handle.remove()
    return taken[0].numpy()


def pooled_slowly(maps: np.ndarray, side: int) -> np.ndarray:
    """(B, C, H, W): at each position the mean over those neighbours that exist."""
    pooled, reach = np.empty_like(maps, dtype=np.float64), side // 2
    for y in range(maps.shape[2]):
        for x in range(maps.shape[3]):
            rows = [r for r in range(y - reach, y + reach + 1) if 0 <= r < maps.shape[2]]
            columns = [c for c in range(x - reach, x + reach + 1) if 0 <= c < maps.shape[3]]
            pooled[:, :, y, x] = sum(maps[:, :, r, c] for r in rows for c in columns) / (len(rows) * len(columns))
    return pooled


def resized_slowly(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """(B, C, H, W) -> (B, C, *grid): bilinear between the centres of pixels, held constant beyond the outer ones."""

    def between(position: int, new: int, old: int) -> tuple[int, int, float]:
        at = min(max((position + 0.5) * old / new - 0.5, 0), old - 1)
        return int(at), min(int(at) + 1, old - 1), at - int(at)

    resized = np.empty((*maps.shape[:2], *grid))
    for y in range(grid[0]):
        top, bottom, down = between(y, grid[0], maps.shape[2])
        for x in range(grid[1]):
            left, right, along = between(x, grid[1], maps.shape[3])
            upper = (1 - along) * maps[:, :, top, left] + along * maps[:, :, top, right]
            lower = (1 - along) * maps[:, :, bottom, left] + along * maps[:, :, bottom, right]
            resized[:, :, y, x] = (1 - down) * upper + down * lower
    return resized


# shapes


def test_shapes_at_each_step(lite0: PatchFeatures):
    tiles = random_tiles(1, 256)
    images = lite0._prepared(tiles)
    assert images.shape == (1, 3, 256, 256)
    with torch.inference_mode():
        outputs = lite0._layer_outputs(images)
    assert [tuple(o.shape) for o in outputs] == [(1, 40, 32, 32), (1, 112, 16, 16)]  # strides 8 and 16
    patches = lite0.transform(tiles)
    assert patches.shape == (1, 32, 32, 152) and patches.dtype == np.float32 and patches.flags.c_contiguous


def test_size_decides_the_grid():
    features = PatchFeatures(size=320, pretrained=False)
    assert features.transform(random_tiles(1, 256)).shape == (1, 40, 40, 152)
    assert PatchFeatures(size=64, pretrained=False).transform(random_tiles(2, 256)).shape == (2, 8, 8, 152)


def test_network_sees_tiles_scaled_as_its_training_images(lite0: PatchFeatures):
    tiles = np.array([[[0, 127], [255, 191]]], np.uint8)
    seen = lite0._prepared(tiles)[0]
    expected = np.array([[-127 / 128, 0], [1, 0.5]], np.float32)  # (x - 127) / 128
    for channel in seen:
        np.testing.assert_array_equal(channel, expected)


def test_size_resizes_a_constant_to_itself_and_a_slope_to_a_slope():
    features = PatchFeatures(size=32, pretrained=False)
    np.testing.assert_allclose(features._prepared(np.full((1, 64, 64), 255, np.uint8)), 1.0, atol=1e-6)
    slope = np.tile(np.arange(0, 128, 2, dtype=np.uint8), (64, 1))[None]  # 64 columns, 2 a column
    seen = (features._prepared(slope)[0, 0, 16] * 128 + 127).numpy()
    np.testing.assert_allclose(np.diff(seen)[2:-2], 4, atol=1e-3)  # half as many columns, twice the slope


# pooling, resizing, joining


@pytest.mark.parametrize("side", [1, 3, 5])
def test_pooling_is_the_mean_over_the_neighbours_that_exist(side: int):
    maps = np.random.default_rng(side).normal(size=(2, 3, 4, 6)).astype(np.float32)
    joined = join_layers([torch.from_numpy(maps)], side).numpy()
    np.testing.assert_allclose(joined, pooled_slowly(maps, side).transpose(0, 2, 3, 1), atol=1e-6)


def test_resizing_2_by_2_to_4_by_4_by_hand():
    coarse = torch.tensor([[[[0.0, 4.0], [8.0, 12.0]]]])
    joined = join_layers([torch.zeros(1, 1, 4, 4), coarse], 1).numpy()
    # Centres of the fine pixels lie at -1/4, 1/4, 3/4, 5/4 of the coarse ones: weights 0, 1/4, 3/4, 1 of the second.
    along, down = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 6.0, 8.0])
    np.testing.assert_array_equal(joined[0, :, :, 1], down[:, None] + along)
    np.testing.assert_array_equal(joined[0, :, :, 0], 0)


@settings(max_examples=25, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3),
    side=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_join_layers_against_numpy(shapes: list[tuple[int, int, int]], side: int, seed: int):
    random = np.random.default_rng(seed)
    maps = [random.normal(size=(2, *shape)).astype(np.float32) for shape in shapes]
    joined = join_layers([torch.from_numpy(m) for m in maps], side).numpy()
    slowly = [resized_slowly(pooled_slowly(m, side), shapes[0][1:]) for m in maps]
    np.testing.assert_allclose(joined, np.concatenate(slowly, axis=1).transpose(0, 2, 3, 1), atol=1e-5)


# layers and hooks


def test_patches_are_the_layers_pooled_resized_and_joined(lite0: PatchFeatures):
    tiles = random_tiles(2, 64)
    fine, coarse = (pooled_slowly(hooked(lite0, tiles, layer), 3) for layer in ("blocks.2", "blocks.4"))
    slowly = np.concatenate([fine, resized_slowly(coarse, (8, 8))], axis=1).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(lite0.transform(tiles), slowly, atol=1e-4)


def test_stopping_early_changes_nothing_and_computes_no_more(lite0: PatchFeatures):
    tiles = random_tiles(2, 64)
    images = lite0._prepared(tiles)
    later = []
    handle = lite0._network.blocks[5].register_forward_hook(lambda *_: later.append(1))
    with torch.inference_mode():
        outputs = lite0._layer_outputs(images)
    handle.remove()
    assert not later
    for layer, output in zip(lite0.layers, outputs, strict=True):
        np.testing.assert_array_equal(output.numpy(), hooked(lite0, tiles, layer))


def test_hooks_are_removed_also_after_an_error(lite0: PatchFeatures):
    def hooks(network: torch.nn.Module) -> int:
        return sum(len(module._forward_hooks) for module in network.modules())

    lite0.transform(random_tiles(1, 64))
    assert hooks(lite0._network) == 0
    classifier = PatchFeatures("resnet18", layers=("layer2", "fc"), pretrained=False)
    with pytest.raises(InputError, match=r"gives an array of shape \(1, 1000\), not a map: choose a layer before"):
        classifier.transform(random_tiles(1, 64))
    assert hooks(classifier._network) == 0


def test_a_single_layer_and_the_order_of_layers():
    tiles = random_tiles(1, 64)

    def patches(*layers: str) -> np.ndarray:
        return PatchFeatures(layers=layers, pooling=1).transform(tiles)

    alone = patches("blocks.4")
    assert alone.shape == (1, 4, 4, 112)
    np.testing.assert_array_equal(PatchFeatures(layers="blocks.4", pooling=1).transform(tiles), alone)
    turned = patches("blocks.4", "blocks.2")  # the first one's grid is that of the patches, and its channels come first
    assert turned.shape == (1, 4, 4, 152)
    np.testing.assert_array_equal(turned[..., :112], alone)
    np.testing.assert_array_equal(patches("blocks.2", "blocks.4")[..., :40], patches("blocks.2"))


@pytest.mark.parametrize(("layer", "later"), [("bn1", "layer1"), ("layer1.0.bn2", "layer2"), ("conv1", "layer1")])
def test_a_layer_is_taken_before_what_follows_changes_it_in_place(layer: str, later: str):
    """ResNet rectifies `bn1` and adds to `bn2` in place: with a later layer beside it, it must still be the same."""
    tiles = random_tiles(1, 64)
    alone = PatchFeatures("resnet18", layers=(layer,), pooling=1, pretrained=False).transform(tiles)
    beside = PatchFeatures("resnet18", layers=(layer, later), pooling=1, pretrained=False).transform(tiles)
    np.testing.assert_array_equal(beside[..., : alone.shape[-1]], alone)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_the_size_of_a_batch_matters_only_in_the_last_digits(batch_size: int):
    tiles = random_tiles(5, 64)
    whole, parts = PatchFeatures(batch_size=5), PatchFeatures(batch_size=batch_size)
    # Values are around 1; kernels for other batch sizes add in another order, which costs some 1e-6 of that.
    np.testing.assert_allclose(parts.transform(tiles), whole.transform(tiles), atol=1e-4)


def test_batches_are_bounded_and_in_order(lite0: PatchFeatures):
    features = PatchFeatures(batch_size=2, pretrained=False)
    tiles = random_tiles(5, 64)
    batches = list(features.batches(tiles))
    assert [len(b) for b in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), features.transform(tiles))


def test_the_same_tiles_give_the_same_bits(lite0: PatchFeatures):
    tiles = random_tiles(3, 64)
    np.testing.assert_array_equal(lite0.transform(tiles), lite0.transform(tiles))
    np.testing.assert_array_equal(lite0.transform(tiles), PatchFeatures().transform(tiles))


# transformers and channels-last networks


def test_tokens_go_back_to_their_place_on_the_grid():
    features = PatchFeatures(VIT, pooling=1, pretrained=False)
    assert features.layers == ("blocks.8",)
    tiles = random_tiles(1, 96)
    tokens = hooked(features, tiles, "blocks.8")
    assert tokens.shape == (1, 1 + 6 * 6, 192)  # the class token first, then row by row
    patches = features.transform(tiles)
    assert patches.shape == (1, 6, 6, 192)
    for row, column in ((0, 0), (0, 5), (2, 3), (5, 5)):
        np.testing.assert_array_equal(patches[0, row, column], tokens[0, 1 + 6 * row + column])
    wide = np.ascontiguousarray(np.concatenate([tiles, tiles], axis=2)[:, :64])  # 64 x 192 px
    assert features.transform(wide).shape == (1, 4, 12, 192)


def test_channels_last_maps_are_turned():
    features = PatchFeatures(SWIN, layers=("layers.1",), pooling=1, size=224, pretrained=False)
    tiles = random_tiles(1, 256)
    np.testing.assert_array_equal(features.transform(tiles), hooked(features, tiles, "layers.1"))  # (B, H', W', C)
    assert features.transform(tiles).shape == (1, 28, 28, 192)


@pytest.mark.parametrize(
    ("backbone", "layer", "shape"),
    [
        (VIT, "patch_embed", (1, 14, 14, 192)),  # channels last in a network that otherwise gives tokens
        (VIT, "patch_embed.proj", (1, 14, 14, 192)),
        (SWIN, "patch_embed.proj", (1, 56, 56, 96)),  # channels first in one that is otherwise channels last
    ],
)
def test_layouts_within_a_network_are_told_apart(backbone: str, layer: str, shape: tuple[int, ...]):
    assert PatchFeatures(backbone, layers=layer, pretrained=False).transform(random_tiles(1, 224)).shape == shape


# whitening


def correlated(n: int, channels: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(channels, channels)) + 4 * np.eye(channels)
    return (random.normal(size=(n, channels)) @ mixing + 10).astype(np.float32)


def test_whitened_normal_patches_have_about_the_identity_as_covariance():
    features = PatchFeatures(whiten=True, pretrained=False)
    patches = correlated(4000, 6)
    white = features.fit_whitening(patches).whitened(patches)
    assert white.dtype == np.float32
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)
    # The floor takes v / (v + floor) of each variance v: at most 3 % where v is 1/30 of the mean or more.
    spread = np.linalg.eigvalsh(np.cov(patches.T))
    assert spread[0] > spread.mean() / 30
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(6), atol=0.03)


def test_whitening_does_not_blow_up_what_hardly_varies():
    features = PatchFeatures(whiten=True, pretrained=False)
    patches = correlated(500, 4)
    patches[:, 2] = 5
    features.fit_whitening(patches)
    variance = np.cov(patches.T, bias=True).trace() / 4
    aside = patches[:1].copy()
    aside[0, 2] += 1
    moved = np.linalg.norm(features.whitened(aside) - features.whitened(patches[:1]))
    assert moved == pytest.approx(1 / np.sqrt(1e-3 * variance), rel=1e-3)  # the floor alone, not 1 / 0


def test_whitening_keeps_the_shape_and_works_on_equal_patches():
    features = PatchFeatures(whiten=True, pretrained=False)
    equal = np.full((2, 3, 3, 5), 7, np.float32)
    white = features.fit_whitening(equal).whitened(equal)
    assert white.shape == equal.shape
    np.testing.assert_array_equal(white, 0)


def test_fit_transform_is_fit_and_then_transform():
    tiles = random_tiles(4, 64)
    at_once, in_two = PatchFeatures(whiten=True), PatchFeatures(whiten=True)
    patches = at_once.fit_transform(tiles)
    assert in_two.fit(tiles) is in_two
    np.testing.assert_array_equal(at_once.mean_, in_two.mean_)
    np.testing.assert_array_equal(at_once.whitening_, in_two.whitening_)
    # Whitened in batches or all at once: the matrix product may round otherwise.
    np.testing.assert_allclose(in_two.transform(tiles), patches, atol=1e-3)
    assert np.abs(patches).max() > 1
    assert patches.shape == (4, 8, 8, 152) and patches.dtype == np.float32

    plain = PatchFeatures()
    assert plain.fit(tiles) is plain and not hasattr(plain, "mean_")
    np.testing.assert_array_equal(plain.fit_transform(tiles), plain.transform(tiles))


# what is refused


def test_whitening_before_fit_is_refused():
    with pytest.raises(InputError, match=r"learned nothing yet: call fit\(tiles\) with normal tiles first"):
        PatchFeatures(whiten=True, pretrained=False).transform(random_tiles(1, 64))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"pooling": 2}, r"pooling is 2, expected an odd number .*3 \(1 = none\)"),
        ({"pooling": 0}, "pooling is 0"),
        ({"pooling": -1}, "pooling is -1"),
        ({"pooling": 3.0}, r"pooling is 3\.0"),
        ({"pooling": True}, "pooling is True"),
        ({"size": 31}, "size is 31, expected at least 32 px, or None"),
        ({"size": 320.0}, "size is 320"),
        ({"batch_size": 0}, "batch_size is 0, expected a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"layers": ()}, r"layers is \[\]: name at least one layer of efficientnet_lite0, each once"),
        ({"layers": ("blocks.2", "blocks.2")}, "each once"),
        ({"layers": ("block.2",)}, r"efficientnet_lite0 has no layer 'block\.2': near it are blocks\.2"),
        ({"layers": ("zzz",)}, "has no layer 'zzz': near it are .*blocks"),
        ({"layers": ("",)}, "has no layer ''"),
        ({"backbone": "alexnet"}, "There is no backbone 'alexnet'"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict, told: str):
    with pytest.raises(InputError, match=told):
        PatchFeatures(**{"pretrained": False, **wrong})


def test_numpy_integers_are_whole_numbers():
    features = PatchFeatures(pooling=np.int64(3), size=np.int32(64), batch_size=np.int64(2), pretrained=False)
    assert (type(features.pooling), type(features.size), type(features.batch_size)) == (int, int, int)


@pytest.mark.parametrize(
    ("tiles", "told"),
    [
        (np.zeros((64, 64), np.uint8), r"tiles has shape \(64, 64\), expected \(N, H, W\): add the first axis"),
        (np.zeros((1, 64, 64, 3), np.uint8), r"tiles has shape \(1, 64, 64, 3\)"),
        (np.zeros((1, 64, 64), np.float32), r"tiles is float32, expected uint8 grey"),
        (np.zeros((1, 64, 64), bool), "tiles is bool"),
        (np.zeros((0, 64, 64), np.uint8), "it is empty, give at least one tile"),
    ],
)
@pytest.mark.parametrize("whiten", [False, True])
def test_wrong_tiles_are_refused(tiles: np.ndarray, told: str, whiten: bool, lite0: PatchFeatures):
    features = PatchFeatures(whiten=True, pretrained=False) if whiten else lite0
    for method in (features.transform, features.fit_transform, lambda t: list(features.batches(t))):
        with pytest.raises(InputError, match=told):
            method(tiles)


def test_a_layer_that_is_never_run_is_refused():
    features = PatchFeatures(VIT, layers=("blocks.0", "blocks.1.attn.attn_drop"), pretrained=False)
    with pytest.raises(InputError, match=r"never runs its layer 'blocks\.1\.attn\.attn_drop': choose another"):
        features.transform(random_tiles(1, 64))


def test_tiles_of_a_size_that_the_network_cannot_take_are_refused():
    features = PatchFeatures("timm:mixer_s32_224", pretrained=False)
    with pytest.raises(InputError, match=r"can't take tiles of 256 x 256 px .*give `size` the side"):
        features.transform(random_tiles(1, 256))
    assert PatchFeatures("timm:mixer_s32_224", size=224, pretrained=False).transform(random_tiles(1, 256)).shape[0] == 1
