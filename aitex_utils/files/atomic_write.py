"""Write a file or a folder whole or not at all, and never over content that the course did not write.

A write goes to a temporary folder beside the target and is renamed at the end. An interruption, a full disk or an
error leaves the previous content untouched.

A folder is replaced by two renames: the previous folder goes into the temporary folder, the new folder to its place. A
process that is killed leaves its temporary folder behind, whose name contains the machine and the process. The next
write to the same place, and `settle` before a read, remove it, or first put the previous folder back if the kill fell
between the two renames. Temporary folders of processes that still run, or run elsewhere, are left alone.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import itertools
import os
import platform
import random
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .ownership import Manifest, refuse_foreign
from .paths import full_path, working_folder
from .system_errors import explain, try_again

NEW, PREVIOUS, DELETED = "new", "previous", "deleted"  # inside a temporary folder, and only PREVIOUS is ever put back
PART = re.compile(rf"{NEW}|{PREVIOUS}|{DELETED}\d*")
NAME_LENGTH = 40  # characters of the target's name that its temporary folder shows
CONTENTION = 30.0  # seconds for which several processes can take turns at replacing one folder
CLOCK_STEP = 60.0  # seconds by which a clock can have been set
TEMPORARY = re.compile(r"\.(.+)\.([0-9a-f]{8})-(\d+)-\w{8}", re.DOTALL)  # name, machine, process


class _Checked(Exception):  # noqa: N818 - ends a write, and is no error
    """The end of `check_writable`."""


@contextlib.contextmanager
def atomic_write(
    target: str | os.PathLike, *, folder: bool = False, manifest: Manifest | None = None
) -> Iterator[Path]:
    """Yield a temporary path to write to, and rename it to `target` if the block ends without an error.

    Parameters
    ----------
    target : path
        File or folder to write; missing parent folders are created. A link is followed.
    folder : bool
        The temporary path is an empty folder; an existing folder at `target` is replaced.
    manifest : Manifest, optional
        Shows which files of an existing folder can be replaced. None: only an empty folder is replaced.

    Yields
    ------
    Path

    Raises
    ------
    InputError
        If an existing folder contains anything that the manifest does not list. Also if the disk is full, the place is
        read-only, a file is in the way, or another program uses the target.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with atomic_write(f"{place}/scores.csv") as path:
    ...         _ = path.write_text("strip,score")
    ...     os.listdir(place)
    ['scores.csv']
    """
    target = full_path(target)
    with _explained(target):
        _refuse_obstacle(target, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent, target.name)
        if folder:
            refuse_foreign(target, manifest)  # now, not after minutes of work
        with _beside(target) as temporary:
            fresh = temporary / NEW / target.name
            (fresh if folder else fresh.parent).mkdir(parents=True)
            yield fresh
            if folder:
                _replace_folder(fresh, target, temporary, manifest)
            else:
                try_again(lambda: os.replace(fresh, target))


@contextlib.contextmanager
def scratch_folder(target: str | os.PathLike) -> Iterator[Path]:
    """Yield an empty folder beside a folder, for files that only this block needs, and delete it at the end.

    Parameters
    ----------
    target : path
        Folder, which need not exist, in one that exists. Leftovers of killed processes beside it are removed.

    Yields
    ------
    Path

    Raises
    ------
    InputError
        If the disk is full, or the place is read-only.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with scratch_folder(f"{place}/bank") as folder:
    ...         _ = Path(folder, "queries.txt").write_text("1 2 3")
    ...     os.listdir(place)
    []
    """
    target = full_path(target)
    remove_leftovers(target.parent, target.name)
    with _explained(target), _beside(target) as temporary:
        (temporary / NEW).mkdir()
        yield temporary / NEW


def check_writable(target: str | os.PathLike, *, folder: bool = False, manifest: Manifest | None = None) -> None:
    """Raise an error if `atomic_write` would fail now, before minutes of work. Nothing is written.

    Parameters
    ----------
    target, folder, manifest
        As in `atomic_write`.

    Raises
    ------
    InputError
        As `atomic_write`.

    Examples
    --------
    >>> check_writable("scores.csv")
    """
    with contextlib.suppress(_Checked), atomic_write(target, folder=folder, manifest=manifest) as path:
        if not folder:
            path.touch()
        raise _Checked


def remove_folder(target: str | os.PathLike, manifest: Manifest) -> None:
    """Delete a folder that the course wrote, whole or not at all. Nothing happens if it does not exist.

    Parameters
    ----------
    target : path
        Folder to delete.
    manifest : Manifest
        Shows which files are the course's own.

    Raises
    ------
    InputError
        If the folder contains anything else, or cannot be deleted.

    Examples
    --------
    >>> remove_folder("no/such/folder", Manifest("header.json", "a bank", lambda header: {}))
    """
    target = full_path(target)
    remove_leftovers(target.parent, target.name)
    refuse_foreign(target, manifest)
    if not target.is_dir():
        return
    try:
        with _beside(target) as temporary:
            _move_away(target, temporary, manifest)
            os.replace(temporary / PREVIOUS, temporary / DELETED)
    except OSError as error:
        raise explain(error, target) from error


def settle(target: str | os.PathLike) -> bool:
    """Prepare a folder for reading: put back what a killed process took away, and wait for one that replaces it.

    Parameters
    ----------
    target : path
        Folder that `atomic_write` wrote.

    Returns
    -------
    bool
        Whether the folder was missing and is there now.

    Examples
    --------
    >>> settle("no/such/folder")
    False
    """
    target = full_path(target)
    for _ in range(100):  # a replacement takes a few milliseconds
        if os.path.lexists(target):
            return False
        remove_leftovers(target.parent, target.name)
        if os.path.lexists(target):
            return True
        if not any((path / PREVIOUS / target.name).is_dir() for path in _temporary_folders(target.parent, target.name)):
            return os.path.lexists(target)
        time.sleep(0.02)
    return os.path.lexists(target)


def remove_leftovers(folder: str | os.PathLike, name: str | None = None) -> None:
    """Remove the temporary folders that killed processes of this machine left behind.

    Parameters
    ----------
    folder : path
        Folder in which `atomic_write` wrote.
    name : str, optional
        Name of the target; None removes the leftovers of all targets.

    Notes
    -----
    If a process was killed between two renames, only a folder's previous version is left. That version is put back.

    Examples
    --------
    >>> remove_leftovers("no/such/folder")
    """
    for path in _temporary_folders(Path(folder), name):
        with contextlib.suppress(OSError, InputError):
            if _is_leftover(path):
                _finish(path)


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
    >>> import tempfile
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


def _refuse_obstacle(target: Path, folder: bool) -> None:
    """Raise an error if the target is a file instead of a folder, or the reverse, or the folder of this program."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # the second is explained by what comes next
        if stat.S_ISDIR(os.stat(target).st_mode) != folder:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    here = working_folder()
    if folder and here is not None and (target == here or target in here.parents):
        raise InputError(f"{target} is the folder in which this program works: name a new folder inside it.")


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    """Turn an error of the system that is about the target into a sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, InputError) or not _is_about(target, error):
            raise
        raise explain(error, target) from error


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside the target, and finish it at the end."""
    temporary = _temporary_folder(target)
    try:
        yield temporary
    finally:
        _finish(temporary)


