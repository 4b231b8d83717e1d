"""Exercises and questions of notebook 05, FAISS."""

from __future__ import annotations

from .exercise_ivf import ADD_LATER, SEARCH_CELLS
from .exercise_pq import ENCODE
from .exercise_search import EXACT_SEARCH, RECALL, RECALL_OF_CELLS
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (EXACT_SEARCH, RECALL, SEARCH_CELLS, ENCODE, ADD_LATER, RECALL_OF_CELLS)
