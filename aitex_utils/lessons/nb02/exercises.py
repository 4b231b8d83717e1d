"""Exercises and questions of notebook 02, Understanding PatchCore."""

from __future__ import annotations

from .first import NEAREST, RECONSTRUCTION, UNFOLD
from .quiz import QUESTIONS
from .scores import REWEIGHTED, SCORES

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (RECONSTRUCTION, UNFOLD, NEAREST, SCORES, REWEIGHTED)
