"""Exercise and quiz of notebook 00, Start here."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake
from aitex_utils.lessons.engine.quiz import Question

__all__ = ["EXERCISES", "QUESTIONS"]


def _count_patches(tiles: np.ndarray, stride: int) -> int:
    n, height, width = tiles.shape
    return n * (height // stride) * (width // stride)


def _cases() -> list[tuple]:
    shapes = ((1, 256, 256), 8), ((3, 256, 256), 16), ((2, 64, 128), 8)
    return [(np.zeros(shape, np.uint8), stride) for shape, stride in shapes]


COUNT = Exercise(
    "00.1",
    "How many patches an array of tiles makes, one every `stride` px in both directions.",
    _count_patches,
    _cases,
    (
        Mistake(
            "stride in one direction only",
            "There is a patch every `stride` px down the tile *and* across it. You divided by the stride once.",
            lambda tiles, stride: tiles.size // stride,
        ),
        Mistake(
            "one tile only",
            "That is right for a single tile. The array holds several: where does its shape say how many?",
            lambda tiles, stride: (tiles.shape[1] // stride) * (tiles.shape[2] // stride),
        ),
        Mistake(
            "one row only",
            "That is how many patches stand side by side in one row of each tile. A tile has many such rows.",
            lambda tiles, stride: len(tiles) * (tiles.shape[2] // stride),
        ),
        Mistake(
            "pixels",
            "That counts pixels. A patch stands for a place on a coarser grid: only every `stride`-th px has one.",
            lambda tiles, stride: tiles.size,
        ),
        Mistake(
            "tiles taken for square",
            "You used one side of the tile twice. Here they are as wide as they are high, but a function that is "
            "handed others should count those rightly too.",
            lambda tiles, stride: len(tiles) * (tiles.shape[1] // stride) ** 2,
        ),
    ),
    (
        "How many patches stand in one row of a tile? How many rows are there? How many tiles?",
        "`tiles.shape` is `(N, 256, 256)`: the number of tiles, their height and their width. `256 // 8` is 32.",
    ),
    "That is how an exercise goes. Those of the other notebooks are longer, and answer in the same way.",
)

EXERCISES = (COUNT,)
QUESTIONS = (
    Question(
        "00.q1",
        "What is the difference between a tile and a patch?",
        {
            "a": ("None: both are words for a crop of the picture.", "A patch has no pixels; it is a list of numbers."),
            "b": (
                "A tile is a crop of the picture, a patch a feature vector.",
                "Yes. A patch describes one position of a tile, and one tile has 1,024 of them here.",
            ),
            "c": (
                "A patch is a small tile, cut out of the large one.",
                "A tile is cut out of the picture; a patch is computed from it.",
            ),
        },
        "b",
    ),
    Question(
        "00.q2",
        "Which part of the detector was trained in this notebook?",
        {
            "a": (
                "None of it.",
                "Yes. The network came trained on photographs of everyday things; fitting only chose patches and "
                "stored them.",
            ),
            "b": ("The network.", "It came trained on photographs of everyday things, and was left as it is."),
            "c": ("The memory bank.", "It was filled, not trained: its patches are stored as the network gave them."),
        },
        "a",
    ),
    Question(
        "00.q3",
        "Why must the masks stay out of `fit`?",
        {
            "a": ("They are large, and fitting would take too long.", "They are small black-and-white pictures."),
            "b": ("They are drawn by hand, and never quite exact.", "Exact ones would be no better here."),
            "c": (
                "They show known defects; what it must find is new.",
                "Yes. The next defect will be another one. And whoever fits on the masks and tests with them asks for "
                "what was learnt by heart.",
            ),
        },
        "c",
    ),
    Question(
        "00.q4",
        "Two maps are shown, each on its own colour scale. What can't you tell from them?",
        {
            "a": (
                "Which of the two strips is the stranger.",
                "Yes. Each is stretched to its own range, so that the calmest strip looks as alarming as the worst.",
            ),
            "b": ("Which shape the brightest place of each has.", "That can be seen in each map by itself."),
            "c": ("Where in each map the brightest place is.", "That can be read off each map by itself."),
        },
        "a",
    ),
)
