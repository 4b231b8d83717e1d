"""Stuck learners, the commonest mistakes, and the guesses of the course."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from aitex_utils.lessons.engine.catalogue import guess_names
from aitex_utils.teaching import class_summary
from aitex_utils.teaching.class_summary import (
    UNKNOWN,
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
from aitex_utils.teaching.learners import Class, Learner
from aitex_utils.teaching.progress_files import Attempt, GuessedRange, ProgressFile

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)


def at(minute: float) -> datetime:
    return BEGIN + timedelta(minutes=minute)


def learner(label: str = "Ada", guesses: dict[str, GuessedRange] | None = None, **attempts: Attempt) -> Learner:
    """Return a learner, for whom e1 is exercise 01.1."""
    named = {f"01.{key[1:]}": attempt for key, attempt in attempts.items()}
    return Learner(label, ProgressFile(f"{label}.json", label, "1.0.0", named, guesses or {}))


def attempt(tries: int, first: float | None = None, last: float | None = None, **values) -> Attempt:
    times = (None if minute is None else at(minute) for minute in (first, last))
    return Attempt(values.pop("passed", False), tries, 0, *times, **values)


def test_four_tries_or_twenty_minutes_make_a_learner_stuck():
    other = attempt(1, 25, 25, passed=True)
    found = [
        learner("Ada", e1=attempt(4)),
        learner("Ben", e1=attempt(3)),
        learner("Cem", e1=attempt(1, 5, 5), e2=other),
        learner("Dan", e1=attempt(1, 5.1, 5.1), e2=other),
        learner("Eve", e1=attempt(9, 0, 60, passed=True)),
    ]
    stuck = find_stuck(found, None)
    assert [(one.label, one.exercise, one.minutes) for one in stuck] == [("Ada", "01.1", None), ("Cem", "01.1", 20.0)]


@pytest.mark.parametrize(
    ("now", "minutes"),
    [(None, 10), (at(30), 30), (at(70), 70), (at(71), 10), (at(5), 10), (at(10), 10)],
    ids=["handed over", "present", "an hour after the last try", "gone", "clock of the learner ahead", "just now"],
)
def test_while_a_class_works_the_time_runs_on_for_an_hour(now: datetime | None, minutes: float):
    one = learner(e1=attempt(2, 0, 10))
    assert minutes_open(one, one.content.attempts["01.1"], now) == minutes


def test_the_commonest_last_mistake_is_in_the_words_of_the_course():
    exercise = course_exercises()["01.1"]
    first, second = exercise.mistakes[:2]
    class_ = [learner("Ada", e1=attempt(2, mistake=second.name)), learner("Ben", e1=attempt(1, passed=True))]
    class_ += [
        learner("Cem", e1=attempt(3, mistake=second.name, passed=True)),
        learner("D", e1=attempt(1, mistake=first.name)),
    ]
    class_ += [learner("Eve", e2=attempt(1, mistake="crashed"))]
    summary, crashed = summarise_exercises(class_)
    assert (summary.exercise, summary.task) == ("01.1", exercise.task)
    assert (summary.begun, summary.passed, summary.median_tries) == (4, 2, 2.0)
    assert (summary.mistake, summary.words, summary.count) == (second.name, second.hint, 2)
    assert (crashed.exercise, crashed.words) == ("01.2", "The function stopped with an error.")


def test_each_mistake_of_the_course_has_words_and_others_are_called_unknown():
    for exercise in course_exercises().values():
        for mistake in exercise.mistakes:
            named = [known.hint for known in exercise.mistakes if known.name == mistake.name]
            assert explain_mistake(exercise, mistake.name) == named[0]
    exercise = course_exercises()["01.1"]
    assert explain_mistake(exercise, "<b>") == UNKNOWN and explain_mistake(exercise, "") == ""


def test_the_page_shows_all_exercises_of_the_notebooks_begun():
    found = begun_exercises([learner(e3=attempt(1)), Learner("x", ProgressFile("x", attempts={"99.1": attempt(1)}))])
    assert list(found) == ["01"] and found["01"] == [name for name in course_exercises() if name[:2] == "01"]


def test_all_guesses_of_the_course_are_found_with_their_section_and_unit():
    numbers = sorted({name[:2] for name in course_guesses()})
    assert len(numbers) > 10
    assert list(course_guesses()) == [name for number in numbers for name in guess_names(number)]
    assert course_guesses()["00.a"] == ("Tile scores, AUROC and a threshold", "%")
    assert course_guesses()["01.a"][1] == ""


def test_guesses_are_compared_with_their_results():
    ada = learner("Ada", {"00.a": GuessedRange(70, 95, 84), "<b>": GuessedRange(0, 1, None)})
    ben, cem = learner("Ben", {"00.a": GuessedRange(0, 1, 84)}), learner("Cem", {"00.a": GuessedRange(0, 1, None)})
    (summary,) = summarise_guesses([ada, ben, cem])
    assert (summary.name, summary.unit, len(summary.ranges)) == ("00.a", "%", 3)
    assert (summary.hits, summary.revealed) == (1, 2)
    assert count_unknown(Class((ada, ben, cem), (), ())) == 1


def test_without_the_notebooks_sources_the_guesses_are_those_in_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path):
    assert all(class_summary.GUESS_NAME.fullmatch(name) for name in course_guesses())
    monkeypatch.setattr(class_summary, "SOURCES", tmp_path)
    monkeypatch.setattr(class_summary, "course_guesses", course_guesses.__wrapped__)
    hit, miss = GuessedRange(70, 95, 84), GuessedRange(0, 1, 2)
    ada, ben = learner("Ada", {"01.b": miss, "00.a": hit, "<b>": miss}), learner("Ben", {"00.a": miss})
    found = summarise_guesses([ada, ben])
    assert [(one.name, one.section, one.unit) for one in found] == [("00.a", "", ""), ("01.b", "", "")]
    assert [(one.hits, one.revealed) for one in found] == [(1, 2), (0, 1)]
    assert count_unknown(Class((ada, ben), (), ())) == 1 and summarise_guesses([]) == []
