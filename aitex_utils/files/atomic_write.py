"""Write a file or a folder whole or not at all.

A write goes to a temporary name beside the target, which is renamed at the end. An interruption, a full disk or an
error leaves the previous content untouched.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError


@contextlib.contextmanager
def atomic_write(target: str | os.PathLike, *, folder: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to, and rename it to `target` if the block ends without an error.

    Parameters
    ----------
    target : path
        File or folder to write; missing parent folders are created.
    folder : bool
        The temporary path is an empty folder; an existing folder at `target` is replaced.

    Yields
    ------
    Path

    Raises
    ------
    InputError
        If the disk is full, the place is read-only, or a file is in the way.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with atomic_write(f"{place}/scores.csv") as path:
    ...         _ = path.write_text("strip,score")
    ...     os.listdir(place)
    ['scores.csv']
    """
    target = Path(os.path.abspath(target))  # "." and ".." have no name of their own
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        fresh = temporary / target.name
        if folder:
            fresh.mkdir()
        yield fresh
        if folder and target.is_dir():
            _replace_folder(fresh, target, temporary.with_name(temporary.name + ".older"))
        else:
            os.replace(fresh, target)
    except OSError as error:
        explained = _explain(error, target)
        if explained is None:
            raise
        raise explained from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file, read in pieces of 1 MiB.

    Parameters
    ----------
    path : path
        File to read.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "empty").write_bytes(b"")
    ...     sha256(f"{place}/empty")[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _replace_folder(fresh: Path, target: Path, older: Path) -> None:
    """Rename `target` to `older` and `fresh` to `target`; undo the first step if the second fails."""
    os.replace(target, older)
    try:
        os.replace(fresh, target)
    except BaseException:
        try:
            os.replace(older, target)
        except OSError as error:
            raise InputError(
                f"{target} was neither replaced nor restored: its content is in {older}, rename that folder."
            ) from error
        raise
    shutil.rmtree(older, ignore_errors=True)


def _explain(error: OSError, target: Path) -> InputError | None:
    """Return the system's error as a sentence that says what to do, or None if there is nothing to add."""
    if isinstance(error, InputError):
        return None
    numpy_full = error.errno is None and "requested and" in str(error)  # np.save does not pass on the errno
    if numpy_full or error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        free = shutil.disk_usage(_existing(target)).free
        return InputError(
            f"The disk is full ({free / 2**20:.0f} MiB free), so {target} was not written: "
            "free some space and run it again; nothing was left half-written."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InputError(
            f"{target} cannot be written: the folder {_existing(target.parent)} is read-only for you. "
            "Choose another folder, or change its permissions."
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return InputError(
            f"{target} cannot be written: a file or folder of that name is in the way, choose another name."
        )
    return None


def _existing(path: Path) -> Path:
    """Return the nearest folder at or above `path` that exists."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path
