"""Start workers on this machine: a Dask cluster with its dashboard, or a pool of processes where Dask is missing."""

from __future__ import annotations

import importlib.util
import logging
from typing import TYPE_CHECKING

from ..errors import InputError, MissingError, check_flag, check_integer, check_number
from .pool import MOST_WORKERS, ONE_THREAD, ProcessPool, environment, keep_main_module_whole

if TYPE_CHECKING:
    from distributed import Client

SETTINGS = {
    "distributed.worker.multiprocessing-method": "spawn",
    # Without Dask's MALLOC_TRIM_THRESHOLD_, which returns memory to the system after each tensor.
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    "distributed.worker.daemon": True,
    "distributed.scheduler.allowed-failures": 0,  # `tasks.run_jobs` counts the workers that died, and gives jobs again
}
# A worker that is paused near its limit would wait forever for memory that it needs itself. Without a pause its nanny
# ends it at the limit, so a job that is too large is noticed.
MEMORY = {f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause")}
ADVICE = "run `python course.py scale`, or take start_pool(), which works without Dask"


def has_dask() -> bool:
    """Return whether Dask's distributed scheduler is installed.

    Returns
    -------
    bool

    Examples
    --------
    >>> isinstance(has_dask(), bool)
    True
    """
    return importlib.util.find_spec("distributed") is not None


def start_workers(n_workers: int = 2, *, memory_limit: float = 2.0, quiet: bool = False) -> Client | ProcessPool:
    """Start a Dask cluster of this machine if Dask is installed, else a pool of processes.

    Parameters
    ----------
    n_workers, memory_limit, quiet
        As in `start_cluster`.

    Returns
    -------
    distributed.Client or ProcessPool
        Both have `submit` and `close`, and end their workers at the end of a ``with`` block.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> with start_workers(1, quiet=True) as client:
    ...     client.submit(pow, 2, 10).result()
    1024
    """
    if has_dask():
        return start_cluster(n_workers, memory_limit=memory_limit, quiet=quiet)
    return start_pool(n_workers, memory_limit=memory_limit)


def start_pool(n_workers: int = 2, *, memory_limit: float | None = 2.0) -> ProcessPool:
    """Start a pool of processes.

    Parameters
    ----------
    n_workers : int
        Number of worker processes, of one thread each.
    memory_limit : float, optional
        GiB that each worker can take; None sets no limit.

    Returns
    -------
    ProcessPool

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> with start_pool(1) as client:
    ...     client.submit(pow, 2, 10).result()
    1024
    """
    return ProcessPool(n_workers, memory_limit=memory_limit)


def start_cluster(
    n_workers: int = 2, *, memory_limit: float = 2.0, dashboard: bool = True, quiet: bool = False
) -> Client:
    """Start a Dask cluster on this machine and return its client.

    Parameters
    ----------
    n_workers : int
        Number of worker processes, of one thread each. They are spawned, so a script that calls this function must do
        so under ``if __name__ == "__main__":``.
    memory_limit : float
        GiB that each worker can take. Dask ends a worker at 95 % of it, and starts another.
    dashboard : bool
        Serve the dashboard, at port 8787 of this machine or at a free port.
    quiet : bool
        Do not print the dashboard's address.

    Returns
    -------
    distributed.Client
        Closing it ends the cluster. `dashboard_link` is the dashboard's address.

    Raises
    ------
    MissingError
        If Dask is not installed.
    InputError
        If an argument is out of range, or the workers do not start.

    Notes
    -----
    Scheduler, workers and dashboard listen on this machine's own address, 127.0.0.1, alone.

    Examples
    --------
    >>> with start_cluster(1, dashboard=False) as client:  # doctest: +SKIP
    ...     client.submit(pow, 2, 10).result()
    1024
    """
    n_workers = check_integer("n_workers", n_workers, 1, MOST_WORKERS)
    memory_limit = check_number("memory_limit", memory_limit, "(0, inf)", example=2)
    dashboard, quiet = check_flag("dashboard", dashboard), check_flag("quiet", quiet)
    if not has_dask():
        raise MissingError(f"Dask is not installed: {ADVICE}.")
    import dask
    from distributed import Client

    # Errors are raised. Dask also logs an error where nothing is wrong: a heartbeat at the end of the cluster.
    options = {"host": "127.0.0.1", "silence_logs": logging.CRITICAL, "scheduler_kwargs": {"dashboard": dashboard}}
    options["dashboard_address"] = f"127.0.0.1:{_free_port(8787) if dashboard else 0}"
    keep_main_module_whole()
    try:
        with dask.config.set(SETTINGS), environment(ONE_THREAD):  # Dask prefers variables that are set already
            client = Client(
                n_workers=n_workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=round(memory_limit * 2**30),
                config=MEMORY,  # of these workers and of those that replace them
                **options,
            )
    except (OSError, TimeoutError, RuntimeError) as error:
        raise InputError(
            f"The Dask cluster did not start ({error}): take start_pool(), or close other programs."
        ) from error
    if dashboard and not quiet:
        print(f"Dask's dashboard: {client.dashboard_link}", flush=True)
    return client


def _free_port(preferred: int) -> int:
    """Return a port of this machine: the preferred one if nothing listens there, else 0 for any."""
    import socket

    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return 0
    return preferred
