"""Read learners' progress files from a folder, and name the files that are damaged, old or foreign.

Nothing in a file is trusted: learners can edit their files, and a folder can contain anything. A damaged entry counts
as missing. A file that cannot be used is left out with one sentence.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aitex_utils.errors import InputError, MissingError
from aitex_utils.lessons.engine.progress import VERSION, parse_progress, read_count

LARGEST = 2 * 2**20  # bytes of a progress file
MOST_FILES = 2000
MOST_COUNTED = 9999  # tries and hints: larger counts are damaged or invented
LONGEST_NAME = 60  # characters
YEARS = (2000, 2100)  # times outside are damaged
UNREAD = (".json.txt", ".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")  # endings of files that can contain progress
PATIENCE = 10.0  # seconds for which a file can be half written


@dataclass(frozen=True)
class Attempt:
    """Tries, hints and times of a learner in one exercise.

    Parameters
    ----------
    passed : bool
        Whether it passed.
    tries, hints : int
        Numbers of tries and of hints used.
    first, last : datetime or None
        Times of the first and the last try; None in files of earlier versions.
    mistake : str
        Last mistake: its name in the exercise's list, or the kind of the verdict. Empty if there was none.

    Examples
    --------
    >>> Attempt(False, 4, 1).tries
    4
    """

    passed: bool
    tries: int
    hints: int
    first: datetime | None = None
    last: datetime | None = None
    mistake: str = ""


@dataclass(frozen=True)
class GuessedRange:
    """A learner's guess of a result.

    Parameters
    ----------
    low, high : float
        Ends of the range.
    result : float or None
        The result; None before it was revealed.

    Examples
    --------
    >>> GuessedRange(3, 5, 4.5).is_hit
    True
    """

    low: float
    high: float
    result: float | None

    @property
    def is_hit(self) -> bool:
        """Whether the range contains the result."""
        return self.result is not None and self.low <= self.result <= self.high


@dataclass(frozen=True)
class ProgressFile:
    """The content of one progress file.

    Parameters
    ----------
    file : str
        Path below the folder.
    name : str
        Name with which the learner signed, empty without one.
    course : str
        Version of the course that wrote the file last, empty in files of earlier versions.
    attempts : dict of str to Attempt
        By the number of the exercise.
    guesses : dict of str to GuessedRange
        By the name of the guess.

    Examples
    --------
    >>> ProgressFile("ada.json", "Ada").last is None
    True
    """

    file: str
    name: str = ""
    course: str = ""
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    guesses: Mapping[str, GuessedRange] = field(default_factory=dict)

    @property
    def last(self) -> datetime | None:
        """Time of the last try in any exercise, or None if no time is known."""
        return max((attempt.last for attempt in self.attempts.values() if attempt.last), default=None)


@dataclass(frozen=True)
class LeftOut:
    """A file that is left out.

    Parameters
    ----------
    file : str
        Path below the folder.
    reason : str
        The rest of a sentence that begins with the path: what it is, and what to do.

    Examples
    --------
    >>> LeftOut("a.json", "is empty: ask for it again.").reason
    'is empty: ask for it again.'
    """

    file: str
    reason: str


def parse_file(file: str, data: bytes) -> ProgressFile | LeftOut:
    """Return the content of a progress file of any version, or why it is left out.

    Parameters
    ----------
    file : str
        Path below the folder.
    data : bytes
        Its content.

    Returns
    -------
    ProgressFile or LeftOut

    Examples
    --------
    >>> parse_file("a.json", b"[]").reason
    'is no progress file of this course: move it out of the folder.'
    """
    progress = parse_progress(data)
    if progress is None:
        return LeftOut(file, _explain(data))
    attempts = {name: _attempt(entry) for name, entry in progress["exercises"].items() if isinstance(entry, dict)}
    ranges = {name: _range(entry) for name, entry in progress["predictions"].items() if isinstance(entry, dict)}
    return ProgressFile(
        file,
        _text(progress.get("name")),
        _text(progress.get("course")),
        {name: attempt for name, attempt in attempts.items() if attempt.tries or attempt.hints or attempt.passed},
        {name: guess for name, guess in ranges.items() if guess is not None},
    )


class FolderReader:
    """Read the progress files of a folder, once or again and again while learners work.

    Parameters
    ----------
    folder : Path
        Folder. Its subfolders are read too, but hidden ones are not, because unfinished writes lie there.
    is_live : bool
        Whether files can be half written. Then a file that cannot be read is tried again for 10 seconds after its last
        change, and its content before counts for so long.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "ada.json").write_text("{")
    ...     FolderReader(Path(place)).read()
    ([], [LeftOut(file='ada.json', reason='is damaged or cut off: ask the learner for it again.')])
    """

    def __init__(self, folder: Path, *, is_live: bool = False) -> None:
        self.folder, self.is_live = folder, is_live
        self._seen: dict[str, tuple[Any, float, ProgressFile | LeftOut]] = {}  # stamp, time of it, outcome
        self._good: dict[str, ProgressFile] = {}

    def read(self) -> tuple[list[ProgressFile], list[LeftOut]]:
        """Read all files that changed since the last call.

        Returns
        -------
        files : list of ProgressFile
            In the order of their paths.
        left_out : list of LeftOut
            In the order of their paths.

        Raises
        ------
        InputError
            If the folder cannot be listed, or contains more JSON files than a class has.
        """
        (found, unread), now = survey_folder(self.folder), time.monotonic()
        for gone in set(self._seen) - set(found):
            del self._seen[gone]
            self._good.pop(gone, None)
        files, left_out = [], unread
        for file, path in found.items():
            outcome = self._read_file(file, path, now)
            if isinstance(outcome, ProgressFile):
                self._good[file] = outcome
            elif self.is_live and now - self._seen[file][1] < PATIENCE:
                outcome = self._good.get(file)
            else:
                self._good.pop(file, None)
            if outcome is not None:
                (files if isinstance(outcome, ProgressFile) else left_out).append(outcome)
        return files, sorted(left_out, key=lambda out: out.file)

    def _read_file(self, file: str, path: Path, now: float) -> ProgressFile | LeftOut:
        """Return what a file contains, read again only if it changed or was half written."""
        stamp = _stamp(path)
        before = self._seen.get(file)
        is_same = before is not None and before[0] == stamp
        if is_same and (isinstance(before[2], ProgressFile) or not self.is_live):
            return before[2]
        outcome = read_file(file, path)
        self._seen[file] = (stamp, before[1] if is_same else now, outcome)
        return outcome


def find_files(folder: Path) -> dict[str, Path]:
    """Return the JSON files below a folder by their path in it, without those in hidden folders.

    Parameters
    ----------
    folder : Path
        Folder.

    Returns
    -------
    dict of str to Path
        In the order of their paths.

    Raises
    ------
    InputError
        If the folder cannot be listed, or contains more JSON files than a class has.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "ada.json").write_text("{}"), Path(place, "notes.txt").write_text("")
    ...     list(find_files(Path(place)))
    ['ada.json']
    """
    return survey_folder(folder)[0]


def survey_folder(folder: Path) -> tuple[dict[str, Path], list[LeftOut]]:
    """Return the JSON files below a folder, and what can contain progress and is not read.

    Parameters
    ----------
    folder : Path
        Folder.

    Returns
    -------
    found : dict of str to Path
        As `find_files`.
    unread : list of LeftOut
        Archives, renamed files, and folders that are not entered.

    Raises
    ------
    InputError
        As `find_files`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "ada.json.txt").write_text("{}")
    ...     survey_folder(Path(place))[1]
    [LeftOut(file='ada.json.txt', reason='has an ending of another kind: rename it, so that it ends in .json.')]
    """
    if not os.path.isdir(folder):  # which raises no error for a path that is too long, or a network drive that is away
        raise MissingError(f"{folder} is no folder: name the folder with the learners' progress files.")
    try:
        os.listdir(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}): get the right to read it.") from error
    found, unread = [], []

    def leave_out(path: str, reason: str) -> None:
        unread.append(LeftOut(Path(path).relative_to(folder).as_posix(), reason))

    def refuse(error: OSError) -> None:
        leave_out(error.filename, f"cannot be read ({error.strerror}): get the right to read it.")

    for place, inner, names in os.walk(folder, onerror=refuse):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for path in (os.path.join(place, name) for name in inner):
            if os.path.islink(path):
                leave_out(path, "is a link to a folder: copy the folder itself there.")
        for name in names:
            path, ending = os.path.join(place, name), name.lower()
            if name.startswith("._"):  # macOS puts it beside a file on a memory stick and in a ZIP file
                continue
            if ending.endswith(".json"):
                found.append(Path(path))
            elif ending.endswith(UNREAD) and not name.startswith("."):
                reason = "is an archive: unpack it, and move it out of the folder."
                if ending.endswith(".txt"):
                    reason = "has an ending of another kind: rename it, so that it ends in .json."
                leave_out(path, reason)
        if len(found) > MOST_FILES:
            raise InputError(f"{folder} contains more than {MOST_FILES:,} JSON files: name the folder of one class.")
    return {path.relative_to(folder).as_posix(): path for path in sorted(found)}, unread


def read_file(file: str, path: Path) -> ProgressFile | LeftOut:
    """Read a progress file, or return why it is left out.

    Parameters
    ----------
    file : str
        Path below the folder, for messages.
    path : Path
        Path of the file.

    Returns
    -------
    ProgressFile or LeftOut

    Examples
    --------
    >>> read_file("a.json", Path("no/such/a.json")).reason
    'cannot be read (No such file or directory): get the right to read it, or ask for it again.'
    """
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):  # reading a pipe would wait for ever
            return LeftOut(file, "is not a file: move it out of the folder.")
        if state.st_size > LARGEST:
            return LeftOut(file, "is larger than any progress file: move it out of the folder.")
        return parse_file(file, path.read_bytes())
    except OSError as error:
        reason = f"cannot be read ({error.strerror}): get the right to read it, or ask for it again."
        return LeftOut(file, reason)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return values that change when a file is written, nothing if it has gone."""
    try:
        state = os.stat(path)
    except OSError:
        return ()
    return state.st_mtime_ns, state.st_size, state.st_ino


