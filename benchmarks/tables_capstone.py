"""The tables of the capstone's sample reports."""

from __future__ import annotations

from typing import Any

from results_files import read_results
from tables_format import markdown_table


def in_percent(counted: dict[str, Any]) -> str:
    """Return a count with its interval.

    Parameters
    ----------
    counted : dict
        `k`, `n` and `interval`.

    Returns
    -------
    str

    Examples
    --------
    >>> in_percent({"k": 3, "n": 30, "interval": [0.0211, 0.2653]})
    '3 of 30 (2 to 27 %)'
    """
    low, high = (100 * end for end in counted["interval"])
    return f"{counted['k']} of {counted['n']} ({low:.0f} to {high:.0f} %)"


def split_table() -> str:
    """Make the table of learner A's days and pictures.

    Returns
    -------
    str
    """
    sets, first = (read_results("capstone")["a"][name] for name in ("pictures", "first"))
    good, test = (f"{sets[name][0]} to {sets[name][-1]}" for name in ("good_days", "test_days"))
    rows = [
        ["good, learned from", good, str(first["fitted"])],
        ["good, held out for the threshold", good, str(first["held_out"])],
        ["test, good", test, str(sets["test_good"])],
        ["test, with a defect", test, str(sets["test_defective"])],
        ["defects of the other days, not used", good, str(sets["left_out"])],
    ]
    return markdown_table(["part", "days", "pictures"], rows)


def runs_table() -> str:
    """Make the table of learner A's two runs.

    Returns
    -------
    str
    """
    runs = [read_results("capstone")["a"][name] for name in ("first", "second")]
    rows = [
        ["threshold", *(f"{run['threshold']:.3f}" for run in runs)],
        ["good test pictures flagged", *(in_percent(run["false_alarms"]) for run in runs)],
        ["defects found", *(in_percent(run["recall"]) for run in runs)],
    ]
    for kind in runs[0]["by_kind"]:
        found = [run["by_kind"][kind] for run in runs]
        rows.append([kind.replace("_", " "), *(f"{one['k']} of {one['n']}" for one in found)])
    rows.append(["AUROC", *(f"{run['auroc']:.3f}" for run in runs)])
    return markdown_table(["95 % intervals in brackets", "first run, in colour", "second run, `--colour no`"], rows)


def failures_table() -> str:
    """Make the table of learner A's failures in the first run, with the scores of the second.

    Returns
    -------
    str
    """
    first, second = (read_results("capstone")["a"][name] for name in ("first", "second"))
    missed, flagged = ({row["picture"] for row in second[name]} for name in ("missed", "flagged_good"))
    rows = [
        [f"`{row['picture']}`", f"{row['score']:.3f}", "missed", "missed" if row["picture"] in missed else "found"]
        for row in first["missed"]
    ]
    rows += [
        [f"`{row['picture']}`", f"{row['score']:.3f}", "flagged", "flagged" if row["picture"] in flagged else "passed"]
        for row in first["flagged_good"]
    ]
    return markdown_table(["picture", "score, first run", "first run", "second run"], rows)


def leaky_table() -> str:
    """Make the table of learner B's result.

    Returns
    -------
    str
    """
    found = read_results("capstone")["b"]
    alarms, recall = (found[name] for name in ("false_alarms", "recall"))
    rows = [
        ["AUROC", f"**{found['auroc']:.3f}**"],
        ["average precision", f"{found['ap']:.3f}"],
        ["F1", f"{found['f1']:.3f}"],
        ["accuracy", f"{100 * found['accuracy']:.1f} %"],
        ["defects found", f"{recall['k']} of {recall['n']}"],
        ["false alarms", f"{alarms['k']} of {alarms['n']}"],
    ]
    return markdown_table(["measure", "result"], rows)


TABLES = {
    "capstone_split": split_table,
    "capstone_runs": runs_table,
    "capstone_failures": failures_table,
    "capstone_leaky": leaky_table,
}
