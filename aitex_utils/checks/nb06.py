"""Exercises and questions of notebook 06, scoring and evaluation."""

from __future__ import annotations

from .nb06_areas import AUPRO
from .nb06_f1 import F1_MAX
from .nb06_measures import AP, AUROC
from .nb06_quiz import QUESTIONS
from .nb06_scores import BOTH_WAYS
from .nb06_sure import REDRAW, THRESHOLD

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (BOTH_WAYS, AUROC, AP, F1_MAX, AUPRO, REDRAW, THRESHOLD)