def _temporary_folder(target: Path) -> Path:
    """Make a temporary folder beside the target, with the default permissions: `mkdtemp` would pass its own on."""
    name = f".{target.name[:NAME_LENGTH]}.{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    os.mkdir(target.with_name(name))
    return target.with_name(name)


def _replace_folder(fresh: Path, target: Path, temporary: Path, manifest: Manifest | None) -> None:
    """Put `fresh` in the place of `target`, while other processes can do the same. `_finish` undoes one half of it."""
    end = time.monotonic() + CONTENTION
    for number in itertools.count():
        _move_away(target, temporary, manifest)
        try:
            try_again(lambda: os.replace(fresh, target), unless=target.is_dir)
            break
        except OSError as error:
            is_taken = error.errno in (errno.ENOTEMPTY, errno.EEXIST) or target.is_dir()
            if not is_taken or time.monotonic() > end:
                raise
        # Another process put its folder there in between, so the one moved away is not needed any more.
        os.replace(temporary / PREVIOUS, temporary / f"{DELETED}{number}")
        time.sleep(random.uniform(0, 0.01))
    with contextlib.suppress(OSError):
        os.replace(temporary / PREVIOUS, temporary / DELETED)  # never to be put back, even if half of it is deleted


def _move_away(target: Path, temporary: Path, manifest: Manifest | None) -> None:
    """Move a folder into the temporary one, where it can be checked undisturbed. Do nothing if it does not exist."""
    (temporary / PREVIOUS).mkdir()
    previous = temporary / PREVIOUS / target.name
    with contextlib.suppress(FileNotFoundError):
        try_again(lambda: os.replace(target, previous))
    if os.path.lexists(previous) and not previous.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    refuse_foreign(previous, manifest, shown=target)


def _finish(temporary: Path) -> None:
    """Put the previous folder back if nothing took its place, and delete the temporary folder."""
    for previous in (temporary / PREVIOUS).glob("*"):
        place = temporary.parent / previous.name
        if os.path.lexists(place):
            continue
        try:
            try_again(lambda previous=previous, place=place: os.replace(previous, place), unless=place.is_dir)
        except OSError as error:
            if os.path.lexists(place):
                continue
            shutil.rmtree(temporary / NEW, ignore_errors=True)
            raise InputError(
                f"{place} was neither replaced nor restored: its content is in {previous}, rename that folder."
            ) from error
    shutil.rmtree(temporary, ignore_errors=True)


def _is_about(target: Path, error: OSError) -> bool:
    """Say whether an error is about the target: the block can also read other files, or the network."""
    if isinstance(error, (ConnectionError, TimeoutError)):
        return False
    if not isinstance(error.filename, str):
        return error.errno is not None or "requested and" in str(error)  # the second is NumPy's
    if not os.path.isabs(error.filename) and working_folder() is None:
        return False
    path = Path(os.path.abspath(error.filename))
    return target.parent in (path, *path.parents) or path in target.parents


def _temporary_folders(folder: Path, name: str | None) -> list[Path]:
    """Return the temporary folders of this machine and of others, of one target or of all."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        matches = [(entry, TEMPORARY.fullmatch(entry.name)) for entry in entries]
        return [
            folder / entry.name
            for entry, match in matches
            if match and (name is None or match[1] == name[:NAME_LENGTH]) and entry.is_dir(follow_symlinks=False)
        ]
    return []


def _is_leftover(path: Path) -> bool:
    """Say whether a temporary folder is one of a process of this machine that has ended, with nothing foreign in it."""
    import psutil

    _, machine, process = TEMPORARY.fullmatch(path.name).groups()
    if machine != _machine() or not all(PART.fullmatch(entry) for entry in os.listdir(path)):
        return False
    try:
        writer = psutil.Process(int(process))
        is_another = writer.create_time() > path.stat().st_mtime + CLOCK_STEP  # which got the number later
        return is_another or writer.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


@functools.cache
def _machine() -> str:
    """Return a digest that distinguishes this machine, and the container in it, from others that share its disk."""
    parts = [platform.node()]
    with contextlib.suppress(OSError, UnicodeError):
        parts.append(Path("/etc/machine-id").read_text(encoding="ascii"))
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
