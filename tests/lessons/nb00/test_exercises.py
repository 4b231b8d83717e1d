"""Notebook 00: each typical wrong answer draws its own hint, right ones pass however they are written."""

from __future__ import annotations

import numpy as np
import pytest
from lesson_cells import builder, functions

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb00.exercises import EXERCISES

(COUNT,) = EXERCISES


def test_the_solution_counts_what_the_network_makes():
    tiles = np.zeros((2, 256, 256), np.uint8)
    n, height, width, _ = PatchFeatures().transform(tiles).shape
    count = functions(builder.solved, {"00.1": "count_patches"})["00.1"]
    assert count(tiles, 8) == n * height * width == 2048


def by_loop(tiles, stride):
    found = 0
    for one in tiles:
        for _ in range(0, one.shape[0], stride):
            found += len(range(0, one.shape[1], stride))
    return found


def by_slicing(tiles, stride):
    return tiles[:, ::stride, ::stride].size


@pytest.mark.parametrize("answer", [by_loop, by_slicing])
def test_right_answers_pass(answer):
    assert judge(COUNT, answer).passed


def divided_once(tiles, stride):
    n, height, width = tiles.shape
    return n * height * width // stride


def of_one(tiles, stride):
    return tiles[0, ::stride, ::stride].size


def side_by_side(tiles, stride):
    return sum(tile.shape[1] // stride for tile in tiles)


def all_pixels(tiles, stride):
    return np.prod(tiles.shape)


def square(tiles, stride):
    side = tiles.shape[1] // stride
    return len(tiles) * side * side


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (divided_once, "stride in one direction only"),
        (of_one, "one tile only"),
        (side_by_side, "one row only"),
        (all_pixels, "pixels"),
        (square, "tiles taken for square"),
    ],
)
def test_a_typical_mistake_draws_its_own_hint(answer, name: str):
    assert judge(COUNT, answer).mistake == name


def test_every_typical_mistake_is_written_out_above():
    written = {"stride in one direction only", "one tile only", "one row only", "pixels", "tiles taken for square"}
    assert {m.name for m in COUNT.mistakes} == written
