"""The experiment bench of notebook 10: `run`, `compare`, `nearest`, `show_runs`, `submit` and `show_bench`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .comparison import Comparison
from .contest import Submission, submit_steps
from .jobs import finish_with_bar
from .neighbours import Neighbours, find_neighbours
from .panel import show_bench
from .running import make_choices, run_steps
from .runs import Run, find_run, list_runs
from .tables import show_table

__all__ = ["compare", "nearest", "run", "show_bench", "show_runs", "submit"]


def run(**choices: Any) -> Run:
    """Make a run with some choices and keep it, or return the kept run with the same choices.

    Parameters
    ----------
    **choices
        The choices that differ from the default, see `choices.Choices`: `run(coreset_ratio=0.05)`.

    Returns
    -------
    Run
        As the last line of a cell, it shows a strip with its map, the curves, the histogram and all numbers.

    Raises
    ------
    InputError
        If a choice is unknown, out of range, or does not go together with another.

    Examples
    --------
    >>> first = run(coreset_ratio=0.05)  # doctest: +SKIP
    """
    return finish_with_bar(run_steps(make_choices(choices)))


def compare(first: Run | int, second: Run | int) -> Comparison:
    """Compare two runs on the same tiles, with a 95 % interval of the difference over strips.

    Parameters
    ----------
    first, second : Run or int
        Runs, or their numbers.

    Returns
    -------
    Comparison
        As the last line of a cell, it shows the runs side by side and the difference.

    Raises
    ------
    InputError
        If there is no such run, or the runs were scored on different tiles.

    Examples
    --------
    >>> compare(1, 2)  # doctest: +SKIP
    """
    return Comparison(find_run(first), find_run(second))


def nearest(run: Run | int, strip: str | int | None, row: int, column: int, count: int = 5) -> Neighbours:
    """Find the patches of the bank that are nearest to the patch at a place of a shown strip.

    Parameters
    ----------
    run : Run or int
        A run, or its number.
    strip : str or int, optional
        Name or position of a shown strip. None takes the first defective strip.
    row, column : int
        Place in px, from the upper left corner of the strip's fabric.
    count : int
        Number of neighbours.

    Returns
    -------
    Neighbours
        As the last line of a cell, it shows crops of the training tiles with their distances.

    Raises
    ------
    InputError
        If there is no such run or strip, or the place is outside the strip.

    Examples
    --------
    >>> nearest(1, "0001_002_00", 128, 900)  # doctest: +SKIP
    """
    return find_neighbours(find_run(run), strip, row, column, count)


def show_runs(runs: Sequence[Run | int] | None = None, sort_by: str = "run", descending: bool = False) -> None:
    """Show runs as a sorted table, with the choices in which they differ.

    Parameters
    ----------
    runs : sequence of Run or int, optional
        Runs, or their numbers. None shows all kept runs.
    sort_by : str
        "run", "tile AUROC", "AP", "pixel AUROC", "ms per tile" or "bank MiB".
    descending : bool
        Largest first.

    Examples
    --------
    >>> show_runs()
    There is no run yet: call run().
    """
    show_table(list_runs() if runs is None else [find_run(one) for one in runs], sort_by, descending)


def submit(run: Run | int) -> Submission:
    """Submit a run to the contest: time its detector, and score it on the hidden strips of all fabrics.

    Parameters
    ----------
    run : Run or int
        A run, or its number.

    Returns
    -------
    Submission
        As the last line of a cell, it shows the leaderboard too. A recipe counts once, however often it is submitted.

    Raises
    ------
    InputError
        If there is no such run, or its detector is too slow. Such a submission is not counted.

    Examples
    --------
    >>> submit(1)  # doctest: +SKIP
    """
    return finish_with_bar(submit_steps(find_run(run)))
