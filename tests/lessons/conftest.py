"""Fixtures for the tests of the lessons: printed text, displayed output, and a single made-up exercise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from checks_example import EXERCISE, QUESTION

from aitex_utils.lessons.engine import catalogue, predictions


@pytest.fixture
def printed(capsys: pytest.CaptureFixture) -> Callable[[], str]:
    """Return a function that returns the text printed since its last call, on one line."""
    return lambda: " ".join(capsys.readouterr().out.split())


@pytest.fixture
def notebook_output(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Pretend to run in JupyterLab or VS Code, and collect the displayed bundles."""
    bundles: list[dict[str, str]] = []
    IPython = pytest.importorskip("IPython")
    monkeypatch.setattr(IPython, "get_ipython", type("ZMQInteractiveShell", (), {}))
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture
def one_exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave only exercise 09.1 and question 09.q1, with a progress file of their own; return that file.

    Any guess is known.
    """
    file = tmp_path / "deep" / "progress.json"
    file.parent.mkdir()
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    known = {"EXERCISES": {"09.1": EXERCISE}, "QUESTIONS": {"09.q1": QUESTION}}
    for module in (catalogue, predictions):
        monkeypatch.setattr(module, "entries", lambda name, kind: known[kind])
    monkeypatch.setattr(predictions, "guess_names", lambda name: [name])
    return file
