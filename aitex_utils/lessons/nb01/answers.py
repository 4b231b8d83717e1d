"""Notebook 01: the cases on which answers are tried, how they are compared, and wrong answers longer than a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain

from .reference import label_tiles, parse_name, union


def name_parts(name: str) -> list[str]:
    """Return the parts of a file name as they are, without the ending."""
    return name.removesuffix(".png").split("_")


def name_agrees(expected: Any, answer: Any, name: str) -> bool:
    """Say whether an answer is the expected one, or of the kind that a mistake names."""
    if not isinstance(expected, str):
        return close(plain(expected, False), answer, 0.0)
    texts = [str(part) for part in answer] if np.asarray(answer).dtype.kind == "U" else []
    if expected == "another order":
        return sorted(texts) == sorted(parse_name(name))
    if len(texts) == 3 and texts[2].endswith(".png"):
        return expected == "ending kept"
    cut_inside_a_part = len(texts) == 3 and any("_" in part or "." in part for part in texts)
    return expected == "fixed places" and (cut_inside_a_part or close(plain(parse_name(name), False), answer, 0.0))


def union_agrees(expected: Any, answer: Any, masks: Sequence[np.ndarray]) -> bool:
    """Say whether an answer is the expected one, or of the kind that a mistake names."""
    right = union(masks)
    if isinstance(expected, str) and expected == "a mask missing":
        answers = [right, *_unions_of_some(masks)] if len(masks) > 1 else [right, np.zeros_like(right)]
        return any(close(part, answer, 0.0) for part in answers)
    return _agrees_as_boolean(expected, answer, right)


def _unions_of_some(masks: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the union of each selection of at least one mask, but not of all."""
    for n in range(1, len(masks)):
        for some in combinations(masks, n):
            yield union(some)


def _agrees_as_boolean(expected: Any, answer: Any, right: np.ndarray) -> bool:
    """Compare an answer that should be bool: "integers" names right values of another type."""
    is_bool = np.asarray(answer).dtype.kind == "b"
    if isinstance(expected, str):
        return expected == "integers" and not is_bool and close(right, answer, 0.0)
    agrees = close(plain(expected, False), answer, 1e-5)
    return agrees and (is_bool or not np.array_equal(expected, right))


def union_overflow(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Add the masks as uint8, so that 128 + 128 becomes 0."""
    return np.add.reduce(list(masks), axis=0, dtype=np.uint8) > 0


def mask_lists() -> list[tuple]:
    """Return lists of one to three masks with faint, half and white pixels. Some overlap, 128 + 128 among them."""
    first = np.array([[0, 1, 128, 0, 0], [0, 200, 255, 0, 0]], np.uint8)
    second = np.array([[0, 0, 128, 3, 0], [0, 56, 0, 255, 0]], np.uint8)
    third = np.array([[9, 0, 0, 0, 0], [0, 0, 255, 255, 0]], np.uint8)
    return [([first, second],), ([second, third, first],), ([first],)]


def grid(starts: Callable, height: int, width: int, size: int, overlap: int) -> np.ndarray:
    """Return all pairs (row, column), row by row. `starts(length, size, step)` gives them along one axis."""
    rows, columns = (starts(length, size, size - overlap) for length in (height, width))
    return np.array([(row, column) for row in rows for column in columns], dtype=int).reshape(-1, 2)


def starts_dropped(length: int, size: int, step: int) -> list[int]:
    """Leave out the pixels behind the last whole step."""
    return list(range(0, length - size + 1, step))


def starts_too_few(length: int, size: int, step: int) -> list[int]:
    """Leave out a last tile that fits exactly."""
    return list(range(0, length - size, step))


def starts_off(length: int, size: int, step: int) -> list[int]:
    """Let the extra tile end one pixel before the edge."""
    fitting = list(range(0, length - size + 1, step))
    return fitting if fitting[-1] + size == length else [*fitting, length - size - 1]


def starts_hanging(length: int, size: int, step: int) -> list[int]:
    """Let tiles reach out of the image."""
    return list(range(0, length, step))


def starts_twice(length: int, size: int, step: int) -> list[int]:
    """Add a last tile even where a tile ends at the edge."""
    return [*range(0, length - size + 1, step), length - size]


def starts_pushed(length: int, size: int, step: int) -> list[int]:
    """Move all tiles that reach out of the image back to the same place."""
    return [min(start, length - size) for start in range(0, length, step)]


def label_agrees(expected: Any, answer: Any, mask_tiles: np.ndarray, min_share: float) -> bool:
    """Say whether an answer is the expected one, or of the kind that a mistake names."""
    if isinstance(expected, str) and expected.startswith("grey"):
        means = mask_tiles.mean(axis=(1, 2)) / (255 if expected == "grey counted" else 1)
        marked = mask_tiles.any(axis=(1, 2))
        labels = [means >= min_share, means > min_share]
        return any(close(part, answer, 0.0) for label in labels for part in (label, label & marked))
    return _agrees_as_boolean(expected, answer, label_tiles(mask_tiles, min_share))


def label_cases() -> list[tuple]:
    """Return five tiles of 2 x 4 px (clean, one faint pixel, two, four half-bright ones, all white), with shares."""
    tiles = np.zeros((5, 2, 4), np.uint8)
    tiles[1, 0, 0], tiles[2, 1, :2], tiles[3, :, 1:3], tiles[4] = 3, 255, 128, 255
    return [(tiles, 0.0), (tiles, 0.25), (tiles, 0.5), (tiles[::-1].copy(), 0.3), (tiles, 0.03)]
