"""The practice fabric: strips of woven texture with twelve kinds of defects, written in AITEX's layout and with its oddities.

Everything follows from a seed. `python course.py data` makes it; notebooks and tests use it where AITEX isn't at hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .cache import clear_cache
from .defects import DRAWN, fault
from .errors import InputError
from .files import write_whole
from .strips import DEFECT_FOLDER, DEFECTS, MASK_FOLDER, NORMAL_FOLDER, PRACTICE, STRIP_SHAPE
from .weave import Weave, Yarns, draw, smooth_noise, twill

GENERATOR = 1  # raise it when the same seed makes other bytes
ABOUT = "practice.json"
FABRICS = (
    Weave(twill(1, 1), 4.9, 3.7, 82, 75, warp_tone=0.35, uneven_yarn=0.05),
    Weave(twill(2, 1), 4.4, 3.6, 119, 70, warp_tone=0.22, uneven_yarn=0.035, blur=0.9),
    Weave(twill(1, 4, 2), 4.2, 3.9, 134, 66, warp_tone=0.20, uneven_yarn=0.025, blur=1.0, noise=2.0),
    Weave(twill(2, 2), 5.3, 4.1, 96, 70, warp_tone=-0.20, uneven_yarn=0.04),
    Weave(twill(3, 1), 4.6, 4.0, 74, 60, warp_tone=0.25, uneven_yarn=0.04, blur=0.9),
    Weave(twill(1, 1), 6.1, 4.6, 128, 70, warp_tone=0.28, uneven_yarn=0.04, blur=1.0),
)


def make_practice_fabric(
    folder: str | Path = PRACTICE, *, seed: int = 0, fabrics: int = 3, normal: int = 8, defective: int = 8
) -> Path:
    """Write the practice fabric to `folder`, whole or not at all, and return the folder.

    `fabrics` (1 to 6) weaves with `normal` and `defective` strips each, 256 x 4096 px. The same arguments give the same bytes. About a
    third of a second a strip.
    """
    wanted = _about(seed, fabrics, normal, defective)
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / ABOUT).is_file():
        raise InputError(
            f"{folder} is there already and is no practice fabric: choose another folder, nothing was replaced."
        )
    with write_whole(folder, folder=True) as inside:
        for name in (DEFECT_FOLDER, MASK_FOLDER):
            (inside / name).mkdir()
        for f in range(fabrics):
            (inside / NORMAL_FOLDER / f"practice-{f:02d}").mkdir(parents=True)
            for i in range(normal):
                rng = np.random.default_rng([seed, GENERATOR, f, 0, i])
                image, _ = strip(FABRICS[f], _bed(f, i, False), rng)
                path = inside / NORMAL_FOLDER / f"practice-{f:02d}" / f"{i + 1:04d}_000_{f:02d}.png"
                _save(path, image, rgba=i == 1)
            for i in range(defective):
                _defective_strip(inside, seed, f, i, f * defective + i)
        (inside / ABOUT).write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    return folder


def practice_is_there(folder: str | Path = PRACTICE, **size: int) -> bool:
    """Say whether `folder` holds the practice fabric of this generator; with `seed`, `fabrics`, ... that very one."""
    try:
        there = json.loads((Path(folder) / ABOUT).read_text(encoding="utf-8"))
        return there["generator"] == GENERATOR and all(there[key] == value for key, value in size.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _about(seed: int, fabrics: int, normal: int, defective: int) -> dict[str, int]:
    if not 1 <= fabrics <= len(FABRICS):
        raise InputError(f"fabrics is {fabrics}, expected 1 to {len(FABRICS)}.")
    if normal < 1 or defective < 0 or seed < 0:
        raise InputError(f"normal is {normal}, defective {defective}, seed {seed}: give at least 1, 0 and 0.")
    return {"generator": GENERATOR, "seed": seed, "fabrics": fabrics, "normal": normal, "defective": defective}


def _defective_strip(inside: Path, seed: int, f: int, i: int, n: int) -> None:
    """Write one defective strip and its mask, every other one with two defects; as in AITEX the third of all has no mask
    and the sixth has two."""
    code = DRAWN[n % len(DRAWN)]
    rng = np.random.default_rng([seed, GENERATOR, f, 1, i])
    image, masks = strip(FABRICS[f], _bed(f, i, True), rng, code, count=1 + i % 2)
    name = f"{n + 1:04d}_{code}_{f:02d}"
    _save(inside / DEFECT_FOLDER / f"{name}.png", image, rgba=i == 4)
    if n == 2:
        return
    if n != 5:
        masks = [np.max(masks, axis=0)]
    for j, mask in enumerate(masks):
        which = f"_mask{j + 1}" if len(masks) > 1 else "_mask"
        _save(inside / MASK_FOLDER / f"{name}{which}.png", mask)


def strip(
    weave: Weave, bed: tuple[str, int], rng: np.random.Generator, code: str = "000", count: int = 1
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a strip (256, 4096) uint8 and the masks of its `count` defects, each (256, 4096) uint8, above 0 = defect.

    `bed` is what lies to the left of the fabric, "white" or "bare", and the column where the selvage begins (0 = all is fabric).
    """
    kind, begin = bed
    yarns = Yarns(STRIP_SHAPE)
    selvage = 0 if begin == 0 else int(rng.integers(60, 90))
    masks = (
        [fault(code, weave, yarns, begin + selvage, rng) for _ in range(count)]
        if code in DEFECTS and code != "000"
        else []
    )
    grey = draw(weave, yarns, rng)
    if begin:
        _selvage(grey, weave, begin, selvage, rng)
        edge = begin + np.cumsum(rng.standard_normal(STRIP_SHAPE[0])).round().astype(int) // 6
        outside = np.arange(STRIP_SHAPE[1])[None] < edge[:, None]
        bare = (
            92 + 7 * smooth_noise(STRIP_SHAPE, (14, 400), rng) + 2 * rng.standard_normal(STRIP_SHAPE, dtype=np.float32)
        )
        grey = np.where(outside, 255 if kind == "white" else bare, grey)
    return np.round(grey).clip(0, 255).astype(np.uint8), masks


