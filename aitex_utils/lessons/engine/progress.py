"""A learner's progress in one JSON file: passed exercises, tries, hints used, guesses.

The file lies in the user's own folder for data of programs, one for each checkout, so no learner sees another's
progress. It stays on the learner's computer. Learners can hand it to a teacher. Each update locks the file, reads it
and writes it whole, so several notebooks can be open at once.

Version 2 has these entries:

- "exercises": by number "tries", "hints" and "passed"; the times of the first and the last try as "first" and "last",
  UTC in ISO 8601; the last mistake as "mistake", a name in the exercise's list or the kind of the verdict.
- "quiz": by number "tries" and "passed".
- "predictions": by name the range as "low" and "high", and the result as "truth", null before it is revealed.
- "course": the version of the course that wrote the file last.
- "name": the learner's name, only after `sign`.

The times, the mistakes, "course" and "name" are missing from older files, and an entry without them is valid.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aitex_utils
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.paths import full_path
from aitex_utils.strips import PROJECT

VERSION = 2
PARTS = ("exercises", "quiz", "predictions")
NAME = "name"  # the entry with the learner's name, which has no parts
KEPT = ("first",)  # keys of an entry whose first value stays
# Names of entries in files of version 1, which are named otherwise since notebook 06 became 06 to 08, and 07 became 09.
RENAMED = {
    "06.5": "07.1", "06.6": "07.2", "06.7": "07.3",
    "06.q3": "07.q1", "06.q4": "07.q2", "06.q5": "07.q3", "06.q6": "07.q4",
    "06.c": "07.a", "06.d": "07.b", "06.e": "07.c", "06.f": "07.d", "06.g": "08.b",
}  # fmt: skip
FORMER_FILE = PROJECT / "notebooks" / "progress.json"  # where earlier versions kept it
LOCK_SECONDS = 30.0  # after which an update no longer waits for a process that hangs
SHORT_SECONDS = 0.2  # after an update that was not written
LAST_SECONDS = 3.0  # at the end of the process
_unwritten: dict[Path, list[tuple[str, str, dict[str, Any]]]] = {}  # updates, so that hints still advance


def progress_file() -> Path:
    """Return the file of the progress.

    Returns
    -------
    Path
        `COURSE_PROGRESS` if that is set, else a file for this checkout in the user's folder for data of programs.

    Notes
    -----
    The file in the user's folder follows a checkout that is moved or renamed on its disk.

    Examples
    --------
    >>> progress_file().name
    'progress.json'
    """
    named = os.environ.get("COURSE_PROGRESS")
    if named:
        return full_path(named, "COURSE_PROGRESS")
    import platformdirs

    folder = platformdirs.user_data_path("aitex-course", appauthor=False)
    if not folder.is_absolute():  # "~/...", because the account has no home
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folder = PROJECT / "data" / f"progress-{user}"
    return _own_folder(folder) / "progress.json"


def read_progress() -> dict[str, Any]:
    """Read the progress, and rename an unreadable file with a message instead of overwriting it.

    Returns
    -------
    dict
        "version", and the entries of each of `PARTS` by name.

    Notes
    -----
    Entries of a file of version 1 get their names of today. The file itself changes with the next update only.

    Examples
    --------
    >>> read_progress()
    {'version': 2, 'exercises': {}, 'quiz': {}, 'predictions': {}}
    """
    path = progress_file()
    _take_over(path)
    progress = _parse(path)
    if progress is None:
        progress = {"version": VERSION, **{part: {} for part in PARTS}}
        if os.path.lexists(path) and path not in _unwritten and not _rename_unreadable(path):
            print(f"{path} {_reason(path)}.")
            _unwritten[path] = []
    for part, name, changes in _unwritten.get(path, ()):
        _change(progress, part, name, changes)
    return progress


def is_kept() -> bool:
    """Return whether the last update of the progress was written to the file.

    Returns
    -------
    bool
        True before the first update.

    Examples
    --------
    >>> is_kept()
    True
    """
    return progress_file() not in _unwritten


def update_entry(part: str, name: str, **changes: Any) -> dict[str, Any]:
    """Change one entry of the progress, and print one message if it cannot be written.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    name : str
        Name of the entry. A new name adds an entry.
    **changes
        Values by key. Integers are added to the present value. "first" is kept if the entry has it already. Other
        values replace the present one.

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
    return _update(part, name, changes)


def update_name(name: str) -> bool:
    """Keep the learner's name in the progress file, or remove it, and print one message if it cannot be written.

    Parameters
    ----------
    name : str
        Name that the learner agreed to keep. An empty one removes the name.

    Returns
    -------
    bool
        Whether the file was written.

    Examples
    --------
    >>> update_name("Ada"), read_progress()["name"]
    (True, 'Ada')
    >>> update_name(""), "name" in read_progress()
    (True, False)
    """
    _update(NAME, name, {})
    return is_kept()


