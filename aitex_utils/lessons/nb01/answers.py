"""Notebook 01: right answers, the cases on which answers are tried, and the wrong answers longer than a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain


def name_parts(name: str) -> list[str]:
    """Return the parts of a file name as they are, without the ending."""
    return name.removesuffix(".png").split("_")


def parse_name(name: str) -> tuple[str, str, str]:
    """Return number, code of three digits and fabric."""
    number, code, fabric = name_parts(name)
    return number, code.rjust(3, "0"), fabric


def name_agrees(expected: Any, answer: Any, name: str) -> bool:
    """Say whether an answer is the expected one, or of the kind that a mistake names."""
    if not isinstance(expected, str):
        return close(plain(expected, False), answer, 0.0)
    texts = [str(part) for part in answer] if np.asarray(answer).dtype.kind == "U" else []
    if len(texts) == 3 and texts[2].endswith(".png"):
        return expected == "ending kept"
    cut_inside_a_part = len(texts) == 3 and any("_" in part or "." in part for part in texts)
    return expected == "fixed places" and (cut_inside_a_part or close(plain(parse_name(name), False), answer, 0.0))


def union(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return where any mask is above 0."""
    return np.any([mask > 0 for mask in masks], axis=0)


def union_overflow(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Add the masks as uint8, so that 128 + 128 becomes 0."""
    return np.add.reduce(list(masks), axis=0, dtype=np.uint8) > 0


def mask_lists() -> list[tuple]:
    """Return lists of one to three masks with faint, half and white pixels; some overlap, 128 + 128 among them."""
    first = np.array([[0, 1, 128, 0, 0], [0, 200, 255, 0, 0]], np.uint8)
    second = np.array([[0, 0, 128, 3, 0], [0, 56, 0, 255, 0]], np.uint8)
    third = np.array([[9, 0, 0, 0, 0], [0, 0, 255, 255, 0]], np.uint8)
    return [([first, second],), ([second, third, first],), ([first],)]


def tile_corners(height: int, width: int, size: int, overlap: int) -> np.ndarray:
    """Return the corners of all tiles, row by row."""
    return grid(starts, height, width, size, overlap)


def grid(starts: Callable, height: int, width: int, size: int, overlap: int) -> np.ndarray:
    """Return all pairs (row, column), row by row; `starts(length, size, step)` gives them along one axis."""
    rows, columns = (starts(length, size, size - overlap) for length in (height, width))
    return np.array([(row, column) for row in rows for column in columns], dtype=int).reshape(-1, 2)


def starts(length: int, size: int, step: int) -> list[int]:
    """Return all starts that fit, and one more where the last tile does not end at the edge."""
    fitting = list(range(0, length - size + 1, step))
    return fitting if fitting[-1] + size == length else [*fitting, length - size]


def starts_dropped(length: int, size: int, step: int) -> list[int]:
    """Leave out the pixels behind the last whole step."""
    return list(range(0, length - size + 1, step))


def starts_too_few(length: int, size: int, step: int) -> list[int]:
    """Leave out a last tile that fits exactly."""
    return list(range(0, length - size, step))


def starts_hanging(length: int, size: int, step: int) -> list[int]:
    """Let tiles reach out of the image."""
    return list(range(0, length, step))


def starts_twice(length: int, size: int, step: int) -> list[int]:
    """Add a last tile even where one ends at the edge."""
    return [*range(0, length - size + 1, step), length - size]


def starts_pushed(length: int, size: int, step: int) -> list[int]:
    """Move all tiles that reach out of the image back to the same place."""
    return [min(start, length - size) for start in range(0, length, step)]


def label_tiles(mask_tiles: np.ndarray, min_share: float) -> np.ndarray:
    """Return which tiles have a marked pixel, and at least the share `min_share` of them."""
    share = (mask_tiles > 0).mean(axis=(1, 2))
    return (share > 0) & (share >= min_share)


def label_cases() -> list[tuple]:
    """Return five tiles of 2 x 4 px (clean, one faint pixel, two, four half-bright ones, all white), with shares."""
    tiles = np.zeros((5, 2, 4), np.uint8)
    tiles[1, 0, 0], tiles[2, 1, :2], tiles[3, :, 1:3], tiles[4] = 3, 255, 128, 255
    return [(tiles, 0.0), (tiles, 0.25), (tiles, 0.5), (tiles[::-1].copy(), 0.3), (tiles, 0.03)]
