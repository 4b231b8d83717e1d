"""The benchmark of a GPU: what it compares and writes, measured here with the CPU in the place of a GPU."""

from __future__ import annotations

from pathlib import Path

import device
import numpy as np
import pytest
import results_files
import torch
from gpu_path import ON_DEVICE

from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure little: small networks, few tiles, few patches."""
    monkeypatch.setattr(device, "NETWORKS", ("efficientnet_lite0", "timm:vit_tiny_patch16_224"))
    monkeypatch.setattr(device, "SIZES", {name: 64 for name in device.NETWORKS})
    monkeypatch.setattr(device, "PatchCore", lambda **options: PatchCore(size=64, **options))
    monkeypatch.setattr(device, "BATCH_SIZES", (2, 4))
    monkeypatch.setattr(device, "TILES", 6)
    monkeypatch.setattr(device, "CPU_TILES", 2)
    monkeypatch.setattr(device, "PATCHES", 3000)
    monkeypatch.setattr(device, "CHANNELS", 16)
    monkeypatch.setattr(device, "CHECKED_CHOICES", 20)
    device.PatchCore.load = PatchCore.load


@pytest.fixture
def tiles() -> np.ndarray:
    return np.random.default_rng(0).integers(90, 130, (6, 64, 64), np.uint8)


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("arguments", [[], ["--device", "cuda"], ["--device", "cpu"], ["--device", "cpu:0"]])
def test_without_a_gpu_it_says_so_and_writes_nothing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    assert device.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("bench device: ") and printed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_equals_the_cpu_agrees_with_it(small: None, tiles: np.ndarray):
    agreement = device.measure_agreement(ON_DEVICE, tiles[:4], tiles[4:])
    assert set(agreement["patches"]) == set(device.NETWORKS) and max(agreement["patches"].values()) < 1e-4
    assert max(agreement[name] for name in ("maps", "scores", "scores_fitted_on_each")) < 1e-3
    assert agreement["equal_indices_from_equal_patches"] == 1 and agreement["chosen_by_both"] > 0.9


def test_a_device_that_chooses_otherwise_is_noticed(small: None, tiles: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    choose = device.k_center_greedy

    def reversed_on_device(patches: np.ndarray, k: int, *, seed: int, device: str = "cpu"):
        indices, radii = choose(patches, k, seed=seed)
        return (indices if device == "cpu" else indices[::-1]), radii

    monkeypatch.setattr(device, "k_center_greedy", reversed_on_device)
    agreement = device.measure_agreement(ON_DEVICE, tiles[:4], tiles[4:])
    assert agreement["equal_indices_from_equal_patches"] < 0.1 and agreement["chosen_by_both"] > 0.9
    assert device.measure_coreset(ON_DEVICE)["equal_choices"] < 0.5


def test_tiles_per_second_are_counted(small: None, tiles: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    def timed(work, of_device: str):
        return work(), 2.0 if of_device == ON_DEVICE else 4.0, 5.0

    monkeypatch.setattr(device, "timed", timed)
    measured = device.measure_tiles(ON_DEVICE, tiles[:4])
    assert set(measured) == set(device.NETWORKS)
    for of_network in measured.values():
        assert of_network["tiles_per_second"] == {2: 3.0, 4: 3.0} and of_network["cpu_tiles_per_second"] == 0.5
        assert of_network["peak_mib"] == {2: 5.0, 4: 5.0}
    detector = device.measure_detector(ON_DEVICE, tiles[:4], tiles[4:])
    assert detector == {
        **{"tiles": 4, "fit_seconds": 2.0, "fit_peak_mib": 5.0, "predicted_tiles_per_second": 1.0},
        **{"cpu_fit_seconds": 4.0, "cpu_predicted_tiles_per_second": 0.5},
    }


def test_the_first_choices_are_compared_with_the_cpu(small: None):
    measured = device.measure_coreset(ON_DEVICE)
    assert (measured["patches"], measured["chosen"], measured["checked_choices"]) == (3000, 30, 20)
    assert measured["equal_choices"] == 1 and measured["radius"] > 0 and measured["peak_mib"] is None


def test_a_difference_is_a_share_of_the_largest_value():
    assert device.largest_difference(np.array([3, -1.0]), np.array([4, 0.0])) == 0.25
    assert device.largest_difference(np.zeros(2), np.zeros(2)) == 0
    assert device.largest_difference(np.float32([1 + 2**-20]), np.float32([1])) == pytest.approx(2**-20, rel=1e-2)


def test_all_parts_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    monkeypatch.setattr(device, "check_device", lambda name: "cuda")
    monkeypatch.setattr(device, "describe_device", lambda name: {"device": name, "name": "a card", "driver": "1.2"})
    monkeypatch.setattr(device, "fabric_tiles", lambda: (np.zeros(1), np.zeros(1)))
    for part in ("agreement", "tiles", "detector", "coreset"):
        monkeypatch.setattr(device, f"measure_{part}", lambda *_, part=part: {part: 1})
    assert device.main([]) == 0
    results = results_files.read_results("device")
    assert set(results) == {"machine", "versions", "agreement", "tiles", "detector", "coreset"}
    assert results["machine"]["name"] == "a card" and "torch" in results["versions"]


def test_after_a_failed_part_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    monkeypatch.setattr(device, "check_device", lambda name: "cuda")
    monkeypatch.setattr(device, "describe_device", lambda name: {})

    def fail() -> None:
        raise InputError("The disk is full.")

    monkeypatch.setattr(device, "fabric_tiles", fail)
    assert device.main([]) == 1 and list(tmp_path.iterdir()) == []


def test_the_tiles_are_enough():
    normal, test = device.fabric_tiles()
    assert normal.shape == (device.TRAINING_TILES, 256, 256) and test.shape == (device.TEST_TILES, 256, 256)
    assert normal.dtype == np.uint8


@pytest.mark.gpu
def test_a_card_has_a_name_and_memory(gpu: str):
    described = device.describe_device(gpu)
    assert described["name"] and (gpu != "cuda" or described["memory_gib"] > 0)
