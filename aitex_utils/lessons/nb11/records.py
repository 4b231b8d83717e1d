"""The tasks of a fit in blocks with their times and workers, read from the headers of its blocks."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.errors import InputError

NAME = re.compile(r"(block|merge-\d+)-(\d{6})-")


class Task(NamedTuple):
    """A task of a fit.

    Parameters
    ----------
    name : str
        Name, such as "block 3" or "merge 1.0".
    worker : int
        Number of the process that did it.
    begin, end : float
        Seconds since the epoch.
    bytes : int
        Size of the files that it wrote.

    Examples
    --------
    >>> Task("block 0", 4711, 10.0, 12.5, 100).seconds
    2.5
    """

    name: str
    worker: int
    begin: float
    end: float
    bytes: int

    @property
    def seconds(self) -> float:
        """Seconds that it took."""
        return self.end - self.begin


def read_tasks(folder: str | os.PathLike) -> list[Task]:
    """Return the tasks of a fit in the order in which they ended.

    Parameters
    ----------
    folder : path
        Folder of the fit.

    Returns
    -------
    list of Task
        The end of a task is the time at which its header was written, so times are right to some milliseconds.

    Raises
    ------
    InputError
        If the folder has no complete block.

    Examples
    --------
    >>> read_tasks("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder has no complete block: give the folder of a fit.
    """
    from aitex_utils.scale.blocks import HEADER, read_header
    from aitex_utils.scale.fitting import BLOCKS

    tasks = []
    for place in sorted(Path(folder, BLOCKS).glob("*-*-*")):
        header, found = read_header(place), NAME.match(place.name)
        if header is None or found is None:
            continue
        end = (place / HEADER).stat().st_mtime
        kind, number = found[1], int(found[2])
        name = f"block {number}" if kind == "block" else f"merge {kind.split('-')[1]}.{number}"
        size = sum(size for size, _ in header["files"].values())
        tasks.append(Task(name, header["cost"]["process"], end - header["cost"]["seconds"], end, size))
    if not tasks:
        raise InputError(f"{folder} has no complete block: give the folder of a fit.")
    return sorted(tasks, key=lambda task: task.end)


def group_by_worker(tasks: Sequence[Task]) -> dict[int, list[Task]]:
    """Return the tasks of each worker, workers in the order of their first task.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks.

    Returns
    -------
    dict of int to list of Task

    Examples
    --------
    >>> group_by_worker([Task("block 1", 7, 3.0, 4.0, 1), Task("block 0", 5, 1.0, 2.0, 1)]).keys()
    dict_keys([5, 7])
    """
    groups: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.begin):
        groups.setdefault(task.worker, []).append(task)
    return groups


def task_graph(tasks: Sequence[Task], fan_in: int) -> tuple[list[Task], list[list[int]]]:
    """Return tasks in the order of the tree, and for each the numbers of the tasks that it needs.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks of a fit with `fan_in`.
    fan_in : int
        The fan-in of the fit.

    Returns
    -------
    tasks : list of Task
        Blocks first, then level by level.
    needs : list of list of int

    Raises
    ------
    InputError
        If a block or a node is missing.

    Examples
    --------
    >>> tasks = [Task(name, 7, 0.0, 1.0, 1) for name in ("merge 1.0", "block 1", "block 0", "block 2", "merge 1.1")]
    >>> ordered, needs = task_graph(tasks, fan_in=2)
    >>> [task.name for task in ordered], needs
    (['block 0', 'block 1', 'block 2', 'merge 1.0', 'merge 1.1'], [[], [], [], [0], [1, 2]])
    """
    from aitex_utils.scale.tree import climb

    by_name = {task.name: task for task in tasks}
    n_blocks = sum(name.startswith("block") for name in by_name)
    names = [f"block {i}" for i in range(n_blocks)]
    needs: list[list[int]] = [[] for _ in names]

    def merge_level(level: int, groups: list[list[int]]) -> list[int]:
        first = len(names)
        names.extend(f"merge {level}.{i}" for i in range(len(groups)))
        needs.extend(groups)
        return list(range(first, len(names)))

    climb(list(range(n_blocks)), fan_in, merge_level)
    missing = [name for name in names if name not in by_name]
    if missing or not names:
        raise InputError(
            f"The tasks lack {missing[0] if missing else 'blocks'}: give all tasks of a fit, and its fan_in."
        )
    return [by_name[name] for name in names], needs


def task_arrays(tasks: Sequence[Task]) -> tuple[np.ndarray, np.ndarray]:
    """Return the times at which tasks began and ended.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks.

    Returns
    -------
    begins, ends : ndarray, shape (n,)

    Examples
    --------
    >>> task_arrays([Task("block 0", 7, 1.0, 2.0, 1)])
    (array([1.]), array([2.]))
    """
    return np.array([task.begin for task in tasks]), np.array([task.end for task in tasks])
