"""The detector on a device: what is written for a GPU runs here on the CPU, as "cpu:0", and agrees with the CPU."""

from __future__ import annotations

import copy
import gc
import json
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from detectors import DEFECTIVE, NORMAL, SIZE, TEST, paper
from gpu_path import ON_DEVICE
from woven import woven

from aitex_utils import PatchCore, PatchFeatures
from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.variational import VariationalAutoencoder
from aitex_utils.calibration import leave_one_out_distances
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.fast import torch_greedy, torch_search
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.safety import devices
from aitex_utils.safety.out_of_memory import OutOfMemoryError

STRIPS = list(woven(3, 11, SIZE, 320))
CLOSE = {"rtol": 1e-4, "atol": 1e-4}  # a network sums in another order for a batch than for a tile
pytestmark = pytest.mark.usefixtures("one_thread")


# Extraction


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "timm:vit_tiny_patch16_224"])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_patches_agree_with_the_cpu(name: str, padding: str):
    options = {"size": 64, "padding": padding, "pooling": ((3,), (1,)), "pretrained": False, "batch_size": 3}
    expected, actual = (PatchFeatures(name, device=device, **options).transform(TEST) for device in ("cpu", ON_DEVICE))
    assert actual.dtype == np.float32 and actual.flags.c_contiguous and isinstance(actual, np.ndarray)
    np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize(("device", "sizes"), [("cpu", [1] * 6), (ON_DEVICE, [4, 2])])
def test_only_the_cpu_sees_one_tile_after_the_other(device: str, sizes: list[int]):
    features, seen = PatchFeatures(device=device, batch_size=4, pretrained=False), []
    features._network.register_forward_pre_hook(lambda network, inputs: seen.append(len(inputs[0])))
    assert [len(patches) for patches in features.iter_patches(TEST)] == [4, 2]
    assert seen == sizes


def test_a_strip_agrees_with_the_cpu():
    """The strip is wide enough to be seen in pieces."""
    strip = woven(1, 5, SIZE, 1600)[0]
    expected, actual = (PatchFeatures(device=device).extract_strip(strip, SIZE) for device in ("cpu", ON_DEVICE))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, **CLOSE)


def test_whitened_patches_agree_with_the_cpu():
    options = {"size": 64, "whiten": True}
    expected, actual = (PatchFeatures(device=device, **options).fit_transform(TEST) for device in ("cpu", ON_DEVICE))
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


def run_out_above(features: PatchFeatures, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the network raise PyTorch's error of exhausted memory for more than `most` tiles."""
    forward = features._network.forward

    def limited(images: torch.Tensor) -> torch.Tensor:
        if len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(images)

    monkeypatch.setattr(features._network, "forward", limited)


def test_a_batch_that_does_not_fit_is_halved_with_one_warning(monkeypatch: pytest.MonkeyPatch):
    features = PatchFeatures(size=64, device=ON_DEVICE, batch_size=8)
    expected = features.transform(NORMAL)
    run_out_above(features, 3, monkeypatch)
    with pytest.warns(UserWarning, match="2 fitted: set batch_size=2") as seen:
        np.testing.assert_allclose(features.transform(np.concatenate([NORMAL, NORMAL]))[:8], expected, **CLOSE)
    assert len(seen) == 1 and features.batch_size == 8


def test_the_tensors_of_a_failed_batch_are_gone_before_the_next_begins(monkeypatch: pytest.MonkeyPatch):
    """Without the garbage collector, which would come too late."""
    features, alive, failed = PatchFeatures(size=64, device=ON_DEVICE), [], []
    forward = features._network.forward

    def limited(images: torch.Tensor) -> torch.Tensor:
        alive.append([reference() is not None for reference in failed])
        if len(images) > 2:
            activations = images + 1
            failed.extend([weakref.ref(images), weakref.ref(activations)])
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(images)

    monkeypatch.setattr(features._network, "forward", limited)
    gc.disable()
    try:
        with pytest.warns(UserWarning, match="2 fitted"):
            features.transform(NORMAL)
    finally:
        gc.enable()
    assert alive[:3] == [[], [False] * 2, [False] * 4]


def test_a_tile_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch):
    detector = PatchCore(device=ON_DEVICE)
    run_out_above(detector.features, 0, monkeypatch)
    with pytest.raises(OutOfMemoryError, match=f"too small for a single tile of {SIZE} x {SIZE} px"):
        detector.fit(NORMAL)


def test_on_the_cpu_no_batch_is_halved(monkeypatch: pytest.MonkeyPatch):
    features = PatchFeatures(size=64, device="cpu")
    run_out_above(features, 0, monkeypatch)
    with pytest.raises(OutOfMemoryError, match="^Memory ran out"):
        features.transform(NORMAL)


# The keyword


