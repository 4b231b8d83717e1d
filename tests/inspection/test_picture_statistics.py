"""Fingerprints that distinguish pieces of one fabric and recognise a picture saved again, sharpness and colour."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_folders import beige, save
from woven import woven

from aitex_utils.inspection.picture_statistics import fingerprint, measure_picture, similarity
from aitex_utils.inspection.pictures import COPY


def jpeg(grey: np.ndarray, quality: int = 80) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def prints(pictures: list[np.ndarray] | np.ndarray) -> np.ndarray:
    return np.array([fingerprint(grey) for grey in pictures])


def lit(pieces: np.ndarray) -> np.ndarray:
    """Return pieces in the same uneven light, darker in the corners."""
    rows, columns = np.mgrid[: pieces.shape[1], : pieces.shape[2]]
    distance = (rows / pieces.shape[1] - 0.5) ** 2 + (columns / pieces.shape[2] - 0.5) ** 2
    return (pieces * (1 - 0.8 * distance)).astype(np.uint8)


def on_a_table(pieces: np.ndarray) -> np.ndarray:
    """Return pieces that lie on the same table among the same things."""
    rng, margin = np.random.default_rng(0), pieces.shape[1] // 4
    table = np.full((pieces.shape[1] + 2 * margin, pieces.shape[2] + 2 * margin), 60, np.uint8)
    for row, column, grey in rng.integers(0, 255, (40, 3)):
        table[row : row + 20, column : column + 30] = grey
    pictures = np.repeat(table[None], len(pieces), axis=0)
    pictures[:, margin:-margin, margin:-margin] = pieces
    return pictures


@pytest.mark.parametrize("side", [64, 100, 256])
@pytest.mark.parametrize("scene", [lambda pieces: pieces, lit, on_a_table], ids=["plain", "lit", "on a table"])
def test_pieces_of_one_fabric_differ_and_a_picture_saved_again_does_not(side: int, scene):
    pictures = scene(woven(60, side, side, side))
    found = similarity(prints(pictures[:30]), prints(pictures[30:]))
    assert found.shape == (30, 30) and found.max() < COPY
    saved_again = similarity(prints(pictures), prints([jpeg(grey) for grey in pictures]))
    assert np.diag(saved_again).min() > COPY
    assert (saved_again > COPY).sum() == 60


def test_a_fabric_that_is_nearly_flat_is_recognised():
    """After averaging, its irregularities are a fraction of a grey level."""
    pictures = lit(woven(8, 1, 512, 512, noise=2))
    found = similarity(prints(pictures), prints([jpeg(grey) for grey in pictures]))
    assert np.diag(found).min() > COPY > found[~np.eye(8, dtype=bool)].max()


def test_smaller_and_darker_copies_are_similar():
    pieces = woven(10, 3, 256, 256)
    small = [cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for grey in pieces]
    dark = (pieces * 0.7 + 5).astype(np.uint8)
    for copies in (small, dark):
        assert np.diag(similarity(prints(pieces), prints(copies))).min() > 0.9


def test_a_quarter_that_differs_is_enough():
    """So pictures are not taken for copies because most of what they show stands still."""
    one, other = woven(2, 4, 256, 256)
    changed = one.copy()
    changed[64:192, 64:192] = other[64:192, 64:192]
    assert similarity(prints([one]), prints([changed])).item() < COPY
    changed[64:192, 64:128], changed[64:128] = one[64:192, 64:128], one[64:128]  # one block of 16 is left
    assert similarity(prints([one]), prints([changed])).item() > COPY


def test_pictures_that_are_mostly_black_are_not_compared():
    """Their few blocks show the same edge."""
    pieces = woven(2, 4, 256, 256)
    pieces[:, :, 60:] = 0
    assert similarity(prints(pieces), prints(pieces)).max() == 0


def test_flat_pictures_are_similar_to_none():
    flat = np.full((100, 100), 90, np.uint8)
    half = woven(1, 5, 100, 100)[0]
    half[:, 50:] = 90
    found = similarity(prints([flat, half]), prints([flat, half, jpeg(half)]))
    assert found[0].max() <= 0
    assert found[1, 0] == 0 and found[1, 1] == pytest.approx(1, abs=1e-2) and found[1, 2] > COPY


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2), (2000, 3)])
def test_tiny_and_thin_pictures_are_measured(tmp_path: Path, shape: tuple[int, int]):
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    statistics = measure_picture(save(tmp_path / "a.png", values))
    assert statistics.shape == shape and np.isfinite(statistics.fingerprint).all()


def test_equal_pictures_have_equal_content(tmp_path: Path):
    grey = woven(1, 6)[0]
    same = [
        save(tmp_path / "a.png", grey),
        save(tmp_path / "a.tif", grey),
        save(tmp_path / "rgb.png", np.dstack([grey] * 3)),
        save(tmp_path / "deep.png", grey * np.uint16(257)),
    ]
    other = grey.copy()
    other[5, 5] += 1
    differing = [save(tmp_path / "b.png", other), save(tmp_path / "c.png", grey.reshape(32, -1))]
    contents = [measure_picture(path).content for path in [*same, *differing]]
    assert len(set(contents[:4])) == 1 and len(set(contents)) == 3


def test_blur_lowers_sharpness_and_brightness_does_not(tmp_path: Path):
    grey = woven(1, 7, 128, 128)[0]

    def sharpness(values: np.ndarray) -> float:
        return measure_picture(save(tmp_path / "a.png", values)).sharpness

    sharp = sharpness(grey)
    drops = [sharp - sharpness(cv2.GaussianBlur(grey, (0, 0), sigma)) for sigma in (0.5, 1, 2)]
    assert 0 < drops[0] < np.log(5) < drops[1] < drops[2]
    assert sharpness(grey // 2) == pytest.approx(sharp, abs=0.05)
    assert np.isfinite(sharpness(np.zeros((9, 9), np.uint8)))


def test_grey_stored_as_colour_is_grey(tmp_path: Path):
    grey = woven(1, 8)[0]
    for name, values in (("a.png", grey), ("rgb.png", np.dstack([grey] * 3)), ("rgb.jpg", np.dstack([grey] * 3))):
        assert not measure_picture(save(tmp_path / name, values)).is_colour, name
    assert measure_picture(save(tmp_path / "beige.jpg", beige(grey))).is_colour


def test_statistics_are_those_of_the_grey_values(tmp_path: Path):
    values = beige(woven(1, 9)[0])
    statistics = measure_picture(save(tmp_path / "a.png", values))
    grey = cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)
    assert (statistics.mean, statistics.std) == pytest.approx((grey.mean(), grey.std()))
    assert statistics.white is None
    assert measure_picture(save(tmp_path / "deep.tif", grey.astype(np.uint16) * 200)).white == 65535
