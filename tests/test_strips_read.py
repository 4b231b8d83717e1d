"""Reading strips and masks: all kinds of PNG and other formats, damaged files, and each message."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_aitex import grey, make_small, write_png

from aitex_utils.errors import InputError, MissingError
from aitex_utils.strips import DEFECTS, Strip, list_strips, read_grey, read_strips

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_8_bit_modes_give_the_same_grey_values(tmp_path: Path, mode: str):
    read = read_grey(write_png(tmp_path / "a.png", RAMP, mode))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, RAMP)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_ignored(tmp_path: Path, mode: str):
    image = Image.fromarray(RAMP).convert(mode)
    image.putalpha(0)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_grey(tmp_path / "a.png"), RAMP)


def test_palettes_are_looked_up(tmp_path: Path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([200, 200, 200, 7, 7, 7, 90, 90, 90])
    assert image.mode == "P"
    image.save(tmp_path / "a.png")
    assert read_grey(tmp_path / "a.png").tolist() == [[200, 7, 90]]
    image.save(tmp_path / "b.png", transparency=0)
    assert read_grey(tmp_path / "b.png").tolist() == [[200, 7, 90]]


def test_one_bit_images_become_0_and_255(tmp_path: Path):
    read = read_grey(write_png(tmp_path / "a.png", np.array([[0, 255, 0]], np.uint8), "1"))
    assert read.tolist() == [[0, 255, 0]] and read.dtype == np.uint8


def raw_png(path: Path, rows: list[bytes], width: int, depth: int, colour: int) -> Path:
    """Write a PNG byte by byte, for depths that Pillow does not write; `rows` are the packed pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def deep_rows(values: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in values.astype(">u2")]


# An 8-bit x is 257 x in 16 bits. The nearest 8-bit value is taken, but nothing above 0 becomes 0.
DEEP = np.array([[0, 257, 257 * 100, 257 * 100 + 120, 257 * 100 + 140, 65535, 1, 128]])
EXPECTED = [[0, 1, 100, 100, 101, 255, 1, 1]]


def test_16_bit_grey_is_divided_by_257(tmp_path: Path):
    read = read_grey(raw_png(tmp_path / "a.png", deep_rows(DEEP), DEEP.shape[1], 16, 0))
    assert read.tolist() == EXPECTED and read.dtype == np.uint8


def test_16_bit_grey_with_transparency_is_read_without_it(tmp_path: Path):
    values = np.stack([DEEP, np.zeros_like(DEEP)], axis=-1).reshape(1, -1)  # grey, alpha, grey, alpha, ...
    assert read_grey(raw_png(tmp_path / "a.png", deep_rows(values), DEEP.shape[1], 16, 4)).tolist() == EXPECTED


def test_16_bit_colour_is_divided_by_257(tmp_path: Path):
    values = np.repeat(257 * np.array([[5, 250], [0, 255]]), 3, axis=1)  # (2, 2 x RGB)
    read = read_grey(raw_png(tmp_path / "a.png", deep_rows(values), 2, 16, 2))
    assert read.tolist() == [[5, 250], [0, 255]]


def test_colours_are_weighted_as_the_eye_does(tmp_path: Path):
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]], np.uint8)
    expected = colours @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    np.testing.assert_allclose(read_grey(write_png(tmp_path / "a.png", colours)), expected, atol=0.6)


@pytest.mark.parametrize("name", ["a.bmp", "a.tif", "a.webp", "a.jpg", "Prüfung 1/a.bmp"])
def test_other_formats_and_paths_beyond_ascii_are_read(tmp_path: Path, name: str):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(RAMP).convert("RGB").save(path, **({"lossless": True} if name == "a.webp" else {}))
    np.testing.assert_allclose(read_grey(path).astype(int), RAMP, atol=0 if name != "a.jpg" else 8)


def test_grey_of_2_and_4_bits_is_scaled_to_255(tmp_path: Path):
    assert read_grey(raw_png(tmp_path / "a.png", [bytes([0x01, 0x2F])], 4, 4, 0)).tolist() == [[0, 17, 34, 255]]
    assert read_grey(raw_png(tmp_path / "b.png", [bytes([0b00011011])], 4, 2, 0)).tolist() == [[0, 85, 170, 255]]


