"""Exhausted memory, which each library reports in its own way, said in one sentence."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from ..errors import InputError

# How PyTorch (on CPU and GPU), OpenCV, FAISS and the system say that memory ran out, where it is no MemoryError.
NO_MEMORY = re.compile(
    r"can(no|')t allocate memory|not enough memory|out of memory|insufficient memory|bad_alloc", re.I
)
ON_GPU = re.compile("CUDA|HIP|MPS")


class OutOfMemoryError(InputError, MemoryError):
    """Not enough memory. The message says how much was requested, if that is known, and what to do instead.

    Examples
    --------
    >>> issubclass(OutOfMemoryError, InputError) and issubclass(OutOfMemoryError, MemoryError)
    True
    """


@contextlib.contextmanager
def explain_memory() -> Iterator[None]:
    """Turn the libraries' different errors of exhausted memory into `OutOfMemoryError`, and let all others pass.

    Works as a context manager and as a decorator.

    Yields
    ------
    None

    Raises
    ------
    OutOfMemoryError
        If the block runs out of memory.

    Examples
    --------
    >>> try:
    ...     with explain_memory():
    ...         raise RuntimeError("not enough memory: you tried to allocate 8589934592 bytes.")
    ... except MemoryError as error:
    ...     print(str(error).split(":")[0])
    Memory ran out (not enough memory
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) or not (isinstance(error, MemoryError) or NO_MEMORY.search(str(error))):
            raise
        elsewhere = "take device='cpu', " if ON_GPU.search(first_line(error)) else ""
        raise OutOfMemoryError(
            f"Memory ran out ({first_line(error)}): {elsewhere}give fewer or smaller tiles, take a smaller `size` or "
            "`batch_size`, or bound a fit with memory=1 (GiB)."
        ) from error


def first_line(error: BaseException) -> str:
    r"""Return the first line of an error's message, or its type if it has none.

    Parameters
    ----------
    error : BaseException
        Any error.

    Returns
    -------
    str

    Examples
    --------
    >>> first_line(OSError("no route\nto host")), first_line(MemoryError())
    ('no route', 'MemoryError')
    """
    return (str(error).splitlines() or [type(error).__name__])[0]
