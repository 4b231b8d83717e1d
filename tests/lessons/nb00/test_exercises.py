"""Notebook 00: each typical mistake draws its own hint, and right answers pass in whatever way they are written."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from lesson_cells import builder, draws_its_own_hint, functions

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb00 import reference
from aitex_utils.lessons.nb00.exercises import EXERCISES

COUNT, SCORE = EXERCISES
NAMES = {"00.1": "count_patches", "00.2": "patch_score"}


def test_the_solution_counts_what_the_network_makes():
    tiles = np.zeros((2, 256, 256), np.uint8)
    n, height, width, _ = PatchFeatures(pretrained=False).transform(tiles).shape
    count = functions(builder.solved, NAMES)["00.1"]
    assert count(tiles, 8) == n * height * width == 2048


def test_the_course_s_own_functions_agree_with_the_notebook():
    solved = functions(builder.solved, NAMES)
    tiles, rng = np.zeros((3, 64, 128), np.uint8), np.random.default_rng(0)
    patch, bank = rng.normal(size=5), rng.normal(size=(9, 5))
    assert solved["00.1"](tiles, 16) == reference.count_patches(tiles, 16) == 96
    assert solved["00.2"](patch, bank) == pytest.approx(reference.patch_score(patch, bank))


def by_loop(tiles, stride):
    count = 0
    for tile in tiles:
        for _ in range(0, tile.shape[0], stride):
            count += len(range(0, tile.shape[1], stride))
    return count


def by_slicing(tiles, stride):
    return tiles[:, ::stride, ::stride].size


def as_numpy_integer(tiles, stride):
    return np.prod(np.array(tiles.shape) // [1, stride, stride])


@pytest.mark.parametrize("answer", [by_loop, by_slicing, as_numpy_integer])
def test_right_counts_pass(answer: Callable):
    assert judge(COUNT, answer).passed


def float_instead_of_int(tiles, stride):
    n, height, width = tiles.shape
    return n * (height / stride) * (width / stride)


def divided_once(tiles, stride):
    n, height, width = tiles.shape
    return n * height * width // stride


def patches_of_one_tile(tiles, stride):
    return tiles[0, ::stride, ::stride].size


def patches_of_one_row(tiles, stride):
    return sum(tile.shape[1] // stride for tile in tiles)


def patches_of_one_column(tiles, stride):
    return sum(tile.shape[0] // stride for tile in tiles)


def all_pixels(tiles, stride):
    return np.prod(tiles.shape)


def height_used_twice(tiles, stride):
    side = tiles.shape[1] // stride
    return len(tiles) * side * side


def width_used_twice(tiles, stride):
    side = tiles.shape[2] // stride
    return len(tiles) * side * side


def always_8(tiles, stride):
    return tiles[:, ::8, ::8].size


def as_in_the_text(tiles, stride):
    return len(tiles) * 3136


WRONG_COUNTS = {
    "float": float_instead_of_int,
    "stride in one direction only": divided_once,
    "one tile only": patches_of_one_tile,
    "one row only": patches_of_one_row,
    "one column only": patches_of_one_column,
    "pixels": all_pixels,
    "tiles taken for square": height_used_twice,
    "width used twice": width_used_twice,
    "stride fixed at 8": always_8,
    "numbers of the example": as_in_the_text,
}


@pytest.mark.parametrize("name", WRONG_COUNTS)
def test_a_wrong_count_draws_its_own_hint(name: str):
    draws_its_own_hint(COUNT, name, WRONG_COUNTS[name])


def test_a_wrong_count_may_be_a_float_as_well():
    draws_its_own_hint(COUNT, "stride in one direction only", lambda tiles, stride: tiles.size / stride)


def test_an_unknown_wrong_count_is_shown_with_the_expected_one():
    message = judge(COUNT, lambda tiles, stride: len(tiles)).message
    assert "1" in message and "1024" in message.replace(",", "")


def score_with_norm(patch, bank):
    return np.linalg.norm(bank - patch, axis=1).min()


def score_by_loop(patch, bank):
    return min(math.dist(patch, row) for row in bank)


def score_of_one_row(patch, bank):
    return np.sort(np.sqrt(((patch[None] - bank) ** 2).sum(1)))[0]


@pytest.mark.parametrize("answer", [score_with_norm, score_by_loop, score_of_one_row])
def test_right_scores_pass(answer: Callable):
    assert judge(SCORE, answer).passed


def root_forgotten(patch, bank):
    return min(((row - patch) ** 2).sum() for row in bank)


def farthest(patch, bank):
    return np.linalg.norm(bank - patch, axis=1).max()


def mean(patch, bank):
    return np.linalg.norm(bank - patch, axis=1).mean()


def index(patch, bank):
    return np.argmin([math.dist(patch, row) for row in bank])


def all_distances(patch, bank):
    return [math.dist(patch, row) for row in bank]


def nearest_patch(patch, bank):
    return min(bank, key=lambda row: math.dist(row, patch))


def absolute(patch, bank):
    return min(sum(abs(row - patch)) for row in bank)


def along_axis_0(patch, bank):
    return np.linalg.norm(bank - patch, axis=0).min()


def one_norm(patch, bank):
    return np.linalg.norm(bank - patch).min()


def single_numbers(patch, bank):
    return np.sqrt((bank - patch) ** 2).min()


def by_length(patch, bank):
    return min(abs(np.linalg.norm(row) - np.linalg.norm(patch)) for row in bank)


def without_squares(patch, bank):
    return np.sqrt((bank - patch).sum(axis=1) ** 2).min()


WRONG_SCORES = {
    "squared": root_forgotten,
    "farthest": farthest,
    "mean": mean,
    "index": index,
    "all distances": all_distances,
    "nearest patch": nearest_patch,
    "sum of absolute differences": absolute,
    "wrong axis": along_axis_0,
    "one sum over everything": one_norm,
    "single differences": single_numbers,
    "lengths": by_length,
    "differences not squared": without_squares,
}


@pytest.mark.parametrize("name", WRONG_SCORES)
def test_a_wrong_score_draws_its_own_hint(name: str):
    draws_its_own_hint(SCORE, name, WRONG_SCORES[name])


@pytest.mark.parametrize(("exercise", "wrong"), [(COUNT, WRONG_COUNTS), (SCORE, WRONG_SCORES)], ids=["00.1", "00.2"])
def test_every_typical_mistake_is_written_out_above(exercise, wrong):
    assert {mistake.name for mistake in exercise.mistakes} == set(wrong)