@settings(max_examples=60)
@given(st.data())
def test_damaged_bytes_are_read_or_refused_with_the_name_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    """A cut and changed bytes give an image or an `InputError`, never another exception."""
    buffer = io.BytesIO()
    Image.fromarray(RAMP).convert(data.draw(st.sampled_from(["L", "RGBA", "P", "1", "I;16"]))).save(buffer, "png")
    good = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=3)):
        good[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(good[: data.draw(st.integers(0, len(good)))])
    try:
        read = read_grey(path)
    except InputError as error:
        assert "damaged.png" in str(error)
    else:
        assert read.dtype == np.uint8 and read.ndim == 2


def test_a_truncated_png_is_refused(tmp_path: Path):
    rng = np.random.default_rng(0)
    path = write_png(tmp_path / "cut.png", rng.integers(0, 256, (256, 300), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(InputError, match=r"cut\.png cannot be read .*truncated, damaged or no picture, copy it again"):
        read_grey(path)


def test_empty_foreign_and_missing_files_are_refused(tmp_path: Path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(InputError, match=r"empty\.png is empty .*copy it again"):
        read_grey(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("<html>404</html>")
    with pytest.raises(InputError, match=r"text\.png cannot be read as a picture"):
        read_grey(tmp_path / "text.png")
    with pytest.raises(MissingError, match=r"no\.png is missing: check the name, or copy"):
        read_grey(tmp_path / "no.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match=r"folder\.png is a folder, expected a picture"):
        read_grey(tmp_path / "folder.png")


def test_a_header_that_promises_a_huge_image_is_refused(tmp_path: Path):
    path = raw_png(tmp_path / "bomb.png", [bytes(10)], 60_000, 8, 0)
    data = bytearray(path.read_bytes())
    data[20:24] = struct.pack(">I", 60_000)  # 3.6e9 px, the height of the header
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bomb\.png has 3,600,000,000 px, expected at most"):
        read_grey(path)


# --- Strip.read and Strip.read_mask ---


def strip_of(path: Path, masks: tuple[Path, ...] = (), code: str = "002") -> Strip:
    return Strip(path.stem, "00", code, path, masks)


def test_codes_have_names_and_000_is_normal():
    assert len([code for code in DEFECTS if code != "000"]) == 12
    strip = strip_of(Path("0001_019_00.png"), code="019")
    assert strip.defect == "fuzzyball" and not strip.is_normal
    normal = strip_of(Path("0001_000_00.png"), code="000")
    assert normal.defect == "none" and normal.is_normal
    assert strip_of(Path("0001_099_00.png"), code="099").defect == "unknown code 099"


@pytest.mark.parametrize("shape", [(255, 4096), (257, 4096), (4096, 256), (256, 255), (1, 1)])
def test_a_strip_of_another_height_or_too_narrow_is_refused(tmp_path: Path, shape: tuple[int, int]):
    strip = strip_of(write_png(tmp_path / "0001_002_00.png", grey(height=shape[0], width=shape[1])))
    expected = rf"0001_002_00\.png is {shape[0]} x {shape[1]} px, expected 256 rows and at least 256 columns"
    with pytest.raises(InputError, match=expected):
        strip.read()


@pytest.mark.parametrize(("shape", "fix"), [((480, 4096), "cut or scale it"), ((4096, 256), "turn it by 90 degrees")])
def test_the_fix_for_a_strip_of_another_height_fits_it(tmp_path: Path, shape: tuple[int, int], fix: str):
    strip = strip_of(write_png(tmp_path / "0001_002_00.png", grey(height=shape[0], width=shape[1])))
    with pytest.raises(InputError, match=f"{fix}.*skip_bad=True") as caught:
        strip.read()
    assert "unpack" not in str(caught.value)


@pytest.mark.parametrize("width", [256, 3796, 4096])
def test_strips_of_any_width_from_256_px_are_read(tmp_path: Path, width: int):
    assert strip_of(write_png(tmp_path / "0001_002_00.png", grey(width=width))).read().shape == (256, width)


def test_the_mask_is_the_union_of_all_files_and_any_value_above_0_counts(tmp_path: Path):
    strip_path = write_png(tmp_path / "0001_002_00.png", grey())
    first, second = grey(0), grey(0)
    first[3, 5], first[9, 9], second[200, 299], second[3, 5] = 1, 255, 254, 7
    masks = tuple(write_png(tmp_path / f"m{i}.png", m) for i, m in enumerate((first, second)))
    union = strip_of(strip_path, masks).read_mask()
    assert union.dtype == bool and union.shape == (256, 300)
    assert np.argwhere(union).tolist() == [[3, 5], [9, 9], [200, 299]]
    assert np.argwhere(strip_of(strip_path, masks[:1]).read_mask()).tolist() == [[3, 5], [9, 9]]


def test_the_smallest_value_of_a_16_bit_mask_counts(tmp_path: Path):
    strip_path = write_png(tmp_path / "0001_002_00.png", grey())
    mask = np.zeros((256, 300), int)
    mask[4, 4] = 1
    strip = strip_of(strip_path, (raw_png(tmp_path / "m.png", deep_rows(mask), 300, 16, 0),))
    assert np.argwhere(strip.read_mask()).tolist() == [[4, 4]]


@pytest.mark.parametrize("kind", ["white", "inverted", "transparent"])
def test_a_mask_that_marks_the_whole_strip_is_refused(tmp_path: Path, kind: str):
    strip_path = write_png(tmp_path / "0001_002_00.png", grey())
    mask = grey(0)
    mask[9:40, 9:40] = 255
    path = tmp_path / "m.png"
    if kind == "transparent":  # opaque, where it should be transparent
        image = Image.fromarray(grey(255)).convert("LA")
        image.putalpha(Image.fromarray(255 - mask))
        image.save(path)
    else:
        write_png(path, grey(255) if kind == "white" else 255 - mask)
    strip = strip_of(strip_path, (path,))
    for read in (strip.read_mask, strip.read_known_mask):
        with pytest.raises(InputError, match=r"m\.png marks (99|100) % of its strip: is the mask inverted or transp"):
            read()
    with pytest.warns(UserWarning, match="1 of 1 strips were skipped"):
        assert read_strips([strip], skip_bad=True) == ([], [])


def test_missing_masks_and_masks_of_another_shape_are_refused(tmp_path: Path):
    strip_path = write_png(tmp_path / "0001_002_00.png", grey())
    with pytest.raises(InputError, match="0001_002_00 is defective but has no mask: leave it out"):
        strip_of(strip_path).read_mask()
    narrower = write_png(tmp_path / "m.png", grey(width=299))
    with pytest.raises(InputError, match=r"m\.png is 256 x 299 px but its strip is 256 x 300: give both the same size"):
        strip_of(strip_path, (narrower,)).read_mask()
    with pytest.raises(MissingError, match=r"gone\.png is missing"):
        strip_of(strip_path, (tmp_path / "gone.png",)).read_mask()


def test_the_mask_of_a_normal_strip_is_all_false(tmp_path: Path):
    mask = strip_of(write_png(tmp_path / "0001_000_00.png", grey()), code="000").read_mask()
    assert mask.shape == (256, 300) and mask.dtype == bool and not mask.any()


# --- read_known_mask ---


def test_a_known_mask_equals_the_mask(tmp_path: Path):
    mask = grey(0)
    mask[3, 5] = 1
    strip = strip_of(write_png(tmp_path / "0001_002_00.png", grey()), (write_png(tmp_path / "m.png", mask),))
    assert np.argwhere(strip.read_known_mask()).tolist() == [[3, 5]]


def test_the_known_mask_of_a_normal_strip_is_all_false(tmp_path: Path):
    strip = strip_of(write_png(tmp_path / "0001_000_00.png", grey()), code="000")
    known = strip.read_known_mask()
    assert known.shape == (256, 300) and known.dtype == bool and not known.any()
    black = write_png(tmp_path / "m.png", grey(0))
    assert not strip_of(strip.path, (black,), code="000").read_known_mask().any()


def test_the_mask_of_a_defective_strip_without_a_mask_or_with_a_black_one_is_unknown(tmp_path: Path):
    path = write_png(tmp_path / "0001_002_00.png", grey())
    assert strip_of(path).read_known_mask() is None
    assert strip_of(path, (write_png(tmp_path / "m.png", grey(0)),)).read_known_mask() is None


def test_a_bad_mask_is_refused_and_not_unknown(tmp_path: Path):
    path = write_png(tmp_path / "0001_002_00.png", grey())
    with pytest.raises(InputError, match=r"m\.png is 256 x 299 px but its strip is 256 x 300"):
        strip_of(path, (write_png(tmp_path / "m.png", grey(width=299)),)).read_known_mask()


# --- read_strips ---


def test_read_strips_returns_all_good_strips_without_a_warning(tmp_path: Path):
    strips = list_strips(make_small(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept, images = read_strips(strips, skip_bad=True)
    assert kept == strips
    assert [int(image[0, 0]) for image in images] == [10, 11, 12, 23, 24] * 2


def test_bad_strips_are_named_or_skipped_and_counted(tmp_path: Path):
    strips = list_strips(make_small(tmp_path))
    strips[0].path.write_bytes(b"")
    write_png(strips[3].path, grey(height=128))
    write_png(strips[4].masks[0], grey(width=500))
    strips[9].masks[0].write_bytes(b"x")
    messages = {0: "is empty", 3: "128 x 300 px", 4: "its strip is 256 x 300", 9: "cannot be read"}
    for number, message in messages.items():
        with pytest.raises(InputError, match=message):
            read_strips([strips[number]])
    with pytest.raises(InputError, match="is empty"):
        read_strips(strips)
    with pytest.warns(UserWarning) as caught:
        kept, images = read_strips(strips, skip_bad=True)
    assert [s.id for s in kept] == [s.id for i, s in enumerate(strips) if i not in messages]
    assert [int(image[0, 0]) for image in images] == [11, 12, 10, 11, 12, 23]
    assert len(caught) == 1 and Path(caught[0].filename) == Path(__file__)
    warning = str(caught[0].message)
    assert warning.startswith("4 of 10 strips were skipped: ")
    assert all(
        name in warning for name in ("0000_000_00.png", "0003_002_00.png", "0004_002_00_mask", "0004_002_02_mask")
    )


def test_skipping_all_strips_gives_empty_lists(tmp_path: Path):
    strips = list_strips(make_small(tmp_path))[:2]
    for strip in strips:
        strip.path.unlink()
    with pytest.warns(UserWarning, match="2 of 2 strips were skipped"):
        assert read_strips(strips, skip_bad=True) == ([], [])
