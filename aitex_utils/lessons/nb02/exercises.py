"""Exercises and quiz of notebook 02, understanding PatchCore."""

from __future__ import annotations

from .exercise_basics import NEAREST, RECONSTRUCTION, UNFOLD
from .exercise_image_scores import REWEIGHTED, SCORES
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (RECONSTRUCTION, UNFOLD, NEAREST, SCORES, REWEIGHTED)
