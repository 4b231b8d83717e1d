"""Workers of notebook 11: functions that run in them, and how long they take to start."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

REPEATS = 3  # of a measurement that other programs can disturb
PAUSE = 0.2  # seconds for which the first task of a worker waits, so that each worker gets one


class StartUp(NamedTuple):
    """Seconds until all workers can work.

    Parameters
    ----------
    process : float
        Until each has answered: a new Python, and the import of the task's module.
    detector : float
        Until each has imported PyTorch and loaded the weights.

    Examples
    --------
    >>> StartUp(1.0, 3.0).total
    4.0
    """

    process: float
    detector: float

    @property
    def total(self) -> float:
        """Sum of both."""
        return self.process + self.detector


def answer(pause: float) -> float:
    """Wait, and return the time: a task of a worker.

    Parameters
    ----------
    pause : float
        Seconds to wait.

    Returns
    -------
    float

    Examples
    --------
    >>> answer(0) <= time.time()
    True
    """
    time.sleep(pause)
    return time.time()


def load_detector(pause: float) -> float:
    """Load the network of this notebook, and return the time: a task of a worker.

    Parameters
    ----------
    pause : float
        Seconds to wait afterwards.

    Returns
    -------
    float

    Examples
    --------
    >>> load_detector(0) <= time.time()
    True
    """
    from .setup import TILE, lesson_features

    lesson_features().transform(np.zeros((1, TILE, TILE), np.uint8))
    ended = time.time()
    time.sleep(pause)
    return ended


def extract_with_threads(pieces: list[np.ndarray], threads: int) -> float:
    """Extract patches on several threads, and return the seconds of the fastest run: a task of a worker.

    Parameters
    ----------
    pieces : list of ndarray, each of shape (H, W)
        Pieces of strips.
    threads : int
        Threads of PyTorch.

    Returns
    -------
    float

    Examples
    --------
    >>> extract_with_threads([np.zeros((256, 256), np.uint8)], 1) > 0
    True
    """
    import torch

    from .setup import TILE, lesson_features

    features, before = lesson_features(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        features.extract_strip(pieces[0], TILE)  # a warm-up, which is not timed
        seconds = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            for piece in pieces:
                features.extract_strip(piece, TILE)
            seconds.append(time.perf_counter() - began)
        return min(seconds)
    finally:
        torch.set_num_threads(before)


def receive(array: np.ndarray) -> int:
    """Return the number of bytes of an array that was sent to a worker.

    Parameters
    ----------
    array : ndarray
        Any array.

    Returns
    -------
    int

    Examples
    --------
    >>> receive(np.zeros(2))
    16
    """
    return array.nbytes


def start_up(client: Any) -> StartUp:
    """Measure how long workers take to start.

    Parameters
    ----------
    client : distributed.Client, ProcessPool or None
        Workers that have had no task yet.

    Returns
    -------
    StartUp

    Examples
    --------
    >>> start_up(None).total > 0
    True
    """
    from aitex_utils.scale.tasks import Job, count_workers, run_jobs

    workers = range(count_workers(client))
    began = time.time()
    jobs = [Job(f"answer {i}", answer, (PAUSE,), i) for i in workers]
    answered = max(ended for _, ended in run_jobs(client, jobs)) - PAUSE
    began_loading = time.time()
    jobs = [Job(f"load {i}", load_detector, (PAUSE,), i) for i in workers]
    loaded = max(ended for _, ended in run_jobs(client, jobs))
    return StartUp(max(0.0, answered - began), loaded - began_loading)


def seconds_by_threads(client: Any, pieces: list[np.ndarray], threads: int) -> float:
    """Return the seconds in which all workers extract the same pieces at the same time, each on several threads.

    Parameters
    ----------
    client : distributed.Client, ProcessPool or None
        Workers that have started.
    pieces : list of ndarray, each of shape (H, W)
        Pieces of strips.
    threads : int
        Threads of each worker.

    Returns
    -------
    float
        Seconds of the slowest worker.

    Examples
    --------
    >>> seconds_by_threads(None, [np.zeros((256, 256), np.uint8)], 1) > 0
    True
    """
    from aitex_utils.scale.tasks import Job, count_workers, run_jobs

    jobs = [Job(f"threads {i}", extract_with_threads, (pieces, threads), i) for i in range(count_workers(client))]
    return max(seconds for _, seconds in run_jobs(client, jobs))


def seconds_to_send(client: Any, array: np.ndarray) -> float:
    """Return the seconds that it takes to send an array to a worker as the argument of a task.

    Parameters
    ----------
    client : distributed.Client, ProcessPool or None
        Workers that have started.
    array : ndarray
        Array to send.

    Returns
    -------
    float

    Examples
    --------
    >>> seconds_to_send(None, np.zeros(9)) >= 0
    True
    """
    from aitex_utils.scale.tasks import Job, run_jobs

    began = time.perf_counter()
    for _ in run_jobs(client, [Job("receive", receive, (array,))]):
        pass
    return time.perf_counter() - began
