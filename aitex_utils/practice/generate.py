"""The practice fabric: strips of woven texture with twelve kinds of defects, in AITEX's layout and with its oddities.

Everything follows from a seed. `python course.py data` makes it; notebooks and tests use it where AITEX isn't at hand.
How well it stands for AITEX is measured by `benchmarks/practice_fabric.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from aitex_utils.atomic_write import write_whole
from aitex_utils.errors import InputError, is_whole
from aitex_utils.strips import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER, PRACTICE, STRIP_SHAPE

from .defects import DRAWN, fault, how_many
from .weave import Weave, Yarns, draw, on_a_day, smooth_noise, twill

GENERATOR = 2  # raise it when the same seed makes other bytes
ABOUT = "practice.json"
TWO_MASKS, NO_MASK = 1, 3  # which of all defective strips has two masks, and which none
FABRICS = (  # plain, twill, satin; and again
    Weave(
        twill(1, 1), 4.8, 3.55, 80, 0.30, tone=0.55, uneven_warp=0.05, uneven_weft=0.03, uneven_places=0.03, fading=0.45
    ),
    Weave(
        twill(2, 1),
        1.7,
        2.35,
        119,
        0.21,
        tone=1.5,
        uneven_warp=0.015,
        uneven_weft=0.03,
        uneven_places=0.04,
        fading=0.55,
    ),
    Weave(
        twill(1, 4, 2),
        2.45,
        2.6,
        130,
        0.12,
        tone=1.2,
        uneven_warp=0.015,
        uneven_weft=0.02,
        uneven_places=0.035,
        lamp=0.25,
        fading=0.5,
        speeds=(1.0, 1.35),
    ),
    Weave(twill(2, 2), 1.9, 2.1, 96, 0.20, tone=-1.0, uneven_warp=0.03),
    Weave(twill(1, 7, 3), 2.0, 1.9, 74, 0.17, tone=1.2, uneven_warp=0.03),
    Weave(twill(1, 1), 6.1, 4.6, 128, 0.17, tone=0.4, uneven_warp=0.04, blur=1.0),
)


def make_practice_fabric(
    folder: str | os.PathLike = PRACTICE,
    *,
    seed: int = 0,
    fabrics: int = 3,
    normal: int = 8,
    defective: int = 8,
    progress: bool = False,
) -> Path:
    """Write the practice fabric to `folder`, whole or not at all, and return the folder.

    `fabrics` (1 to 6) weaves with `normal` and `defective` strips each, 256 x 4096 px. The same arguments give the same
    bytes with the same versions of NumPy, SciPy and Pillow. An older practice fabric in `folder` is replaced, anything
    else refused.
    """
    about = _about(seed, fabrics, normal, defective)
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: choose a folder for the practice fabric.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ABOUT).is_file():
        raise InputError(f"{folder} holds something other than a practice fabric: choose another folder.")
    with write_whole(folder, folder=True) as inside:
        for name in (DEFECT_FOLDER, MASK_FOLDER, *(f"{NORMAL_FOLDER}/practice-{f:02d}" for f in range(fabrics))):
            (inside / name).mkdir(parents=True)
        work = [partial(_normal_strip, inside, seed, f, i) for f in range(fabrics) for i in range(normal)]
        work += [
            partial(_defective_strip, inside, seed, f, i, defective) for f in range(fabrics) for i in range(defective)
        ]
        _do(work, progress)
        (inside / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return folder


def practice_is_there(folder: str | os.PathLike = PRACTICE, **size: int) -> bool:
    """Say whether `folder` holds the practice fabric of this generator; with `seed`, `fabrics`, ... that very one."""
    try:
        there = json.loads((Path(folder) / ABOUT).read_text(encoding="utf-8"))
        return there["generator"] == GENERATOR and all(there[key] == value for key, value in size.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def strip(
    weave: Weave, bed: tuple[str, int], rng: np.random.Generator, code: str | None = None, count: int = 1
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a strip (256, 4096) uint8 and the masks of its `count` defects of kind `code`, each alike, above 0 =
    defect.

    `bed` is what lies to the left of the fabric, "white" or "bare", and the column where the selvage begins (0 = all is
    fabric).
    """
    kind, begin = bed
    yarns = Yarns(STRIP_SHAPE)
    selvage = int(rng.integers(70, 95)) if begin else 0
    span = (begin + selvage, STRIP_SHAPE[1])
    masks = [fault(code, weave, yarns, span, rng) for _ in range(count)] if code else []
    grey = draw(weave, yarns, rng)
    if begin:
        _selvage(grey[:, begin : begin + selvage], weave, rng)
        edge = begin + np.cumsum(rng.standard_normal(STRIP_SHAPE[0])) / 6
        outside = np.arange(STRIP_SHAPE[1]) < edge[:, None]
        grey = np.where(outside, 255 if kind == "white" else _bare_bed(rng), grey)
    return np.round(grey).clip(0, 255).astype(np.uint8), masks


