"""The page of a class: one HTML file without scripts, which opens from the disk and loads nothing from outside.

States are shown by a sign and a word, never by colour alone. Every text from a learner's file is escaped.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from aitex_utils.inspection.wording import as_text
from aitex_utils.lessons.wording import count, number_text

from .class_summary import (
    ACTIVE_MINUTES,
    STUCK_MINUTES,
    STUCK_TRIES,
    ExerciseSummary,
    GuessSummary,
    begun_exercises,
    count_unknown,
    course_exercises,
    course_guesses,
    explain_mistake,
    find_stuck,
    minutes_open,
    summarise_exercises,
    summarise_guesses,
)
from .class_table import state_of
from .learners import Class, Learner
from .progress_files import Attempt, GuessedRange

STYLE = Path(__file__).with_name("class_page.css")
GENERATOR = "course.py class"  # by which the command recognises its own pages
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
SIGNS = {"passed": "✓", "stuck": "▲", "open": "○", "not begun": "–"}
REFRESH = 15  # seconds after which a page of a class at work is loaded again
MOST_LISTED = 100  # files left out
BAR = (200, 16)  # width and height of the drawing of a range
LARGEST = 1e308  # end of an axis, from which the page can still compute


def class_page(found: Class, title: str, written: datetime, *, is_live: bool = False, table: str = "") -> str:
    """Return the page of a class.

    Parameters
    ----------
    found : Class
        The class.
    title : str
        Name of the class.
    written : datetime
        Time of the page, with its time zone.
    is_live : bool
        Whether the class is at work: the page is loaded again by itself, and exercises are open until now.
    table : str
        Name of the CSV file beside the page, for a link.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> page = class_page(Class((), (), ()), "1b", datetime.now(timezone.utc))
    >>> page.count("<h1>"), page.count("<script")
    (1, 0)
    """
    now = written if is_live else None
    learners = found.learners
    body = [_opening(found, title, written, is_live, table)]
    if learners:
        body += [_stuck_section(learners, now), _overview(learners)]
        body += [_grid(number, names, learners, now) for number, names in begun_exercises(learners).items()]
        body += [_mistakes_section(summarise_exercises(learners)), _guesses_section(summarise_guesses(learners))]
    body += [_files_section(found), _guide(is_live)]
    return _head(title, is_live) + "".join(body) + "</main>\n</body>\n</html>\n"


def _head(title: str, is_live: bool) -> str:
    refresh = f'<meta http-equiv="refresh" content="{REFRESH}">\n' if is_live else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="{GENERATOR}">\n<title>Class {as_text(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n{refresh}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<style>{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
    )


def _opening(found: Class, title: str, written: datetime, is_live: bool, table: str) -> str:
    """Return the title, the summary in a sentence, and the contents."""
    moment = f'<time datetime="{written.isoformat(timespec="seconds")}">{_shown(written)}</time>'
    out = f" {count(len(found.left_out), 'file')} left out." if found.left_out else ""
    live = f" It is loaded again every {REFRESH} seconds, while the command runs." if is_live else ""
    link = f' The same states as a table: <a href="{_link(table)}">{as_text(table)}</a>.' if table else ""
    contents = ""
    if found.learners:
        grids = [(f"notebook-{number}", f"Notebook {number}") for number in begun_exercises(found.learners)]
        parts = [("stuck", "Stuck learners"), ("overview", "Passed exercises"), *grids]
        parts += [
            ("mistakes", "Mistakes"),
            ("guesses", "Guesses"),
            ("files", "Files"),
            ("guide", "How to read this page"),
        ]
        links = "".join(f'<li><a href="#{anchor}">{words}</a></li>' for anchor, words in parts)
        contents = f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n'
    return (
        f'<body>\n<a class="skip" href="#main">Skip to the content</a>\n<header>\n<h1>Class {as_text(title)}</h1>\n'
        f'<p class="outcome">{count(len(found.learners), "learner")}.{out}</p>\n'
        f'<p class="muted">This page was written on {moment}.{live}{link}</p>\n{contents}</header>\n<main id="main">\n'
    )


def _stuck_section(learners: Sequence[Learner], now: datetime | None) -> str:
    stuck = find_stuck(learners, now)
    rule = f"{STUCK_TRIES} tries without success, or {STUCK_MINUTES} minutes since the first try"
    if not stuck:
        return _section("stuck", "Stuck learners", f"<p>There is no learner with {rule}.</p>\n")
    rows = "".join(
        f'<tr><th scope="row">{as_text(one.label)}</th><td>{one.exercise}</td>'
        f"<td>{_counts(one.attempt, one.minutes)}</td>"
        f"<td>{_words(explain_mistake(course_exercises()[one.exercise], one.attempt.mistake)) or 'not recorded'}</td>"
        "</tr>\n"
        for one in stuck
    )
    names = len({one.label for one in stuck})
    text = f"<p>{count(names, 'learner')} with {rule}. The list begins with the most tries.</p>\n"
    heads = ("Learner", "Exercise", "So far", "Last mistake")
    return _section("stuck", "Stuck learners", text + _table("Learners who are stuck", heads, rows, kind="wide"))


def _overview(learners: Sequence[Learner]) -> str:
    """Return the passed exercises of each learner per notebook."""
    notebooks = begun_exercises(learners)
    total = sum(map(len, notebooks.values()))
    rows = ""
    for learner in learners:
        counts = [sum(_is_passed(learner, name) for name in names) for names in notebooks.values()]
        cells = "".join(
            f'<td class="number{" passed" if passed == len(names) else ""}">{passed} of {len(names)}</td>'
            for passed, names in zip(counts, notebooks.values(), strict=True)
        )
        rows += f'<tr><th scope="row">{as_text(learner.label)}</th>{cells}'
        rows += f'<td class="number"><b>{sum(counts)} of {total}</b></td></tr>\n'
    heads = ["Learner", *(f"Notebook {number}" for number in notebooks), "Together"]
    numbers = tuple(range(1, len(heads)))
    table = _table("Passed exercises per notebook", heads, rows, numbers=numbers)
    return _section("overview", "Passed exercises", table if notebooks else "<p>No exercise was begun yet.</p>\n")


def _grid(number: str, names: Sequence[str], learners: Sequence[Learner], now: datetime | None) -> str:
    """Return the grid of learners and exercises of one notebook."""
    present = [learner for learner in learners if any(name in learner.content.attempts for name in names)]
    rows = ""
    for learner in present:
        cells = "".join(_cell(learner, learner.content.attempts.get(name), now) for name in names)
        rows += f'<tr><th scope="row">{as_text(learner.label)}</th>{cells}</tr>\n'
    passed = "".join(f"<td>{sum(_is_passed(one, name) for one in present)} of {len(present)}</td>" for name in names)
    foot = f'<tfoot><tr><th scope="row">Passed</th>{passed}</tr></tfoot>\n'
    absent = [as_text(learner.label) for learner in learners if learner not in present]
    text = f"<p>Not begun by: {', '.join(absent)}.</p>\n" if absent else ""
    begun = {name for learner in present for name in learner.content.attempts}  # listed in the section of mistakes
    heads = ["Learner", *(f'<a href="#exercise-{name}">{name}</a>' if name in begun else name for name in names)]
    return _section(
        f"notebook-{number}",
        f"Notebook {number}: learners and exercises",
        _table(f"State of each exercise of notebook {number}", heads, rows, foot=foot, kind="grid") + text,
    )


def _cell(learner: Learner, attempt: Attempt | None, now: datetime | None) -> str:
    """Return the cell of a learner and an exercise: the state as sign and word, tries, hints, minutes."""
    minutes = minutes_open(learner, attempt, now) if attempt else None
    state = state_of(attempt, minutes)
    lines = [f'<span class="sign" aria-hidden="true">{SIGNS[state]}</span> {state}']
    if attempt is not None:
        lines.append(f"<small>{_counts(attempt, minutes if state == 'stuck' else None)}</small>")
    return f'<td class="{state.replace(" ", "-")}">{"<br>".join(lines)}</td>'


def _counts(attempt: Attempt, minutes: float | None) -> str:
    """Return tries, hints and minutes, each unbroken between two lines."""
    parts = [count(attempt.tries, "try", "tries")]
    parts += [count(attempt.hints, "hint")] if attempt.hints else []
    parts += [] if minutes is None else [_duration(minutes)]
    return " ".join(f'<span class="whole">{part}{"," * (part is not parts[-1])}</span>' for part in parts)


def _mistakes_section(exercises: Sequence[ExerciseSummary]) -> str:
    """Return what the class did in each exercise, with the commonest mistake in words."""
    rows = ""
    for one in exercises:
        mistake = "none recorded"
        if one.mistake:
            mistake = f"<b>{count(one.count, 'learner')}:</b> {_words(one.words)}"
        median = f"{one.median_tries:g}" if one.passed else "–"
        rows += (
            f'<tr id="exercise-{one.exercise}"><th scope="row">{one.exercise}</th><td>{_words(one.task)}</td>'
            f'<td class="number">{one.passed} of {one.begun}</td><td class="number">{median}</td>'
            f"<td>{mistake}</td></tr>\n"
        )
    heads = ("Exercise", "Task", "Passed", "Median tries", "Commonest last mistake")
    text = "<p>The words are those with which the course answered. The median counts learners who passed.</p>\n"
    body = text + _table("Exercises and their commonest mistakes", heads, rows, numbers=(2, 3), kind="wide tasks")
    return _section("mistakes", "Exercises and their commonest mistakes", body if exercises else "<p>None yet.</p>\n")


def _guesses_section(guesses: Sequence[GuessSummary]) -> str:
    """Return a table of all guesses in short, and one of the ranges for each guess."""
    if not guesses:
        return _section("guesses", "Guesses and results", "<p>No guess was made yet.</p>\n")
    rows = "".join(
        f'<tr><th scope="row"><a href="#guess-{one.name}">{one.name}</a></th><td>{as_text(one.section)}</td>'
        f'<td class="number">{len(one.ranges)}</td><td class="number">{one.hits} of {one.revealed}</td>'
        f'<td class="number">{_results(one)}</td></tr>\n'
        for one in guesses
    )
    hits, revealed = (sum(getattr(one, name) for one in guesses) for name in ("hits", "revealed"))
    text = (
        f"<p>{hits} of {revealed} ranges whose result was shown contain it. Learners write ranges that should contain "
    )
    text += "the result with a probability of 80 %.</p>\n"
    if not course_guesses():
        text += "<p>Sections and units are missing, because this copy of the course has no notebooks/source.</p>\n"
    heads = ("Guess", "Section", "Guesses", "Within the range", "Result")
    body = text + _table("All guesses in short", heads, rows, numbers=(2, 3, 4))
    return _section("guesses", "Guesses and results", body + "".join(map(_ranges, guesses)))


def _ranges(guess: GuessSummary) -> str:
    """Return the table of the ranges of one guess, each drawn on the guess's axis."""
    low, high = _axis(guess.ranges)
    unit = f" ({as_text(guess.unit)})" if guess.unit else ""
    rows = ""
    for label, one in guess.ranges:
        result, state = "not shown yet", "open"
        if one.result is not None:
            result, state = number_text(one.result), "within" if one.is_hit else "outside"
        sign = {"within": "✓ within", "outside": "✗ outside", "open": "○ open"}[state]
        rows += (
            f'<tr><th scope="row">{as_text(label)}</th>'
            f'<td class="number">{number_text(one.low)} to {number_text(one.high)}</td>'
            f'<td class="number">{result}</td><td class="{state}">{sign}</td><td>{_bar(one, low, high)}</td></tr>\n'
        )
    ends = f"{number_text(low)} to {number_text(high)}"
    heads = ("Learner", f"Range{unit}", f"Result{unit}", "Result and range", f"Drawn from {ends}")
    title = f"Guess {guess.name}" + (f": {as_text(guess.section)}" if guess.section else "")
    table = _table(f"Ranges of guess {guess.name}", heads, rows, numbers=(1, 2))
    return f'<h3 id="guess-{guess.name}">{title}</h3>\n{table}'


