"""The practice fabric: strips of woven texture with twelve kinds of defects, in the layout of AITEX and as irregular.

Everything follows from a seed. `python course.py data` makes it. Notebooks and tests use it where AITEX is not
available. `benchmarks/practice_fabric.py` measures how well it stands in for AITEX.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.errors import LARGEST_SEED, check_flag
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import given_path
from aitex_utils.strips import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER, PRACTICE, STRIP_SHAPE

from .defects import DEFECT_CODES, add_defect, defect_count
from .generated import check_size, is_generated, listed_files, write_metadata
from .weave import Weave, Yarns, render_fabric, sample_acquisition, smooth_noise, twill

GENERATOR = 3  # raise it when the same seed makes other pixels
SEED_KEY = 2  # part of every strip's seed, because generators 2 and 3 draw the same random numbers
METADATA_FILE = "practice.json"
TWO_MASKS, NO_MASK = 1, 3  # indices of the defective strips that have two masks and none
FABRICS = (  # plain, twill, satin, and again
    Weave(
        draft=twill(1, 1),
        warp=4.8,
        weft=3.55,
        light=80,
        contrast=0.30,
        tone=0.55,
        warp_variation=0.05,
        weft_variation=0.03,
        thickness_variation=0.03,
        defocus=0.45,
    ),
    Weave(
        draft=twill(2, 1),
        warp=1.7,
        weft=2.35,
        light=119,
        contrast=0.21,
        tone=1.5,
        warp_variation=0.015,
        weft_variation=0.03,
        thickness_variation=0.04,
        defocus=0.55,
    ),
    Weave(
        draft=twill(1, 4, 2),
        warp=2.45,
        weft=2.6,
        light=130,
        contrast=0.12,
        tone=1.2,
        warp_variation=0.015,
        weft_variation=0.02,
        thickness_variation=0.035,
        light_rise=0.25,
        defocus=0.5,
        speeds=(1.0, 1.35),
    ),
    Weave(draft=twill(2, 2), warp=1.9, weft=2.1, light=96, contrast=0.20, tone=-1.0, warp_variation=0.03),
    Weave(draft=twill(1, 7, 3), warp=2.0, weft=1.9, light=74, contrast=0.17, tone=1.2, warp_variation=0.03),
    Weave(draft=twill(1, 1), warp=6.1, weft=4.6, light=128, contrast=0.17, tone=0.4, warp_variation=0.04, blur=1.0),
)
BED_WIDTHS = (980, 300, 560, 760, 420, 1100)  # px, of the fabrics' first normal strips
LIMITS = {"seed": (0, LARGEST_SEED), "fabrics": (1, len(FABRICS)), "normal": (1, 9999), "defective": (0, 999)}


def _listed(metadata: dict) -> dict[str, int | None]:
    """Return the files of a practice fabric with their sizes, and its folders, which can be empty."""
    folders = [f"{name}/" for name in (DEFECT_FOLDER, MASK_FOLDER)]
    files = listed_files(metadata)
    folders += [f"{NORMAL_FOLDER}/practice-{f:02d}/" for f in range(metadata["fabrics"])]
    return {**dict.fromkeys(folders), **files}


FABRIC = Manifest(METADATA_FILE, "the practice fabric", _listed)


class Bed(NamedTuple):
    """The machine bed to the left of the fabric.

    Parameters
    ----------
    kind : {"white", "bare"}
        Saturated background, or the dark bed itself.
    width : int
        Column at which the selvage begins; 0 if there is only fabric.

    Examples
    --------
    >>> Bed("white", 300).width
    300
    """

    kind: str
    width: int


def make_practice_fabric(
    folder: str | os.PathLike = PRACTICE,
    *,
    seed: int = 0,
    fabrics: int = 3,
    normal: int = 8,
    defective: int = 8,
    progress: bool = False,
) -> Path:
    """Write the practice fabric to a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        Folder to write. An older practice fabric in it is replaced, a folder with any other or changed file is not.
    seed : int
        The same arguments give the same bytes with the same versions of NumPy and OpenCV on the same kind of processor.
    fabrics : int
        Number of weaves, 1 to 6.
    normal, defective : int
        Number of strips of each weave, 256 x 4096 px.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If an argument is out of range, the folder contains something else, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = make_practice_fabric(f"{parent}/practice", fabrics=1, normal=1, defective=0)
    ...     sorted(path.name for path in folder.rglob("*.*"))
    ['0001_000_00.png', 'practice.json']
    """
    check_flag("progress", progress)
    metadata = check_size(GENERATOR, LIMITS, seed=seed, fabrics=fabrics, normal=normal, defective=defective)
    with atomic_write(folder, folder=True, manifest=FABRIC) as root:
        for name in (DEFECT_FOLDER, MASK_FOLDER, *(f"{NORMAL_FOLDER}/practice-{f:02d}" for f in range(fabrics))):
            (root / name).mkdir(parents=True)
        tasks = [partial(_write_normal, root, seed, f, i) for f in range(fabrics) for i in range(normal)]
        tasks += [
            partial(_write_defective, root, seed, f, i, defective) for f in range(fabrics) for i in range(defective)
        ]
        run_tasks(tasks, "practice fabric", "strip", progress)
        write_metadata(root, METADATA_FILE, metadata, "*.png")
    return given_path(folder)


def practice_is_there(folder: str | os.PathLike = PRACTICE, **size: int) -> bool:
    """Say whether a folder contains the practice fabric of this generator.

    Parameters
    ----------
    folder : path
        Folder to look at; every file must be there in its size.
    **size
        `seed`, `fabrics`, `normal` or `defective` that it must have been made with.

    Returns
    -------
    bool

    Examples
    --------
    >>> practice_is_there("no/such/folder")
    False
    """
    return is_generated(folder, METADATA_FILE, GENERATOR, False, **size)  # at first, no files were listed


def render_strip(
    weave: Weave, bed: Bed, rng: np.random.Generator, code: str | None = None, count: int = 1
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Render a strip with its bed, its selvage and its defects.

    Parameters
    ----------
    weave : Weave
        The weave as photographed, see `weave.sample_acquisition`.
    bed : Bed
        The bed to the left of the fabric.
    rng : numpy.random.Generator
        Source of the random numbers.
    code : str, optional
        Defect code of three digits; None for a normal strip.
    count : int
        Number of defects of that kind.

    Returns
    -------
    image : ndarray, shape (256, 4096)
        Grey values, uint8.
    masks : list of ndarray, each of shape (256, 4096)
        Mask of each defect, uint8; values above 0 are defect.

    Examples
    --------
    >>> image, masks = render_strip(FABRICS[0], Bed("white", 600), np.random.default_rng(0), "030")
    >>> image.shape, len(masks)
    ((256, 4096), 1)
    """
    yarns = Yarns(STRIP_SHAPE)
    selvage = int(rng.integers(70, 95)) if bed.width else 0
    span = (bed.width + selvage, STRIP_SHAPE[1])
    masks = [add_defect(code, weave, yarns, span, rng) for _ in range(count)] if code else []
    grey = render_fabric(weave, yarns, rng)
    if bed.width:
        columns = slice(bed.width, bed.width + selvage)
        grey[:, columns] = _selvage(grey[:, columns], weave, rng)
        edge = bed.width + np.cumsum(rng.standard_normal(STRIP_SHAPE[0])) / 6
        outside = np.arange(STRIP_SHAPE[1]) < edge[:, None]
        grey = np.where(outside, 255 if bed.kind == "white" else _bare_bed(rng), grey)
    return np.round(grey).clip(0, 255).astype(np.uint8), masks


