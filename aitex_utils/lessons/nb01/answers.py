"""Notebook 01's right answers, the cases they are tried on, and the wrong answers that take more than a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain


def bare(name: str) -> list[str]:
    return name.removesuffix(".png").split("_")


def parse_name(name: str) -> tuple[str, str, str]:
    number, code, fabric = bare(name)
    return number, code.rjust(3, "0"), fabric


def name_agrees(expected: Any, got: Any, name: str) -> bool:
    """Say whether an answer is the expected one; where a mistake gives a word for it, whether it errs in that way."""
    if not isinstance(expected, str):
        return close(plain(expected, False), got, 0.0)
    texts = [str(part) for part in got] if np.asarray(got).dtype.kind == "U" else []
    if len(texts) == 3 and texts[2].endswith(".png"):
        return expected == "ending kept"
    cut_through = len(texts) == 3 and any("_" in part or "." in part for part in texts)
    return expected == "fixed places" and (cut_through or close(plain(parse_name(name), False), got, 0.0))


def union(masks: Sequence[np.ndarray]) -> np.ndarray:
    return np.any([mask > 0 for mask in masks], axis=0)


def union_overflow(masks: Sequence[np.ndarray]) -> np.ndarray:
    return np.add.reduce(list(masks), axis=0, dtype=np.uint8) > 0


def mask_lists() -> list[tuple]:
    """One to three masks: faint, half and white pixels; some overlap, and 128 + 128 among them."""
    one = np.array([[0, 1, 128, 0, 0], [0, 200, 255, 0, 0]], np.uint8)
    two = np.array([[0, 0, 128, 3, 0], [0, 56, 0, 255, 0]], np.uint8)
    three = np.array([[9, 0, 0, 0, 0], [0, 0, 255, 255, 0]], np.uint8)
    return [([one, two],), ([two, three, one],), ([one],)]


def tile_corners(height: int, width: int, size: int, overlap: int) -> np.ndarray:
    return grid(starts, height, width, size, overlap)


def grid(starts: Callable, height: int, width: int, size: int, overlap: int) -> np.ndarray:
    """Return all pairs (row, column), row by row; `starts(length, size, step)` gives them along one axis."""
    rows, columns = (starts(length, size, size - overlap) for length in (height, width))
    return np.array([(row, column) for row in rows for column in columns], dtype=int).reshape(-1, 2)


def starts(length: int, size: int, step: int) -> list[int]:
    fitting = list(range(0, length - size + 1, step))
    return fitting if fitting[-1] + size == length else [*fitting, length - size]


def starts_dropped(length: int, size: int, step: int) -> list[int]:
    return list(range(0, length - size + 1, step))


def starts_too_few(length: int, size: int, step: int) -> list[int]:
    return list(range(0, length - size, step))


def starts_hanging(length: int, size: int, step: int) -> list[int]:
    return list(range(0, length, step))


def starts_twice(length: int, size: int, step: int) -> list[int]:
    return [*range(0, length - size + 1, step), length - size]


def starts_pushed(length: int, size: int, step: int) -> list[int]:
    return [min(start, length - size) for start in range(0, length, step)]


def label_tiles(mask_tiles: np.ndarray, min_share: float) -> np.ndarray:
    share = (mask_tiles > 0).mean(axis=(1, 2))
    return (share > 0) & (share >= min_share)


def labelled() -> list[tuple]:
    """Five tiles of 2 x 4 px: clean, one faint pixel, two, four half-bright ones, all white; and five shares."""
    tiles = np.zeros((5, 2, 4), np.uint8)
    tiles[1, 0, 0], tiles[2, 1, :2], tiles[3, :, 1:3], tiles[4] = 3, 255, 128, 255
    return [(tiles, 0.0), (tiles, 0.25), (tiles, 0.5), (tiles[::-1].copy(), 0.3), (tiles, 0.03)]