def _bar(guess: GuessedRange, low: float, high: float) -> str:
    """Return a drawing of a range as a line and of its result as a diamond, beside the same numbers as text."""
    width, height = BAR
    places = [_place(value, low, high) for value in (guess.low, guess.high)]
    kind = "hidden" if guess.result is None else "hit" if guess.is_hit else "miss"
    line = f'<path class="{kind}" d="M{places[0]:.1f} {height / 2}H{max(places[1], places[0] + 3):.1f}"/>'
    mark = ""
    if guess.result is not None:
        x = _place(guess.result, low, high)
        mark = f'<path class="mark" d="M{x:.1f} 2l5 6-5 6-5-6z"/>'
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">{line}{mark}</svg>'
    )


def _place(value: float, low: float, high: float) -> float:
    """Return the place of a value on the axis of a drawing, or its nearer end for a value outside."""
    share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: the difference of two large numbers is finite
    return 6 + min(max(share, 0.0), 1.0) * (BAR[0] - 12)


def _axis(ranges: Sequence[tuple[str, GuessedRange]]) -> tuple[float, float]:
    """Return the ends of a guess's axis: all results, and the ranges but for a tenth at each end."""
    ends = sorted(value for _, guess in ranges for value in (guess.low, guess.high))
    cut = len(ends) // 10
    values = ends[cut : len(ends) - cut] + [guess.result for _, guess in ranges if guess.result is not None]
    low, high = (min(max(value, -LARGEST), LARGEST) for value in (min(values), max(values)))
    if high / 2 - low / 2 <= abs(high) * 1e-9:
        low, high = low - abs(low) / 2 - 1, high + abs(high) / 2 + 1
    return max(low, -LARGEST), min(high, LARGEST)


