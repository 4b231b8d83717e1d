"""Exercises and questions of notebook 10, the experiment bench."""

from __future__ import annotations

from .exercise_contest import OPTIMISM, PARETO_FRONT
from .exercise_patches import PATCH_ORIGIN, SEARCH_QUALITY
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (PATCH_ORIGIN, SEARCH_QUALITY, PARETO_FRONT, OPTIMISM)
