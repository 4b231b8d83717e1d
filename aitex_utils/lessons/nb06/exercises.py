"""Exercises and questions of notebook 06, from distances to scores."""

from __future__ import annotations

from .exercise_auroc_ap import AP, AUROC
from .exercise_f1_max import F1_MAX
from .exercise_image_scores import TILE_SCORES
from .exercise_units import UNITS
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (TILE_SCORES, AUROC, AP, F1_MAX, UNITS)