def _results(guess: GuessSummary) -> str:
    """Return the result of a guess, or the range of the results, because some differ between computers."""
    results = [one.result for _, one in guess.ranges if one.result is not None]
    if not results:
        return "not shown yet"
    ends = list(dict.fromkeys(number_text(value) for value in (min(results), max(results))))
    unit = f" {as_text(guess.unit)}" if guess.unit else ""
    middle = f", median {number_text(statistics.median(results))}" if len(ends) > 1 else ""
    return " to ".join(ends) + unit + middle


def _files_section(found: Class) -> str:
    """Return the files that were left out, and what else is odd about the files."""
    text = f"<p>{count(len(found.learners), 'file')} read, one for each learner.</p>\n"
    if found.left_out:
        items = [f"<li><b>{as_text(out.file)}</b> {as_text(out.reason)}</li>" for out in found.left_out[:MOST_LISTED]]
        more = len(found.left_out) - len(items)
        items += [f"<li>{count(more, 'further file')} left out.</li>"] if more else []
        text += f"<h3>Left out</h3>\n<ul>\n{chr(10).join(items)}\n</ul>\n"
    remarks = [
        f"{as_text(one)} and {as_text(other)} have the same first tries, so one file is a copy of the other."
        for one, other in found.twins[:MOST_LISTED]
    ]
    if unknown := count_unknown(found):
        remarks.append(
            f"{count(unknown, 'entry', 'entries')} of exercises or guesses that this version of the course does not "
            "have: not shown."
        )
    if remarks:
        text += "<h3>Remarks</h3>\n<ul>\n" + "".join(f"<li>{remark}</li>\n" for remark in remarks) + "</ul>\n"
    rows = "".join(
        f'<tr><th scope="row">{as_text(one.label)}</th><td>{as_text(one.content.file)}</td>'
        f"<td>{as_text(one.content.course) or 'before 1.0.0'}</td>"
        f"<td>{_shown(one.content.last) if one.content.last else 'not recorded'}</td></tr>\n"
        for one in found.learners
    )
    heads = ("Learner", "File", "Version of the course", "Last try")
    return _section("files", "Files", text + (_table("Files of the learners", heads, rows) if rows else ""))


