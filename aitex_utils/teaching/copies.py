"""Folders of copies for a class: written whole, never over a teacher's own files, with the same bytes each time."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.atomic_write import atomic_write
from ..files.ownership import Manifest

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
    with atomic_write(folder, folder=True, manifest=MANIFEST) as inside:
        for name, content in files.items():
            path = Path(inside, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        sizes = {name: len(content) for name, content in sorted(files.items())}
        text = json.dumps({"course copy": sizes}, indent=2) + "\n"
        Path(inside, LIST_OF_FILES).write_text(text, encoding="utf-8", newline="\n")


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
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
