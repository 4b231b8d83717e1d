"""The strips of a notebook: chosen by the profile, and made if they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons import data
from aitex_utils.strips import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER


@pytest.mark.parametrize("value", [None, ""])
def test_the_profile_is_fast_if_it_is_not_set(value: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
    if value is not None:
        monkeypatch.setenv("AITEX_PROFILE", value)
    assert data.profile() == "fast"


def test_an_unknown_profile_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_PROFILE", "slow")
    with pytest.raises(InputError, match="AITEX_PROFILE is 'slow'.*fast, full"):
        data.lesson_strips()


def test_the_fast_profile_makes_the_practice_fabric_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    made = []

    def make(folder: Path) -> Path:
        made.append(folder)
        for name in (NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER):
            (folder / name).mkdir(parents=True)
        return folder

    monkeypatch.setenv("AITEX_ROOT", str(tmp_path / "nowhere"))  # the fast profile ignores it
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
    monkeypatch.setattr(data, "PRACTICE", tmp_path / "practice")
    monkeypatch.setattr(data, "make_practice_fabric", make)
    assert data.lesson_strips() == tmp_path / "practice"
    assert "Making" in capsys.readouterr().out
    monkeypatch.setattr(data, "practice_is_there", lambda folder: folder == tmp_path / "practice")
    assert data.lesson_strips() == tmp_path / "practice"
    assert made == [tmp_path / "practice"] and "Making" not in capsys.readouterr().out


def test_the_full_profile_uses_aitex(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_PROFILE", "full")
    monkeypatch.setenv("AITEX_ROOT", str(small_practice))
    assert data.lesson_strips() == small_practice
