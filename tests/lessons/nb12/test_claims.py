"""Sentences of notebook 12 that depend on results are true on the practice photographs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta

from aitex_utils.inspection.judge import PictureRule, find_threshold
from aitex_utils.lessons.nb12 import setup
from aitex_utils.lessons.nb12.reference import cusum, track_threshold
from aitex_utils.lessons.nb12.report import report_summary
from aitex_utils.lessons.nb12.verdicts import false_alarm_rate, first_alarm

pytestmark = pytest.mark.xdist_group("12_your_fabric")  # in one process with the notebook, whose cache it shares


def test_with_20_held_out_pictures_1_draw_of_7_has_twice_the_mean_rate():
    assert round(1 / beta.sf(2 / 21, 1, 20)) == 7


@pytest.fixture
def _inspected(caches: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None, few_resamples: None) -> Iterator[None]:
    """Inspect the photographs at a side of 256 px, unless the notebook has."""
    monkeypatch.setenv("COURSE_CACHE", str(caches / "12_your_fabric"))
    setup.inspect("--good", setup.lesson_photographs(), "--out", setup.results_folder(), "--side", "256")
    yield


pytestmark_slow = [pytest.mark.slow, pytest.mark.usefixtures("_inspected")]


def slow(test):
    for mark in pytestmark_slow:
        test = mark(test)
    return test


@slow
def test_most_defects_are_flagged_and_few_good_pictures():
    judged, threshold = setup.judged_pictures(), setup.inspected().threshold
    flagged = judged.flagged(threshold)
    assert flagged[~judged.is_good].mean() > 0.8 and flagged[judged.is_good].mean() <= 0.1
    assert 0 < (~flagged[~judged.is_good]).sum()  # there is a miss to read


@slow
def test_the_stain_is_found_in_colour_and_lost_in_grey():
    in_colour = setup.judged_pictures().found_by_kind(setup.inspected().threshold)
    good_scores, grey = setup.judge_with_rule(PictureRule(side=256, colour=False))
    in_grey = grey.found_by_kind(find_threshold(good_scores, 0.05)[0])
    assert in_colour["dye_stain"] == 1.0 and in_grey["dye_stain"] <= 0.25 and in_grey["knot"] >= 0.75


@slow
def test_the_lamp_breaks_the_promise_and_the_sum_notices_it_earlier():
    lamp, inspection = setup.later_set("lamp"), setup.inspected()
    assert false_alarm_rate(lamp, inspection.threshold, slice(0, 6)) == 0.0
    assert false_alarm_rate(lamp, inspection.threshold, slice(-6, None)) >= 0.75
    false_alarms = np.flatnonzero(lamp.is_good & (lamp.scores >= inspection.threshold)) + 1
    good_scores = np.array(inspection.good_scores)
    alarm, without_defects = first_alarm(cusum(lamp.scores, good_scores)), cusum(lamp.scores[lamp.is_good], good_scores)
    assert 6 < alarm < false_alarms[0] - 2
    assert alarm < np.flatnonzero(lamp.is_good)[first_alarm(without_defects) - 1] + 1 < false_alarms[0]


@slow
def test_a_threshold_that_follows_helps_on_the_lamp_and_hides_the_mark():
    inspection = setup.inspected()
    step, start = 8 * np.std(inspection.good_scores), inspection.threshold
    lamp, reed = setup.later_set("lamp"), setup.later_set("reed")
    track = track_threshold(lamp.scores, start, 0.05, step)
    flagged = lamp.scores >= track
    raised = np.flatnonzero(np.diff(track) > 0)
    assert not lamp.is_good[raised[raised < 18]].any()  # defects raise it, not the lamp
    assert flagged[lamp.is_good].sum() < (lamp.scores >= start)[lamp.is_good].sum() - 2
    assert flagged[~lamp.is_good].sum() >= 3
    slow_mark = np.interp(np.linspace(0, 23, 480), np.arange(24), reed.scores)
    marked = np.arange(480) > 120
    following = (slow_mark >= track_threshold(slow_mark, start, 0.05, step))[marked].mean()
    assert following < 0.1 and (slow_mark >= start)[marked].mean() > 0.4


@slow
def test_learning_the_new_yarn_removes_most_false_alarms():
    yarn, threshold = setup.later_set("yarn"), setup.inspected().threshold
    new_good = [i for i in range(13, 24) if yarn.is_good[i]]
    after = setup.judge_after_learning("yarn", [6, 7, 9, 10, 11, 12], new_good)
    assert (yarn.scores[new_good] >= threshold).mean() > 0.9 and (after >= threshold).mean() < 0.5


@slow
def test_learning_faint_marks_lowers_the_scores_of_strong_marks():
    reed, marked = setup.later_set("reed"), list(range(19, 24))
    after = setup.judge_after_learning("reed", list(range(6, 19)), marked)
    assert (after < 0.9 * reed.scores[marked]).all() and after.mean() < 0.85 * reed.scores[marked].mean()


@slow
def test_the_report_notices_the_lamp():
    lamp, out = setup.lesson_photographs() / "later" / "lamp", setup.results_folder().with_name("lamp")
    folders = "--test", lamp / "test", "--masks", lamp / "ground_truth", "--out", out
    setup.inspect("--detector", setup.results_folder(), *folders)
    assert any("the light has drifted" in line for line in report_summary(out / "report.html"))
