"""Summarise a class: which exercises were begun, who is stuck, the commonest mistakes, and the guesses."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from aitex_utils.lessons.engine.catalogue import LESSONS, SOURCES, entries
from aitex_utils.lessons.engine.compare import CRASHED, WRONG_KIND, WRONG_SHAPE, WRONG_VALUE
from aitex_utils.lessons.engine.judge import Exercise

from .learners import Class, Learner
from .progress_files import Attempt, GuessedRange

STUCK_TRIES = 4
STUCK_MINUTES = 20
ACTIVE_MINUTES = 60  # after their last try, learners count as present while a class is watched
GUESS = re.compile(r'^(?:# )?## (?:\d+\. )?(.+)$|^predict\("([^"]+)"(?:.*unit="([^"]*)")?', re.MULTILINE)
GUESS_NAME = re.compile(r"[0-9][0-9]\.[a-z]")
KINDS = {
    CRASHED: "The function stopped with an error.",
    WRONG_KIND: "The result was not of the kind that the task asks for.",
    WRONG_SHAPE: "The result had a wrong shape.",
    WRONG_VALUE: "The values were wrong, in none of the ways that the course recognises.",
}
UNKNOWN = "This version of the course has no such mistake."


@dataclass(frozen=True)
class Stuck:
    """A learner who is stuck at an exercise.

    Parameters
    ----------
    label : str
        The learner.
    exercise : str
        Number of the exercise.
    attempt : Attempt
        Tries, hints and times of the learner there.
    minutes : float or None
        Minutes since the first try; None if the file contains no times.

    Examples
    --------
    >>> Stuck("Ada", "01.2", Attempt(False, 4, 0), None).exercise
    '01.2'
    """

    label: str
    exercise: str
    attempt: Attempt
    minutes: float | None


@dataclass(frozen=True)
class ExerciseSummary:
    """Results of a class in one exercise.

    Parameters
    ----------
    exercise : str
        Number of the exercise.
    task : str
        The task in one sentence.
    begun, passed : int
        Learners who began it, and who passed it.
    median_tries : float
        Median of the tries of the learners who passed it, 0 if there is none.
    mistake : str
        Name of the commonest last mistake, empty if there is none.
    words : str
        The hint of the course for it.
    count : int
        Learners who made it.

    Examples
    --------
    >>> ExerciseSummary("01.2", "Tile a strip.", 3, 2, 1.5, "", "", 0).passed
    2
    """

    exercise: str
    task: str
    begun: int
    passed: int
    median_tries: float
    mistake: str
    words: str
    count: int


@dataclass(frozen=True)
class GuessSummary:
    """The guesses that a class made of one result.

    Parameters
    ----------
    name : str
        Name of the guess.
    section : str
        Heading of its section, empty if the notebook's source is missing.
    unit : str
        Unit of the numbers.
    ranges : tuple of (str, GuessedRange)
        Label of each learner who guessed, and the range.

    Examples
    --------
    >>> GuessSummary("00.a", "Scores", "%", (("Ada", GuessedRange(70, 95, 80)),)).hits
    1
    """

    name: str
    section: str
    unit: str
    ranges: tuple[tuple[str, GuessedRange], ...]

    @property
    def revealed(self) -> int:
        """Number of guesses whose result was shown to the learner."""
        return sum(guess.result is not None for _, guess in self.ranges)

    @property
    def hits(self) -> int:
        """Number of ranges that contain the result."""
        return sum(guess.is_hit for _, guess in self.ranges)


@cache
def course_exercises() -> dict[str, Exercise]:
    """Return all exercises of the course by number, in the order of the notebooks.

    Returns
    -------
    dict of str to Exercise

    Examples
    --------
    >>> "01.1" in course_exercises()
    True
    """
    folders = sorted(LESSONS.glob("nb[0-9][0-9]"))
    return {name: exercise for folder in folders for name, exercise in entries(folder.name[2:], "EXERCISES").items()}


@cache
def course_guesses() -> dict[str, tuple[str, str]]:
    """Return the heading of the section and the unit of each guess, by its name in the order of the notebooks.

    Returns
    -------
    dict of str to (str, str)
        Empty if the notebooks' sources are missing.

    Examples
    --------
    >>> course_guesses()["00.a"][1]
    '%'
    """
    found: dict[str, tuple[str, str]] = {}
    for source in sorted(SOURCES.glob("[0-9][0-9]_*.py")):
        section = ""
        for heading, name, unit in GUESS.findall(source.read_text(encoding="utf-8")):
            section = heading or section
            if name:
                found.setdefault(name, (section, unit))
    return found


def begun_exercises(learners: Sequence[Learner]) -> dict[str, list[str]]:
    """Return the exercises that the page shows: all of each notebook in which a learner began one.

    Parameters
    ----------
    learners : sequence of Learner
        The class.

    Returns
    -------
    dict of str to list of str
        Numbers of the exercises by number of the notebook.

    Examples
    --------
    >>> begun_exercises([])
    {}
    """
    begun = {name[:2] for learner in learners for name in learner.content.attempts if name in course_exercises()}
    return {number: [name for name in course_exercises() if name.startswith(f"{number}.")] for number in sorted(begun)}


def minutes_open(learner: Learner, attempt: Attempt, now: datetime | None) -> float | None:
    """Return the minutes since the first try of an exercise, None if it has passed or no time is known.

    Parameters
    ----------
    learner : Learner
        The learner.
    attempt : Attempt
        Tries, hints and times.
    now : datetime or None
        Time of the look at a class at work. None: files were handed over, and the learner's last try is the end.

    Returns
    -------
    float or None

    Examples
    --------
    >>> from aitex_utils.teaching.progress_files import ProgressFile
    >>> minutes_open(Learner("Ada", ProgressFile("a.json")), Attempt(False, 1, 0), None) is None
    True
    """
    last = learner.content.last
    if attempt.passed or attempt.first is None or last is None:
        return None
    is_present = now is not None and timedelta(0) <= now - last <= timedelta(minutes=ACTIVE_MINUTES)
    end = now if is_present else last
    return max(0.0, (end - attempt.first).total_seconds() / 60)


def is_stuck(attempt: Attempt, minutes: float | None) -> bool:
    """Say whether a learner is stuck: 4 tries, or 20 minutes since the first try, and not passed.

    Parameters
    ----------
    attempt : Attempt
        Tries, hints and times of the exercise.
    minutes : float or None
        As `minutes_open`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_stuck(Attempt(False, 4, 0), None), is_stuck(Attempt(False, 1, 0), 20.0), is_stuck(Attempt(True, 9, 0), None)
    (True, True, False)
    """
    is_long = minutes is not None and minutes >= STUCK_MINUTES
    return not attempt.passed and (attempt.tries >= STUCK_TRIES or is_long)


def find_stuck(learners: Sequence[Learner], now: datetime | None) -> list[Stuck]:
    """Return who is stuck where, the most tries first.

    Parameters
    ----------
    learners : sequence of Learner
        The class.
    now : datetime or None
        As in `minutes_open`.

    Returns
    -------
    list of Stuck

    Examples
    --------
    >>> find_stuck([], None)
    []
    """
    found = [
        Stuck(learner.label, name, attempt, minutes_open(learner, attempt, now))
        for learner in learners
        for name, attempt in learner.content.attempts.items()
        if name in course_exercises()
    ]
    stuck = [one for one in found if is_stuck(one.attempt, one.minutes)]
    return sorted(stuck, key=lambda one: (-one.attempt.tries, -(one.minutes or 0), one.exercise, one.label))


def summarise_exercises(learners: Sequence[Learner]) -> list[ExerciseSummary]:
    """Return what the class did in each exercise that a learner began.

    Parameters
    ----------
    learners : sequence of Learner
        The class.

    Returns
    -------
    list of ExerciseSummary
        In the order of the notebooks.

    Examples
    --------
    >>> summarise_exercises([])
    []
    """
    found = []
    for name, exercise in course_exercises().items():
        attempts = [learner.content.attempts[name] for learner in learners if name in learner.content.attempts]
        if not attempts:
            continue
        mistakes = Counter(attempt.mistake for attempt in attempts if attempt.mistake)
        mistake = min(mistakes, key=lambda one: (-mistakes[one], one), default="")
        words = explain_mistake(exercise, mistake)
        passed = [attempt.tries for attempt in attempts if attempt.passed]
        median = statistics.median(passed) if passed else 0.0
        found.append(
            ExerciseSummary(name, exercise.task, len(attempts), len(passed), median, mistake, words, mistakes[mistake])
        )
    return found


def explain_mistake(exercise: Exercise, mistake: str) -> str:
    """Return a mistake in words: the course's hint for it.

    Parameters
    ----------
    exercise : Exercise
        The exercise in which it was made.
    mistake : str
        Its name in the exercise's list, or the kind of the verdict.

    Returns
    -------
    str
        Empty if there is no mistake.

    Examples
    --------
    >>> explain_mistake(course_exercises()["01.1"], "crashed")
    'The function stopped with an error.'
    """
    hints = {known.name: known.hint for known in reversed(exercise.mistakes)} | KINDS
    return hints.get(mistake, UNKNOWN) if mistake else ""


def summarise_guesses(learners: Sequence[Learner]) -> list[GuessSummary]:
    """Return the guesses of the class in the order of the course.

    Parameters
    ----------
    learners : sequence of Learner
        The class.

    Returns
    -------
    list of GuessSummary
        If the notebooks' sources are missing, guesses are found by the form of their names in the files, and their
        sections and units stay empty.

    Examples
    --------
    >>> summarise_guesses([])
    []
    """
    in_files = sorted({name for one in learners for name in one.content.guesses if GUESS_NAME.fullmatch(name)})
    known = course_guesses() or dict.fromkeys(in_files, ("", ""))  # a copy without solutions has no sources
    found = []
    for name, (section, unit) in known.items():
        ranges = [(one.label, one.content.guesses[name]) for one in learners if name in one.content.guesses]
        if ranges:
            found.append(GuessSummary(name, section, unit, tuple(ranges)))
    return found


def count_unknown(found: Class) -> int:
    """Return how many entries of the files belong to no exercise and no guess of this version of the course.

    Parameters
    ----------
    found : Class
        The class.

    Returns
    -------
    int

    Examples
    --------
    >>> count_unknown(Class((), (), ()))
    0
    """
    contents = [learner.content for learner in found.learners]
    shown = {guess.name for guess in summarise_guesses(found.learners)}
    count = sum(name not in course_exercises() for content in contents for name in content.attempts)
    return count + sum(name not in shown for content in contents for name in content.guesses)