def run_tasks(tasks: Sequence[Callable[[], None]], label: str, unit: str, progress: bool) -> None:
    """Run tasks a few at a time. Each has its own random numbers, so their order does not matter.

    Parameters
    ----------
    tasks : sequence of callable
        Functions without arguments.
    label, unit : str
        Words of the progress bar.
    progress : bool
        Show the bar.

    Examples
    --------
    >>> made = []
    >>> run_tasks([lambda: made.append("strip")], "practice fabric", "strip", False)
    >>> made
    ['strip']
    """
    from tqdm.auto import tqdm

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            for future in tqdm(futures, desc=label, unit=unit, disable=not progress):
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # after a full disk or Ctrl-C the rest would be made in vain
            raise


def _write_normal(root: Path, seed: int, fabric: int, i: int) -> None:
    """Write normal strip `i` of a fabric, the second as RGBA."""
    rng = np.random.default_rng([seed, SEED_KEY, fabric, 0, i])
    image, _ = render_strip(sample_acquisition(FABRICS[fabric], rng), _bed(fabric, i, defective=False), rng)
    name = f"practice-{fabric:02d}/{i + 1:04d}_000_{fabric:02d}.png"
    _write_png(root / NORMAL_FOLDER / name, image, rgba=i == 1)


def _write_defective(root: Path, seed: int, fabric: int, i: int, defective: int) -> None:
    """Write defective strip `i` of a fabric and its masks, acquired differently from normal strips as in AITEX."""
    number = fabric * defective + i
    code = DEFECT_CODES[number % len(DEFECT_CODES)]
    rng = np.random.default_rng([seed, SEED_KEY, fabric, 1, i])
    count = 2 if number == TWO_MASKS else defect_count(code, rng)
    weave = sample_acquisition(FABRICS[fabric], rng, other=True)
    image, masks = render_strip(weave, _bed(fabric, i, defective=True), rng, code, count)
    name = f"{number + 1:04d}_{code}_{fabric:02d}"
    _write_png(root / DEFECT_FOLDER / f"{name}.png", image, rgba=i == 2)
    if number == TWO_MASKS:
        for j, mask in enumerate(masks, start=1):
            _write_png(root / MASK_FOLDER / f"{name}_mask{j}.png", mask)
    elif number != NO_MASK:
        _write_png(root / MASK_FOLDER / f"{name}_mask.png", np.max(masks, axis=0))


