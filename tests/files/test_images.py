"""Reading pictures of each depth, format and orientation rightly, or refusing them in one sentence."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from project_root import ROOT

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.images import (
    content_keys,
    decode,
    find_files,
    find_images,
    read_colour,
    read_grey,
    read_mask,
    read_pixels,
    to_colour,
    to_grey,
)

GREY = np.random.default_rng(0).integers(20, 220, (64, 96)).astype(np.uint8)
COLOUR = np.random.default_rng(1).integers(20, 220, (64, 96, 3)).astype(np.uint8)


def save(path: Path, values: np.ndarray, **options: object) -> Path:
    Image.fromarray(values).save(path, **options)
    return path


def write(path: Path, values: np.ndarray) -> Path:
    """Write with OpenCV, in depths that Pillow does not write."""
    path.write_bytes(cv2.imencode(path.suffix, values)[1].tobytes())
    return path


def refusal(path: Path, function: Callable = read_grey) -> str:
    """Return the one sentence with which a file is refused."""
    with pytest.raises(InputError) as caught:
        function(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


# depth and range


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("8 bit", GREY),
        ("8 bit in 16", GREY.astype(np.uint16)),
        ("16 bit", GREY * np.uint16(257)),
        ("12 bit in 16", np.round(GREY * 4095.0 / 255).astype(np.uint16)),
        ("16 bit in colour", np.dstack([GREY * np.uint16(257)] * 3)),
        ("12 bit in colour", np.dstack([np.round(GREY * 4095.0 / 255).astype(np.uint16)] * 3)),
        ("8 bit in colour with alpha", np.dstack([GREY] * 3 + [np.full_like(GREY, 9)])),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_each_depth_is_read(tmp_path: Path, suffix: str, name: str, values: np.ndarray):
    read = read_grey(write(tmp_path / f"a{suffix}", values))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, GREY)


@pytest.mark.parametrize(
    "values", [GREY / np.float32(255), GREY.astype(np.float32), GREY / 255.0, GREY.astype(np.int32)], ids=range(4)
)
def test_floating_point_and_32_bit_numbers_are_read(tmp_path: Path, values: np.ndarray):
    np.testing.assert_array_equal(read_grey(write(tmp_path / "a.tif", values)), GREY)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.where(GREY < 25, np.nan, GREY).astype(np.float32), "NaN or infinity in .* of 6144 pixels"),
        (np.where(GREY < 25, np.inf, GREY).astype(np.float32), "NaN or infinity in .* of 6144 pixels"),
        (GREY * np.float32(257), "save values // 257"),
        (GREY * np.float32(16), "save values // 16"),
        (GREY * np.float32(64), "save values // 64"),
        (GREY * np.float32(4), "save values // 4"),
        (GREY / np.float32(127.5) - 1, r"save \(values \+ 1\) \* 127.5"),
        (GREY.astype(np.int32) * 2**20, r"save \(values - .*\) \* \(255 / "),
        (GREY.astype(np.int32) - 100, r"save \(values - -.*\) \* \(255 / "),
    ],
)
def test_a_range_that_cannot_be_told_is_refused_with_a_fix_that_works(tmp_path: Path, values, expected: str):
    path = write(tmp_path / "a.tif", values)
    message = refusal(path)
    assert re.search(expected, message), message
    if "save" in expected and "NaN" not in expected:
        formula = message.partition(": save ")[2].partition(" as uint8")[0]
        fixed = eval(formula, {"values": values}).astype(np.uint8)
        assert len(np.unique(fixed)) > 150 and np.corrcoef(fixed.ravel(), GREY.ravel())[0, 1] > 0.99
        np.testing.assert_array_equal(read_grey(save(tmp_path / "fixed.png", fixed)), fixed)


def test_the_range_is_that_of_all_channels(tmp_path: Path):
    """Green and blue alone look like 12 bits."""
    values = np.dstack([np.full((8, 9), value, np.uint16) for value in (257 * 200, 257 * 3, 257 * 5)])
    path = write(tmp_path / "a.png", values[..., ::-1])
    np.testing.assert_array_equal(read_colour(path)[0, 0], [200, 3, 5])
    np.testing.assert_array_equal(read_grey(path), to_grey(np.full((8, 9, 3), (200, 3, 5), np.uint8)))


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (GREY, None),
        (GREY.astype(np.uint16), 255),
        (GREY * np.uint16(16), 4095),
        (GREY * np.uint16(257), 65535),
        (GREY / np.float32(255), None),
        (GREY.astype(np.float32), None),
    ],
)
def test_the_value_that_becomes_white_is_stated(tmp_path: Path, values: np.ndarray, white: int | None):
    assert read_pixels(write(tmp_path / "a.tif", values)).white == white


# orientation, colour, formats


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(
    "values",
    [
        COLOUR,
        COLOUR.astype(np.uint16),
        COLOUR * np.uint16(257),
        np.round(COLOUR * 4095.0 / 255).astype(np.uint16),
        np.dstack([COLOUR * np.uint16(257), np.full((64, 96), 9, np.uint16)]),
        np.dstack([COLOUR, GREY]),  # with an opacity that varies
    ],
    ids=["8 bit", "8 bit in 16", "16 bit", "12 bit in 16", "16 bit with alpha", "transparent"],
)
def test_each_depth_is_read_in_colour(tmp_path: Path, suffix: str, values: np.ndarray):
    blue_first = np.dstack([values[..., 2::-1], values[..., 3:]])
    read = read_colour(write(tmp_path / f"a{suffix}", blue_first))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, COLOUR)


@pytest.mark.parametrize("values", [COLOUR / np.float32(255), COLOUR.astype(np.float32), COLOUR / 255.0])
def test_floating_point_is_read_in_colour(tmp_path: Path, values: np.ndarray):
    path = write(tmp_path / "a.tif", values[..., ::-1])
    np.testing.assert_array_equal(read_colour(path), COLOUR)
    np.testing.assert_array_equal(read_grey(path), to_grey(COLOUR))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"])
def test_grey_and_colour_agree_in_each_mode(tmp_path: Path, mode: str):
    image = Image.fromarray(GREY if mode in ("1", "L", "LA", "I", "I;16", "F") else COLOUR)
    path = tmp_path / "a.tif"
    (Image.fromarray(GREY * np.uint16(257)) if mode == "I;16" else image.convert(mode)).save(path)
    colour = read_colour(path)
    assert colour.shape == (64, 96, 3) and colour.dtype == np.uint8 and len(np.unique(colour)) > 1
    np.testing.assert_array_equal(to_grey(colour), read_grey(path))
    if image.mode == "L":
        assert (colour == colour[..., :1]).all()


def test_colour_is_turned_upright(tmp_path: Path):
    image = Image.fromarray(COLOUR)
    for orientation in range(1, 9):
        exif = image.getexif()
        exif[0x0112] = orientation
        for name in ("a.png", "a.tif"):
            image.save(tmp_path / name, exif=exif)
            upright = np.array(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
            np.testing.assert_array_equal(read_colour(tmp_path / name), upright, err_msg=f"{name}, {orientation}")


def test_only_pictures_are_converted():
    assert to_grey(COLOUR).shape == (64, 96) and to_grey(GREY) is GREY
    np.testing.assert_array_equal(to_grey(to_colour(GREY)), GREY)
    for values in (GREY / 255, COLOUR[None], COLOUR[..., :2], COLOUR[:0], "a.png"):
        for convert in (to_grey, to_colour):
            with pytest.raises(InputError, match="expected .*: "):
                convert(values)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_pictures_are_turned_upright(tmp_path: Path, name: str, orientation: int):
    smooth = np.add.outer(np.arange(64), 2 * np.arange(96)).astype(np.uint8) // 2
    image = Image.fromarray(smooth)
    exif = image.getexif()
    exif[0x0112] = orientation
    options = {"lossless": True} if name == "a.webp" else {"quality": 98} if name == "a.jpg" else {}
    image.save(tmp_path / name, exif=exif, **options)
    plain = tmp_path / "plain.png"
    image.save(plain, exif=exif)
    upright = np.array(ImageOps.exif_transpose(Image.open(plain)))
    np.testing.assert_allclose(read_grey(tmp_path / name).astype(int), upright, atol=0 if name != "a.jpg" else 8)


@pytest.mark.parametrize("suffix", ["bmp", "tif", "gif", "ppm", "tga", "jp2", "pgm", "pcx"])
def test_formats_without_loss_are_read(tmp_path: Path, suffix: str):
    np.testing.assert_array_equal(read_grey(save(tmp_path / f"a.{suffix}", GREY)), GREY)


def test_cmyk_is_read_as_it_looks(tmp_path: Path):
    for name, options in (("a.tif", {}), ("a.jpg", {"quality": 100})):
        Image.fromarray(GREY).convert("CMYK").save(tmp_path / name, **options)
        np.testing.assert_allclose(read_grey(tmp_path / name).astype(int), GREY, atol=4)


def test_several_pictures_in_one_file_are_refused(tmp_path: Path):
    for name in ("a.tif", "a.gif", "a.png", "a.webp"):
        save(tmp_path / name, GREY, save_all=True, append_images=[Image.fromarray(255 - GREY)])
        assert "contains 2 pictures: save the picture that you need" in refusal(tmp_path / name)


# transparency


def test_a_picture_drawn_in_transparency_alone_is_read_in_colour_too(tmp_path: Path):
    for colour in ((0, 0, 0), (9, 0, 200)):
        path = save(tmp_path / "a.png", np.dstack([np.full((64, 96, 3), colour, np.uint8), GREY]))
        np.testing.assert_array_equal(read_colour(path), to_colour(GREY))
        np.testing.assert_array_equal(read_grey(path), GREY)


def test_transparency_is_read_where_it_is_the_picture(tmp_path: Path):
    for colour in (0, 255):
        pixels = np.full((64, 96, 2), colour, np.uint8)
        pixels[..., 1] = 0
        pixels[9, 9, 1] = 255
        path = save(tmp_path / "a.png", pixels)
        assert np.argwhere(read_grey(path)).tolist() == np.argwhere(read_mask(path)).tolist() == [[9, 9]]


def test_a_mask_is_what_is_neither_black_nor_transparent(tmp_path: Path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2] = 255  # a defect
    pixels[5, :, :3] = 200  # hidden by transparency
    pixels[6, :, 3] = 255  # black
    assert np.flatnonzero(read_mask(save(tmp_path / "a.png", pixels)).all(axis=1)).tolist() == [2]
    pixels[..., 3] = 0  # equally transparent everywhere: only the colours say anything
    assert np.flatnonzero(read_mask(save(tmp_path / "a.png", pixels)).all(axis=1)).tolist() == [2, 5]


def test_masks_of_each_kind_are_read(tmp_path: Path):
    mask = np.zeros((64, 96), bool)
    mask[20:40, 30:50] = True
    for name, image in {
        "one bit.png": Image.fromarray(mask),
        "0 and 1.png": Image.fromarray(mask.astype(np.uint8)),
        "16 bit.png": Image.fromarray(mask.astype(np.uint16)),
        "float.tif": Image.fromarray(mask.astype(np.float32)),
        "32 bit.tif": Image.fromarray(mask.astype(np.int32) * 10**6),
        "jpeg.jpg": Image.fromarray(np.uint8(255) * mask),
        "faint.png": Image.fromarray(np.uint8(3) * mask),
        "bitmap.bmp": Image.fromarray(np.uint8(255) * mask),
        "palette.gif": Image.fromarray(np.uint8(255) * mask),
    }.items():
        image.save(tmp_path / name)
        np.testing.assert_array_equal(read_mask(tmp_path / name), mask, err_msg=name)
    assert not read_mask(save(tmp_path / "black.jpg", np.zeros((64, 96), np.uint8))).any()
    assert "NaN" in refusal(save(tmp_path / "nan.tif", np.full((8, 8), np.nan, np.float32)), read_mask)


# files that cannot be read


def test_colour_is_refused_as_grey_is(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").touch()
    save(tmp_path / "pages.tif", COLOUR, save_all=True, append_images=[Image.fromarray(COLOUR)])
    whole = save(tmp_path / "cut.jpg", COLOUR).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    write(tmp_path / "nan.tif", np.where(COLOUR < 25, np.nan, COLOUR).astype(np.float32))
    write(tmp_path / "wide.tif", COLOUR * np.float32(64))
    for name in ("folder.png", "empty.png", "none.png", "pages.tif", "cut.jpg", "nan.tif", "wide.tif"):
        assert refusal(tmp_path / name, read_colour) == refusal(tmp_path / name, read_grey)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp", "gif", "ppm", "tga", "jp2"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused_and_never_half_grey(tmp_path: Path, suffix: str, share: float):
    path = save(tmp_path / f"cut.{suffix}", GREY)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "truncated, damaged or no picture" in refusal(path)


def test_a_changed_byte_in_a_png_is_noticed(tmp_path: Path):
    good = save(tmp_path / "a.png", GREY).read_bytes()
    for place in (30, len(good) // 2, len(good) - 18, len(good) - 14):  # header, pixels, and their two checksums
        data = bytearray(good)
        data[place] ^= 1
        (tmp_path / "a.png").write_bytes(data)
        assert "truncated, damaged" in refusal(tmp_path / "a.png"), place


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8200, 9500, 30_000])
def test_a_file_far_too_large_is_refused_before_it_is_decoded(tmp_path: Path, side: int):
    Image.new("1", (side, side)).save(tmp_path / "large.png")
    message = refusal(tmp_path / "large.png")
    assert f"has {side**2:,} px, expected at most" in message and "damaged" not in message


def test_paths_that_are_no_files_are_named(tmp_path: Path):
    os.symlink("nowhere.png", tmp_path / "link.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").touch()
    assert "is a link to nowhere.png, which is missing" in refusal(tmp_path / "link.png")
    assert "is a folder, expected a picture" in refusal(tmp_path / "folder.png")
    assert "is empty (0 bytes)" in refusal(tmp_path / "empty.png")
    with pytest.raises(MissingError, match="none.png is missing"):
        read_grey(tmp_path / "none.png")


def test_a_file_without_permission_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = save(tmp_path / "a.png", GREY)
    monkeypatch.setattr(Image, "open", refuse)
    message = refusal(path)
    assert "cannot be opened (Permission denied)" in message and "damaged" not in message


def test_damaged_files_leave_nothing_on_the_error_stream(tmp_path: Path):
    """The decoders are libraries in C, which write past Python's streams."""
    paths = []
    for suffix in ("png", "jpg", "tif", "avif", "webp"):
        try:
            path = save(tmp_path / f"cut.{suffix}", GREY)
        except (KeyError, OSError):
            continue  # this Pillow does not write the format
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        paths.append(str(path))
    program = (
        "import sys\nfrom aitex_utils.files.images import read_grey\nfor path in sys.argv[1:]:\n"
        "    try: read_grey(path)\n    except ValueError as error: print(type(error).__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, text=True, cwd=ROOT)
    assert ran.stderr == "" and ran.stdout.split() == ["InputError"] * len(paths)


# finding files


def test_files_are_found_through_links_once_and_unread_ones_are_listed(tmp_path: Path):
    save(tmp_path / "b.png", GREY)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    save(tmp_path / "elsewhere" / "a.TIF", GREY)
    os.symlink(tmp_path / "elsewhere", tmp_path / "data" / "linked")
    os.symlink(tmp_path / "data", tmp_path / "data" / "loop")
    os.symlink("nowhere.png", tmp_path / "data" / "dangling.png")
    (tmp_path / "data" / "folder.png").mkdir()
    (tmp_path / "data" / "notes.txt").touch()
    names = [path.relative_to(tmp_path / "data").as_posix() for path in find_files(tmp_path / "data")]
    assert names == ["dangling.png", "folder.png", "linked/a.TIF", "notes.txt"]
    assert [path.name for path in find_images(tmp_path / "data")] == ["a.TIF"]


def test_a_folder_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refuse(path: str | os.PathLike):
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"locked cannot be opened \(Permission denied\): change its permissions"):
        find_files(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("colour", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 128), (1, 1, 1)])
