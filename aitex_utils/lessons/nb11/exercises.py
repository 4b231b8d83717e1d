"""Exercises and questions of notebook 11, more data than one machine."""

from __future__ import annotations

from .exercise_blocks import LARGEST_BLOCK
from .exercise_bounds import MERGE_CORESETS, TREE_BOUND
from .exercise_graph import SHORTEST_TIME, SPLIT_WORKER_TIME
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (TREE_BOUND, MERGE_CORESETS, LARGEST_BLOCK, SPLIT_WORKER_TIME, SHORTEST_TIME)