def _about(seed: int, fabrics: int, normal: int, defective: int) -> dict[str, int]:
    """Return what is asked for as it is recorded in the folder; refuse what can't be made."""
    size = {"seed": seed, "fabrics": fabrics, "normal": normal, "defective": defective}
    for name, value in size.items():
        least, most = {"fabrics": (1, len(FABRICS)), "normal": (1, 9999), "defective": (0, 999)}.get(
            name, (0, 2**32 - 1)
        )
        if not is_whole(value) or not least <= value <= most:
            raise InputError(f"{name} is {value!r}, expected a whole number from {least} to {most}.")
    return {"generator": GENERATOR} | {name: int(value) for name, value in size.items()}


def _do(work: list[Callable[[], None]], progress: bool) -> None:
    """Do the pieces of work, a few at a time; each has its own random numbers, so that their order doesn't matter."""
    from tqdm.auto import tqdm

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        begun = [pool.submit(piece) for piece in work]
        try:
            for one in tqdm(begun, desc="practice fabric", unit="strip", disable=not progress):
                one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # a full disk or Ctrl-C: the rest would be made for nothing
            raise


def _normal_strip(inside: Path, seed: int, f: int, i: int) -> None:
    rng = np.random.default_rng([seed, GENERATOR, f, 0, i])
    image, _ = strip(on_a_day(FABRICS[f], rng), _bed(f, i, False), rng)
    _save(inside / NORMAL_FOLDER / f"practice-{f:02d}" / f"{i + 1:04d}_000_{f:02d}.png", image, rgba=i == 1)


def _defective_strip(inside: Path, seed: int, f: int, i: int, defective: int) -> None:
    """Write a defective strip and its mask. As in AITEX it was seen on another day than the normal ones."""
    n = f * defective + i
    code = DRAWN[n % len(DRAWN)]
    rng = np.random.default_rng([seed, GENERATOR, f, 1, i])
    count = 2 if n == TWO_MASKS else how_many(code, rng)
    image, masks = strip(on_a_day(FABRICS[f], rng, other=True), _bed(f, i, True), rng, code, count)
    name = f"{n + 1:04d}_{code}_{f:02d}"
    _save(inside / DEFECT_FOLDER / f"{name}.png", image, rgba=i == 2)
    if n == NO_MASK:
        return
    if n != TWO_MASKS:
        masks = [np.max(masks, axis=0)]
    for j, mask in enumerate(masks):
        _save(inside / MASK_FOLDER / (f"{name}_mask{j + 1}.png" if len(masks) > 1 else f"{name}_mask.png"), mask)


def _bed(f: int, i: int, defective: bool) -> tuple[str, int]:
    """Return what lies to the left of a strip's fabric; as in AITEX it differs between normal and defective strips."""
    kind = "bare" if f % 3 == 2 else "white"
    if f % 3 == 1 and i % 4 == 3:
        return kind, 0
    return kind, (980, 300, 560, 760, 420, 1100)[f] - (140 if defective else 0) + 23 * (i % 5)


def _bare_bed(rng: np.random.Generator) -> np.ndarray:
    """Return the machine's bed (H, W) float32, dark and streaked along the strip."""
    streaks = 6 * smooth_noise(STRIP_SHAPE, (5, 700), rng) + 5 * smooth_noise(STRIP_SHAPE, (25, 60), rng)
    return 92 + streaks + 2 * rng.standard_normal(STRIP_SHAPE, dtype=np.float32)


def _selvage(part: np.ndarray, weave: Weave, rng: np.random.Generator) -> None:
    """Turn the first columns of the fabric (H, width) into its edge, in place: bands of denser warp of other
    lightness.
    """
    columns = np.arange(part.shape[1])
    bands = 0.14 * np.sin(columns / part.shape[1] * rng.uniform(9, 14)) + 0.35 * np.exp(-(((columns - 8) / 4) ** 2))
    ridges = 0.12 * np.sin(2 * np.pi * columns / max(0.63 * weave.warp, 2.3))
    part[:] = weave.light * (1.05 + bands + ridges) + 0.6 * (part - weave.light)


def _save(path: Path, image: np.ndarray, rgba: bool = False) -> None:
    from PIL import Image

    picture = Image.fromarray(image)
    (picture.convert("RGBA") if rgba else picture).save(path, compress_level=1)
