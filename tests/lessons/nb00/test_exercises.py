"""Notebook 00: each typical mistake draws its own hint, and right answers pass in whatever way they are written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from lesson_cells import builder, draws_its_own_hint, functions

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb00.exercises import EXERCISES

(COUNT,) = EXERCISES


def test_the_solution_counts_what_the_network_makes():
    tiles = np.zeros((2, 256, 256), np.uint8)
    n, height, width, _ = PatchFeatures(pretrained=False).transform(tiles).shape
    count = functions(builder.solved, {"00.1": "count_patches"})["00.1"]
    assert count(tiles, 8) == n * height * width == 2048


def by_loop(tiles, stride):
    count = 0
    for tile in tiles:
        for _ in range(0, tile.shape[0], stride):
            count += len(range(0, tile.shape[1], stride))
    return count


def by_slicing(tiles, stride):
    return tiles[:, ::stride, ::stride].size


@pytest.mark.parametrize("answer", [by_loop, by_slicing])
def test_right_answers_pass(answer: Callable):
    assert judge(COUNT, answer).passed


def divided_once(tiles, stride):
    n, height, width = tiles.shape
    return n * height * width // stride


def patches_of_one_tile(tiles, stride):
    return tiles[0, ::stride, ::stride].size


def patches_of_one_row(tiles, stride):
    return sum(tile.shape[1] // stride for tile in tiles)


def all_pixels(tiles, stride):
    return np.prod(tiles.shape)


def height_used_twice(tiles, stride):
    side = tiles.shape[1] // stride
    return len(tiles) * side * side


WRONG = {
    "stride in one direction only": divided_once,
    "one tile only": patches_of_one_tile,
    "one row only": patches_of_one_row,
    "pixels": all_pixels,
    "tiles taken for square": height_used_twice,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_typical_mistake_draws_its_own_hint(name: str):
    draws_its_own_hint(COUNT, name, WRONG[name])


def test_every_typical_mistake_is_written_out_above():
    assert {mistake.name for mistake in COUNT.mistakes} == set(WRONG)
