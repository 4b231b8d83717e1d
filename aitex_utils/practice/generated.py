"""Generated folders: a file of metadata says how each was made, and lists its files with their sizes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aitex_utils.errors import check_integer
from aitex_utils.files.atomic_write import settle
from aitex_utils.files.paths import full_path


def check_size(generator: int, limits: Mapping[str, tuple[int, int]], **size: int) -> dict[str, int]:
    """Return the metadata of a folder that is to be generated. Sizes that cannot be made are refused.

    Parameters
    ----------
    generator : int
        Version of the generator.
    limits : mapping of str to (int, int)
        Smallest and largest value of each argument.
    **size
        Arguments of the generator.

    Returns
    -------
    dict of str to int

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> check_size(1, {"normal": (1, 9)}, normal=3)
    {'generator': 1, 'normal': 3}
    """
    return {"generator": generator} | {name: check_integer(name, value, *limits[name]) for name, value in size.items()}


def write_metadata(root: Path, name: str, metadata: Mapping[str, int], pattern: str) -> None:
    """Write the file of metadata, when all other files are there.

    Parameters
    ----------
    root : Path
        The folder.
    name : str
        Name of the file.
    metadata : mapping of str to int
        Output of `check_size`.
    pattern : str
        Which files it lists with their sizes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     written = Path(place, "a.png").write_bytes(b"123")
    ...     write_metadata(Path(place), "made.json", {"generator": 1}, "*.png")
    ...     json.loads(Path(place, "made.json").read_text())
    {'generator': 1, 'files': {'a.png': 3}}
    """
    files = {path.relative_to(root).as_posix(): path.stat().st_size for path in sorted(root.rglob(pattern))}
    (root / name).write_text(json.dumps({**metadata, "files": files}, indent=2) + "\n", encoding="utf-8")


def listed_files(metadata: Mapping[str, Any]) -> dict[str, int]:
    """Return the files that metadata lists, with their sizes. Another program's metadata raises an error.

    Parameters
    ----------
    metadata : mapping
        Content of a file of metadata.

    Returns
    -------
    dict of str to int

    Examples
    --------
    >>> listed_files({"generator": 1, "files": {"a.png": 3}})
    {'a.png': 3}
    """
    int(metadata["generator"])
    return {name: int(size) for name, size in metadata["files"].items()}


def is_generated(folder: str | os.PathLike, name: str, generator: int, needs_list: bool, /, **size: int) -> bool:
    """Say whether a folder contains what a generator made, every file in its size.

    Parameters
    ----------
    folder : path
        Folder to look at.
    name : str
        Name of its file of metadata.
    generator : int
        Version of the generator.
    needs_list : bool
        The metadata must list the files.
    **size
        Arguments that it must have been made with.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_generated("no/such/folder", "practice.json", 1, True)
    False
    """
    folder = full_path(folder)
    settle(folder)
    try:
        metadata = json.loads((folder / name).read_text(encoding="utf-8"))
        is_asked_for = metadata["generator"] == generator and all(metadata[key] == value for key, value in size.items())
        files = metadata["files"] if needs_list else metadata.get("files", {})
        return is_asked_for and all((folder / file).stat().st_size == length for file, length in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
