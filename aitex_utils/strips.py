"""AITEX as a folder of strips: find it, list it, read a strip and its mask, split by strip.

AITEX (Silvestre-Blanes et al., "A Public Fabric Database for Defect Detection Methods and Results",
AUTEX Research Journal 19(4), 2019, doi:10.2478/aut-2019-0035) comes as three folders, `NODefect_images`,
`Defect_images` and `Mask_images`. A file is named `nnnn_ddd_ff.png`: number, defect code (000 = none), fabric.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import InputError, MissingError, check_number

PROJECT = Path(__file__).resolve().parent.parent
PRACTICE = PROJECT / "data" / "practice"
STRIP_SHAPE = (256, 4096)  # px
NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER = "NODefect_images", "Defect_images", "Mask_images"
NAME = re.compile(r"^(?P<number>\d{4})_(?P<code>\d{2,3})_(?P<fabric>\d{2})$")
DEFECTS = {
    "000": "none",
    "002": "broken end",
    "006": "broken yarn",
    "010": "broken pick",
    "016": "weft curling",
    "019": "fuzzyball",
    "022": "cut selvage",
    "023": "crease",
    "025": "warp ball",
    "027": "knots",
    "029": "contamination",
    "030": "nep",
    "036": "weft crack",
}


@dataclass(frozen=True)
class Strip:
    """One picture of fabric, 256 rows by (mostly) 4096 columns, and the files of its masks.

    Parameters
    ----------
    id : str
        The file's name without `.png`.
    fabric : str
        Two digits.
    code : str
        Defect code of three digits, "000" = no defect.
    path : Path
        File of the picture.
    masks : tuple of Path
        Files of the masks, none for a normal strip.

    Examples
    --------
    >>> strip = Strip("0094_027_05", "05", "027", Path("0094_027_05.png"))
    >>> strip.defect, strip.is_normal
    ('knots', False)
    """

    id: str
    fabric: str
    code: str
    path: Path
    masks: tuple[Path, ...] = ()

    @property
    def defect(self) -> str:
        """Name of the defect, "none" for a normal strip."""
        return DEFECTS.get(self.code, f"unknown code {self.code}")

    @property
    def is_normal(self) -> bool:
        """True if the code says that there is no defect."""
        return self.code == "000"

    def read(self) -> np.ndarray:
        """Read the strip.

        Returns
        -------
        ndarray, shape (256, W)
            Grey values, uint8.

        Raises
        ------
        InputError
            If the file cannot be read or has another height.
        """
        image = read_grey(self.path)
        if image.shape[0] != STRIP_SHAPE[0] or image.shape[1] < STRIP_SHAPE[0]:
            raise InputError(
                f"{self.path} is {image.shape[0]} x {image.shape[1]} px, expected 256 rows and at least 256 columns: "
                "unpack it again from AITEX's archive, or leave it out with skip_bad=True."
            )
        return image

    def read_mask(self) -> np.ndarray:
        """Read the ground-truth mask: the union of all mask files, where any value above 0 is defect.

        Returns
        -------
        ndarray, shape (256, W)
            Bool, True where the defect is; all False for a normal strip.

        Raises
        ------
        InputError
            If a defective strip has no mask, because the place of its defect is then unknown; if a mask cannot be
            read or has another shape than its strip.
        """
        if not self.masks:
            if self.is_normal:
                return np.zeros(self.read().shape, dtype=bool)
            raise InputError(
                f"{self.id} is defective but has no mask: leave it out where masks are needed (strip.masks)."
            )
        height, width = self.read().shape
        union = np.zeros((height, width), dtype=bool)
        for path in self.masks:
            mask = read_grey(path)
            if mask.shape != union.shape:
                raise InputError(
                    f"{path} is {mask.shape[0]} x {mask.shape[1]} px but its strip is {height} x {width}: "
                    "unpack both again from AITEX's archives, or leave the strip out with skip_bad=True."
                )
            union |= mask > 0
        return union

    def read_known_mask(self) -> np.ndarray | None:
        """Read the mask if the place of the defect is known.

        Returns
        -------
        ndarray, shape (256, W), or None
            As `read_mask`; None for a defective strip that has no mask or an all-black one.

        Raises
        ------
        InputError
            If a mask cannot be read or has another shape than its strip.
        """
        if not (self.is_normal or self.masks):
            return None
        mask = self.read_mask()
        return mask if self.is_normal or mask.any() else None


def read_grey(path: str | os.PathLike) -> np.ndarray:
    """Read a picture as grey values.

    Parameters
    ----------
    path : path
        File in a format that OpenCV decodes: PNG, JPEG, BMP, TIFF, WebP.

    Returns
    -------
    ndarray, shape (H, W)
        uint8. Colour is converted to grey, transparency is ignored, 16-bit values are divided by 257.

    Raises
    ------
    InputError
        If the file is missing, empty or cannot be decoded.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(f"{folder}/grey.png", np.full((2, 3), 7, np.uint8))
    ...     read_grey(f"{folder}/grey.png").tolist()
    [[7, 7, 7], [7, 7, 7]]
    """
    import cv2

    path = Path(path)
    if not path.is_file():
        raise MissingError(f"{path} is missing: check the name, or unpack it from AITEX's archive.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes): unpack it again from AITEX's archive.")
    try:
        # Not cv2.imread, which cannot open every path on Windows.
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise ValueError("not a picture in a format that OpenCV decodes")
    except (OSError, ValueError, cv2.error) as error:
        raise InputError(
            f"{path} cannot be read as a picture ({error}): it is truncated or damaged, "
            "unpack it again from AITEX's archive."
        ) from error
    if image.ndim == 3:
        image = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
    if image.dtype == np.uint8:
        return image
    deep = image.astype(np.float64)
    # Nothing above 0 becomes 0: in a mask the smallest value counts.
    return np.maximum(np.round(deep / 257), deep > 0).clip(0, 255).astype(np.uint8)


def find_aitex(folder: str | os.PathLike | None = None, *, quiet: bool = False) -> Path:
    """Find the folder that contains the strips, and print its path.

    Parameters
    ----------
    folder : path, optional
        Folder to use. Without it: the environment variable `AITEX_ROOT`, else `data/aitex`, else the practice fabric.
        AITEX's three folders lie directly in it or one level deeper.
    quiet : bool
        Print nothing.

    Returns
    -------
    Path

    Raises
    ------
    MissingError
        If a folder that was named contains no strips (it is never passed over for the next one), or if there is
        neither AITEX nor a practice fabric.

    Examples
    --------
    >>> find_aitex("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/folder (your argument) is not AITEX: it should contain NODefect_images, \
Defect_images and Mask_images.
    """
    for place, source in ((folder, "your argument"), (os.environ.get("AITEX_ROOT") or None, "AITEX_ROOT")):
        if place is not None:
            root = _root_in(Path(place).expanduser())
            if root is None:
                raise MissingError(
                    f"{place} ({source}) is not AITEX: "
                    f"it should contain {NORMAL_FOLDER}, {DEFECT_FOLDER} and {MASK_FOLDER}."
                )
            break
    else:
        root, source = _root_in(PROJECT / "data" / "aitex"), "data/aitex"
        if root is None:
            root, source = (
                _root_in(PRACTICE),
                "the practice fabric; there is no AITEX in data/aitex and AITEX_ROOT is not set",
            )
        if root is None:
            raise MissingError(
                "There is neither AITEX nor a practice fabric: make the practice fabric with `python course.py data`."
            )
    if not quiet:
        shown = root.relative_to(PROJECT).as_posix() if root.is_relative_to(PROJECT) else root
        print(f"Strips from {shown} ({source}).")
    return root


def _root_in(folder: Path) -> Path | None:
    """Return the folder that contains `NODefect_images`: `folder` itself, or the first one inside it that does."""
    if not folder.is_dir():
        return None
    deeper = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    for place in (folder, *deeper):
        if (place / NORMAL_FOLDER).is_dir() and place.name != NORMAL_FOLDER:
            return place
    return None


def list_strips(root: str | os.PathLike, fabric: str | None = None) -> list[Strip]:
    """List the strips of a folder.

    Parameters
    ----------
    root : path
        Folder that contains AITEX's three folders, see `find_aitex`.
    fabric : str, optional
        Two digits, for the strips of one fabric; None for all.

    Returns
    -------
    list of Strip
        In order of fabric, normal ones first, then of id. Files whose name is not `nnnn_ddd_ff.png` are passed over;
        `check_dataset` lists them.

    Raises
    ------
    InputError
        If there are no strips, or none of that fabric.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "NODefect_images").mkdir()
    ...     Path(root, "NODefect_images", "0003_000_02.png").touch()
    ...     [strip.id for strip in list_strips(root)]
    ['0003_000_02']
    """
    root = Path(root)
    masks: dict[str, list[Path]] = {}
    for path in find_images(root / MASK_FOLDER):
        masks.setdefault(path.stem.split("_mask")[0], []).append(path)
    strips = []
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER):
        for path in find_images(root / folder):
            if name := NAME.match(path.stem):
                code = name["code"].rjust(3, "0")
                strips.append(Strip(path.stem, name["fabric"], code, path, tuple(masks.get(path.stem, ()))))
    fabrics = sorted({s.fabric for s in strips})
    if not strips:
        raise MissingError(
            f"{root} contains no strips named nnnn_ddd_ff.png: check that AITEX's archives were unpacked there."
        )
    if fabric is not None and fabric not in fabrics:
        raise InputError(f"There is no fabric {fabric!r} in {root}: choose one of {', '.join(fabrics)}.")
    return sorted((s for s in strips if fabric in (None, s.fabric)), key=lambda s: (s.fabric, s.code != "000", s.id))


def find_images(folder: str | os.PathLike) -> Iterator[Path]:
    """Yield the PNG files in and below a folder, without those that a system hides (`._name.png`).

    Parameters
    ----------
    folder : path
        Folder to search; nothing is yielded if it does not exist.

    Yields
    ------
    Path
        Sorted by path.

    Examples
    --------
    >>> list(find_images("no/such/folder"))
    []
    """
    found = (p for p in Path(folder).rglob("*") if p.suffix.lower() == ".png" and not p.name.startswith("."))
    yield from sorted(found)


def read_strips(strips: Sequence[Strip], *, skip_bad: bool = False) -> tuple[list[Strip], list[np.ndarray]]:
    """Read several strips.

    Parameters
    ----------
    strips : sequence of Strip
        Strips to read; their masks are checked as well.
    skip_bad : bool
        Leave bad files out, with one warning that counts them.

    Returns
    -------
    strips : list of Strip
        Those that could be read.
    images : list of ndarray, each of shape (256, W)
        Their pictures, uint8.

    Raises
    ------
    InputError
        If a file cannot be read and `skip_bad` is False; the message names it.

    Examples
    --------
    >>> read_strips([])
    ([], [])
    """
    kept, images, bad = [], [], []
    for strip in strips:
        try:
            image = strip.read()
            if strip.masks:
                strip.read_mask()
        except InputError as error:
            if not skip_bad:
                raise
            bad.append(str(error))
            continue
        kept.append(strip)
        images.append(image)
    if bad:
        warnings.warn(f"{len(bad)} of {len(strips)} strips were skipped: {' | '.join(bad)}", stacklevel=2)
    return kept, images


def split_strips(strips: Sequence[Strip], share: float = 0.7, seed: int = 0) -> tuple[list[Strip], list[Strip]]:
    """Split whole strips at random into a training set and a test set.

    Tiles of one strip are more alike than tiles of two strips. A split by tile would put near copies of the test
    tiles into the training set.

    Parameters
    ----------
    strips : sequence of Strip
        Strips of one or more fabrics, in any order.
    share : float
        Share of each fabric's strips in the training set, 0 to 1; each set gets at least one strip of each fabric.
    seed : int
        The same seed gives the same split.

    Returns
    -------
    training, test : list of Strip

    Raises
    ------
    InputError
        If the share is out of range or a fabric has fewer than two strips.

    Examples
    --------
    >>> strips = [Strip(f"000{i}_000_02", "02", "000", Path()) for i in range(4)]
    >>> training, test = split_strips(strips)
    >>> len(training), len(test)
    (3, 1)
    """
    check_number("share", share, "(0, 1)", example=0.7)
    training: list[Strip] = []
    test: list[Strip] = []
    for fabric in sorted({s.fabric for s in strips}):
        own = sorted((s for s in strips if s.fabric == fabric), key=lambda s: s.id)
        if len(own) < 2:
            raise InputError(
                f"Fabric {fabric} has {len(own)} strip to split: at least two are needed, one for each set."
            )
        order = np.random.default_rng([seed, int(fabric)]).permutation(len(own))
        cut = min(max(round(share * len(own)), 1), len(own) - 1)
        training += [own[i] for i in sorted(order[:cut])]
        test += [own[i] for i in sorted(order[cut:])]
    return training, test
