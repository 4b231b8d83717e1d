"""Let one process at a time write to a place, and refuse the second one in a sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .system_errors import explain


@contextlib.contextmanager
def only_one(file: Path, refusal: str) -> Iterator[None]:
    """Take a lock for a block, or refuse at once if another process has it.

    Parameters
    ----------
    file : Path
        File of the lock. It is deleted at the end. After a kill it stays, and locks nothing.
    refusal : str
        Message if another process has the lock.

    Yields
    ------
    None

    Raises
    ------
    InputError
        If another process has the lock, or the file cannot be made.

    Notes
    -----
    Some network disks have no locks. The block then runs without one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     file = Path(place, ".lock")
    ...     with only_one(file, "Another process writes here: wait until it has ended."):
    ...         file.is_file()
    ...     file.exists()
    True
    False
    """
    from filelock import FileLock, Timeout

    with contextlib.ExitStack() as stack:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(file, timeout=0))
        except Timeout as error:
            raise InputError(refusal) from error
        except NotImplementedError:
            pass
        except OSError as error:
            raise explain(error, file) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows deletes it when the lock is released
                file.unlink()