def test_any_channel_above_0_counts_in_a_mask(tmp_path: Path, colour: tuple[int, int, int], suffix: str):
    values = np.zeros((8, 9, 3), np.uint8)
    values[2:4, 5] = colour
    expected = values.any(axis=-1)
    np.testing.assert_array_equal(read_mask(save(tmp_path / f"a{suffix}", values)), expected)
    if suffix != ".bmp":
        deep = write(tmp_path / f"deep{suffix}", values.astype(np.uint16))
        np.testing.assert_array_equal(read_mask(deep), expected)
    if suffix == ".png":
        palette = Image.fromarray(values).convert("P", palette=Image.Palette.ADAPTIVE)
        palette.save(tmp_path / "palette.png")
        np.testing.assert_array_equal(read_mask(tmp_path / "palette.png"), expected)
        opaque = np.dstack([values, np.where(np.arange(9) == 5, 255, 254)[None].repeat(8, 0).astype(np.uint8)])
        np.testing.assert_array_equal(read_mask(save(tmp_path / "alpha.png", opaque)), expected)


def test_equal_files_have_equal_keys(tmp_path: Path):
    first, second, third = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    first.write_bytes(b"1234")
    second.write_bytes(b"1234")
    third.write_bytes(b"1235")
    (tmp_path / "empty").touch()
    keys = content_keys([first, second, third, tmp_path / "empty", tmp_path / "empty", tmp_path / "none"])
    assert keys[0] == keys[1] and len(set(keys)) == 5


def test_the_format_is_that_of_the_content_and_not_of_the_name(tmp_path: Path):
    save(tmp_path / "a.png", GREY, format="BMP")
    assert decode(tmp_path / "a.png").format == "BMP"
