"""Run a learner's code so that nothing of it remains: no prints, settings, replaced functions or endless loops."""

from __future__ import annotations

import _thread
import contextlib
import io
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

TIME_LIMIT = 30.0  # seconds for all calls of one answer (the course's own answers take less than 2)
MODULES = ("builtins", "math", "numpy", "numpy.linalg", "torch", "torch.nn.functional")  # whose names are put back


class TimeLimitError(Exception):
    """A learner's code did not end in time.

    Examples
    --------
    >>> issubclass(TimeLimitError, Exception)
    True
    """


class _NullStream(io.TextIOBase):
    """A text stream that discards all that is printed."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Hide prints, progress bars and warnings of the functions that are called, and undo what they set for all.

    Yields
    ------
    None

    Notes
    -----
    It puts back the functions of NumPy, PyTorch and Python that were replaced, and the states of the global random
    numbers. It also puts back NumPy's and PyTorch's settings, the recursion limit and the working directory. An object
    that a function keeps and changes for itself, such as a list of its notebook, stays changed.

    Examples
    --------
    >>> with contained():
    ...     print("hidden")
    ...     np.mean = np.sum
    >>> np.mean is np.sum
    False
    """
    names = [vars(sys.modules[module]) for module in MODULES if module in sys.modules]
    functions = [dict(by_name) for by_name in names]
    settings = [(write, read()) for read, write in _settings()]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), np.printoptions():
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(_NullStream()), contextlib.redirect_stderr(_NullStream()):
                yield
    finally:
        for by_name, before in zip(names, functions, strict=True):
            by_name.update(before)
        for write, value in settings:
            write(value)


def own_defaults() -> contextlib.AbstractContextManager[None]:
    """Return a context in which an exercise makes its cases and results, whatever the notebook has set for PyTorch.

    Returns
    -------
    context manager

    Examples
    --------
    >>> with own_defaults():
    ...     pass
    """
    if "torch" not in sys.modules:
        return contextlib.nullcontext()
    from aitex_utils.safety.torch_defaults import torch_defaults

    return torch_defaults()


def _settings() -> list[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Return pairs of functions that read and write a setting for the whole process."""
    pairs: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
        (sys.getrecursionlimit, sys.setrecursionlimit),
        (random.getstate, random.setstate),
        (np.random.get_state, np.random.set_state),
        (_working_folder, lambda folder: folder and os.chdir(folder)),
    ]
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_default_device"):  # not while it is being imported

        def set_device(device: Any) -> None:
            if torch.get_default_device() != device:
                torch.set_default_device(device)

        pairs += [
            (torch.get_default_dtype, torch.set_default_dtype),
            (torch.is_grad_enabled, torch.set_grad_enabled),
            (torch.get_rng_state, torch.set_rng_state),
            (torch.get_default_device, set_device),
        ]
    return pairs


def _working_folder() -> str:
    """Return the working directory, an empty string if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt a block of Python code after a time.

    Parameters
    ----------
    seconds : float
        Time limit.

    Yields
    ------
    None

    Raises
    ------
    TimeLimitError
        If the block was interrupted.

    Notes
    -----
    The block is interrupted as by Ctrl-C. This works in the main thread, between two steps of Python, and outside
    blocks that catch every exception. There is no limit elsewhere.

    Examples
    --------
    >>> try:
    ...     with time_limit(0.01):
    ...         while True:
    ...             pass
    ... except TimeLimitError:
    ...     print("stopped")
    stopped
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    expired = threading.Event()

    def interrupt() -> None:
        expired.set()
        if hasattr(signal, "pthread_kill"):  # a signal ends waiting too, such as `time.sleep`
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            _thread.interrupt_main()

    def stop(*_: object) -> None:
        if expired.is_set():
            raise KeyboardInterrupt

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    before = signal.getsignal(signal.SIGINT)
    is_deaf = before in (signal.SIG_IGN, signal.SIG_DFL)  # a shell starts background jobs with SIGINT ignored
    if is_deaf:
        signal.signal(signal.SIGINT, stop)
    try:
        try:
            timer.start()
            yield
        finally:
            timer.cancel()
            timer.join()  # a late interrupt arrives here
    except KeyboardInterrupt:
        if not expired.is_set():
            raise
        raise TimeLimitError from None
    finally:
        if is_deaf:
            signal.signal(signal.SIGINT, before)
