"""Small folders of pictures as users have them: of a phone, of a 16-bit camera, in MVTec AD's layout, and a mess."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from PIL import Image
from woven import woven

HEIGHT, WIDTH = 96, 128
TINT = np.array([1.0, 0.8, 0.6])  # of a beige cloth
TURNED = {1: 0, 3: 2, 6: 1, 8: 3}  # EXIF orientation, and the quarter turns to the left with which it is stored


def fabric(n: int, seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return n different pieces of one fabric, (n, height, width) uint8."""
    return woven(n, seed, height, width)


def beige(grey: np.ndarray) -> np.ndarray:
    """Return grey values as a coloured cloth, (H, W, 3) uint8."""
    return (grey[..., None] * TINT).astype(np.uint8)


def save(path: Path, values: np.ndarray, **options: object) -> Path:
    """Write a picture in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


def write(path: Path, data: bytes = b"") -> Path:
    """Write bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def save_turned(path: Path, values: np.ndarray, orientation: int, **options: object) -> Path:
    """Write a picture as a phone does that was turned: the stored pixels lie, and EXIF says how to turn them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(path, np.ascontiguousarray(np.rot90(values, TURNED[orientation])), exif=exif, **options)


def hole(values: np.ndarray, row: int = 40, column: int = 60, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture with a dark hole, and its mask (H, W) uint8."""
    values, mask = values.copy(), np.zeros(values.shape[:2], np.uint8)
    values[row : row + size, column : column + size] = 15
    mask[row : row + size, column : column + size] = 255
    return values, mask


def phone_photos(root: Path, good: int = 6, test: int = 4) -> tuple[Path, Path]:
    """Write colour JPEGs, each stored in another orientation, into a folder of good ones and one to judge."""
    pieces, orientations = fabric(good + test, 1), list(TURNED)
    for number, piece in enumerate(pieces):
        folder = root / ("good" if number < good else "new")
        name = f"IMG_{20260400 + number}.JPG"
        save_turned(folder / name, beige(piece), orientations[number % 4], format="JPEG", quality=92)
    return root / "good", root / "new"


def deep_series(root: Path, good: int = 6, test: int = 4) -> tuple[Path, Path]:
    """Write a series of 16-bit grey TIFFs, numbered without leading zeros."""
    for number, piece in enumerate(fabric(good + test, 2)):
        folder = root / ("reference" if number < good else "inspect")
        save(folder / f"frame{number}.tif", piece.astype(np.uint16) * 220)
    return root / "reference", root / "inspect"


def mvtec_tree(root: Path, good: int = 6, test: int = 2) -> Path:
    """Write the layout of MVTec AD with holes and their masks, and return its root."""
    pieces = iter(fabric(good + 2 * test, 3))
    for number in range(good):
        save(root / "train" / "good" / f"{number:03}.png", next(pieces))
    for number in range(test):
        save(root / "test" / "good" / f"{number:03}.png", next(pieces))
        defective, mask = hole(next(pieces), row=20 + 10 * number)
        save(root / "test" / "hole" / f"{number:03}.png", defective)
        save(root / "ground_truth" / "hole" / f"{number:03}_mask.png", mask)
    return root


# Files in the folder to judge that `mess` writes: read as fabric, refused, or left out.
READABLE = ("bits12.tif", "fraction.tif", "turned.JPG", "palette.png", "cmyk.jpg", "alpha.png", "deep colour.png")
UNREADABLE = ("signed.tif", "nan.tif", "wide.tif", "pages.tif", "moving.gif", "cut.png", "empty.jpg", "text.png")
NOT_READ = ("photo.heic", "packed.zip", "array.npy", "folder.png", "dangling.png")


def mess(root: Path) -> tuple[Path, Path, Path]:
    """Write each fault of depth, range, transparency, orientation and inversion, and files that are no pictures.

    Returns the folders of good pictures, of pictures to judge (without labels), and of masks.
    """
    good, new, masks = root / "good", root / "new", root / "masks"
    for number, piece in enumerate(fabric(5, 4)):
        save(good / f"{number}.png", piece)
    pieces = fabric(20, 5)
    fraction = pieces[0] / np.float32(255)
    # read as fabric
    save(new / "bits12.tif", np.round(pieces[1] * (4095 / 255)).astype(np.uint16))
    save(new / "fraction.tif", fraction)
    save_turned(new / "turned.JPG", pieces[2], 6, format="JPEG", quality=92)
    Image.fromarray(pieces[3]).quantize(64).save(new / "palette.png")
    Image.fromarray(pieces[4]).convert("CMYK").save(new / "cmyk.jpg", quality=95)
    save(new / "alpha.png", np.dstack([pieces[5], np.full_like(pieces[5], 255)]))
    _write_deep_colour(new / "deep colour.png", pieces[6])
    # readable, and odd
    save(new / "dark.tif", (pieces[7] // 4).astype(np.uint16))
    clear = np.full((HEIGHT, WIDTH, 2), 255, np.uint8)
    clear[..., 1] = 0
    clear[9, 9, 1] = 255
    save(new / "clear.png", clear)
    save(new / "inverted.png", pieces[8])
    save(new / "see-through.png", pieces[9])
    # refused
    save(new / "signed.tif", fraction * 2 - 1)
    save(new / "nan.tif", np.where(fraction < 0.3, np.nan, fraction).astype(np.float32))
    save(new / "wide.tif", pieces[10] * np.float32(257))
    save(new / "pages.tif", pieces[11], save_all=True, append_images=[Image.fromarray(pieces[12])])
    save(new / "moving.gif", pieces[11], save_all=True, append_images=[Image.fromarray(pieces[12])])
    save(new / "cut.png", pieces[13])
    write(new / "cut.png", (new / "cut.png").read_bytes()[:3000])
    write(new / "empty.jpg")
    write(new / "text.png", b"this is no picture")
    # not read
    write(new / "photo.heic", b"\0\0\0\x18ftypheic")
    write(new / "packed.zip", b"PK")
    np.save(file := io.BytesIO(), pieces[14])
    write(new / "array.npy", file.getvalue())
    (new / "folder.png").mkdir()
    with contextlib.suppress(OSError):  # links need a permission on Windows
        (new / "dangling.png").symlink_to("nowhere.png")
    # hidden, or no data
    write(new / "._turned.JPG", b"Mac OS X")
    write(new / ".DS_Store")
    write(new / "notes.txt", b"taken on Monday")
    # masks
    _, mask = hole(pieces[8])
    save(masks / "inverted_mask.png", 255 - mask)
    save(masks / "see-through.png", np.dstack([np.full_like(mask, 255), np.where(mask > 0, 0, 255).astype(np.uint8)]))
    save(masks / "nobody.png", mask)
    save_turned(masks / "turned_mask.png", mask, 1)
    return good, new, masks


def _write_deep_colour(path: Path, grey: np.ndarray) -> None:
    import cv2

    path.write_bytes(cv2.imencode(".png", np.dstack([grey * np.uint16(257)] * 3))[1].tobytes())
