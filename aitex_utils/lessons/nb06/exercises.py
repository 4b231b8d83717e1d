"""Exercises and questions of notebook 06, scoring and evaluation."""

from __future__ import annotations

from .exercise_aupro import AUPRO
from .exercise_auroc_ap import AP, AUROC
from .exercise_confidence import RESAMPLE, THRESHOLD
from .exercise_f1_max import F1_MAX
from .exercise_image_scores import TILE_SCORES
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (TILE_SCORES, AUROC, AP, F1_MAX, AUPRO, RESAMPLE, THRESHOLD)