def _selvage(grey: np.ndarray, weave: Weave, begin: int, width: int, rng: np.random.Generator) -> None:
    """Draw the fabric's edge: bands of warp of other lightness, denser than the rest."""
    columns = np.arange(width)
    bands = 0.25 * np.sin(columns / width * rng.uniform(9, 14)) + 0.2 * (columns < width // 5)
    ridges = 0.5 * weave.depth * np.sin(2 * np.pi * columns / (0.63 * weave.warp))
    part = grey[:, begin : begin + width]
    part[:] = weave.light * (0.85 + bands) + 0.6 * (part - weave.light) + ridges


def _bed(f: int, i: int, defective: bool) -> tuple[str, int]:
    """Return what lies to the left of a strip's fabric; as in AITEX it differs between normal and defective strips."""
    kind = "white" if f % 3 != 2 else "bare"
    if f == 1 and i % 4 == 3:
        return kind, 0
    return kind, (980, 300, 560, 760, 420, 1100)[f] + (-140 if defective else 0) + 23 * (i % 5)


def _save(path: Path, image: np.ndarray, rgba: bool = False) -> None:
    from PIL import Image

    picture = Image.fromarray(image)
    (picture.convert("RGBA") if rgba else picture).save(path, compress_level=1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py data", description="Make the practice fabric.")
    parser.add_argument("--folder", type=Path, default=PRACTICE, help="where to (data/practice)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fabrics", type=int, default=3, help=f"weaves, 1 to {len(FABRICS)} (3)")
    parser.add_argument("--normal", type=int, default=8, help="normal strips of each (8)")
    parser.add_argument("--defective", type=int, default=8, help="defective strips of each (8)")
    parser.add_argument("--force", action="store_true", help="make it anew even if it is there")
    parser.add_argument("--clear-cache", action="store_true", help="only delete what notebooks keep in data/cache")
    given = parser.parse_args(arguments)
    if given.clear_cache:
        print(f"The cache is cleared, {clear_cache() / 2**20:.1f} MiB are free again.")
        return 0
    size = {name: getattr(given, name) for name in ("seed", "fabrics", "normal", "defective")}
    if practice_is_there(given.folder, **size) and not given.force:
        print(f"The practice fabric is there already: {given.folder}.")
        return 0
    count = given.fabrics * (given.normal + given.defective)
    print(f"Making the practice fabric, {count} strips: about {max(1, round(count / 3))} s ...", flush=True)
    try:
        make_practice_fabric(given.folder, **size)
    except InputError as error:
        print(f"data: {error}", file=sys.stderr)
        return 1
    print(f"The practice fabric is in {given.folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
