"""Tiles to patches: shapes at each step, each step against a slow reference, and the arguments that are refused."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from naming import without_address

from aitex_utils import features as features_module
from aitex_utils.backbones import load_backbone
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures, fuse_layers

VIT, SWIN = "timm:vit_tiny_patch16_224", "timm:swin_tiny_patch4_window7_224"

pytestmark = pytest.mark.usefixtures("one_thread")


def random_tiles(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), dtype=np.uint8)


@pytest.fixture(scope="module")
def lite0() -> PatchFeatures:
    return PatchFeatures()


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> list[torch.nn.Module]:
    """Return a list to which the network of every extractor made in this test is appended."""
    collected: list[torch.nn.Module] = []

    def load(*arguments, **options):
        backbone = load_backbone(*arguments, **options)
        collected.append(backbone.network)
        return backbone

    monkeypatch.setattr(features_module, "load_backbone", load)
    return collected


@functools.cache
def reference_network(backbone: str, pretrained: bool) -> torch.nn.Module:
    """Return a network of its own, laid out in memory as the extractor's, so that results are equal bit for bit."""
    return load_backbone(backbone, pretrained=pretrained).network.eval().to(memory_format=torch.channels_last)


def full_pass(features: PatchFeatures, tiles: np.ndarray, layer: str, pretrained: bool = False) -> np.ndarray:
    """Return a layer's output (N, ...) from passes of single tiles through a whole network, not stopped early."""
    network, outputs = reference_network(features.backbone, pretrained), []
    handle = network.get_submodule(layer).register_forward_hook(lambda m, i, output: outputs.append(output.clone()))
    with torch.inference_mode():
        for tile in tiles:
            network(features.preprocess(tile[None]))
    handle.remove()
    return torch.cat(outputs).numpy()


def pool_reference(maps: np.ndarray, side: int) -> np.ndarray:
    """Average each position of maps (B, C, H, W) over its neighbours that exist."""
    pooled, reach = np.empty_like(maps, dtype=np.float64), side // 2
    for y in range(maps.shape[2]):
        for x in range(maps.shape[3]):
            rows = slice(max(0, y - reach), y + reach + 1)
            columns = slice(max(0, x - reach), x + reach + 1)
            pooled[:, :, y, x] = maps[:, :, rows, columns].mean(axis=(2, 3), dtype=np.float64)
    return pooled


