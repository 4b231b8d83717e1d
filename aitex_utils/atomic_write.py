"""Writing so that a file or folder is there whole or not at all.

A write goes to a temporary name beside the target and is renamed at the end. An interruption, a full
disk or an error leaves what was there before untouched.
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

from .errors import InputError


@contextlib.contextmanager
def write_whole(target: str | os.PathLike, *, folder: bool = False) -> Iterator[Path]:
    """Give a temporary path to write to; rename it to `target` when the block ends without an error.

    With `folder=True` the temporary path is an empty folder, and an older folder at `target` is replaced.
    A full disk or a folder that can't be written to raises `InputError` with the mend.

    >>> with write_whole("scores.csv") as path:       # doctest: +SKIP
    ...     path.write_text("strip,score\\n")
    """
    target = Path(os.path.abspath(target))  # "." and ".." have no name of their own
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        inside = temporary / target.name
        if folder:
            inside.mkdir()
        yield inside
        if folder and target.is_dir():
            _replace_folder(inside, target, temporary.with_name(temporary.name + ".older"))
        else:
            os.replace(inside, target)
    except OSError as error:
        told = _told(error, target)
        if told is None:
            raise
        raise told from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _replace_folder(fresh: Path, target: Path, older: Path) -> None:
    """Rename `fresh` to `target` after what was there to `older`; put it back if that fails half way."""
    os.replace(target, older)
    try:
        os.replace(fresh, target)
    except BaseException:
        try:
            os.replace(older, target)
        except OSError as error:
            raise InputError(
                f"{target} was neither replaced nor put back: it is whole in {older}, rename it."
            ) from error
        raise
    shutil.rmtree(older, ignore_errors=True)


def _told(error: OSError, target: Path) -> InputError | None:
    """Turn the system's word into a sentence with the mend; None where there is none to give."""
    if isinstance(error, InputError):
        return None
    numpy_full = error.errno is None and "requested and" in str(error)  # np.save doesn't pass on the errno
    if numpy_full or error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        free = shutil.disk_usage(_existing(target)).free
        return InputError(
            f"The disk is full ({free / 2**20:.0f} MiB free), so {target} wasn't written: "
            "free some space and run it again; nothing was left half-written."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InputError(
            f"{target} can't be written: the folder {_existing(target.parent)} is read-only for you. "
            "Choose another folder, or change its permissions."
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return InputError(f"{target} can't be written: a file or folder of that name is in the way, choose another.")
    return None


def _existing(path: Path) -> Path:
    """Return the nearest folder above `path` that exists."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path