def _bed(fabric: int, i: int, *, defective: bool) -> Bed:
    """Return the bed of strip `i`, which differs between normal and defective strips as in AITEX."""
    kind = "bare" if fabric % 3 == 2 else "white"
    if fabric % 3 == 1 and i % 4 == 3:
        return Bed(kind, 0)
    return Bed(kind, BED_WIDTHS[fabric] - (140 if defective else 0) + 23 * (i % 5))


def _bare_bed(rng: np.random.Generator) -> np.ndarray:
    """Return the machine bed (H, W) in grey levels, dark and streaked along the strip."""
    streaks = 6 * smooth_noise(STRIP_SHAPE, (5, 700), rng) + 5 * smooth_noise(STRIP_SHAPE, (25, 60), rng)
    return 92 + streaks + 2 * rng.standard_normal(STRIP_SHAPE, dtype=np.float32)


def _selvage(grey: np.ndarray, weave: Weave, rng: np.random.Generator) -> np.ndarray:
    """Return the first columns of the fabric (H, width) as its selvage: bands of denser warp of other lightness."""
    columns = np.arange(grey.shape[1])
    bands = 0.14 * np.sin(columns / grey.shape[1] * rng.uniform(9, 14)) + 0.35 * np.exp(-(((columns - 8) / 4) ** 2))
    ridges = 0.12 * np.sin(2 * np.pi * columns / max(0.63 * weave.warp, 2.3))
    return weave.light * (1.05 + bands + ridges) + 0.6 * (grey - weave.light)


def _write_png(path: Path, image: np.ndarray, rgba: bool = False) -> None:
    import cv2

    pixels = cv2.cvtColor(image, cv2.COLOR_GRAY2BGRA) if rgba else image
    _, encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(encoded.tobytes())  # cv2.imwrite cannot open every path on Windows