def _explain(data: bytes) -> str:
    """Say why a content is no progress file that this version can read, and what to do."""
    if not data.strip():
        return "is empty: ask the learner for it again."
    foreign = "is no progress file of this course: move it out of the folder."
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return "is damaged or cut off: ask the learner for it again."
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or "exercises" not in content:
        return foreign
    if version > VERSION:
        return "was written by a newer version of the course: update your copy of the course to read it."
    return "is a damaged progress file: ask the learner for it again."


def _attempt(entry: dict[str, Any]) -> Attempt:
    tries, hints = (min(read_count(entry, key), MOST_COUNTED) for key in ("tries", "hints"))
    first, last = (_time(entry.get(key)) for key in ("first", "last"))
    if first and last and last < first:  # the computer's clock was set back
        last = first
    mistake = entry.get("mistake")
    mistake = mistake[:LONGEST_NAME] if isinstance(mistake, str) else ""
    return Attempt(entry.get("passed") is True, tries, hints, first, last, mistake)


def _range(entry: dict[str, Any]) -> GuessedRange | None:
    low, high, result = (_number(entry.get(key)) for key in ("low", "high", "truth"))
    return None if low is None or high is None else GuessedRange(min(low, high), max(low, high), result)


def _number(value: Any) -> float | None:
    """Return a finite number as float, None for anything else."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _time(value: Any) -> datetime | None:
    """Return a time in UTC, or None if it is damaged."""
    try:
        moment = datetime.fromisoformat(value)
        if not YEARS[0] < moment.year < YEARS[1]:
            return None
        return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    """Return a short text in one line, empty if it is none."""
    return " ".join(itertools.islice(value.split(), LONGEST_NAME))[:LONGEST_NAME] if isinstance(value, str) else ""
