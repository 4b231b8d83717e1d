"""Pictures on disk: find them, and read them as grey values, in colour or as a mask.

Pillow decodes, because it refuses a truncated file and knows what a header says: size, depth, orientation, number of
pictures. OpenCV decodes colours of more than 8 bits, which Pillow reduces, and formats that Pillow does not know.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from ..errors import InputError, MissingError
from ..safety.arrays import as_array, grey_divisor
from .atomic_write import sha256
from .paths import given_path

SUFFIXES = frozenset(
    ".png .jpg .jpeg .jfif .jpe .bmp .dib .tif .tiff .webp .gif .pgm .ppm .pnm .pbm .jp2 .avif .tga .hdr .pfm".split()
)
MAX_PIXELS = 2**26  # px, of a strip 256 px high and 262,144 px long, read from the header before anything is decoded
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "JPEG2000")  # formats that smear the edges of a mask
ORIENTATION = 0x0112  # tag of EXIF
HIDDEN = {"__macosx", "@eadir", "$recycle.bin", "lost+found"}  # of macOS, a network drive, Windows and Linux
SEVERAL = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")  # formats in which several pictures are pages or an animation
T = TypeVar("T")


class Decoded(NamedTuple):
    """The pixels of a file.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        Grey values of any depth.
    alpha : ndarray, shape (H, W), or None
        Opacity where it varies; None for a picture that is equally opaque everywhere.
    format : str
        Name of the file format.

    Examples
    --------
    >>> Decoded(np.zeros((2, 3), np.uint8), None, "PNG").grey.shape
    (2, 3)
    """

    grey: np.ndarray
    alpha: np.ndarray | None
    format: str


class Pixels(NamedTuple):
    """A picture of 8 bits, and the value in its file that became white.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 3)
        Grey values, or red, green and blue; uint8.
    white : int or None
        The value that became 255 in a file of 16-bit or 32-bit whole numbers, found from the largest value in the
        picture: 255, 4095 or 65535. Pictures of one camera should share it. None for other files.

    Examples
    --------
    >>> Pixels(np.zeros((2, 3), np.uint8), 4095).white
    4095
    """

    values: np.ndarray
    white: int | None


def find_files(folder: str | os.PathLike) -> list[Path]:
    """Return everything in and below a folder that could be a picture.

    Parameters
    ----------
    folder : path
        Folder to search. Links to folders are followed, each folder once.

    Returns
    -------
    list of Path
        Sorted: all files, links that lead nowhere, and folders with the name of a picture. Hidden ones are left out,
        see `is_hidden`. The list is empty if the folder does not exist.

    Raises
    ------
    InputError
        If a folder cannot be opened.

    Examples
    --------
    >>> find_files("no/such/folder")
    []
    """

    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename} cannot be opened ({error.strerror}): change its permissions, or move it elsewhere."
        ) from error

    folder = given_path(folder)
    found: list[Path] = []
    visited: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True) if os.path.isdir(folder) else ():
        if os.path.realpath(place) in visited:
            folders.clear()  # a link that leads back
            continue
        visited.add(os.path.realpath(place))
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(place, name) for name in folders if Path(name).suffix.lower() in SUFFIXES]
        found += [Path(place, name) for name in names if not is_hidden(name)]
    return sorted(found)


def is_hidden(name: str) -> bool:
    """Say whether a file or folder is of the system or a program, so pictures in it are not the user's data.

    Parameters
    ----------
    name : str
        Name without the folder.

    Returns
    -------
    bool
        True for names that begin with a dot, such as `._name.png`, `.ipynb_checkpoints` and `.Trash-1000`, and for
        `__MACOSX`, `@eaDir`, `$RECYCLE.BIN` and `lost+found`.

    Examples
    --------
    >>> is_hidden(".ipynb_checkpoints"), is_hidden("NODefect_images")
    (True, False)
    """
    return name.startswith(".") or name.lower() in HIDDEN


def find_images(folder: str | os.PathLike) -> Iterator[Path]:
    """Yield the picture files in and below a folder.

    Parameters
    ----------
    folder : path
        Folder to search; nothing is yielded if it does not exist.

    Yields
    ------
    Path
        Sorted by path; files with one of `SUFFIXES`, in capitals too.

    Raises
    ------
    InputError
        If a folder cannot be opened.

    Examples
    --------
    >>> list(find_images("no/such/folder"))
    []
    """
    yield from (path for path in find_files(folder) if path.suffix.lower() in SUFFIXES and os.path.isfile(path))


def read_grey(path: str | os.PathLike) -> np.ndarray:
    """Read a picture as grey values.

    Parameters
    ----------
    path : path
        File in a format that Pillow or OpenCV decodes: PNG, JPEG, BMP, TIFF, WebP and others.

    Returns
    -------
    ndarray, shape (H, W)
        uint8, turned as the file's EXIF orientation says. Colour is converted to grey. Transparency is ignored, unless
        the picture has one colour only, so that the transparency is the picture.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged or too large, contains several pictures, or has values of unclear range.

    Notes
    -----
    Values of more than 8 bits are scaled to 0..255 and rounded, each channel by the same factor. No value above 0
    becomes 0. The largest value of all channels shows the range. Whole numbers are 8-bit values up to 255, 12-bit
    values below 4096, and 16-bit values up to 65535. Floating-point numbers up to 1 are fractions of white.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(f"{folder}/grey.png", np.full((2, 3), 7, np.uint8))
    ...     read_grey(f"{folder}/grey.png").tolist()
    [[7, 7, 7], [7, 7, 7]]
    """
    return to_grey(read_pixels(path).values)


def read_colour(path: str | os.PathLike) -> np.ndarray:
    """Read a picture in colour.

    Parameters
    ----------
    path : path
        File, as in `read_grey`.

    Returns
    -------
    ndarray, shape (H, W, 3)
        uint8, in the order red, green, blue, turned as the file's EXIF orientation says. A grey picture has three equal
        channels. Depth and transparency are treated as in `read_grey`, so `to_grey` of the result is what it returns.

    Raises
    ------
    InputError
        As `read_grey`.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(f"{folder}/blue.png", np.full((1, 1, 3), (200, 0, 7), np.uint8))  # OpenCV begins with blue
    ...     read_colour(f"{folder}/blue.png").tolist()
    [[[7, 0, 200]]]
    """
    return to_colour(read_pixels(path).values)


def read_pixels(path: str | os.PathLike) -> Pixels:
    """Read a picture as it is stored, in grey or in colour, and say which range was assumed.

    Parameters
    ----------
    path : path
        File, as in `read_grey`.

    Returns
    -------
    Pixels
        Values of 8 bits, turned as the file's EXIF orientation says.

    Raises
    ------
    InputError
        As `read_grey`.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(f"{folder}/deep.png", np.array([[0, 2048, 4095]], np.uint16))
    ...     pixels = read_pixels(f"{folder}/deep.png")
    >>> pixels.values.tolist(), pixels.white
    ([[0, 128, 255]], 4095)
    """
    colours, alpha, _ = _decode_with(path, _split)
    if alpha is not None and (colours == colours[0, 0]).all():
        colours = alpha
    if colours.dtype == np.uint8:
        return Pixels(colours, None)
    low, high = _range(colours, path)
    is_float = colours.dtype.kind == "f"
    if low < 0 or high > (255 if is_float else 65535):
        raise InputError(f"{path} has values from {low:g} to {high:g}, expected 0..255: {_fix(low, high)}.")
    if is_float:
        return Pixels(_scale(colours.astype(np.float64), 1 if high <= 1 else 255), None)
    white = 255 if high <= 255 else 4095 if high <= 4095 else 65535
    table = _scale(np.arange(int(high) + 1, dtype=np.float64), white)  # it needs less memory than scaling each pixel
    return Pixels(table[colours], white)


def to_grey(values: np.ndarray) -> np.ndarray:
    """Convert a picture to grey values.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 3)
        Grey values, which are returned as they are, or red, green and blue; uint8.

    Returns
    -------
    ndarray, shape (H, W)
        uint8: 0.299 red + 0.587 green + 0.114 blue.

    Raises
    ------
    InputError
        If the array has another shape or dtype.

    Examples
    --------
    >>> to_grey(np.array([[[255, 0, 0], [9, 9, 9]]], np.uint8)).tolist()
    [[76, 9]]
    """
    import cv2

    values = _check_picture(values)
    return values if values.ndim == 2 else cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)


def to_colour(values: np.ndarray) -> np.ndarray:
    """Convert a picture to three channels.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 3)
        Grey values, or red, green and blue, which are returned as they are; uint8.

    Returns
    -------
    ndarray, shape (H, W, 3)
        uint8.

    Raises
    ------
    InputError
        If the array has another shape or dtype.

    Examples
    --------
    >>> to_colour(np.full((1, 1), 7, np.uint8)).tolist()
    [[[7, 7, 7]]]
    """
    import cv2

    values = _check_picture(values)
    return cv2.cvtColor(values, cv2.COLOR_GRAY2RGB) if values.ndim == 2 else values


def read_mask(path: str | os.PathLike) -> np.ndarray:
    """Read a ground-truth mask, in which any value above 0 is defect.

    Parameters
    ----------
    path : path
        File, as in `read_grey`.

    Returns
    -------
    ndarray, shape (H, W)
        Bool. In a colour mask, any channel counts. A transparent pixel is no defect; in a mask of one colour, each
        pixel that is not transparent is a defect. In a format with lossy compression, such as JPEG, a defect has more
        than half of the largest value.

    Raises
    ------
    InputError
        As `read_grey`, whatever the range of the values.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(f"{folder}/mask.png", np.array([[0, 1, 255]], np.uint8))
    ...     read_mask(f"{folder}/mask.png").tolist()
    [[False, True, True]]
    """
    grey, alpha, file_format = decode(path, brightest=True)
    low, high = _range(grey, path)
    if alpha is not None and low == high:
        return alpha > 0
    mask = grey > (high / 2 if file_format in LOSSY else 0)
    return mask if alpha is None else mask & (alpha > 0)


def content_keys(paths: Sequence[Path]) -> list[object]:
    """Return a key for each file, equal for files with equal bytes.

    Parameters
    ----------
    paths : sequence of Path
        Files; one that is missing or empty equals no other.

    Returns
    -------
    list
        Only files of the same size are read, so this is fast.

    Examples
    --------
    >>> first, second = content_keys([Path("no/such.png"), Path("no/such.png")])
    >>> first == second
    False
    """
    sizes = [os.path.getsize(path) if os.path.isfile(path) else 0 for path in paths]
    counts = Counter(sizes)
    return [sha256(path) if size and counts[size] > 1 else object() for path, size in zip(paths, sizes, strict=True)]


def decode(path: str | os.PathLike, *, brightest: bool = False) -> Decoded:
    """Decode a file whole, or refuse it.

    Parameters
    ----------
    path : path
        File to decode.
    brightest : bool
        Take the largest of the three colours as grey value, for a mask, in which (1, 0, 0) is not black.

    Returns
    -------
    Decoded

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, too large, or contains several pictures.

    Examples
    --------
    >>> decode("no/such/file.png")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/file.png is missing: check the name, or copy the file there again.
    """

    def convert(pixels: np.ndarray, file_format: str) -> Decoded:
        import cv2

        colours, alpha, _ = _split(pixels, file_format)
        if colours.ndim == 2:
            return Decoded(colours, alpha, file_format)
        grey = colours.max(axis=-1) if brightest else cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
        return Decoded(grey, alpha, file_format)

    return _decode_with(path, convert)


def _decode_with(path: str | os.PathLike, convert: Callable[[np.ndarray, str], T]) -> T:
    """Return what `convert` makes of the pixels and the format of a file, or refuse the file in one sentence."""
    path = given_path(path)
    _check_file(path)
    try:
        return convert(*_decode(path))
    except (InputError, MemoryError):
        raise
    except PermissionError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}): change its permissions.") from error
    except Exception as error:  # a decoder can fail on damaged bytes in any way
        raise InputError(
            f"{path} cannot be read as a picture ({error}): it is truncated, damaged or no picture, copy it again."
        ) from error


def _check_file(path: Path) -> None:
    """Raise an error for a path that is no file with content."""
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder, expected a picture: move the pictures in it one level up.")
    if not os.path.isfile(path):
        if os.path.islink(path):
            raise MissingError(
                f"{path} is a link to {os.readlink(path)}, which is missing: put the file there, or remove the link."
            )
        raise MissingError(f"{path} is missing: check the name, or copy the file there again.")
    if os.path.getsize(path) == 0:
        raise InputError(f"{path} is empty (0 bytes): copy it again.")


def _decode(path: Path) -> tuple[np.ndarray, str]:
    """Return pixels and format, decoded with Pillow, or with OpenCV where Pillow would lose something."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        _check_size(path, int(re.search(r"\d+", str(error))[0]))  # Pillow states the number of pixels first
        raise
    except UnidentifiedImageError:
        pixels = _decode_with_opencv(path)
        _check_size(path, pixels.shape[0] * pixels.shape[1])
        return pixels, "another format"
    with image:
        _check_size(path, math.prod(image.size))
        count = getattr(image, "n_frames", 1)
        if count > 1 and image.format in SEVERAL:
            raise InputError(f"{path} contains {count} pictures: save the picture that you need as a file of its own.")
        if image.format == "PNG":
            with Image.open(path) as again:
                again.verify()  # checksums, because decoding alone does not compare them
        depth = str(image.tile[0][3]) if image.tile else ""  # getexif can load the image, which empties tile
        orientation = image.getexif().get(ORIENTATION, 1)
        if image.format == "TIFF" and orientation != 1:  # Pillow mixes up the axes of such a file, OpenCV turns it
            return _decode_with_opencv(path), "TIFF"
        is_deep = image.mode in ("RGB", "RGBA", "LA") and ";16" in depth
        image.load()  # the whole file, so a truncated file is refused here
        pixels = _decode_with_opencv(path) if is_deep else _pixels(image)
        return _turn(pixels, orientation), image.format


