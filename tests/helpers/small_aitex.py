"""A small copy of AITEX's folders, of grey strips that are told apart by their value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_png(path: Path, values: np.ndarray, mode: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values)
    (picture.convert(mode) if mode else picture).save(path)
    return path


def grey(value: int = 100, width: int = 300, height: int = 256) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def make_small(root: Path, fabrics: tuple[str, ...] = ("00", "02"), width: int = 300) -> Path:
    """Three normal strips and two defective ones a fabric, of one value each, masks in their place."""
    for fabric in fabrics:
        for number in range(3):
            name = f"{number:04}_000_{fabric}.png"
            write_png(root / "NODefect_images" / f"folder{fabric}" / name, grey(10 + number, width))
        for number in (3, 4):
            write_png(root / "Defect_images" / f"{number:04}_002_{fabric}.png", grey(20 + number, width))
            mask = grey(0, width)
            mask[:, number] = 255
            write_png(root / "Mask_images" / f"{number:04}_002_{fabric}_mask.png", mask)
    return root
