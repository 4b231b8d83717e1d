"""`python course.py bench device [--device cuda:1]`: a GPU against the CPU, in results, tiles per second and memory.

"agreement" is the largest difference of patches, maps and scores from the CPU's, as a share of the CPU's largest value,
and the share of equal coreset indices. "tiles" is the rate of `PatchFeatures.transform` with random weights, by batch
size. "coreset" is the greedy selection of 1 % of a million patches. Tiles come from a small practice fabric, made for
the measurement. Written to `results/device.json`. Without a GPU nothing is written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from results_files import write_results
from speed import describe_machine

from aitex_utils.backbones import DEFAULT_LAYERS
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.patchcore import PatchCore
from aitex_utils.practice.generate import make_practice_fabric
from aitex_utils.region import crop_to_fabric
from aitex_utils.safety.devices import check_device
from aitex_utils.strips import list_strips
from aitex_utils.tiling import tile

Result = TypeVar("Result")
NETWORKS = tuple(
    name for name in ("efficientnet_lite0", "efficientnet_lite2", "wide_resnet50_2") if name in DEFAULT_LAYERS
)
NETWORKS += ("timm:vit_small_patch14_dinov2.lvd142m",)
SIZES = {name: 252 for name in NETWORKS if name.startswith("timm:vit")}  # px, for 18 positions of 14 px
BATCH_SIZES, TILES, CPU_TILES = (8, 32, 128), 512, 8
TRAINING_TILES, TEST_TILES = 24, 24
PATCHES, CHANNELS, RATIO = 1_000_000, 128, 0.01
CHECKED_CHOICES = 500  # first choices of the large coreset that are compared with the CPU's


def fabric_tiles() -> tuple[np.ndarray, np.ndarray]:
    """Return tiles of a small practice fabric, made for this call.

    Returns
    -------
    normal : ndarray, shape (N, 256, 256)
        Tiles of normal strips, uint8.
    test : ndarray, shape (M, 256, 256)
        Tiles of defective strips, uint8.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = make_practice_fabric(Path(folder) / "practice", seed=0, fabrics=1, normal=3, defective=3)
        strips = list_strips(root)
        tiles = {True: [], False: []}
        for strip in strips:
            tiles[strip.is_normal].append(tile(crop_to_fabric(strip.read())[0], edge="drop")[0])
    return np.concatenate(tiles[True])[:TRAINING_TILES], np.concatenate(tiles[False])[:TEST_TILES]


def largest_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest absolute difference, as a share of the largest absolute expected value.

    Parameters
    ----------
    actual, expected : ndarray, any shape
        Results of a GPU and of the CPU.

    Returns
    -------
    float
        With three significant digits.

    Examples
    --------
    >>> largest_difference(np.array([1.0, 5.0]), np.array([1.0, 4.0]))
    0.25
    """
    share = np.abs(np.subtract(actual, expected, dtype=np.float64)).max() / max(float(np.abs(expected).max()), 1e-30)
    return float(f"{share:.3g}")


def measure_agreement(device: str, normal: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Compare results of a device with results of the CPU.

    Parameters
    ----------
    device : str
        Device to compare.
    normal, test : ndarray, shape (N, 256, 256)
        Tiles to fit on and to predict.

    Returns
    -------
    dict
        Largest differences, as shares of the CPU's largest value: of patches by network, and of maps and scores of one
        detector, fitted on the CPU with our defaults. Largest difference of scores of two detectors, each fitted where
        it predicts. Shares of coreset indices that equal the CPU's, from the CPU's patches and from own patches.
    """
    patches = {}
    for name in NETWORKS:
        options = {"size": SIZES.get(name), "pretrained": False}
        on_both = [PatchFeatures(name, device=each, **options).transform(test[:4]) for each in (device, "cpu")]
        patches[name] = largest_difference(*on_both)
    fitted = {each: PatchCore(device=each).fit(normal) for each in (device, "cpu")}
    with tempfile.TemporaryDirectory() as folder:
        loaded = PatchCore.load(fitted["cpu"].save(Path(folder) / "detector"), device=device)
    expected, actual, anew = (each.predict(test) for each in (fitted["cpu"], loaded, fitted[device]))
    own = {each: fitted[each].features.transform(normal) for each in fitted}
    flat = {each: of_device.reshape(-1, of_device.shape[-1]) for each, of_device in own.items()}
    k = len(fitted["cpu"].bank_)
    indices = k_center_greedy(flat["cpu"], k, seed=0)[0]
    equal_patches = k_center_greedy(flat["cpu"], k, seed=0, device=device)[0]
    own_patches = k_center_greedy(flat[device], k, seed=0, device=device)[0]
    return {
        "patches": patches,
        "maps": largest_difference(actual.maps, expected.maps),
        "scores": largest_difference(actual.scores, expected.scores),
        "scores_fitted_on_each": largest_difference(anew.scores, expected.scores),
        "coreset": k,
        "equal_indices_from_equal_patches": float(np.mean(equal_patches == indices)),
        "equal_indices_from_own_patches": float(np.mean(own_patches == indices)),
        "chosen_by_both": len(set(own_patches.tolist()) & set(indices.tolist())) / k,
    }


def timed(work: Callable[[], Result], device: str) -> tuple[Result, float, float | None]:
    """Return the result of a call, its seconds, and the peak memory of the device in MiB.

    Parameters
    ----------
    work : callable
        Called without arguments. It returns when the device has finished.
    device : str
        Device on which it computes.

    Returns
    -------
    result : object
    seconds : float
    peak_mib : float or None
        Of PyTorch's tensors; None for devices that do not say it.

    Examples
    --------
    >>> timed(lambda: 3, "cpu")[::2]
    (3, None)
    """
    on_cuda = device.startswith("cuda")
    if on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    begin = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begin
    return result, seconds, round(torch.cuda.max_memory_allocated(device) / 2**20, 1) if on_cuda else None


