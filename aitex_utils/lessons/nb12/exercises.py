"""Exercises and questions of notebook 12, your own fabric."""

from __future__ import annotations

from .exercise_drift import CUSUM, TRACK_THRESHOLD
from .exercise_promise import PICTURES_TO_TAKE, REALISED_RATES
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (PICTURES_TO_TAKE, REALISED_RATES, CUSUM, TRACK_THRESHOLD)
