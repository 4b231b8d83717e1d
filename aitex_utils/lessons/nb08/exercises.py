"""Exercises and questions of notebook 08, PatchCore on fabric."""

from __future__ import annotations

from .exercise_decisions import CHEAPEST_THRESHOLD, CLEAN_MASK
from .exercise_maps import NORMALISE_POSITIONS, REPAIRED_BACKGROUND, SUBTRACT_BACKGROUND
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (SUBTRACT_BACKGROUND, NORMALISE_POSITIONS, CHEAPEST_THRESHOLD, CLEAN_MASK, REPAIRED_BACKGROUND)
