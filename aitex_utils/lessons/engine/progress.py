"""A learner's progress in one small JSON file beside the notebooks: what passed, how many tries, hints used, guesses.

It stays on the learner's machine; whoever wants may hand it to a teacher. Each note reads the file and writes it whole,
so that several notebooks can be open at once.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aitex_utils.atomic_write import write_whole
from aitex_utils.errors import InputError
from aitex_utils.strips import PROJECT

VERSION = 1
_unwritten: dict[Path, dict[str, Any]] = {}  # what couldn't be written, so that hints still go on to the next


def progress_file() -> Path:
    """Return where progress is kept: `COURSE_PROGRESS` if that is set, else `notebooks/progress.json`."""
    named = os.environ.get("COURSE_PROGRESS")
    return Path(named) if named else PROJECT / "notebooks" / "progress.json"


def read_progress() -> dict[str, Any]:
    """Return what was kept; an unreadable file is set aside under another name, with a word, never overwritten."""
    path = progress_file()
    if path in _unwritten:
        return _unwritten[path]
    empty = {"version": VERSION, "exercises": {}, "quiz": {}, "predictions": {}}
    if not os.path.lexists(path):
        return empty
    kept = _parsed(path)
    if kept is None and not _set_aside(path):
        print(f"{path} can't be read, so progress isn't kept: check what it is, and who may read and write it.")
        _unwritten[path] = empty
    return kept or empty


def _parsed(path: Path) -> dict[str, Any] | None:
    """Return what a file of progress holds, None where it is none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors put a mark at the beginning
        parts = [kept[part] for part in ("exercises", "quiz", "predictions")]
        return kept if kept["version"] == VERSION and all(isinstance(part, dict) for part in parts) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _set_aside(path: Path) -> bool:
    """Rename a file that can't be read, never over another one; say whether that could be done."""
    names = (path.with_name(f"{path.stem}-unreadable{number}.json") for number in ("", *range(2, 100)))
    aside = next((name for name in names if not os.path.lexists(name)), None)
    try:
        if aside is None or path.is_dir():
            return False
        os.replace(path, aside)
    except OSError:
        return False
    print(f"{path.name} couldn't be read; it is kept as {aside.name}, and progress starts anew.")
    return True


def write_progress(kept: dict[str, Any]) -> None:
    """Keep progress; where that can't be done (read-only folder, full disk) say so once and go on without."""
    path = progress_file()
    if path in _unwritten and os.path.lexists(path) and _parsed(path) is None:
        return  # said before, and what is there isn't overwritten
    try:
        with write_whole(path) as inside:
            inside.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        _unwritten.pop(path, None)
    except (InputError, OSError) as error:
        if path not in _unwritten:
            print(f"Progress isn't kept: {error}")
        _unwritten[path] = kept


def note(part: str, name: str, **changes: Any) -> dict[str, Any]:
    """Change the entry `name` of a part ("exercises", "quiz", "predictions"); a number is added to what is there."""
    kept = read_progress()
    entry = _entry(kept, part, name)
    for key, value in changes.items():
        counts = isinstance(value, int) and not isinstance(value, bool)
        entry[key] = count(entry, key) + value if counts else value
    kept[part][name] = entry
    write_progress(kept)
    return entry


def noted(part: str, name: str) -> dict[str, Any]:
    """Return the entry `name` of a part; an empty one where there is none."""
    return _entry(read_progress(), part, name)


def _entry(kept: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    return kept[part][name] if isinstance(kept[part].get(name), dict) else {}


def count(entry: dict[str, Any], key: str) -> int:
    """Return a count of an entry; 0 where there is none, or something else."""
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