def _pixels(image) -> np.ndarray:
    """Return the pixels of a Pillow image: (H, W) of any depth, or (H, W, 3 or 4) uint8 for RGB and RGBA."""
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return np.array(image.convert("RGBA"))
    if image.mode == "1":
        return np.array(image.convert("L"))
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return np.array(image)
    return np.array(image.convert("RGBA" if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") else "RGB"))


def _decode_with_opencv(path: Path) -> np.ndarray:
    """Return the pixels as OpenCV decodes them, in the order RGB or RGBA."""
    import cv2

    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)  # what is wrong with a file is said by the error alone
    try:
        # Not cv2.imread, which cannot open every path on Windows.
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        log.setLogLevel(level)
    if pixels is None:
        raise ValueError("not a picture in a known format")
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        pixels[..., :3] = pixels[..., 2::-1].copy()
    return pixels


def _split(pixels: np.ndarray, file_format: str) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return the colours, (H, W) or (H, W, 3), the opacity where it varies, and the format."""
    if pixels.ndim == 2:
        return pixels, None, file_format
    alpha = pixels[..., -1] if pixels.shape[2] in (2, 4) else None
    colours = np.ascontiguousarray(pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0])
    return colours, None if alpha is None or alpha.min() == alpha.max() else alpha, file_format


def _scale(values: np.ndarray, white: int) -> np.ndarray:
    """Scale values of 0..white to 0..255. No value above 0 becomes 0."""
    return np.maximum(np.round(values * 255 / white), values > 0).astype(np.uint8)


def _check_picture(values: np.ndarray) -> np.ndarray:
    """Return an array if it is a picture of 8 bits in grey or colour."""
    values = as_array(values, "values")
    if values.dtype != np.uint8 or values.ndim not in (2, 3) or values.shape[2:] not in ((), (3,)) or 0 in values.shape:
        raise InputError(
            f"values has shape {values.shape} and dtype {values.dtype}, expected (H, W) or (H, W, 3) uint8: "
            "read the file with read_colour."
        )
    return values


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels upright, by the value of the EXIF tag Orientation (EXIF 2.32, 4.6.4)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _check_size(path: Path, count: int) -> None:
    """Raise an error for a picture of more than `MAX_PIXELS`."""
    if count > MAX_PIXELS:
        raise InputError(
            f"{path} has {count:,} px, expected at most {MAX_PIXELS:,}: cut the strips out of it, or scale it down."
        )


def _range(values: np.ndarray, path: str | os.PathLike) -> tuple[float, float]:
    """Return the smallest and the largest value. NaN and infinity are refused."""
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        count = np.count_nonzero(~np.isfinite(values))
        raise InputError(
            f"{path} has NaN or infinity in {count} of {values.size} pixels: replace them, for example with "
            "np.nan_to_num, and save it again."
        )
    return low, high


def _fix(low: float, high: float) -> str:
    """Return what brings values of this range to 0..255."""
    if low >= 0 and high <= 65535:
        return f"save values // {grey_divisor(high)} as uint8"
    if low >= -1 and high <= 1:
        return "save (values + 1) * 127.5 as uint8"
    return f"save (values - {low:g}) * (255 / {high - low:g}) as uint8"