def _guide(is_live: bool) -> str:
    """Return the rules of the page."""
    live = f", or until now if their last try was in the last {ACTIVE_MINUTES} minutes" if is_live else ""
    items = [
        f"{SIGNS['passed']} passed, {SIGNS['open']} open, {SIGNS['not begun']} not begun, {SIGNS['stuck']} stuck: "
        f"{STUCK_TRIES} tries without success, or {STUCK_MINUTES} minutes since the first try.",
        f"Minutes run from the first try of the exercise to the learner's last try of any exercise{live}. Files from "
        "before version 1.0.0 contain no times.",
        "Tries are counted until the exercise passes.",
        "A learner is named as signed in the file, or else by the name of the file or its folder.",
        "Two files are of the same learner if the times of their first tries agree, and their names do not differ. "
        "Among these files, the file with the later last try counts.",
        "Two files without a common exercise are of the same learner if they are signed with the same name.",
    ]
    return _section(
        "guide", "How to read this page", f"<ul>\n{''.join(f'<li>{item}</li>{chr(10)}' for item in items)}</ul>\n"
    )


def _section(anchor: str, title: str, body: str) -> str:
    return f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{title}</h2>\n{body}</section>\n'


def _table(
    caption: str, heads: Sequence[str], rows: str, *, numbers: Sequence[int] = (), foot: str = "", kind: str = ""
) -> str:
    """Return a table in a frame that scrolls by itself. Heads are HTML, the caption is text for screen readers."""
    cells = "".join(
        f'<th scope="col"{" class=number" if number in numbers else ""}>{head}</th>'
        for number, head in enumerate(heads)
    )
    return (
        f'<div class="table {kind}" role="region" aria-label="{caption}" tabindex="0"><table>\n'
        f"<caption>{caption}</caption>\n"
        f"<thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}</tbody>\n{foot}</table></div>\n"
    )


def _words(text: str) -> str:
    """Return a text of the course with its `code` and *emphasis* as HTML."""
    parts = re.split(r"`([^`]+)`", text)
    parts = [f"<code>{as_text(part)}</code>" if number % 2 else as_text(part) for number, part in enumerate(parts)]
    parts[::2] = [
        re.sub(r"(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])", r"<em>\1</em>", part) for part in parts[::2]
    ]
    return "".join(parts)


def _link(name: str) -> str:
    """Return the name of a file beside the page as a link."""
    from urllib.parse import quote

    return quote(f"./{name}".encode(errors="surrogateescape"))


def _is_passed(learner: Learner, name: str) -> bool:
    return name in learner.content.attempts and learner.content.attempts[name].passed


def _duration(minutes: float) -> str:
    """Return minutes in words that stay short for days."""
    for size, word in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size:
            return count(int(minutes // size), word)
    return f"{int(minutes)} min"


def _shown(moment: datetime) -> str:
    """Return a time of this computer's time zone."""
    local = moment.astimezone() if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc).astimezone()
    return local.strftime("%Y-%m-%d %H:%M")
