"""Errors of the caller's own stream, raised as they are while files are written.

Whatever writes files turns errors of the system into a sentence about the file. A generator of the caller that fails in
between, because a picture is missing, must not end in a sentence about another file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class _StreamFailed(Exception):  # noqa: N818 - carries the error of a stream, and is no error of its own
    """The end of a block whose stream failed."""


@contextlib.contextmanager
def pass_stream_errors() -> Iterator[Callable[[Iterable[Any]], Iterator[Any]]]:
    """Yield a function that draws from a stream, whose errors then leave the block unchanged.

    Yields
    ------
    callable
        Takes an iterable, and yields its items.

    Examples
    --------
    >>> try:
    ...     with pass_stream_errors() as draw, contextlib.suppress(OSError):
    ...         list(draw(open(name) for name in ["no/such/file"]))
    ... except FileNotFoundError as error:
    ...     print(error.filename)
    no/such/file
    """
    errors: list[Exception] = []

    def draw(stream: Iterable[Any]) -> Iterator[Any]:
        try:
            yield from stream
        except Exception as error:
            errors.append(error)
            raise _StreamFailed from error

    try:
        yield draw
    except _StreamFailed:
        pass
    if errors:
        raise errors.pop()
