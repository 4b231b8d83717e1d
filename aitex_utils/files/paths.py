"""Paths that a user gives: `~` stands for the home folder, and one that cannot be used is refused in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError, MissingError, shown


def given_path(path: str | os.PathLike, name: str = "") -> Path:
    """Return a path that a user gave, with `~` replaced by the home folder.

    Parameters
    ----------
    path : path
        Existing or not; a relative one stays relative.
    name : str
        Name of the variable or argument that contains it, for messages.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If `path` is no path, or empty, or begins with the `~` of a home folder that does not exist.

    Examples
    --------
    >>> given_path("results").as_posix()
    'results'
    """
    try:
        text = os.fspath(path)
        os.fsencode(text)
    except (TypeError, UnicodeError):
        text = None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise InputError(
            f"{_start(name)}{shown(path)} is no path: give the name of a file or folder, for example 'results'."
        )
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):  # which Python leaves as it is
        raise InputError(
            f"{_start(name)}{text} begins with the ~ of a home folder that does not exist here: give the whole path, "
            f"or {os.path.join('.', text)} if the name itself begins with ~."
        )
    return Path(expanded)


def full_path(path: str | os.PathLike, name: str = "") -> Path:
    """Return the absolute path of a file or folder that a user gave, with a link followed.

    Parameters
    ----------
    path : path
        Existing or not.
    name : str
        Name of the variable or argument that contains it, for messages.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        As `given_path`.
    MissingError
        If the path is relative to a working folder that was deleted.

    Examples
    --------
    >>> full_path("results").is_absolute()
    True
    """
    given = given_path(path, name)
    if not given.is_absolute() and working_folder() is None:
        raise MissingError(
            f"{_start(name)}{path!s} is relative to the working folder, which was deleted: give the whole path, or "
            "change to another folder with os.chdir."
        )
    absolute = Path(os.path.abspath(given))
    return Path(os.path.realpath(given)) if os.path.islink(absolute) or ".." in given.parts else absolute


def working_folder() -> Path | None:
    """Return the folder in which this program works.

    Returns
    -------
    Path or None
        None if that folder was deleted.

    Examples
    --------
    >>> working_folder() == Path.cwd()
    True
    """
    try:
        return Path.cwd()
    except OSError:
        return None


def _start(name: str) -> str:
    return f"{name}: " if name else ""
