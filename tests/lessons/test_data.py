"""Which strips a notebook learns on: by profile, made when missing, and one sentence where the profile is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons import data as lesson


def test_without_a_profile_it_is_fast(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
    assert lesson.profile() == "fast"
    monkeypatch.setenv("AITEX_PROFILE", "")
    assert lesson.profile() == "fast"


def test_an_unknown_profile_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_PROFILE", "slow")
    with pytest.raises(InputError, match="AITEX_PROFILE is 'slow': set it to one of fast, full"):
        lesson.lesson_strips()


def test_the_fast_profile_makes_the_practice_fabric_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    made = []

    def make(folder: Path) -> Path:
        made.append(folder)
        for name in ("NODefect_images", "Defect_images", "Mask_images"):
            (folder / name).mkdir(parents=True)
        return folder

    monkeypatch.setenv("AITEX_ROOT", str(tmp_path / "nowhere"))  # the fast profile doesn't look at it
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
    monkeypatch.setattr(lesson, "PRACTICE", tmp_path / "practice")
    monkeypatch.setattr(lesson, "make_practice_fabric", make)
    assert lesson.lesson_strips() == tmp_path / "practice"
    assert "Making the practice fabric" in capsys.readouterr().out
    monkeypatch.setattr(lesson, "practice_is_there", lambda folder: folder == tmp_path / "practice")
    assert lesson.lesson_strips() == tmp_path / "practice"
    assert made == [tmp_path / "practice"] and capsys.readouterr().out == "Strips of the practice fabric.\n"


def test_the_full_profile_takes_aitex(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_PROFILE", "full")
    monkeypatch.setenv("AITEX_ROOT", str(small_practice))
    assert lesson.lesson_strips() == small_practice