def measure_tiles(device: str, tiles: np.ndarray) -> dict[str, Any]:
    """Measure tiles per second of the extraction, by network and batch size, with random weights.

    Parameters
    ----------
    device : str
        Device to measure.
    tiles : ndarray, shape (N, 256, 256)
        Tiles, repeated until there are `TILES`.

    Returns
    -------
    dict of str to dict
        For each network the tiles per second and the peak memory of the device in MiB, by batch size. Also the tiles
        per second of the same machine's CPU.
    """
    many, measured = np.resize(tiles, (TILES, *tiles.shape[1:])), {}
    for name in NETWORKS:
        options = {"size": SIZES.get(name), "pretrained": False}
        rates, peaks = {}, {}
        for batch_size in BATCH_SIZES:
            features = PatchFeatures(name, device=device, batch_size=batch_size, **options)
            features.transform(many[:batch_size])  # a warm-up
            _, seconds, peaks[batch_size] = timed(lambda features=features: features.transform(many), device)
            rates[batch_size] = round(TILES / seconds, 1)
        features = PatchFeatures(name, device="cpu", **options)
        features.transform(many[:1])
        _, seconds, _ = timed(lambda features=features: features.transform(many[:CPU_TILES]), "cpu")
        cpu = round(CPU_TILES / seconds, 1)
        measured[name] = {"tiles_per_second": rates, "peak_mib": peaks, "cpu_tiles_per_second": cpu}
        print(name, json.dumps(measured[name]), flush=True)
    return measured


def measure_detector(device: str, normal: np.ndarray, test: np.ndarray) -> dict[str, float | None]:
    """Measure seconds of a fit, and tiles per second of a prediction, with our defaults.

    Parameters
    ----------
    device : str
        Device to measure.
    normal, test : ndarray, shape (N, 256, 256)
        Tiles to fit on and to predict.

    Returns
    -------
    dict
        For the device and for the CPU; with the peak memory of the device in MiB.
    """
    measured: dict[str, float | None] = {"tiles": len(normal)}
    for each, prefix in ((device, ""), ("cpu", "cpu_")):
        detector = PatchCore(device=each)
        detector.fit(normal[:4])  # a warm-up
        _, seconds, peak = timed(lambda detector=detector: detector.fit(normal), each)
        measured |= {f"{prefix}fit_seconds": round(seconds, 2)} | ({} if prefix else {"fit_peak_mib": peak})
        _, seconds, _ = timed(lambda detector=detector: detector.predict(test), each)
        measured[f"{prefix}predicted_tiles_per_second"] = round(len(test) / seconds, 1)
    return measured


def measure_coreset(device: str) -> dict[str, Any]:
    """Time the greedy coreset of many patches, drawn at random around 64 centres, and compare its first choices.

    Parameters
    ----------
    device : str
        Device to measure.

    Returns
    -------
    dict
        Seconds and peak memory in MiB, and the CPU's seconds for the first choices.
    """
    rng = np.random.default_rng(0)
    patches = rng.standard_normal((PATCHES, CHANNELS), dtype=np.float32)
    patches += 2 * rng.standard_normal((64, CHANNELS), dtype=np.float32)[rng.integers(64, size=PATCHES)]
    k = round(RATIO * PATCHES)
    (indices, radii), seconds, peak = timed(lambda: k_center_greedy(patches, k, seed=0, device=device), device)
    few = min(k, CHECKED_CHOICES)
    (expected, _), cpu_seconds, _ = timed(lambda: k_center_greedy(patches, few, seed=0), "cpu")
    return {
        "patches": PATCHES,
        "channels": CHANNELS,
        "chosen": k,
        "seconds": round(seconds, 2),
        "peak_mib": peak,
        "radius": round(float(radii[-1]), 4),
        "checked_choices": few,
        "equal_choices": float(np.mean(indices[:few] == expected)),
        "cpu_seconds_of_checked_choices": round(cpu_seconds, 2),
    }


def describe_device(device: str) -> dict[str, Any]:
    """Return the name of a device's card, its memory, and the versions of driver and libraries.

    Parameters
    ----------
    device : str
        Device.

    Returns
    -------
    dict

    Examples
    --------
    >>> describe_device("cpu")["device"]
    'cpu'
    """
    machine = {"device": device, **describe_machine()}
    if not device.startswith("cuda"):
        return machine | {"name": machine["processor"]}
    card = torch.cuda.get_device_properties(device)
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        driver = "unknown"
    return machine | {
        "name": card.name,
        "memory_gib": round(card.total_memory / 2**30, 1),
        "driver": driver,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 if there is no GPU, so nothing was written.
    """
    parser = argparse.ArgumentParser(prog="course.py bench device", description="A GPU against the CPU.")
    parser.add_argument("--device", default="auto", help="cuda, cuda:1 or mps (default: cuda if it is there)")
    options = parser.parse_args(arguments)
    try:
        device = check_device(options.device)
        if device.startswith("cpu"):
            raise InputError("PyTorch finds no GPU here: run it on a machine that has one.")
        normal, test = fabric_tiles()
        results = {"machine": describe_device(device), "versions": versions()}
        parts = {
            "agreement": lambda: measure_agreement(device, normal, test),
            "tiles": lambda: measure_tiles(device, normal),
            "detector": lambda: measure_detector(device, normal, test),
            "coreset": lambda: measure_coreset(device),
        }
        for name, measure in parts.items():
            results[name] = measure()
            print(name, json.dumps(results[name]), flush=True)
    except InputError as error:
        print(f"bench device: {error}", file=sys.stderr)
        return 1
    write_results("device", results)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
