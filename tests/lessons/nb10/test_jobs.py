"""Jobs report their steps, end at a stop before the next step, and hand on results and errors."""

from __future__ import annotations

import threading

import IPython
import IPython.display
import ipywidgets
import pytest

from aitex_utils.lessons.nb10 import jobs
from aitex_utils.lessons.nb10.jobs import Job, Step, StoppedError, finish, finish_with_bar, scaled


def counting(n: int, seen: list[int] | None = None, at: threading.Event | None = None):
    for i in range(n):
        yield Step(i / n, f"number {i}")
        if seen is not None:
            seen.append(i)
        if at is not None and i == 1:
            at.wait(60)
    return n


def failing():
    yield Step(0.0, "first")
    raise ValueError("broken")


def test_all_steps_are_reported_and_the_result_is_returned():
    reported: list[Step] = []
    assert finish(counting(3), reported.append) == 3
    assert reported == [Step(0, "number 0"), Step(1 / 3, "number 1"), Step(2 / 3, "number 2")]


def test_a_stop_ends_before_the_next_step():
    seen: list[int] = []
    with pytest.raises(StoppedError):
        finish(counting(9, seen), is_stopped=lambda: len(seen) >= 2)
    assert seen == [0, 1]


def test_a_job_inside_a_job_is_scaled_and_returns_its_result():
    def outer():
        first = yield from scaled(counting(2), 0.0, 0.5)
        second = yield from scaled(counting(1), 0.5, 1.0)
        return first + second

    shares: list[float] = []
    assert finish(outer(), lambda step: shares.append(step.share)) == 3
    assert shares == [0.0, 0.25, 0.5]


def test_a_long_job_shows_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(jobs, "PATIENCE", -1.0)
    assert finish_with_bar(counting(4)) == 4
    lines = capsys.readouterr().err.split("\r")
    assert [line.strip() for line in lines if line.strip()] == [
        f"{share} of 100: number {i}" for i, share in enumerate((0, 25, 50, 75))
    ]
    bundles: list[dict] = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    made: list[ipywidgets.FloatProgress] = []
    labels: list[str] = []
    real = ipywidgets.FloatProgress

    def make(*args, **kw):
        made.append(real(*args, **kw))
        labels.append(made[-1].description)
        return made[-1]

    monkeypatch.setattr(ipywidgets, "FloatProgress", make)
    with pytest.raises(ValueError, match="broken"):
        finish_with_bar(failing())
    assert finish_with_bar(counting(4)) == 4
    assert [bundle["text/plain"] for bundle in bundles] == ["", ""] and jobs.WIDGET in bundles[0]
    assert (made[1].value, made[1].description) == (0.75, "number 3") and all(labels)
    assert all(bar.comm is None for bar in made)  # closed, also after an error


def test_the_bar_hands_on_results_and_errors():
    assert finish_with_bar(counting(4)) == 4
    with pytest.raises(ValueError, match="broken"):
        finish_with_bar(failing())


def test_a_job_in_a_thread_ends_with_its_result_or_its_error():
    ends: list[tuple] = []
    for steps in (counting(3), failing()):
        job = Job(steps, lambda step: None, lambda result, error: ends.append((result, error)))
        job.wait()
        assert not job.is_running
    assert ends[0] == (3, None) and ends[1][0] is None and str(ends[1][1]) == "broken"


def test_a_job_in_a_thread_can_be_stopped_between_two_steps():
    seen: list[int] = []
    ends: list[tuple] = []
    reached, go_on = threading.Event(), threading.Event()

    def report(step: Step) -> None:
        if step.text == "number 1":
            reached.set()

    job = Job(counting(5, seen, go_on), report, lambda result, error: ends.append((result, error)))
    assert reached.wait(60)
    job.stop()
    go_on.set()
    job.wait()
    assert seen == [0, 1] and ends[0][0] is None and isinstance(ends[0][1], StoppedError)
