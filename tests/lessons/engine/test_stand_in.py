"""Whose function a notebook goes on with: the learner's if it is right, else the course's."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks_example import EXERCISE

from aitex_utils import lessons as checks
from aitex_utils.lessons.engine import stand_in
from aitex_utils.lessons.engine.progress import read_progress


@pytest.fixture(autouse=True)
def one_exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    for module in (checks, stand_in):
        monkeypatch.setattr(module, "entries", lambda name, kind: {"09.1": EXERCISE})


def test_a_right_answer_is_gone_on_with(capsys: pytest.CaptureFixture):
    def mine(*arguments):
        return EXERCISE.reference(*arguments)

    assert stand_in.yours_or_ours("09.1", mine) is mine
    assert "your own function" in capsys.readouterr().out


def stub(*arguments):
    raise NotImplementedError("09.1")


@pytest.mark.parametrize("answer", [None, stub, lambda *a: None, lambda *a: 1 / 0, 3])
def test_without_one_the_course_s_own_is(answer, capsys: pytest.CaptureFixture):
    assert stand_in.yours_or_ours("09.1", answer) is EXERCISE.reference
    assert "the course's own" in capsys.readouterr().out


def test_no_try_is_counted():
    stand_in.yours_or_ours("09.1", stub)
    assert not read_progress()["exercises"]
