"""Two runs side by side, with a paired test of their difference on the same tiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.figures import plot_intervals
from aitex_utils.plots import show

from .quick import quick_auroc, quick_average_precision
from .runs import Run
from .tables import NUMBERS

MEASURES = {"tile AUROC": quick_auroc, "AP": quick_average_precision}
N_RESAMPLES = 300


class Comparison:
    """Two runs on the same tiles. In a notebook, the last line of a cell shows it.

    Parameters
    ----------
    first, second : Run
        The runs.

    Attributes
    ----------
    differences : dict of str to ndarray of shape (n_resamples,)
        Resampled differences (second - first) of each measure, by its name.

    Raises
    ------
    InputError
        If the runs were not scored on the same tiles.

    Examples
    --------
    >>> Comparison(run_1, run_2)  # doctest: +SKIP
    """

    def __init__(self, first: Run, second: Run) -> None:
        same = all(np.array_equal(first.array(name), second.array(name)) for name in ("labels", "groups"))
        if first.choices.fabric != second.choices.fabric or not same:
            raise InputError(
                f"Run {first.number} and run {second.number} were scored on different tiles: compare runs on the same "
                "fabric and the same strips."
            )
        self.first, self.second = first, second
        given = first.array("labels"), second.array("scores"), first.array("scores"), first.array("groups")
        self.differences = {
            name: metrics.paired_bootstrap(measure, *given, n_resamples=N_RESAMPLES)
            for name, measure in MEASURES.items()
        }

    def difference(self, measure: str = "tile AUROC") -> float:
        """Return the difference (second - first) of a measure on all shown tiles.

        Parameters
        ----------
        measure : str
            One of `MEASURES`.

        Returns
        -------
        float
        """
        labels, function = self.first.array("labels"), MEASURES[measure]
        return function(labels, self.second.array("scores")) - function(labels, self.first.array("scores"))

    def interval(self, measure: str = "tile AUROC") -> tuple[float, float]:
        """Return the 95 % interval of a difference (second - first) over other strips.

        Parameters
        ----------
        measure : str
            One of `MEASURES`.

        Returns
        -------
        tuple of float
        """
        low, high = np.quantile(self.differences[measure], [0.025, 0.975])
        return float(low), float(high)

    def verdict(self, measure: str = "tile AUROC") -> str:
        """Say which run is better, if the interval of the difference allows it.

        Parameters
        ----------
        measure : str
            One of `MEASURES`.

        Returns
        -------
        str
        """
        (low, high), difference = self.interval(measure), self.difference(measure)
        names = f"run {self.second.number} - run {self.first.number}"
        text = f"{measure}, {names}: {difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}), so "
        if low > 0 or high < 0:
            better = self.second if low > 0 else self.first
            return f"{text}run {better.number} is better on these strips."
        return f"{text}these strips cannot rank the two."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the choices in which the runs differ, and the numbers of both.

        Returns
        -------
        list of (str, str, str)
            Name, value of the first run, value of the second run.
        """
        changed = self.first.choices.changed(self.second.choices)
        rows = [(name, str(pair[0]), str(pair[1])) for name, pair in changed.items()]
        for name, (figure, form) in NUMBERS.items():
            rows.append((name, format(self.first.figures[figure], form), format(self.second.figures[figure], form)))
        return rows

    def draw(self) -> tuple[Any, str]:
        """Draw the difference of each measure with its interval.

        Returns
        -------
        figure : matplotlib.figure.Figure
        caption : str
        """
        label = f"difference, run {self.second.number} - run {self.first.number}"
        return plot_intervals(list(self.differences), list(self.differences.values()), label=label)

    def show(self) -> None:
        """Show the runs side by side, and the figure."""
        print(self)
        show(*self.draw())

    def __repr__(self) -> str:
        rows = [("", f"run {self.first.number}", f"run {self.second.number}"), *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join([*lines, self.verdict()])

    def _ipython_display_(self) -> None:
        self.show()
