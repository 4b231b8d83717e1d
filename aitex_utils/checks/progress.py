"""A learner's progress in one small JSON file beside the notebooks: what passed, how many tries, hints used, guesses.

It stays on the learner's machine; whoever wants may hand it to a teacher.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import write_whole
from ..strips import PROJECT

VERSION = 1


def progress_file() -> Path:
    """Return where progress is kept: `COURSE_PROGRESS` if that is set, else `notebooks/progress.json`."""
    named = os.environ.get("COURSE_PROGRESS")
    return Path(named) if named else PROJECT / "notebooks" / "progress.json"


def read_progress() -> dict[str, Any]:
    """Return what was kept; an unreadable file is set aside under another name, with a word, never overwritten."""
    path, empty = progress_file(), {"version": VERSION, "exercises": {}, "quiz": {}, "predictions": {}}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["version"] == VERSION and all(isinstance(kept[part], dict) for part in empty if part != "version"):
            return kept
    except FileNotFoundError:
        return empty
    except (OSError, ValueError, KeyError, TypeError):
        pass
    aside = path.with_name(path.stem + "-unreadable.json")
    try:
        os.replace(path, aside)
        print(f"{path.name} couldn't be read; it is kept as {aside.name}, and progress starts anew.")
    except OSError:
        print(f"{path} can't be read, so progress isn't kept: check who may read and write it.")
    return empty


def write_progress(kept: dict[str, Any]) -> None:
    """Keep progress; where that can't be done (read-only folder, full disk) say so and go on: a check is worth more."""
    try:
        with write_whole(progress_file()) as path:
            path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"Progress isn't kept: {error}")


def note(part: str, name: str, **changes: Any) -> dict[str, Any]:
    """Change the entry `name` of a part ("exercises", "quiz", "predictions"); a number is added to what is there."""
    kept = read_progress()
    entry = kept[part].get(name) if isinstance(kept[part].get(name), dict) else {}
    for key, value in changes.items():
        counts = isinstance(value, int) and not isinstance(value, bool)
        entry[key] = (entry[key] if isinstance(entry.get(key), int) else 0) + value if counts else value
    kept[part][name] = entry
    write_progress(kept)
    return entry