def _update(part: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Change one entry of the file, or the learner's name, and return the entry."""
    path = progress_file()
    with _locked(path, SHORT_SECONDS if path in _unwritten else LOCK_SECONDS) as is_free:
        progress = read_progress()
        entry = _change(progress, part, name, changes)
        try:
            if not is_free:
                raise InputError(f"Another notebook uses {path}, or its folder cannot be written.")
            _write(path, progress)
        except (InputError, OSError) as error:
            if path not in _unwritten:
                print(f"Progress is not kept: {error} To choose the file, set COURSE_PROGRESS.")
            _unwritten.setdefault(path, []).append((part, name, changes))
    return entry


def _write(path: Path, progress: dict[str, Any]) -> None:
    """Write the whole progress, with the updates that were not written before."""
    progress["course"] = aitex_utils.__version__
    if os.path.lexists(path) and _parse(path) is None:
        raise InputError(f"{path} is no progress file that can be read.")
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(progress, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _unwritten.pop(path, None)


@atexit.register
def _write_the_rest() -> None:
    """Write the updates that could not be written, at the end of the process."""
    path = progress_file()
    if _unwritten.get(path):
        with _locked(path, LAST_SECONDS) as is_free, contextlib.suppress(InputError, OSError):
            if is_free:
                _write(path, read_progress())


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


def _reason(path: Path) -> str:
    """Return why a file cannot be read, and what helps."""
    if path.is_dir():
        return f"is a folder, so progress is not kept: set COURSE_PROGRESS to a file in it, such as {path / 'ada.json'}"
    return "cannot be read, so progress is not kept: check that you can read and write that file"


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


def _change(progress: dict[str, Any], part: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Change an entry in place and return it."""
    if part == NAME:
        progress.pop(NAME, None)
        progress |= {NAME: name} if name else {}
        return {}
    entry = _entry(progress, part, name)
    for key, value in changes.items():
        if key in KEPT and isinstance(entry.get(key), str):
            continue
        is_count = isinstance(value, int) and not isinstance(value, bool)
        entry[key] = read_count(entry, key) + value if is_count else value
    progress[part][name] = entry
    return entry


@contextlib.contextmanager
def _locked(path: Path, patience: float) -> Iterator[bool]:
    """Keep other processes from changing the file. Yield False where one keeps the lock for longer than `patience`.

    Windows shows a folder that cannot be written as a lock that is taken. Where the file system has no locks, the
    lesson continues without one.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=patience)
    with contextlib.ExitStack() as stack:
        is_free = True
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock)
        except Timeout:
            is_free = False
        except (OSError, NotImplementedError):
            pass
        yield is_free


def _own_folder(folder: Path) -> Path:
    """Return the folder of this checkout: named by its path and by a file in it, whose number stays when it moves."""
    with contextlib.suppress(OSError):
        state = os.stat(PROJECT / "LICENSE.txt")
        place, number = (_digest(text) for text in (str(PROJECT), f"{state.st_ino} {state.st_mtime_ns}"))
        own = folder / f"{place}-{number}"
        if own.is_dir():
            return own
        at_this_place = sorted(folder.glob(f"{place}-*"))  # the file changed
        moved = sorted(folder.glob(f"*-{number}"))
        if at_this_place or moved:
            former = (at_this_place or moved)[0]
            with contextlib.suppress(OSError):
                os.replace(former, own)
            return former if former.is_dir() else own
        return own
    return folder / _digest(str(PROJECT))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


def _take_over(path: Path) -> None:
    """Move the learner's file of an earlier version, which lay beside the notebooks, to its place of today, once."""
    if os.environ.get("COURSE_PROGRESS") or os.path.lexists(path) or _parse(FORMER_FILE) is None:
        return
    with contextlib.suppress(OSError, InputError):
        if hasattr(os, "getuid") and os.stat(FORMER_FILE).st_uid != os.getuid():
            return  # another learner's
        with atomic_write(path) as temporary:
            temporary.write_bytes(FORMER_FILE.read_bytes())
        os.replace(FORMER_FILE, FORMER_FILE.with_name("progress-moved.json"))
        print(f"Your progress is now kept in {path}.")


def parse_progress(data: bytes) -> dict[str, Any] | None:
    """Return the content of a progress file of version 1 or 2, with the names and the form of version 2.

    Parameters
    ----------
    data : bytes
        Content of a file.

    Returns
    -------
    dict or None
        As `read_progress`; None if this is no progress file. Entries can be damaged.

    Examples
    --------
    >>> parse_progress(b'{"version": 1, "exercises": {"07.1": {"tries": 2}}, "quiz": {}, "predictions": {}}')
    {'version': 2, 'exercises': {'09.1': {'tries': 2}}, 'quiz': {}, 'predictions': {}}
    >>> parse_progress(b"[]") is None
    True
    """
    try:
        progress = json.loads(data.decode("utf-8-sig"))  # some editors write a byte-order mark
        if progress["version"] not in (1, VERSION) or not all(isinstance(progress[part], dict) for part in PARTS):
            return None
        return progress if progress["version"] == VERSION else _with_names_of_today(progress)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _parse(path: Path) -> dict[str, Any] | None:
    """Return the content of a progress file, None if it is not one."""
    try:
        return parse_progress(path.read_bytes())
    except OSError:
        return None


def _with_names_of_today(progress: dict[str, Any]) -> dict[str, Any]:
    """Return the progress of version 1 with the names of version 2. No entry is lost."""
    renamed = {part: {_name_of_today(name): entry for name, entry in progress[part].items()} for part in PARTS}
    for part in PARTS:  # two names can only become one in a file that was changed by hand
        if len(renamed[part]) < len(progress[part]):
            count = Counter(map(_name_of_today, progress[part]))
            taken = {name for name in progress[part] if count[_name_of_today(name)] > 1}
            renamed[part] |= {f"{name} (version 1)": progress[part][name] for name in taken}
    return {**progress, **renamed, "version": VERSION}


def _name_of_today(name: str) -> str:
    return RENAMED.get(name, f"09.{name[3:]}" if name.startswith("07.") else name)


def _rename_unreadable(path: Path) -> bool:
    """Rename a JSON file that cannot be read to a free name, and return whether that worked."""
    names = (path.with_name(f"{path.stem}-unreadable{number}.json") for number in ("", *range(2, 100)))
    new_path = next((name for name in names if not os.path.lexists(name)), None)
    try:
        if new_path is None or path.suffix != ".json" or not path.is_file():
            return False
        os.replace(path, new_path)
    except OSError:
        return False
    print(f"{path.name} could not be read: it is now called {new_path.name}, and progress starts anew.")
    return True
