"""Sentences of notebook 11 that follow from a measurement, so they are right on every machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from aitex_utils.lessons.wording import count


def describe_client(client: Any) -> str:
    """Say what kind of workers a client has.

    Parameters
    ----------
    client : distributed.Client or ProcessPool
        Workers.

    Returns
    -------
    str

    Examples
    --------
    >>> from aitex_utils.scale.pool import ProcessPool
    >>> with ProcessPool(1) as pool:
    ...     print(describe_client(pool))
    Dask is not used: these are the processes of a pool. `python course.py scale` adds Dask, with its dashboard.
    """
    link = getattr(client, "dashboard_link", None)
    if link is None and not hasattr(client, "scheduler_info"):
        note = "Dask is not used: these are the processes of a pool."
        return f"{note} `python course.py scale` adds Dask, with its dashboard."
    return "Dask's scheduler gives out the tasks. Its dashboard is there as long as the client."


def compare_banks(first: np.ndarray, second: np.ndarray) -> str:
    """Say whether two banks are equal bit for bit.

    Parameters
    ----------
    first, second : ndarray, shape (N, C)
        Vectors.

    Returns
    -------
    str

    Examples
    --------
    >>> compare_banks(np.zeros((3, 2)), np.zeros((3, 2)))
    'Both banks have the same 3 vectors in the same order, bit for bit.'
    >>> compare_banks(np.zeros((3, 2)), np.eye(3, 2))
    'The banks differ in 2 of 3 vectors.'
    """
    if first.shape != second.shape:
        return f"The banks have {count(len(first), 'vector')} and {count(len(second), 'vector')}."
    different = int((first != second).any(axis=1).sum())
    if different:
        return f"The banks differ in {different:,} of {count(len(first), 'vector')}."
    return f"Both banks have the same {count(len(first), 'vector')} in the same order, bit for bit."


def describe_worker_time(computing: float, moving: float, waiting: float) -> str:
    """Say where the time of workers went.

    Parameters
    ----------
    computing, moving, waiting : float
        Seconds, summed over the workers.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_worker_time(3.0, 0.0, 9.0)
    'Computing 3.0 s, moving 0.0 s, waiting 9.0 s. The workers waited for most of their time.'
    """
    parts = {"computed": computing, "moved data": moving, "waited": waiting}
    largest = max(parts, key=parts.__getitem__)
    share = parts[largest] / sum(parts.values())
    text = f"Computing {computing:.1f} s, moving {moving:.1f} s, waiting {waiting:.1f} s."
    return f"{text} The workers {largest} for {'most' if share > 0.5 else 'the largest part'} of their time."


def describe_threads(seconds: Mapping[int, float]) -> str:
    """Compare the times of workers with several threads each.

    Parameters
    ----------
    seconds : mapping of int to float
        Seconds by the number of threads, from 1 on.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_threads({1: 1.0, 4: 2.5})
    'Both workers extract, with 1 thread each: 1.00 s, with 4 threads each: 2.50 s. More threads do not help.'
    >>> describe_threads({1: 1.0, 2: 0.5})
    'Both workers extract, with 1 thread each: 1.00 s, with 2 threads each: 0.50 s. There are cores that are free.'
    """
    listed = ", ".join(f"with {count(n, 'thread')} each: {value:.2f} s" for n, value in seconds.items())
    helps = min(seconds.values()) < 0.8 * next(iter(seconds.values()))
    return (
        f"Both workers extract, {listed}. {'There are cores that are free' if helps else 'More threads do not help'}."
    )


def describe_shortest(measured: float, shortest: float) -> str:
    """Compare a measured time with the shortest time of its task graph.

    Parameters
    ----------
    measured, shortest : float
        Seconds.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_shortest(3.0, 2.0)
    'From the first task to the last, it took 3.0 s. No scheduler needs less than 2.0 s. It took 1.5 times that.'
    """
    ratio = measured / shortest
    text = f"From the first task to the last, it took {measured:.1f} s. No scheduler needs less than {shortest:.1f} s"
    return f"{text}. It took {ratio:.1f} times that."
