"""The folder of the strips: where it is, and which pictures are in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError, MissingError, check_flag
from .images import find_images, is_hidden
from .paths import given_path

PROJECT = Path(__file__).resolve().parents[2]
PRACTICE = PROJECT / "data" / "practice"
NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER = "NODefect_images", "Defect_images", "Mask_images"


def find_aitex(folder: str | os.PathLike | None = None, *, quiet: bool = False) -> Path:
    """Find the folder that contains the strips, and print its path.

    Parameters
    ----------
    folder : path, optional
        Folder to use. Without it: the environment variable `AITEX_ROOT`, else `data/aitex`, else the practice fabric.
        AITEX's three folders lie directly in it or one level deeper. A relative path that does not exist in the
        working directory is looked up in the project's folder, because notebooks run in another directory.
    quiet : bool
        Print nothing.

    Returns
    -------
    Path

    Raises
    ------
    MissingError
        If a folder that was named contains no strips (it is never passed over for the next one), or if there is
        neither AITEX nor a practice fabric.
    InputError
        If the folder cannot be opened.

    Examples
    --------
    >>> find_aitex("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/folder (your argument) is not AITEX: it should contain NODefect_images, \
Defect_images and Mask_images.
    """
    check_flag("quiet", quiet)
    for place, source in ((folder, "your argument"), (os.environ.get("AITEX_ROOT") or None, "AITEX_ROOT")):
        if place is not None:
            root = _named_root(place, source)
            break
    else:
        root, source = _root_in(PROJECT / "data" / "aitex"), "data/aitex"
        if root is None:
            root, source = (
                _root_in(PRACTICE),
                "the practice fabric, as there is no AITEX in data/aitex and AITEX_ROOT is not set",
            )
        if root is None:
            raise MissingError(
                "There is neither AITEX nor a practice fabric: make the practice fabric with `python course.py data`."
            )
    if not quiet:
        shown = root.relative_to(PROJECT).as_posix() if root.is_relative_to(PROJECT) else root
        print(f"Strips from {shown} ({source}).")
    return root


def pictures_in(root: str | os.PathLike, name: str) -> Iterator[Path]:
    """Yield the picture files in one of AITEX's three folders.

    Parameters
    ----------
    root : path
        Folder that contains AITEX's three folders.
    name : str
        Name of the folder; capitals and small letters count alike.

    Yields
    ------
    Path
        As `images.find_images`.

    Raises
    ------
    InputError
        If a folder cannot be opened.

    Examples
    --------
    >>> list(pictures_in(Path("no/such/folder"), "Mask_images"))
    []
    """
    for folder in folders_called(root, name):
        yield from find_images(folder)


def folders_called(root: str | os.PathLike, name: str) -> list[Path]:
    """Return the folders of a name, written in capitals or small letters.

    Parameters
    ----------
    root : path
        Folder to look in.
    name : str
        Name of the folder.

    Returns
    -------
    list of Path
        Sorted; several only where the system distinguishes capitals.

    Raises
    ------
    InputError
        If `root` cannot be opened.

    Examples
    --------
    >>> folders_called(Path("no/such/folder"), "Mask_images")
    []
    """
    return sorted(path for path in _subfolders(given_path(root)) if path.name.lower() == name.lower())


def _named_root(place: str | os.PathLike, source: str) -> Path:
    """Return the root in a folder that the user named."""
    folder = given_path(place, source)
    try:
        if not folder.is_absolute() and not folder.exists():
            folder = PROJECT / folder if (PROJECT / folder).exists() else folder
        root = _root_in(folder)
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{place!s} ({source}) cannot be opened ({error.strerror or error}): check its name and its permissions."
        ) from error
    if root is None and str(place)[0] in "'\"":
        raise MissingError(f"{place} ({source}) is not AITEX: remove the quotation marks around the name.")
    if folder.is_file():
        raise MissingError(f"{place} ({source}) is not AITEX but a file: unpack it, and name the folder.")
    if root is None:
        raise MissingError(
            f"{place} ({source}) is not AITEX: it should contain {NORMAL_FOLDER}, {DEFECT_FOLDER} and {MASK_FOLDER}."
        )
    return root


def _root_in(folder: Path) -> Path | None:
    """Return the folder that contains `NODefect_images`: itself or inside it, preferably with pictures."""
    deeper = sorted(p for p in _subfolders(folder) if not is_hidden(p.name) and os.access(p, os.R_OK))
    places = [
        place
        for place in (folder, *deeper)
        if place.name.lower() != NORMAL_FOLDER.lower() and folders_called(place, NORMAL_FOLDER)
    ]
    if len(places) > 1:
        places.sort(key=lambda place: not any(pictures_in(place, NORMAL_FOLDER)))  # stable
    return places[0] if places else None


def _subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, none if it does not exist."""
    if not os.path.isdir(folder):
        return []
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except OSError as error:
        raise InputError(f"{folder} cannot be opened ({error.strerror}): change its permissions.") from error
