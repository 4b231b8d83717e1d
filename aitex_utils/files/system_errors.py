"""Errors of the operating system as sentences that are true and say what to do next."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, MissingError

PATIENCE = 2.0  # seconds for which a file that another program uses is tried again
IN_USE = {errno.EACCES, errno.EPERM, errno.EBUSY, getattr(errno, "ETXTBSY", errno.EBUSY)}
IN_USE_ON_WINDOWS = {5, 32, 33}  # access denied, sharing violation, lock violation
MAX_WINDOWS_PATH = 248  # characters of a folder's path, where long paths are not enabled


def is_in_use(error: OSError) -> bool:
    """Say whether an error can pass by itself, because a virus scanner or OneDrive uses the file for a moment.

    Parameters
    ----------
    error : OSError
        Error of a rename or a write.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_in_use(PermissionError(errno.EACCES, "Permission denied")), is_in_use(OSError(errno.ENOSPC, "full"))
    (True, False)
    """
    return error.errno in IN_USE or getattr(error, "winerror", None) in IN_USE_ON_WINDOWS


def try_again(action: Callable[[], None], *, unless: Callable[[], bool] = lambda: False) -> None:
    """Call `action`, and again for up to two seconds while another program uses the file.

    Parameters
    ----------
    action : callable
        Raises `OSError` if it fails, and has changed nothing then.
    unless : callable
        If it returns True after a failure, `action` is not tried again.

    Raises
    ------
    OSError
        The last error of `action`.

    Examples
    --------
    >>> try_again(lambda: None)
    """
    end, pause = time.monotonic() + PATIENCE, 0.01
    while True:
        try:
            return action()
        except OSError as error:
            if not is_in_use(error) or unless() or time.monotonic() >= end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 0.25)


def explain(error: OSError, target: str | os.PathLike) -> InputError:
    """Return an error of the system while `target` was written as a sentence that says what to do.

    Parameters
    ----------
    error : OSError
        Error of the system.
    target : path
        File or folder that was to be written.

    Returns
    -------
    InputError
        With the system's own words where the cause is unclear.

    Examples
    --------
    >>> print(explain(OSError(errno.ENAMETOOLONG, "File name too long"), "scores.csv"))
    scores.csv was not written: its name or path is too long (10 characters), choose a shorter one.
    """
    if isinstance(error, InputError):
        return error
    target = Path(target)
    code, windows = error.errno, getattr(error, "winerror", None)
    # np.save does not pass on the errno, but says "12800 requested and 12256 written"
    if code == errno.ENOSPC or windows in (39, 112) or (code is None and "requested and" in str(error)):
        return _full_disk(target)
    if code == getattr(errno, "EDQUOT", -1) or windows == 1295:
        return _not_written(target, "your quota on this disk is used up, delete something of yours and run it again")
    if code == errno.EROFS:
        return InputError(
            f"{target} cannot be written: the folder {_existing(target.parent)} is read-only, as its whole disk is. "
            "Choose a folder on another disk."
        )
    if is_in_use(error):
        return _denied(target)
    longest = max(len(str(target)), len(error.filename) if isinstance(error.filename, str) else 0)
    if code == errno.ENAMETOOLONG or windows == 206 or (windows == 3 and longest >= MAX_WINDOWS_PATH):
        return _not_written(target, f"its name or path is too long ({longest} characters), choose a shorter one")
    if code == errno.EILSEQ or windows in (123, 161, 267):
        return _not_written(target, f"the system does not allow the name {target.name!r}, choose letters and digits")
    if code in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY):
        return _in_the_way(target)
    if code == errno.ENOENT and not target.parent.is_dir():
        return _missing(target)
    kind = MissingError if code == errno.ENOENT else InputError
    words = error.strerror or " ".join(str(error).split()) or type(error).__name__
    return kind(f'{target} was not written: the system says "{words}", check the disk or choose another place.')


def is_writable(folder: Path) -> bool:
    """Say whether a folder takes new files, by trying it.

    Parameters
    ----------
    folder : Path
        Folder that exists.

    Returns
    -------
    bool

    Notes
    -----
    The permission bits are not asked: Windows and network drives do not show all permissions in them.

    Examples
    --------
    >>> is_writable(Path(tempfile.gettempdir()))
    True
    """
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".writable-", dir=folder))
    except OSError:
        return False
    return True


def _not_written(target: Path, reason: str) -> InputError:
    return InputError(f"{target} was not written: {reason}.")


def _full_disk(target: Path) -> InputError:
    place = _existing(target)
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            state = os.statvfs(place)
            if state.f_files and not state.f_favail:
                return _not_written(target, "its disk cannot take more files, delete some and run it again")
    free = shutil.disk_usage(place).free
    return InputError(
        f"The disk is full ({free / 2**20:.0f} MiB free), so {target} was not written: "
        "free some space and run it again. Nothing was left half-written."
    )


def _denied(target: Path) -> InputError:
    """Distinguish a read-only folder from a file that another program uses."""
    place = _existing(target.parent)
    if not is_writable(place):
        return InputError(
            f"{target} cannot be written: the folder {place} is read-only for you. "
            "Choose another folder, or change its permissions."
        )
    if not os.path.lexists(target):
        return InputError(
            f"{target} cannot be written: the system refuses it although the folder {place} takes other files. "
            "A virus scanner can be the reason: choose another folder or name."
        )
    if not os.access(target, os.W_OK):
        return InputError(
            f"{target} cannot be replaced: it is read-only for you. Choose another name, or change its permissions."
        )
    user = "a program uses it or a file in it" if target.is_dir() else "another program uses it"
    return InputError(
        f"{target} cannot be replaced, after {PATIENCE:g} s of trying: {user} (an editor, a virus scanner, OneDrive), "
        "or it belongs to another user. Close that program and run it again, or choose another name."
    )


def _in_the_way(target: Path) -> InputError:
    obstacle = next((path for path in (target, *target.parents) if os.path.lexists(path)), target)
    kind = "folder" if obstacle.is_dir() else "file"
    name = "that name" if obstacle == target else str(obstacle)
    return InputError(f"{target} cannot be written: a {kind} of {name} is in the way, choose another name.")


def _missing(target: Path) -> InputError:
    if target.anchor and not os.path.exists(target.anchor):
        return MissingError(f"{target} cannot be written: there is no drive {target.anchor}, choose another place.")
    return MissingError(
        f"{target} cannot be written: the folder {target.parent} does not exist or disappeared meanwhile, "
        "choose another place."
    )


def _existing(path: Path) -> Path:
    """Return the nearest folder at or above `path` that exists."""
    path = path.absolute()
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path
