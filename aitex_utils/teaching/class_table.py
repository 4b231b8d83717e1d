"""The table of a class as CSV: one row per learner and exercise, for a register or a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from .class_summary import begun_exercises, is_stuck, minutes_open
from .csv_cells import text_cell
from .learners import Class
from .progress_files import Attempt

COLUMNS = ("learner", "file", "exercise", "state", "tries", "hints", "first_try", "last_try", "minutes_open", "mistake")


def class_csv(found: Class, now: datetime | None) -> str:
    """Return the table of a class.

    Parameters
    ----------
    found : Class
        The class.
    now : datetime or None
        As in `class_summary.minutes_open`.

    Returns
    -------
    str
        CSV with a head line. Each learner has a row for each exercise of the notebooks that someone began. A text that
        a spreadsheet would take for a formula begins with an apostrophe.

    Examples
    --------
    >>> print(class_csv(Class((), (), ()), None).strip())
    learner,file,exercise,state,tries,hints,first_try,last_try,minutes_open,mistake
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for learner in found.learners:
        for names in begun_exercises(found.learners).values():
            for name in names:
                attempt = learner.content.attempts.get(name)
                minutes = minutes_open(learner, attempt, now) if attempt else None
                row = [learner.label, learner.content.file, name, state_of(attempt, minutes), *_values(attempt)]
                shown = "" if minutes is None else round(minutes)
                mistake = attempt.mistake if attempt else ""
                writer.writerow([_cell(value) for value in (*row, shown, mistake)])
    return text.getvalue()


def state_of(attempt: Attempt | None, minutes: float | None) -> str:
    """Return the state of an exercise in one word.

    Parameters
    ----------
    attempt : Attempt or None
        Tries, hints and times, None if the learner did not begin.
    minutes : float or None
        As `class_summary.minutes_open`.

    Returns
    -------
    str
        "passed", "stuck", "open" or "not begun".

    Examples
    --------
    >>> state_of(None, None), state_of(Attempt(True, 1, 0), None), state_of(Attempt(False, 4, 0), None)
    ('not begun', 'passed', 'stuck')
    """
    if attempt is None:
        return "not begun"
    if attempt.passed:
        return "passed"
    return "stuck" if is_stuck(attempt, minutes) else "open"


def _values(attempt: Attempt | None) -> list[object]:
    if attempt is None:
        return [0, 0, "", ""]
    times = [moment.isoformat(timespec="seconds") if moment else "" for moment in (attempt.first, attempt.last)]
    return [attempt.tries, attempt.hints, *times]


def _cell(value: object) -> object:
    """Return a value for a cell: a text that can be written, and that no spreadsheet takes for a formula."""
    return text_cell(value) if isinstance(value, str) else value
