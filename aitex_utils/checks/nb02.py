"""Exercises and questions of notebook 02, Understanding PatchCore."""

from __future__ import annotations

from .nb02_first import NEAREST, RECONSTRUCTION, UNFOLD
from .nb02_quiz import QUESTIONS
from .nb02_scores import REWEIGHTED, SCORES

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (RECONSTRUCTION, UNFOLD, NEAREST, SCORES, REWEIGHTED)
