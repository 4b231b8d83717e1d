"""Exercises and questions of notebook 04, coreset sampling."""

from __future__ import annotations

from .exercise_blocks import BYTES_MOVED, CHOOSE_INSIDE
from .exercise_greedy import COVERING_RADIUS, FARTHEST_FIRST, SIZE_FOR
from .exercise_ratio import BEST_RATIO
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (COVERING_RADIUS, FARTHEST_FIRST, BYTES_MOVED, CHOOSE_INSIDE, SIZE_FOR, BEST_RATIO)
