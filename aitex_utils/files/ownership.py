"""Which files of a folder are the course's own: nothing else is ever replaced or deleted.

Every folder that the course writes contains a manifest, a JSON file that lists all files. A folder with any other
entry is left untouched, and the message names the entry.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError

ENDS = 4096  # bytes at either end of a file that can contain its sign
SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}  # put by macOS and Windows, made anew by them if deleted


class Manifest(NamedTuple):
    """How to find out which files of a folder are the course's own.

    Parameters
    ----------
    file : str
        Name of the JSON file in the folder.
    kind : str
        The folder's content, for messages: "a saved detector".
    read : callable
        Takes the parsed JSON and returns the sizes in bytes of the other files by their names, with `/` between the
        parts. A size of None allows any, and a name that ends in `/` is a folder. It raises an exception if another
        program wrote the JSON.

    Examples
    --------
    >>> Manifest("header.json", "a saved bank", lambda header: dict.fromkeys(header["sha256"])).file
    'header.json'
    """

    file: str
    kind: str
    read: Callable[[Any], Mapping[str, int | None]]


def foreign_entries(folder: str | os.PathLike, manifest: Manifest | None) -> list[str]:
    """Return the entries of a folder that the course did not write.

    Parameters
    ----------
    folder : path
        Folder that exists.
    manifest : Manifest or None
        Manifest of the folder. None: every entry is foreign.

    Returns
    -------
    list of str
        Files, links and folders, sorted. Files that were changed afterwards count where the manifest has their sizes.

    Notes
    -----
    Files that the system itself drops into folders do not count: `.DS_Store`, `Thumbs.db`, `desktop.ini`, and the
    `._name` that macOS puts beside each of the course's own files on some disks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "thesis.txt").write_text("years of work")
    ...     foreign_entries(folder, None)
    ['thesis.txt']
    """
    folder = Path(folder)
    own = _own_files(folder, manifest) if manifest else {}
    folders = {parent for name in own for parent in _parents(name)}
    return sorted(
        name
        for name, entry in _entries(folder, folders)
        if not (_is_own(name, entry, own) or (entry.is_file(follow_symlinks=False) and _is_system_file(name, own)))
    )


def first_names(names: Sequence[str]) -> str:
    """Return the first names of a list, for a message.

    Parameters
    ----------
    names : sequence of str
        Names of files and folders.

    Returns
    -------
    str
        Three names at most, and how many more there are.

    Examples
    --------
    >>> first_names(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def refuse_foreign(
    folder: str | os.PathLike, manifest: Manifest | None, *, shown: str | os.PathLike | None = None
) -> None:
    """Raise `InputError` if a folder contains an entry that the course did not write.

    Parameters
    ----------
    folder : path
        Folder that is to be replaced or deleted; it need not exist.
    manifest : Manifest or None
        Manifest of the folder. None: every entry is foreign.
    shown : path, optional
        Name of the folder in messages; None takes `folder`.

    Raises
    ------
    InputError
        With the names of the first foreign entries.

    Examples
    --------
    >>> refuse_foreign("no/such/folder", None)
    """
    shown = folder if shown is None else shown
    foreign: list[str] = []
    for _ in range(100):
        before = _identity(folder)
        if before is None:
            return
        try:
            foreign = foreign_entries(folder, manifest)
            error = None
        except OSError as raised:
            error = raised
        if before == _identity(folder):  # else another process replaced it while it was listed
            break
    if error is not None:
        raise InputError(
            f"{shown} cannot be listed ({error.strerror}), so it is not replaced: choose another name."
        ) from error
    if foreign:
        kind = manifest.kind if manifest else "anything of this course"
        is_unlisted = manifest is not None and manifest.file in foreign
        fix = ", or delete the folder if an earlier version of this course wrote it" if is_unlisted else ""
        raise InputError(
            f"{shown} contains {first_names(foreign)}, not part of {kind} as it was written: choose another "
            f"name, or move the content away{fix}. Nothing was replaced."
        )


def refuse_foreign_file(path: str | os.PathLike, sign: str, advice: str) -> None:
    """Raise `InputError` if there is a file in the way that a command did not write itself.

    Parameters
    ----------
    path : path
        File that is to be replaced; it need not exist.
    sign : str
        Text near the beginning or the end of each file that the command writes.
    advice : str
        How to name another file, for the message: "name another file with --out".

    Raises
    ------
    InputError
        If the file lacks the sign, cannot be read, or is a terminal or a pipe.

    Examples
    --------
    >>> refuse_foreign_file("no/such/file", "course.py class", "name another file with --out")
    """
    if not os.path.lexists(path):
        return
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise InputError(f"{path} is no file: {advice}.")  # reading a terminal or a pipe can wait for ever
    try:
        with open(path, "rb") as file:
            first = file.read(ENDS)
            file.seek(-min(ENDS, file.seek(0, os.SEEK_END)), os.SEEK_END)
            is_own = any(sign.encode() in part for part in (first, file.read()))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {advice}.") from error
    if not is_own:
        raise InputError(f"{path} was not written by this command: {advice}, or move that one.")


def _identity(folder: str | os.PathLike) -> tuple[int, int] | None:
    """Return the properties that change when a folder is replaced, or None if it does not exist."""
    if not os.path.isdir(folder):
        return None
    with contextlib.suppress(OSError):
        state = os.stat(folder)
        return state.st_ino, state.st_mtime_ns
    return None


def _own_files(folder: Path, manifest: Manifest) -> dict[str, int | None]:
    """Return the sizes of the files that the manifest lists, and its own name, or nothing if it is not the course's."""
    path = folder / manifest.file
    if path.is_symlink():
        return {}
    try:
        listed = dict(manifest.read(json.loads(path.read_text(encoding="utf-8"))))
    except Exception:  # noqa: BLE001 - a manifest of another program can break anything on the way
        return {}
    if not all(isinstance(name, str) for name in listed):
        return {}
    return {**listed, manifest.file: None}


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")[:-1]
    return ("/".join(parts[: i + 1]) for i in range(len(parts)))


def _entries(folder: Path, folders: set[str], prefix: str = "") -> Iterator[tuple[str, os.DirEntry]]:
    """Yield what a folder contains, by name. Only subfolders in `folders` are entered."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if name in folders and entry.is_dir(follow_symlinks=False):
                yield from _entries(folder / entry.name, folders, name + "/")
            else:
                yield name, entry


def _is_own(name: str, entry: os.DirEntry, own: Mapping[str, int | None]) -> bool:
    if name not in own or not entry.is_file(follow_symlinks=False):
        return False
    with contextlib.suppress(OSError):
        return own[name] is None or entry.stat(follow_symlinks=False).st_size == own[name]
    return False


def _is_system_file(name: str, own: Mapping[str, int | None]) -> bool:
    folder, _, last = name.rpartition("/")
    beside = f"{folder}/{last[2:]}" if folder else last[2:]
    return last in SYSTEM_FILES or (last.startswith("._") and beside in own)
