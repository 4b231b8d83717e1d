"""Exercises and questions of notebook 06, scoring and evaluation."""

from __future__ import annotations

from .areas import AUPRO
from .f1 import F1_MAX
from .measures import AP, AUROC
from .quiz import QUESTIONS
from .scores import BOTH_WAYS
from .sure import REDRAW, THRESHOLD

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (BOTH_WAYS, AUROC, AP, F1_MAX, AUPRO, REDRAW, THRESHOLD)
