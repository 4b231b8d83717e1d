"""Find an exercise or a quiz question by its number, in the folder of its notebook."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from .compare import safely

LESSONS = Path(__file__).resolve().parent.parent


def entries(name: Any, kind: str) -> dict[str, Any]:
    """Return the exercises (`EXERCISES`) or questions (`QUESTIONS`) of the notebook that `name`, "02.1", belongs to."""
    number = safely(str, name)[:2]
    if not (number.isascii() and number.isdigit() and (LESSONS / f"nb{number}" / "exercises.py").is_file()):
        return {}
    module = import_module(f"aitex_utils.lessons.nb{number}.exercises")
    return {entry.id: entry for entry in getattr(module, kind, ())}
