"""Three slow programs of notebook 11, made up: each is slower than one process for another reason."""

from __future__ import annotations

from .records import Task

ONE_PROCESS = 8.0  # seconds of the same work in one process


def slow_programs() -> tuple[dict[str, list[Task]], list[float]]:
    """Return the timelines of three programs with two workers each.

    Returns
    -------
    tasks : dict of str to list of Task
        In seconds since the start of the program.
    walls : list of float
        Seconds of each program.

    Examples
    --------
    >>> slow_programs()[1]
    [11.0, 13.0, 9.0]
    """
    starts = [Task(f"block {i}", i % 2, 7.0 + 2 * (i // 2), 9.0 + 2 * (i // 2), 1) for i in range(4)]
    moves, begin = [], 1.0
    for i in range(4):
        worker, at = i % 2, begin + 6.0 * (i // 2)
        moves += [Task(f"move {i}", worker, at, at + 4.0, 1), Task(f"block {i}", worker, at + 4.0, at + 6.0, 1)]
    large = [Task("block 0", 0, 2.0, 3.0, 1), Task("block 1", 1, 2.0, 3.0, 1), Task("block 2", 0, 3.0, 9.0, 1)]
    return {"A": starts, "B": moves, "C": large}, [11.0, 13.0, 9.0]
