"""The tables of the assignment's sample reports."""

from __future__ import annotations

from typing import Any

from results_files import read_results
from tables_format import markdown_table


def in_percent(low: float, high: float) -> str:
    """Return an interval of a rate.

    Parameters
    ----------
    low, high : float
        Ends, 0 to 1.

    Returns
    -------
    str

    Examples
    --------
    >>> in_percent(0.0125, 0.2)
    '1.2 to 20.0 %'
    """
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def marks_table(name: str) -> str:
    """Make the table of the marks of a learner, as the register has them.

    Parameters
    ----------
    name : {"strong", "weak"}
        The learner.

    Returns
    -------
    str
    """
    mark: dict[str, Any] = read_results("assignment")[name]["mark"]
    alarms, found = (
        f"{mark[k]} of {mark[n]}" for k, n in (("false_alarms", "clean_tiles"), ("found", "defective_tiles"))
    )
    rows = [
        ["promised false-alarm rate", f"{100 * mark['promised_rate']:g} %"],
        ["clean tiles flagged", f"{alarms}, {100 * mark['realised_rate']:.1f} %"],
        ["binomial interval", in_percent(mark["binomial_low"], mark["binomial_high"])],
        ["interval by strips", in_percent(mark["strips_low"], mark["strips_high"])],
        ["promise", f"**{mark['promise']}**"],
        ["defective tiles flagged", found],
        ["AUROC, 95 % interval by strips", f"{mark['auroc']:.3f}, {mark['auroc_low']:.3f} to {mark['auroc_high']:.3f}"],
        ["average precision", f"{mark['ap']:.3f}"],
        ["AUPRO up to 0.3", f"{mark['aupro_0.3']:.3f}"],
    ]
    return markdown_table(["line of the register", "value"], rows)


def left_out_table() -> str:
    """Make the table of the strong learner's test of the held-out strips.

    Returns
    -------
    str
    """
    strong = read_results("assignment")["strong"]
    rows = [
        [f"`{strip}`", f"{counted['k']} of {counted['n']}"]
        for strip, counted in zip(strong["held_out"], strong["left_out"], strict=True)
    ]
    return markdown_table(["strip", "tiles flagged by the threshold of the other strips"], rows)


def highest_table(name: str) -> str:
    """Make the table of the test strips with the highest scores.

    Parameters
    ----------
    name : {"strong", "weak"}
        The learner.

    Returns
    -------
    str
    """
    rows = [[f"`{row['strip']}`", f"{row['score']:.3f}"] for row in read_results("assignment")[name]["highest"]]
    return markdown_table(["test strip", "highest tile score"], rows)


def versions_table() -> str:
    """Make the table of the versions with which the learners worked.

    Returns
    -------
    str
    """
    return markdown_table(["package", "version"], [list(row) for row in read_results("assignment")["versions"].items()])


TABLES = {
    "assignment_versions": versions_table,
    "assignment_left_out": left_out_table,
    "assignment_highest": lambda: highest_table("strong"),
    "assignment_marks_strong": lambda: marks_table("strong"),
    "assignment_marks_weak": lambda: marks_table("weak"),
}
