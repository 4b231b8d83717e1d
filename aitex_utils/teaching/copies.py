"""Folders and archives of generated files: never over a teacher's own files, and with the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from ..errors import InputError
from ..files.atomic_write import atomic_write, sha256
from ..files.ownership import Manifest, foreign_entries
from ..files.paths import full_path

LIST_OF_FILES = "course-copy.json"


def _listed(content: Any) -> dict[str, int]:
    """Return the sizes of the files that a list of files names."""
    return {str(name): int(size) for name, size in content["course copy"].items()}


MANIFEST = Manifest(LIST_OF_FILES, "a copy for a class", _listed)


def write_copies(folder: str | os.PathLike, files: Mapping[str, bytes]) -> None:
    """Write a folder of copies, whole or not at all.

    Parameters
    ----------
    folder : path
        Folder to write. An earlier copy in it is replaced, unless a file of it was changed or added.
    files : mapping of str to bytes
        Contents by name, with `/` between the parts of a name.

    Raises
    ------
    InputError
        If the folder contains anything that an earlier call did not write, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_copies(f"{place}/copy", {"learners/a.txt": b"text"})
    ...     sorted(os.listdir(f"{place}/copy"))
    ['course-copy.json', 'learners']
    """
    _refuse_changed(full_path(folder))
    with atomic_write(folder, folder=True, manifest=MANIFEST) as inside:
        write_files(inside, with_list_of_files(files))


def with_list_of_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files together with the list of files that `write_copies` writes.

    Parameters
    ----------
    files : mapping of str to bytes
        Contents by name.

    Returns
    -------
    dict of str to bytes

    Examples
    --------
    >>> list(with_list_of_files({"a.txt": b"text"}))
    ['a.txt', 'course-copy.json']
    """
    sizes = {name: len(content) for name, content in sorted(files.items())}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    text = json.dumps({"course copy": sizes, "sha256": digests}, indent=2) + "\n"
    return {**files, LIST_OF_FILES: text.encode()}


def copied_files(folder: str | os.PathLike) -> list[str]:
    """Return the names of the files that `write_copies` wrote into a folder.

    Parameters
    ----------
    folder : path
        Folder.

    Returns
    -------
    list of str
        Names, sorted, without the list of files itself. Empty if the folder has no such list.

    Examples
    --------
    >>> copied_files("no/such/folder")
    []
    """
    try:
        return sorted(_listed(json.loads(Path(folder, LIST_OF_FILES).read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # none, or of another program
        return []


def changed_files(folder: str | os.PathLike) -> list[str]:
    """Return the entries of a folder that `write_copies` did not write, or that were changed since.

    Parameters
    ----------
    folder : path
        Folder that exists.

    Returns
    -------
    list of str
        Names, sorted.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_copies(f"{place}/copy", {"a.txt": b"text"})
    ...     _ = Path(place, "copy", "a.txt").write_text("my own text")
    ...     changed_files(f"{place}/copy")
    ['a.txt']
    """
    return sorted({*foreign_entries(folder, MANIFEST), *_edited(Path(folder))})


def _edited(folder: Path) -> list[str]:
    """Return the names of files that were changed since they were written, even if they have as many bytes."""
    try:
        digests = dict(json.loads((folder / LIST_OF_FILES).read_text(encoding="utf-8"))["sha256"])
        present = [name for name in digests if (folder / name).is_file()]  # a deleted file is no change to keep
        return [name for name in present if sha256(folder / name) != digests[name]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # `foreign_entries` says what is wrong
        return []


def _refuse_changed(folder: Path) -> None:
    if changed := _edited(folder):
        raise InputError(
            f"{folder} contains {changed[0]}, which was changed since it was written: choose another name, or move "
            "that file away. Nothing was replaced."
        )


def write_files(folder: str | os.PathLike, files: Mapping[str, bytes]) -> dict[str, int]:
    """Write files into a folder, with the folders that they need.

    Parameters
    ----------
    folder : path
        Folder, which is there.
    files : mapping of str to bytes
        Contents by name, with `/` between the parts of a name.

    Returns
    -------
    dict of str to int
        Bytes of each file, sorted by name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_files(place, {"b.txt": b"", "a/c.txt": b"text"})
    {'a/c.txt': 4, 'b.txt': 0}
    """
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {name: len(content) for name, content in sorted(files.items())}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file. The same files always make the same bytes.

    Parameters
    ----------
    files : mapping of str to bytes
        Contents by name.

    Returns
    -------
    bytes

    Examples
    --------
    >>> zipped({"a.txt": b"text"}) == zipped({"a.txt": b"text"})
    True
    """
    buffer = io.BytesIO()
    write_zip(buffer, sorted(files.items()))
    return buffer.getvalue()


def write_zip(target: Path | IO[bytes], files: Iterable[tuple[str, bytes]]) -> None:
    """Write a ZIP file. The same files in the same order always make the same bytes.

    Parameters
    ----------
    target : path or binary file
        File to write.
    files : iterable of (str, bytes)
        Names and contents, read one after the other.

    Examples
    --------
    >>> buffer = io.BytesIO()
    >>> write_zip(buffer, [("a.txt", b"text")])
    >>> zipfile.ZipFile(buffer).namelist()
    ['a.txt']
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name)  # with the date 1980-01-01
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
