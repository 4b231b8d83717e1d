"""Worker processes of this machine without Dask: spawned, of one thread each, with bounded memory.

Each worker is a `ProcessPoolExecutor` of its own. So a task can be given to a certain worker, and when a worker dies,
only its own tasks are interrupted.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ..errors import InputError, check_integer, check_number

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
WATCH = 0.05  # seconds between two looks at a worker's memory and at the process that started it
MOST_WORKERS = 1024


class ProcessPool:
    """Worker processes on this machine, with the `submit` of an executor.

    Parameters
    ----------
    n_workers : int
        Number of processes.
    memory_limit : float, optional
        GiB that each process can take. A process that takes more ends, and its task counts as interrupted. None sets no
        limit.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A process is started when it gets its first task. A script that uses this class must not start anything when it is
    imported, because each process imports it: put the calls under ``if __name__ == "__main__":``.

    Examples
    --------
    >>> with ProcessPool(2) as pool:
    ...     pool.submit(pow, 2, 10).result()
    1024
    """

    def __init__(self, n_workers: int = 2, *, memory_limit: float | None = None) -> None:
        self.n_workers = check_integer("n_workers", n_workers, 1, MOST_WORKERS)
        is_limited = memory_limit is not None
        self.memory_limit = check_number("memory_limit", memory_limit, "(0, inf)", example=2) if is_limited else None
        self._workers = [_Worker(self.memory_limit) for _ in range(self.n_workers)]
        self._is_closed = False

    def submit(self, function: Callable[..., Any], *arguments: Any, worker: int | None = None) -> Future:
        """Give a task to a worker.

        Parameters
        ----------
        function : callable
            Function of a module, which the worker imports.
        *arguments
            Its arguments.
        worker : int, optional
            Number of the worker, from 0; None takes a worker with the fewest tasks.

        Returns
        -------
        concurrent.futures.Future
            Its `result()` raises `BrokenProcessPool` if the worker dies. Its next task starts a new worker.

        Raises
        ------
        InputError
            If the pool is closed, or there is no such worker.
        """
        if self._is_closed:
            raise InputError("The pool of processes is closed: start another.")
        if worker is None:
            worker = min(range(self.n_workers), key=lambda number: self._workers[number].waiting)
        worker = check_integer("worker", worker, 0, self.n_workers - 1, "the number of the last worker")
        return self._workers[worker].submit(function, *arguments)

    def process_ids(self) -> list[int]:
        """Return the number of the process of each worker that has been started.

        Returns
        -------
        list of int
        """
        return [number for worker in self._workers if (number := worker.process_id()) is not None]

    def close(self) -> None:
        """End the processes, even while they run tasks."""
        self._is_closed = True
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Worker:
    """A process that is started when needed, and again after it died."""

    def __init__(self, memory_limit: float | None) -> None:
        self.waiting = 0  # tasks that have not ended
        self._memory_limit, self._executor, self._process_id = memory_limit, None, None
        self._lock = threading.Lock()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        with environment(ONE_THREAD):  # a spawned process takes the variables over, before it imports anything
            try:
                future = self._started().submit(function, *arguments)
            except BrokenProcessPool:
                self._executor = None
                future = self._started().submit(function, *arguments)
        with self._lock:
            self.waiting += 1
        future.add_done_callback(self._one_less)
        return future

    def process_id(self) -> int | None:
        with contextlib.suppress(BrokenProcessPool):
            return None if self._process_id is None else self._process_id.result()
        return None

    def close(self) -> None:
        import psutil

        if self._executor is None:
            return
        if (number := self.process_id()) is not None:  # not before it has started: else its first task would run first
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(number)
                if process.ppid() == os.getpid():
                    process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)  # returns at once when the process has ended
        self._executor = None

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")
            options = {"initializer": _begin_worker, "initargs": (self._memory_limit,)}
            keep_main_module_whole()
            executor = ProcessPoolExecutor(1, mp_context=context, **options)
            self._process_id = executor.submit(os.getpid)
            _leave_results_to_the_worker(executor)
            self._executor = executor
        return self._executor

    def _one_less(self, _: Future) -> None:
        with self._lock:
            self.waiting -= 1


def keep_main_module_whole() -> None:
    """Give the main module its `__spec__` back, which IPython's `%reset` deletes and a spawned process needs.

    Examples
    --------
    >>> keep_main_module_whole()
    >>> hasattr(sys.modules["__main__"], "__spec__")
    True
    """
    vars(sys.modules["__main__"]).setdefault("__spec__", None)


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a block, and restore them after it.

    Parameters
    ----------
    variables : dict of str to str
        Variables by name.

    Yields
    ------
    None

    Examples
    --------
    >>> with environment({"OMP_NUM_THREADS": "1"}):
    ...     os.environ["OMP_NUM_THREADS"]
    '1'
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _leave_results_to_the_worker(executor: ProcessPoolExecutor) -> None:
    """Close this process's own end of the pipe on which the only worker of an executor sends its results.

    Otherwise the pipe stays open when the worker dies while it sends a result, and the rest is awaited forever.
    """
    writer = getattr(getattr(executor, "_result_queue", None), "_writer", None)
    if writer is not None:
        writer.close()


def _begin_worker(memory_limit: float | None) -> None:
    """Prepare a worker process: one thread, no reaction to Ctrl-C, and a watch over its memory and its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all processes, and the parent handles it
    if "torch" in sys.modules:  # imported by the script that the process was started from
        sys.modules["torch"].set_num_threads(1)
    threading.Thread(target=_watch, args=(memory_limit,), daemon=True).start()


def _watch(memory_limit: float | None) -> None:
    """End this process when it takes too much memory, or when the process that started it has ended."""
    import psutil

    own, parent = psutil.Process(), multiprocessing.parent_process()
    while True:
        if memory_limit is not None and own.memory_info().rss > memory_limit * 2**30:
            os._exit(1)
        if parent is not None and not parent.is_alive():
            os._exit(0)
        time.sleep(WATCH)
