"""A learner's progress in one JSON file beside the notebooks: passed exercises, tries, hints used, guesses.

The file stays on the learner's computer; learners can hand it to a teacher. Each update reads the file and writes it
whole, so several notebooks can be open at once.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.strips import PROJECT

VERSION = 1
PARTS = ("exercises", "quiz", "predictions")
_unwritten: dict[Path, dict[str, Any]] = {}  # progress that could not be written, so that hints still advance


def progress_file() -> Path:
    """Return the file of the progress: `COURSE_PROGRESS` if that is set, else `notebooks/progress.json`.

    Returns
    -------
    Path

    Examples
    --------
    >>> progress_file().name
    'progress.json'
    """
    named = os.environ.get("COURSE_PROGRESS")
    return Path(named) if named else PROJECT / "notebooks" / "progress.json"


def read_progress() -> dict[str, Any]:
    """Read the progress; rename an unreadable file with a message, never overwrite it.

    Returns
    -------
    dict
        "version", and the entries of each of `PARTS` by name.

    Examples
    --------
    >>> read_progress()
    {'version': 1, 'exercises': {}, 'quiz': {}, 'predictions': {}}
    """
    path = progress_file()
    if path in _unwritten:
        return _unwritten[path]
    empty = {"version": VERSION, **{part: {} for part in PARTS}}
    if not os.path.lexists(path):
        return empty
    progress = _parse(path)
    if progress is None and not _rename_unreadable(path):
        print(f"{path} cannot be read, so progress is not kept: check that it is a file that you can read and write.")
        _unwritten[path] = empty
    return progress or empty


def _parse(path: Path) -> dict[str, Any] | None:
    """Return the content of a progress file, None if it is not one."""
    try:
        progress = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a byte-order mark
        parts = [progress[part] for part in PARTS]
        return progress if progress["version"] == VERSION and all(isinstance(part, dict) for part in parts) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _rename_unreadable(path: Path) -> bool:
    """Rename a file that cannot be read to a free name; return whether that worked."""
    names = (path.with_name(f"{path.stem}-unreadable{number}.json") for number in ("", *range(2, 100)))
    new_path = next((name for name in names if not os.path.lexists(name)), None)
    try:
        if new_path is None or path.is_dir():
            return False
        os.replace(path, new_path)
    except OSError:
        return False
    print(f"{path.name} could not be read: it is now called {new_path.name}, and progress starts anew.")
    return True


def write_progress(progress: dict[str, Any]) -> None:
    """Write the progress; if that fails (read-only folder, full disk), print one message and continue.

    Parameters
    ----------
    progress : dict
        As returned by `read_progress`.

    Examples
    --------
    >>> write_progress(read_progress())
    >>> progress_file().is_file()
    True
    """
    path = progress_file()
    if path in _unwritten and os.path.lexists(path) and _parse(path) is None:
        return  # the message was printed before, and a foreign file is not overwritten
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(progress, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        _unwritten.pop(path, None)
    except (InputError, OSError) as error:
        if path not in _unwritten:
            print(f"Progress is not kept: {error}")
        _unwritten[path] = progress


def update_entry(part: str, name: str, **changes: Any) -> dict[str, Any]:
    """Change one entry of the progress.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    name : str
        Name of the entry; a new one is added.
    **changes
        Values by key. Integers are added to the present value, other values replace it.

    Returns
    -------
    dict
        The changed entry.

    Examples
    --------
    >>> update_entry("exercises", "02.1", tries=1, passed=False)
    {'tries': 1, 'passed': False}
    >>> update_entry("exercises", "02.1", tries=1, passed=True)
    {'passed': True, 'tries': 2}
    """
    progress = read_progress()
    entry = _entry(progress, part, name)
    for key, value in changes.items():
        is_count = isinstance(value, int) and not isinstance(value, bool)
        entry[key] = read_count(entry, key) + value if is_count else value
    progress[part][name] = entry
    write_progress(progress)
    return entry


def read_entry(part: str, name: str) -> dict[str, Any]:
    """Return one entry of the progress.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    name : str
        Name of the entry.

    Returns
    -------
    dict
        Empty if there is no such entry.

    Examples
    --------
    >>> read_entry("exercises", "02.1")
    {}
    """
    return _entry(read_progress(), part, name)


def _entry(progress: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    return progress[part][name] if isinstance(progress[part].get(name), dict) else {}


def read_count(entry: dict[str, Any], key: str) -> int:
    """Return a count in an entry.

    Parameters
    ----------
    entry : dict
        Entry of the progress.
    key : str
        "tries" or "hints".

    Returns
    -------
    int
        0 if the entry contains no positive whole number there.

    Examples
    --------
    >>> read_count({"tries": 2}, "tries"), read_count({"tries": "two"}, "tries")
    (2, 0)
    """
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
