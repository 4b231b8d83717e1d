"""Exercises and questions of notebook 07, honest evaluation."""

from __future__ import annotations

from .exercise_aupro import AUPRO
from .exercise_operating import OPERATING
from .exercise_resample import RESAMPLE
from .exercise_threshold import THRESHOLD
from .exercise_tuning import TUNING
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (AUPRO, RESAMPLE, THRESHOLD, TUNING, OPERATING)
