"""Where fabric begins and ends: on strips made here, and on real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.strips import list_strips
from aitex_utils.tiling import fabric_region

NEAR = 12  # px: a window is 16 px wide, so a boundary isn't known better


def weave(width: int, period: float = 9, grey: float = 90, contrast: float = 25, seed: int = 0) -> np.ndarray:
    """Float (256, width): a plain weave with threads of uneven brightness and a noisy camera."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :width] * (2 * np.pi / period)
    threads = rng.normal(0, 3, (256, 1)) + rng.normal(0, 3, width)
    return grey + contrast * np.sin(y) * np.sin(x) + threads + rng.normal(0, 3, (256, width))


def selvage(width: int = 60) -> np.ndarray:
    return weave(width, period=5, grey=110, contrast=15, seed=1)


def bed(width: int) -> np.ndarray:
    rng = np.random.default_rng(2)
    return 60 + np.cumsum(rng.normal(0, 1, 256))[:, None] + rng.normal(0, 2, (256, width))


def white(width: int) -> np.ndarray:
    return np.full((256, width), 255.0)


def strip_of(*parts: np.ndarray) -> np.ndarray:
    return np.clip(np.hstack(parts), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("width", [4096, 3796, 1001])
@pytest.mark.parametrize("outside", [bed, white])
def test_bed_background_and_selvage_are_left_out(outside: Callable, width: int):
    start, stop = fabric_region(strip_of(outside(200), selvage(), weave(width - 260)))
    assert abs(start - 260) <= NEAR and stop == width


def test_a_short_strip():
    start, stop = fabric_region(strip_of(white(100), selvage(), weave(352)))
    assert abs(start - 160) <= NEAR and stop == 512


def test_a_selvage_without_bed_is_left_out():
    start, stop = fabric_region(strip_of(selvage(), weave(2000)))
    assert abs(start - 60) <= NEAR and stop == 2060


def test_both_ends():
    start, stop = fabric_region(strip_of(bed(300), selvage(), weave(1500), selvage(), white(140)))
    assert abs(start - 360) <= NEAR and abs(stop - 1860) <= NEAR


@pytest.mark.parametrize("width", [128, 512, 2049, 4096])
def test_nothing_but_fabric(width: int):
    assert fabric_region(strip_of(weave(width))) == (0, width)


def test_light_from_one_side_ends_no_fabric():
    strip = np.hstack([bed(200), selvage(), weave(2300)])
    start, stop = fabric_region(strip_of(strip * np.linspace(1.5, 0.6, 2560)))
    assert abs(start - 260) <= NEAR and stop == 2560
    assert fabric_region(strip_of(weave(2560) * np.linspace(0.5, 1.6, 2560))) == (0, 2560)


def test_a_defect_at_the_fabrics_edge_is_kept():
    strip = np.hstack([white(200), selvage(), weave(1800)])
    strip[60:120, 200:420] = 20  # through the selvage into the fabric: a cut
    start, stop = fabric_region(strip_of(strip))
    assert abs(start - 260) <= NEAR and stop == 2060
    whole = weave(2000)
    whole[60:120, :90] = 20
    assert fabric_region(strip_of(whole)) == (0, 2000)


@pytest.mark.parametrize("column", [330, 700, 1500])
def test_a_defect_across_the_strip_ends_no_fabric(column: int):
    strip = np.hstack([white(200), selvage(), weave(1800)])
    strip[:, column : column + 40] = 30
    start, stop = fabric_region(strip_of(strip))
    assert abs(start - 260) <= NEAR and stop == 2060


@pytest.mark.parametrize("column", [1030, 1450, 1800])
def test_a_large_defect_where_fabric_is_learned(column: int):
    strip = np.hstack([white(200), selvage(), weave(1800)])
    strip[:, column : column + 200] = bed(200)  # a fifth of the right half
    start, stop = fabric_region(strip_of(strip))
    assert abs(start - 260) <= NEAR and stop == 2060


def test_a_dark_rim_is_no_selvage():
    strip = weave(1000)
    strip[:, :6] = strip[:, -6:] = 20
    assert fabric_region(strip_of(strip)) == (0, 1000)


def test_a_weave_without_any_noise():
    y, x = np.mgrid[:256, :1000] * (2 * np.pi / 8)
    strip = 100 + 30 * np.sin(y) * np.sin(x)
    assert fabric_region(strip_of(strip)) == (0, 1000)
    start, stop = fabric_region(strip_of(white(200), strip))
    assert abs(start - 200) <= NEAR and stop == 1200


@pytest.mark.parametrize(
    ("strip", "message"),
    [
        (np.full((256, 4096), 255, np.uint8), r"right half has no texture \(median grey 255\): mirror the strip if"),
        (strip_of(weave(900), white(1100)), r"right half has no texture \(median grey 255\)"),
        (np.zeros((256, 4096)), r"The strip is float64, expected uint8 grey values 0..255: convert it first"),
        (np.zeros((256, 4096, 3), np.uint8), r"shape \(256, 4096, 3\), expected \(H, W\)"),
        (np.zeros((256, 127), np.uint8), r"The strip is 256 x 127 px, too small .* give at least 32 x 128 px"),
        (np.zeros((31, 4096), np.uint8), r"The strip is 31 x 4096 px, too small"),
    ],
)
def test_where_no_fabric_can_be_found(strip: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        fabric_region(strip)


STARTS = {  # (fabric, normal): first and last column where fabric begins; looked at on every strip
    ("00", True): (1192, 1296),
    ("00", False): (1036, 1300),
    ("02", True): (312, 344),
    ("02", False): (236, 504),
    ("03", True): (1076, 1136),
    ("03", False): (1016, 1236),
    ("06", True): (796, 856),
    ("06", False): (836, 876),
    ("08", False): (1108, 1168),
}
BY_EYE = {  # strips whose selvage is hardest to tell, and where by eye it ends
    "0003_000_00": 1278,  # a selvage that nearly is the fabric
    "0001_002_00": 1153,
    "0064_022_00": 1284,
    "0001_000_02": 308,
    "0017_002_02": 352,  # a loose white thread beside the fabric
    "0104_022_03": 1222,  # an odd thread 20 px into the fabric, and the defect from its edge on
    "0078_025_03": 1150,
    "0020_016_03": 1042,
    "0001_000_06": 796,  # slanted
    "0062_022_00": 1252,  # bed instead of background
}


def test_real_strips_begin_where_the_eye_says(aitex_root: Path):
    strips = list_strips(aitex_root)
    wrong, seen = [], set()
    for strip in strips:
        image = strip.read()
        start, stop = fabric_region(image)
        low, high = STARTS.get((strip.fabric, strip.is_normal), (0, image.shape[1]))
        by_eye = BY_EYE.get(strip.id, start)
        if not low <= start <= high or abs(start - by_eye) > NEAR or stop != image.shape[1]:
            wrong.append((strip.id, start, stop))
        seen.add((strip.fabric, strip.is_normal))
    assert not wrong
    assert seen >= set(STARTS) and {strip.id for strip in strips} >= set(BY_EYE)


def test_no_defect_of_a_real_strip_lies_outside(aitex_root: Path):
    strips = [strip for strip in list_strips(aitex_root) if strip.masks]
    outside = []
    for strip in strips:
        mask = strip.read_mask()
        start, stop = fabric_region(strip.read())
        if mask.any() and mask[:, start:stop].mean() == 0:
            outside.append(strip.id)
    assert strips and not outside