@pytest.mark.parametrize("make", [PatchFeatures, PatchCore, Autoencoder, VariationalAutoencoder])
def test_the_default_is_auto_and_a_device_that_is_not_there_is_refused(make: type, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    made = make()
    assert getattr(made, "features", made).device == "cpu"
    for device in ("cuda", "mps", "gpu"):
        with pytest.raises(InputError, match=f"^device is '{device}'"):
            monkeypatch.setattr(devices, "why_unusable", lambda name: "no driver")
            make(device=device)


def test_other_poolings_share_the_device():
    detector = PatchCore(device=ON_DEVICE)
    assert detector.features.device == ON_DEVICE
    assert copy.copy(detector.features).with_pooling(5).device == ON_DEVICE


# Fit, predict, save and load


RECIPES = [
    {"size": 64},
    {"size": 64, "pooling": ((3,), (1,)), "coreset_ratio": 0.2},
    {"size": 64, "normalize_positions": False, "image_score": "reweighted", "pooling": 3},
    {"size": 64, "whiten": True, "coreset_ratio": 0.2},
    {"size": 64, "sampler": "random", "index": "hnsw", "image_score": "mean"},
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_detector_agrees_with_the_cpu(recipe: dict):
    expected, actual = (PatchCore(device=device, **recipe).fit(NORMAL) for device in ("cpu", ON_DEVICE))
    for a, b in zip(actual.banks_, expected.banks_, strict=True):
        np.testing.assert_allclose(a.vectors_, b.vectors_, **CLOSE)
        assert a.device == ON_DEVICE
    if expected.radius_ is not None:
        assert actual.radius_ == pytest.approx(expected.radius_, rel=1e-4)
    for tiles in (TEST, DEFECTIVE):
        np.testing.assert_allclose(actual.predict(tiles).scores, expected.predict(tiles).scores, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(actual.predict(tiles).maps, expected.predict(tiles).maps, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("memory", [None, 1e-4])
def test_a_detector_of_strips_agrees_with_the_cpu(memory: float | None):
    recipe = {"size": 64, "coreset_ratio": 0.05}
    expected, actual = (
        PatchCore(device=device, **recipe).fit_strips(STRIPS[:2], tile_size=SIZE, memory=memory)
        for device in ("cpu", ON_DEVICE)
    )
    np.testing.assert_allclose(actual.position_scale_, expected.position_scale_, rtol=1e-3)
    maps = [each.predict_strip(STRIPS[2], region=(0, 320)).map for each in (actual, expected)]
    np.testing.assert_allclose(*maps, rtol=1e-3, atol=1e-3)


def test_the_device_does_all_that_is_written_for_it(monkeypatch: pytest.MonkeyPatch):
    """Coreset, leave-one-out distances and search use the device's algorithms, and only there."""
    calls = []
    for module, name in (("coreset", "k_center_greedy_torch"), ("memory_bank", "TorchSearch")):
        original = getattr(torch_greedy if name.startswith("k_") else torch_search, name)
        monkeypatch.setattr(
            f"aitex_utils.{module}.{name}", lambda *a, f=original, n=name, **o: calls.append(n) or f(*a, **o)
        )
    paper(normalize_positions=True, device="cpu").fit(NORMAL).predict(TEST)
    assert calls == []
    detector = paper(normalize_positions=True, device=ON_DEVICE).fit(NORMAL)
    assert calls == ["k_center_greedy_torch", *["TorchSearch"] * len(NORMAL)]
    detector.predict(TEST)
    assert calls[-1:] == ["TorchSearch"] and len(calls) == 2 + len(NORMAL)


def test_leave_one_out_distances_equal_those_of_the_cpu():
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(4, 3, 5, 6)).astype(np.float32)
    flat, groups = patches.reshape(-1, 6), np.repeat(np.arange(4), 15)
    chosen = rng.permutation(60)[:20]
    arguments = list(enumerate(patches)), [flat[chosen, :3], flat[chosen, 3:]], [groups[chosen]] * 2
    expected, actual = (leave_one_out_distances(*arguments, device) for device in ("cpu", ON_DEVICE))
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(leave_one_out_distances(*arguments, "auto"), expected)


@pytest.mark.parametrize(("fitted_on", "loaded_on"), [("cpu", ON_DEVICE), (ON_DEVICE, "cpu"), (ON_DEVICE, "auto")])
def test_a_detector_is_loaded_on_another_device(fitted_on: str, loaded_on: str, tmp_path: Path):
    detector = PatchCore(size=64, pooling=((3,), (1,)), device=fitted_on).fit(NORMAL)
    folder = detector.save(tmp_path / "detector")
    assert "device" not in detector.parameters() and "device" not in (folder / "header.json").read_text()
    loaded = PatchCore.load(folder, device=loaded_on)
    device = "cpu" if loaded_on == "auto" else loaded_on
    assert {loaded.features.device, *(bank.device for bank in loaded.banks_)} == {device}
    assert loaded.parameters() == detector.parameters()
    np.testing.assert_allclose(loaded.predict(TEST).maps, detector.predict(TEST).maps, rtol=1e-3, atol=1e-3)


def test_a_detector_saved_before_there_were_devices_is_loaded_on_one():
    folder = Path(__file__).parent / "recorded" / "detector_v1"
    strip = woven(1, 3, 256, 512)[0]
    expected, actual = (
        PatchCore.load(folder, device=device).predict_strip(strip, region=(0, 512)) for device in ("cpu", ON_DEVICE)
    )
    np.testing.assert_allclose(actual.map, expected.map, rtol=1e-3, atol=1e-3)


def test_a_load_on_a_device_that_is_not_there_is_refused_without_blaming_the_folder(tmp_path: Path):
    folder, file = paper().fit(NORMAL).save(tmp_path / "detector"), small("cpu").fit(NORMAL).save(tmp_path / "file.npz")
    for load in (lambda: PatchCore.load(folder, device="tpu"), lambda: Autoencoder.load(file, device="tpu")):
        with pytest.raises(InputError, match="^device is 'tpu': choose"):
            load()


# The autoencoder


def small(device: str, make: type = Autoencoder) -> Autoencoder:
    return make(width=4, depth=2, steps=20, batch_size=4, crop_size=32, lr=0.01, border=8, device=device)


@pytest.mark.parametrize("make", [Autoencoder, VariationalAutoencoder])
def test_an_autoencoder_agrees_with_the_cpu(make: type, tmp_path: Path):
    expected, actual = (small(device, make).fit(NORMAL) for device in ("cpu", ON_DEVICE))
    np.testing.assert_allclose(actual.losses_, expected.losses_, rtol=1e-4)
    np.testing.assert_allclose(actual.predict(TEST).maps, expected.predict(TEST).maps, atol=1e-3)
    np.testing.assert_allclose(actual.encode(TEST), expected.encode(TEST), atol=1e-3)
    file = actual.save(tmp_path / "autoencoder.npz")
    with np.load(file) as parts:
        assert "device" not in json.loads(parts["header"].tobytes())["parameters"]
    for device in ("cpu", ON_DEVICE, "auto"):
        loaded = make.load(file, device=device)
        assert loaded.device == (device if device != "auto" else "cpu")
        np.testing.assert_allclose(loaded.predict(TEST).maps, actual.predict(TEST).maps, atol=1e-5)


# A GPU, where there is one


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_patches_of_a_gpu_agree_with_the_cpu(name: str, gpu: str):
    options = {"size": 64, "padding": "reflect", "pretrained": name == "efficientnet_lite0"}
    expected, actual = (PatchFeatures(name, device=device, **options).transform(TEST) for device in ("cpu", gpu))
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.gpu
def test_coreset_and_search_on_a_gpu_equal_those_of_the_cpu(gpu: str):
    patches = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)
    expected, actual = (k_center_greedy(patches, 500, seed=0, device=device)[0] for device in ("cpu", gpu))
    assert np.mean(actual == expected) > 0.99
    for k in (1, 3):
        distances = [MemoryBank(device=device).add(patches[expected]).search(patches, k) for device in ("cpu", gpu)]
        np.testing.assert_array_equal(distances[1][1], distances[0][1])
        np.testing.assert_array_equal(distances[1][0], distances[0][0])


@pytest.mark.gpu
@pytest.mark.parametrize("recipe", RECIPES[:2])
def test_maps_of_a_gpu_agree_with_the_cpu(recipe: dict, gpu: str, tmp_path: Path):
    detector = PatchCore(device="cpu", **recipe).fit(NORMAL)
    loaded = PatchCore.load(detector.save(tmp_path / "detector"), device=gpu)
    for tiles in (TEST, DEFECTIVE):
        np.testing.assert_allclose(loaded.predict(tiles).maps, detector.predict(tiles).maps, rtol=1e-2, atol=1e-2)
    fitted = PatchCore(device=gpu, **recipe).fit(NORMAL)
    assert fitted.radius_ == pytest.approx(detector.radius_, rel=1e-2)
    assert fitted.predict(DEFECTIVE).scores.min() > fitted.predict(TEST[3:]).scores.max()


@pytest.mark.gpu
def test_an_autoencoder_on_a_gpu_reconstructs_as_on_the_cpu(gpu: str, tmp_path: Path):
    fitted = small(gpu).fit(NORMAL)
    loaded = Autoencoder.load(fitted.save(tmp_path / "autoencoder.npz"), device="cpu")
    np.testing.assert_allclose(fitted.reconstruct(TEST), loaded.reconstruct(TEST), atol=0.1)


@pytest.mark.gpu
def test_a_batch_that_exceeds_a_gpu_s_memory_is_halved(gpu: str):
    if gpu != "cuda":
        pytest.skip("only CUDA can be given less memory")
    features, tiles = PatchFeatures(device=gpu, size=256, batch_size=64), np.zeros((64, 64, 64), np.uint8)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.25 * 2**30 / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.warns(UserWarning, match="fitted: set batch_size="):
            patches = features.transform(tiles)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert len(patches) == 64
