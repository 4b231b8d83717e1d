"""A small copy of AITEX's folders: grey strips that differ in their value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_png(path: Path, values: np.ndarray, mode: str | None = None) -> Path:
    """Write grey values (H, W) as a PNG, in another of Pillow's modes if `mode` names one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path)
    return path


def grey(value: int = 100, width: int = 300, height: int = 256) -> np.ndarray:
    """Return an image (height, width) uint8 of one value."""
    return np.full((height, width), value, np.uint8)


def make_small(root: Path, fabrics: tuple[str, ...] = ("00", "02"), width: int = 300) -> Path:
    """Write three normal strips and two defective ones of each fabric, each of one value, with binary masks."""
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


def fold(strip: np.ndarray, start: int, height: int, amplitude: float, period: float) -> np.ndarray:
    """Darken a wavy band of a strip from column `start` to its end, as a fold does."""
    y, x = np.mgrid[: strip.shape[0], : strip.shape[1]]
    depth = np.clip((height / 2 - np.abs(y - 128 - amplitude * np.sin(2 * np.pi * x / period))) / 8 + 0.5, 0, 1)
    return (strip * (1 - 0.8 * depth * (x >= start))).clip(0, 255).astype(np.uint8)
