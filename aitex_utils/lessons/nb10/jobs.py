"""Work in small steps: it reports its progress, and it can be stopped before each step.

A job is a generator. It yields a `Step` before each part of its work, and returns its result at the end.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

Result = TypeVar("Result")
PATIENCE = 1.0  # seconds before a progress bar appears
WIDGET = "application/vnd.jupyter.widget-view+json"


class Step(NamedTuple):
    """The part of the work that comes next.

    Parameters
    ----------
    share : float
        Share of the work that is done, 0 to 1.
    text : str
        Name of the next part.

    Examples
    --------
    >>> Step(0.5, "coreset").text
    'coreset'
    """

    share: float
    text: str


Steps = Generator[Step, None, Result]


class StoppedError(Exception):
    """A job was stopped before its end.

    Examples
    --------
    >>> issubclass(StoppedError, Exception)
    True
    """


def finish(
    steps: Steps[Result],
    report: Callable[[Step], Any] = lambda step: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Result:
    """Do all steps of a job, and return its result.

    Parameters
    ----------
    steps : generator
        The job.
    report : callable
        Called with each step before its work begins.
    is_stopped : callable
        Called before each step. If it returns True, the job ends there.

    Returns
    -------
    object
        The result of the job.

    Raises
    ------
    StoppedError
        If the job was stopped.

    Examples
    --------
    >>> def count_to(n):
    ...     for i in range(n):
    ...         yield Step(i / n, f"number {i}")
    ...     return n
    >>> finish(count_to(2), report=lambda step: print(step.text))
    number 0
    number 1
    2
    """
    try:
        while True:
            if is_stopped():
                raise StoppedError
            try:
                report(next(steps))
            except StopIteration as end:
                return end.value
    finally:
        steps.close()


def scaled(steps: Steps[Result], start: float, end: float) -> Steps[Result]:
    """Return a job as a part of a longer job.

    Parameters
    ----------
    steps : generator
        The job.
    start, end : float
        Shares of the longer job that are done at the job's start and at its end.

    Returns
    -------
    generator

    Examples
    --------
    >>> def one_step():
    ...     yield Step(0.5, "half")
    >>> [step.share for step in scaled(one_step(), 0.5, 1.0)]
    [0.75]
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            return stop.value
        yield step._replace(share=start + (end - start) * step.share)


def finish_with_bar(steps: Steps[Result]) -> Result:
    """Do all steps of a job with a progress bar, which appears after a second and goes away at the end.

    Parameters
    ----------
    steps : generator
        The job.

    Returns
    -------
    object
        The result of the job.

    Examples
    --------
    >>> def no_work():
    ...     yield Step(0.0, "nothing")
    ...     return "done"
    >>> finish_with_bar(no_work())
    'done'
    """
    start, bar = time.monotonic(), None
    try:

        def report(step: Step) -> None:
            nonlocal bar
            if bar is None and time.monotonic() - start > PATIENCE:
                bar = _make_bar()
            if bar is not None:
                bar.value, bar.description = step.share, step.text

        return finish(steps, report)
    finally:
        if bar is not None:
            bar.close()


def _make_bar() -> Any:
    """Display a progress bar as a widget, which leaves no text in the notebook, or write to the terminal."""
    from IPython import get_ipython
    from IPython.display import display

    try:
        if get_ipython() is None:
            return _TerminalBar()
        from ipywidgets import FloatProgress
    except ImportError:
        return _TerminalBar()
    style, layout = {"description_width": "18em"}, {"width": "34em"}
    bar = FloatProgress(0.0, min=0.0, max=1.0, description="progress", style=style, layout=layout)
    display({WIDGET: bar._repr_mimebundle_()[WIDGET], "text/plain": ""}, raw=True)
    return bar


class _TerminalBar:
    """The progress in one line of the terminal."""

    def __init__(self) -> None:
        self.value = 0.0

    @property
    def description(self) -> str:
        return ""

    @description.setter
    def description(self, text: str) -> None:
        print(f"\r{100 * self.value:3.0f} of 100: {text:50.50}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print(f"\r{'':70}\r", end="", file=sys.stderr, flush=True)


class Job:
    """A job in a thread of its own, so that the kernel can receive the message of a Stop button.

    Parameters
    ----------
    steps : generator
        The job.
    report : callable
        Called with each step, in the thread.
    done : callable
        Called once at the end, in the thread, with the result and the error. One of them is None. The error is
        `StoppedError` if the job was stopped.

    Examples
    --------
    >>> def no_work():
    ...     yield Step(0.0, "nothing")
    ...     return "result"
    >>> Job(no_work(), lambda step: None, lambda result, error: print(result)).wait()
    result
    """

    def __init__(
        self,
        steps: Steps[Any],
        report: Callable[[Step], Any],
        done: Callable[[Any, BaseException | None], Any],
    ) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(steps, report, done), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the job before its next step."""
        self._stop.set()

    def wait(self) -> None:
        """Return when the job has ended."""
        self._thread.join()

    @property
    def is_running(self) -> bool:
        """True until the job has ended."""
        return self._thread.is_alive()

    def _work(self, steps: Steps[Any], report: Callable, done: Callable) -> None:
        try:
            result = finish(steps, report, self._stop.is_set)
        except BaseException as error:  # noqa: BLE001 - an error in a thread would only reach a hidden log
            done(None, error)
        else:
            done(result, None)
