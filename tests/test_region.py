"""Where fabric begins and ends: on synthetic strips, and on the real ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_aitex import fold

from aitex_utils.errors import InputError
from aitex_utils.practice.generate import FABRICS, Bed, render_strip
from aitex_utils.region import Region, crop_to_fabric, fabric_region
from aitex_utils.strips import list_strips

TOLERANCE = 12  # px: a window is 16 px wide, so a boundary is not known more precisely


def weave(width: int, period: float = 9, grey: float = 90, contrast: float = 25, seed: int = 0) -> np.ndarray:
    """Return a plain weave (256, width), float, with threads of uneven brightness and camera noise."""
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
def test_bed_background_and_selvage_are_excluded(outside: Callable, width: int):
    start, stop = fabric_region(strip_of(outside(200), selvage(), weave(width - 260)))
    assert abs(start - 260) <= TOLERANCE and stop == width


def test_the_fabric_of_a_short_strip_is_found():
    start, stop = fabric_region(strip_of(white(100), selvage(), weave(352)))
    assert abs(start - 160) <= TOLERANCE and stop == 512


def test_a_selvage_without_a_bed_is_excluded():
    start, stop = fabric_region(strip_of(selvage(), weave(2000)))
    assert abs(start - 60) <= TOLERANCE and stop == 2060


def test_both_ends_are_found():
    start, stop = fabric_region(strip_of(bed(300), selvage(), weave(1500), selvage(), white(140)))
    assert abs(start - 360) <= TOLERANCE and abs(stop - 1860) <= TOLERANCE


@pytest.mark.parametrize("width", [128, 512, 2049, 4096])
def test_a_strip_of_fabric_alone_is_kept_whole(width: int):
    assert fabric_region(strip_of(weave(width))) == (0, width)


def test_a_gradient_of_light_does_not_end_the_fabric():
    strip = np.hstack([bed(200), selvage(), weave(2300)])
    start, stop = fabric_region(strip_of(strip * np.linspace(1.5, 0.6, 2560)))
    assert abs(start - 260) <= TOLERANCE and stop == 2560
    assert fabric_region(strip_of(weave(2560) * np.linspace(0.5, 1.6, 2560))) == (0, 2560)


def test_a_defect_at_the_edge_of_the_fabric_is_included():
    strip = np.hstack([white(200), selvage(), weave(1800)])
    strip[60:120, 200:420] = 20  # a cut through the selvage into the fabric
    start, stop = fabric_region(strip_of(strip))
    assert abs(start - 260) <= TOLERANCE and stop == 2060
    fabric = weave(2000)
    fabric[60:120, :90] = 20
    assert fabric_region(strip_of(fabric)) == (0, 2000)


@pytest.mark.parametrize("column", [330, 700, 1500])
def test_a_defect_across_the_strip_does_not_end_the_fabric(column: int):
    strip = np.hstack([white(200), selvage(), weave(1800)])
    strip[:, column : column + 40] = 30
    start, stop = fabric_region(strip_of(strip))
    assert abs(start - 260) <= TOLERANCE and stop == 2060


@pytest.mark.parametrize("column", [1030, 1450, 1800])
def test_a_large_defect_in_the_right_half_does_not_disturb(column: int):
    strip = np.hstack([white(200), selvage(), weave(1800)])
    strip[:, column : column + 200] = bed(200)  # a fifth of the right half
    start, stop = fabric_region(strip_of(strip))
    assert abs(start - 260) <= TOLERANCE and stop == 2060


@functools.cache
def practice_strip(fabric: int, kind: str) -> np.ndarray:
    """Return a strip of practice fabric with a bed of 600 px, on which `fabric_region` is certain."""
    strip, _ = render_strip(FABRICS[fabric], Bed(kind, 600), np.random.default_rng(fabric))
    assert fabric_region(strip).is_certain
    return strip


@pytest.mark.slow
@pytest.mark.parametrize(("amplitude", "period"), [(60, 1024), (100, 600), (100, 4000), (60, 2500)])
@pytest.mark.parametrize(("fabric", "kind"), [(0, "white"), (1, "white"), (2, "bare"), (0, "bare")])
def test_a_dark_fold_along_the_strip_does_not_let_the_bed_in(fabric: int, kind: str, amplitude: float, period: float):
    strip = practice_strip(fabric, kind)
    for height in (120, 180):
        start, stop = region = fabric_region(fold(strip, 690, height, amplitude, period))
        assert 600 <= start <= 720 and stop == 4096 or not region.is_certain
        assert 550 <= start <= 720 and stop >= 3700, (height, region)


def test_a_fold_over_most_rows_makes_the_region_uncertain():
    strip = practice_strip(1, "white")
    region = fabric_region(fold(strip, 690, 180, 100, 600))
    assert region[0] >= 600 and not region.is_certain
    assert crop_to_fabric(fold(strip, 690, 180, 100, 600))[1] == region[0]


def test_a_region_is_a_tuple_of_two_columns():
    start, stop = region = Region(3, 9)
    assert region == (3, 9) and (start, stop) == (region.start, region.stop) and region.is_certain
    assert repr(region) == "(3, 9)" and np.zeros(20)[slice(*region)].size == 6


def test_a_dark_rim_is_not_taken_for_a_selvage():
    strip = weave(1000)
    strip[:, :6] = strip[:, -6:] = 20
    assert fabric_region(strip_of(strip)) == (0, 1000)


def test_a_weave_without_noise_is_recognised():
    y, x = np.mgrid[:256, :1000] * (2 * np.pi / 8)
    strip = 100 + 30 * np.sin(y) * np.sin(x)
    assert fabric_region(strip_of(strip)) == (0, 1000)
    start, stop = fabric_region(strip_of(white(200), strip))
    assert abs(start - 200) <= TOLERANCE and stop == 1200


@pytest.mark.parametrize(
    ("strip", "message"),
    [
        (np.full((256, 4096), 255, np.uint8), r"right half has no texture \(median grey 255\): mirror the strip"),
        (strip_of(weave(900), white(1100)), r"right half has no texture \(median grey 255\)"),
        (np.zeros((256, 4096)), "float64, expected uint8"),
        (np.zeros((256, 4096, 3), np.uint8), r"shape \(256, 4096, 3\), expected \(H, W\)"),
        (np.zeros((256, 127), np.uint8), "256 x 127 px, too small .* at least 32 x 128 px"),
        (np.zeros((31, 4096), np.uint8), "31 x 4096 px, too small"),
    ],
)
def test_strips_without_recognisable_fabric_are_refused(strip: np.ndarray, message: str):
    for function in (fabric_region, crop_to_fabric):
        with pytest.raises(InputError, match=message):
            function(strip)


# --- crop_to_fabric ---


@pytest.mark.parametrize("parts", [(weave(1000),), (white(200), weave(1000)), (weave(1000), selvage(), white(140))])
def test_crop_to_fabric_returns_the_columns_of_the_fabric_as_a_view(parts: tuple[np.ndarray, ...]):
    strip = strip_of(*parts)
    begin, end = fabric_region(strip)
    fabric, start = crop_to_fabric(strip)
    assert start == begin and np.shares_memory(fabric, strip)
    np.testing.assert_array_equal(fabric, strip[:, begin:end])


# --- real strips ---


STARTS = {  # (fabric, is_normal): range of the first column of fabric, inspected by eye on every strip
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
BY_EYE = {  # strips whose selvage is hardest to distinguish, and the column at which it ends
    "0003_000_00": 1278,  # a selvage that looks almost like the fabric
    "0001_002_00": 1153,
    "0064_022_00": 1284,
    "0001_000_02": 308,
    "0017_002_02": 352,  # a loose white thread beside the fabric
    "0104_022_03": 1222,  # an unusual thread 20 px inside the fabric, and a defect at its edge
    "0078_025_03": 1150,
    "0020_016_03": 1042,
    "0001_000_06": 796,  # slanted
    "0062_022_00": 1252,  # bed instead of background
}


@pytest.mark.slow
def test_the_fabric_of_real_strips_begins_where_it_was_found_by_eye(aitex_root: Path):
    strips = list_strips(aitex_root)
    wrong, seen = [], set()
    for strip in strips:
        image = strip.read()
        start, stop = region = fabric_region(image)
        low, high = STARTS.get((strip.fabric, strip.is_normal), (0, image.shape[1]))
        by_eye = BY_EYE.get(strip.id, start)
        if (
            not low <= start <= high
            or abs(start - by_eye) > TOLERANCE
            or stop != image.shape[1]
            or not region.is_certain
        ):
            wrong.append((strip.id, start, stop))
        seen.add((strip.fabric, strip.is_normal))
    assert not wrong
    assert seen >= set(STARTS) and {strip.id for strip in strips} >= set(BY_EYE)


@pytest.mark.slow
def test_no_defect_of_a_real_strip_lies_outside_its_fabric(aitex_root: Path):
    strips = [strip for strip in list_strips(aitex_root) if strip.masks]
    outside = []
    for strip in strips:
        mask = strip.read_mask()
        start, stop = fabric_region(strip.read())
        if mask.any() and mask[:, start:stop].mean() == 0:
            outside.append(strip.id)
    assert strips and not outside