def resize_reference(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Resize maps (B, C, H, W) bilinearly between the centres of pixels, constant beyond the outer centres."""

    def neighbours(position: int, new: int, old: int) -> tuple[int, int, float]:
        place = min(max((position + 0.5) * old / new - 0.5, 0), old - 1)
        return int(place), min(int(place) + 1, old - 1), place - int(place)

    resized = np.empty((*maps.shape[:2], *grid))
    for y in range(grid[0]):
        top, bottom, down = neighbours(y, grid[0], maps.shape[2])
        for x in range(grid[1]):
            left, right, along = neighbours(x, grid[1], maps.shape[3])
            upper = (1 - along) * maps[:, :, top, left] + along * maps[:, :, top, right]
            lower = (1 - along) * maps[:, :, bottom, left] + along * maps[:, :, bottom, right]
            resized[:, :, y, x] = (1 - down) * upper + down * lower
    return resized


# --- shapes ---


def test_shapes_at_each_step(lite0: PatchFeatures):
    tiles = random_tiles(1, 256)
    images = lite0.preprocess(tiles)
    assert images.shape == (1, 3, 256, 256) and images.dtype == torch.float32
    with torch.inference_mode():
        outputs = lite0.layer_outputs(images)
    assert [tuple(output.shape) for output in outputs] == [(1, 40, 32, 32), (1, 112, 16, 16)]  # strides 8 and 16
    patches = lite0.transform(tiles)
    assert patches.shape == (1, 32, 32, 152) and patches.dtype == np.float32 and patches.flags.c_contiguous


def test_size_determines_the_grid():
    features = PatchFeatures(size=320, pretrained=False)
    assert features.transform(random_tiles(1, 256)).shape == (1, 40, 40, 152)
    assert PatchFeatures(size=64, pretrained=False).transform(random_tiles(2, 256)).shape == (2, 8, 8, 152)


def test_preprocess_scales_tiles_as_the_backbones_training_images(lite0: PatchFeatures):
    tiles = np.array([[[0, 127], [255, 191]]], np.uint8)
    expected = np.array([[-127 / 128, 0], [1, 0.5]], np.float32)  # (x - 127) / 128
    for channel in lite0.preprocess(tiles)[0]:
        np.testing.assert_array_equal(channel, expected)


def test_preprocess_resizes_a_constant_to_itself_and_a_slope_to_a_slope():
    features = PatchFeatures(size=32, pretrained=False)
    np.testing.assert_allclose(features.preprocess(np.full((1, 64, 64), 255, np.uint8)), 1.0, atol=1e-6)
    slope = np.tile(np.arange(0, 128, 2, dtype=np.uint8), (64, 1))[None]  # 64 columns, 2 per column
    row = (features.preprocess(slope)[0, 0, 16] * 128 + 127).numpy()
    np.testing.assert_allclose(np.diff(row)[2:-2], 4, atol=1e-3)  # half as many columns, twice the slope


def test_preprocess_takes_a_shape_of_its_own(lite0: PatchFeatures):
    assert lite0.preprocess(random_tiles(2, 64), (32, 96)).shape == (2, 3, 32, 96)


# --- pooling, resizing, concatenation ---


@pytest.mark.parametrize("side", [1, 3, 5])
def test_pooling_is_the_mean_over_the_neighbours_that_exist(side: int):
    maps = np.random.default_rng(side).normal(size=(2, 3, 4, 6)).astype(np.float32)
    fused = fuse_layers([torch.from_numpy(maps)], side).numpy()
    np.testing.assert_allclose(fused, pool_reference(maps, side).transpose(0, 2, 3, 1), atol=1e-6)


def test_resizing_2_by_2_to_4_by_4_by_hand():
    coarse = torch.tensor([[[[0.0, 4.0], [8.0, 12.0]]]])
    fused = fuse_layers([torch.zeros(1, 1, 4, 4), coarse], 1).numpy()
    # Centres of the fine pixels lie at -1/4, 1/4, 3/4, 5/4 of the coarse ones: weights 0, 1/4, 3/4, 1 of the second.
    along, down = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 6.0, 8.0])
    np.testing.assert_array_equal(fused[0, :, :, 1], down[:, None] + along)
    np.testing.assert_array_equal(fused[0, :, :, 0], 0)


@settings(max_examples=25)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3),
    side=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_fuse_layers_equals_the_reference(shapes: list[tuple[int, int, int]], side: int, seed: int):
    rng, shapes = np.random.default_rng(seed), sorted(shapes, key=lambda shape: -shape[1])
    shapes = [(c, h, min(w, shapes[0][2])) for c, h, w in shapes]  # the first grid is the finest, as in a network
    maps = [rng.normal(size=(2, *shape)).astype(np.float32) for shape in shapes]
    fused = fuse_layers([torch.from_numpy(layer) for layer in maps], side).numpy()
    expected = [resize_reference(pool_reference(layer, side), shapes[0][1:]) for layer in maps]
    np.testing.assert_allclose(fused, np.concatenate(expected, axis=1).transpose(0, 2, 3, 1), atol=1e-5)


# --- layers and hooks ---


def test_patches_are_the_layers_pooled_resized_and_concatenated(lite0: PatchFeatures):
    tiles = random_tiles(2, 64)
    fine, coarse = (pool_reference(full_pass(lite0, tiles, layer, pretrained=True), 3) for layer in lite0.layers)
    expected = np.concatenate([fine, resize_reference(coarse, (8, 8))], axis=1).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(lite0.transform(tiles), expected, atol=1e-4)


def test_stopping_early_changes_no_output_and_computes_no_later_layer(networks: list[torch.nn.Module]):
    features, tiles, later = PatchFeatures(), random_tiles(1, 64), []
    networks[0].blocks[5].register_forward_hook(lambda *_: later.append(1))
    with torch.inference_mode():
        outputs = features.layer_outputs(features.preprocess(tiles))
    assert not later
    for layer, output in zip(features.layers, outputs, strict=True):
        np.testing.assert_array_equal(output.numpy(), full_pass(features, tiles, layer, pretrained=True))


def test_hooks_are_removed_even_after_an_error(networks: list[torch.nn.Module]):
    def count_hooks() -> int:
        return sum(len(module._forward_hooks) for network in networks for module in network.modules())

    PatchFeatures(pretrained=False).transform(random_tiles(1, 64))
    assert len(networks) == 1 and count_hooks() == 0
    classifier = PatchFeatures("resnet18", layers=("layer2", "fc"), pretrained=False)
    with pytest.raises(InputError, match=r"shape \(1, 1000\), not a feature map: choose an earlier layer"):
        classifier.transform(random_tiles(1, 64))
    assert len(networks) == 2 and count_hooks() == 0


def test_the_first_layer_determines_the_grid_and_the_order_of_channels():
    tiles = random_tiles(1, 64)

    def patches(*layers: str) -> np.ndarray:
        return PatchFeatures(layers=layers, pooling=1).transform(tiles)

    single = patches("blocks.4")
    assert single.shape == (1, 4, 4, 112)
    np.testing.assert_array_equal(PatchFeatures(layers="blocks.4", pooling=1).transform(tiles), single)
    coarse_first = patches("blocks.4", "blocks.2")
    assert coarse_first.shape == (1, 4, 4, 152)
    np.testing.assert_array_equal(coarse_first[..., :112], single)
    np.testing.assert_array_equal(patches("blocks.2", "blocks.4")[..., :40], patches("blocks.2"))


@pytest.mark.parametrize(("layer", "later"), [("bn1", "layer1"), ("layer1.0.bn2", "layer2"), ("conv1", "layer1")])
def test_an_output_is_copied_before_later_layers_change_it_in_place(layer: str, later: str):
    """ResNet rectifies `bn1` and adds to `bn2` in place; a later layer in the list must not change the output."""
    tiles = random_tiles(1, 64)
    single = PatchFeatures("resnet18", layers=(layer,), pooling=1, pretrained=False).transform(tiles)
    both = PatchFeatures("resnet18", layers=(layer, later), pooling=1, pretrained=False).transform(tiles)
    np.testing.assert_array_equal(both[..., : single.shape[-1]], single)


# --- batches ---


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_the_batch_size_changes_only_the_last_digits(batch_size: int):
    tiles = random_tiles(5, 64)
    reference, batched = PatchFeatures(batch_size=5), PatchFeatures(batch_size=batch_size)
    # Values are around 1; kernels for other batch sizes add in another order, which changes them by about 1e-6.
    np.testing.assert_allclose(batched.transform(tiles), reference.transform(tiles), atol=1e-4)


def test_batches_have_at_most_batch_size_tiles_and_keep_their_order():
    features = PatchFeatures(batch_size=2, pretrained=False)
    tiles = random_tiles(5, 64)
    batches = list(features.iter_patches(tiles))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), features.transform(tiles))


def test_equal_tiles_give_equal_bits(lite0: PatchFeatures):
    tiles = random_tiles(3, 64)
    np.testing.assert_array_equal(lite0.transform(tiles), lite0.transform(tiles))
    np.testing.assert_array_equal(lite0.transform(tiles), PatchFeatures().transform(tiles))


# --- transformers and channels-last networks ---


def test_tokens_are_put_back_on_their_grid():
    features = PatchFeatures(VIT, pooling=1, pretrained=False)
    assert features.layers == ("blocks.8",)
    tiles = random_tiles(1, 96)
    tokens = full_pass(features, tiles, "blocks.8")
    assert tokens.shape == (1, 1 + 6 * 6, 192)  # the class token first, then row by row
    patches = features.transform(tiles)
    assert patches.shape == (1, 6, 6, 192)
    for row, column in ((0, 0), (0, 5), (2, 3), (5, 5)):
        np.testing.assert_array_equal(patches[0, row, column], tokens[0, 1 + 6 * row + column])
    wide = np.ascontiguousarray(np.concatenate([tiles, tiles], axis=2)[:, :64])  # 64 x 192 px
    assert features.transform(wide).shape == (1, 4, 12, 192)


def test_channels_last_maps_keep_their_values():
    features = PatchFeatures(SWIN, layers=("layers.1",), pooling=1, size=224, pretrained=False)
    tiles = random_tiles(1, 256)
    np.testing.assert_array_equal(features.transform(tiles), full_pass(features, tiles, "layers.1"))  # (B, H', W', C)
    assert features.transform(tiles).shape == (1, 28, 28, 192)


@pytest.mark.parametrize(
    ("backbone", "layer", "shape"),
    [
        (VIT, "patch_embed", (1, 14, 14, 192)),  # channels last in a network whose other layers return tokens
        (VIT, "patch_embed.proj", (1, 14, 14, 192)),
        (SWIN, "patch_embed.proj", (1, 56, 56, 96)),  # channels first in a network that is otherwise channels last
    ],
)
def test_each_layer_is_read_in_its_own_layout(backbone: str, layer: str, shape: tuple[int, ...]):
    assert PatchFeatures(backbone, layers=layer, pretrained=False).transform(random_tiles(1, 224)).shape == shape


# --- arguments that are refused ---


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pooling": 2}, r"pooling is 2, expected an odd number .*3 \(1 = none\)"),
        ({"pooling": 0}, "pooling is 0"),
        ({"pooling": -1}, "pooling is -1"),
        ({"pooling": 3.0}, r"pooling is 3\.0"),
        ({"pooling": True}, "pooling is True"),
        ({"size": 31}, "size is 31, .* from 32 to 4096"),
        ({"size": 320.0}, "size is 320"),
        ({"batch_size": 0}, "batch_size is 0, .* at least 1"),
        ({"batch_size": 2.5}, r"batch_size is 2\.5"),
        ({"layers": ()}, r"layers is \[\]: .*at least one layer of efficientnet_lite0"),
        ({"layers": ("blocks.2", "blocks.2")}, r"layers is \['blocks\.2', 'blocks\.2'\]: .*each once"),
        ({"layers": ("block.2",)}, r"efficientnet_lite0 has no layer 'block\.2': .*blocks\.2"),
        ({"layers": ("zzz",)}, "has no layer 'zzz': .*blocks"),
        ({"layers": ("",)}, "has no layer ''"),
        ({"backbone": "alexnet"}, "no backbone 'alexnet'"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict, message: str):
    with pytest.raises(InputError, match=message):
        PatchFeatures(**{"pretrained": False, **parameters})


def test_numpy_integers_pass_and_become_ints():
    features = PatchFeatures(pooling=np.int64(3), size=np.int32(64), batch_size=np.int64(2), pretrained=False)
    assert (type(features.pooling), type(features.size), type(features.batch_size)) == (int, int, int)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (np.zeros((64, 64), np.uint8), r"tiles has shape \(64, 64\), expected \(N, H, W\)"),
        (np.zeros((1, 64, 64, 3), np.uint8), r"tiles has shape \(1, 64, 64, 3\)"),
        (np.zeros((1, 64, 64), np.float32), "tiles has dtype float32, expected uint8"),
        (np.zeros((1, 64, 64), bool), "tiles has dtype bool"),
        (np.zeros((0, 64, 64), np.uint8), "at least one tile"),
    ],
)
@pytest.mark.parametrize("whiten", [False, True])
def test_wrong_tiles_are_refused_by_every_method(tiles: np.ndarray, message: str, whiten: bool, lite0: PatchFeatures):
    features = PatchFeatures(whiten=True, pretrained=False) if whiten else lite0
    methods: list[Callable] = [features.transform, features.fit_transform, lambda t: list(features.iter_patches(t))]
    for method in methods:
        with pytest.raises(InputError, match=message):
            method(tiles)


def test_a_layer_that_is_never_run_is_refused():
    features = PatchFeatures(VIT, layers=("blocks.0", "blocks.1.attn.attn_drop"), pretrained=False)
    with pytest.raises(InputError, match=r"never runs its layer 'blocks\.1\.attn\.attn_drop': choose another"):
        features.transform(random_tiles(1, 64))


def test_tiles_of_a_size_that_the_backbone_cannot_take_are_refused():
    features = PatchFeatures("timm:mixer_s32_224", pretrained=False)
    with pytest.raises(InputError, match=r"mixer_s32_224 cannot take tiles of 256 x 256 px .*`size`"):
        features.transform(random_tiles(1, 256))
    assert PatchFeatures("timm:mixer_s32_224", size=224, pretrained=False).transform(random_tiles(1, 256)).shape[0] == 1


# --- oblong tiles and antialiasing ---


@pytest.mark.slow
@pytest.mark.parametrize("size", [448, 128, 64])
@pytest.mark.parametrize("upright", [False, True])
def test_a_thin_line_counts_alike_wherever_it_lies_on_an_oblong_tile(size: int, upright: bool):
    blank = np.full((1, 256, 2048), 120, np.uint8)
    turn = (lambda t: t.transpose(0, 2, 1)) if upright else (lambda t: t)
    features = PatchFeatures(size=size)
    reference, differences = features.transform(turn(blank)), []
    for column in (1001, 1004):
        tile = blank.copy()
        tile[0, 100:140, column : column + 3] = 255
        differences.append(np.linalg.norm(features.transform(turn(tile)) - reference, axis=-1).max())
    assert min(differences) > 1 and max(differences) < 1.25 * min(differences)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((256, 2048), (64, 512)), ((2048, 256), (512, 64)), ((100, 150), (64, 96)), ((64, 70), (64, 64))],
)
def test_an_oblong_tile_keeps_its_proportions(shape: tuple[int, int], expected: tuple[int, int]):
    features = PatchFeatures(size=64, pretrained=False)
    assert features.preprocess(np.zeros((1, *shape), np.uint8)).shape[-2:] == expected


def test_each_axis_that_shrinks_is_antialiased():
    features = PatchFeatures(size=64, pretrained=False)
    for shape in ((16, 640), (640, 16), (640, 640)):
        axis = int(np.argmax(shape))
        lit = []
        for place in range(300, 320):
            tile = np.zeros((1, *shape), np.uint8)
            tile.swapaxes(1, axis + 1)[0, place] = 255
            lit.append(float((features.preprocess(tile, (64, 64))[0, 0] + 127 / 128).sum()))
        assert min(lit) > 0.9 * max(lit) > 0, shape


def test_a_layer_finer_than_the_first_is_averaged_not_sampled():
    for place in range(16):
        fine = torch.zeros(1, 1, 16, 16)
        fine[..., place] = 8.0
        assert fuse_layers([torch.zeros(1, 1, 4, 4), fine], 1)[..., 1].max() > 1, place


def test_a_tile_that_is_far_too_oblong_is_refused():
    with pytest.raises(InputError, match="1 x 4096 px, too oblong"):
        PatchFeatures(pretrained=False).transform(np.zeros((1, 1, 4096), np.uint8))


# --- errors of the network, told apart ---


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), MemoryError),
        (MemoryError(), MemoryError),
        (RuntimeError("The size of tensor a (64) must match the size of tensor b (49)"), InputError),
        (AssertionError("Input height (256) doesn't match model (224)."), InputError),
        (RuntimeError("No operator found for this backend"), RuntimeError),
    ],
)
def test_only_an_error_about_sizes_is_reported_as_a_wrong_size(error: Exception, expected: type):
    features = PatchFeatures(size=64, pretrained=False)

    def fail(*_) -> None:
        raise error

    features._network.register_forward_pre_hook(fail)
    with pytest.raises(expected) as caught:
        features.transform(random_tiles(1, 64))
    assert ("cannot take tiles" in str(caught.value)) == (expected is InputError)


HOSTILE = [
    None,
    True,
    "yes",
    "3",
    3.5,
    -1,
    0,
    10**9,
    np.nan,
    np.inf,
    [],
    [[]],
    {},
    b"x",
    np.zeros(3),
    object(),
    (3, "a"),
]


@pytest.mark.parametrize("value", HOSTILE, ids=without_address)
@pytest.mark.parametrize(
    "name", ["backbone", "layers", "pooling", "size", "padding", "whiten", "batch_size", "pretrained", "progress"]
)
def test_a_hostile_parameter_is_taken_or_refused_in_one_line(name: str, value: object):
    try:
        features = PatchFeatures(**{"pretrained": False, "size": 32, name: value})
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert name == "batch_size" or value in (None, True), (name, value)
        if name != "size":
            assert features.fit_transform(random_tiles(1, 32)).size


@pytest.mark.parametrize("pooling", [33, 999, 10**30, -3, (3, 999), ((3,), (999,)), [], [[]], "3", 3.0])
def test_a_senseless_pooling_is_refused(pooling: object):
    with pytest.raises(InputError, match="^pooling"):
        PatchFeatures(pooling=pooling, pretrained=False)


@pytest.mark.parametrize("tile", [(1, 1), (2, 3), (5, 40), (31, 33)])
def test_small_tiles_give_patches_or_one_sentence(tile: tuple[int, int]):
    for options in ({}, {"size": 32}):
        try:
            patches = PatchFeatures(pretrained=False, **options).transform(np.zeros((1, *tile), np.uint8))
            assert np.isfinite(patches).all()
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
