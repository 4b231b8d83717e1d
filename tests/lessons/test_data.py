"""The strips of a notebook: chosen by the profile, and made if they are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_aitex import write_png

from aitex_utils.errors import InputError
from aitex_utils.lessons import data
from aitex_utils.strips import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER

WOVEN = np.random.default_rng(0).integers(80, 160, (256, 512), np.uint8)


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
        for name in (DEFECT_FOLDER, MASK_FOLDER):
            (folder / name).mkdir(parents=True)
        write_png(folder / NORMAL_FOLDER / "0001_000_00.png", WOVEN)
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


def test_what_matters_in_the_data_is_said_in_up_to_three_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("AITEX_PROFILE", "full")
    monkeypatch.setenv("AITEX_ROOT", str(tmp_path))
    for name in (DEFECT_FOLDER, MASK_FOLDER):
        (tmp_path / name).mkdir()
    write_png(tmp_path / NORMAL_FOLDER / "0001_000_00.png", WOVEN)
    data.lesson_strips()
    assert capsys.readouterr().out.count("\n") == 1
    (tmp_path / NORMAL_FOLDER / "0002_000_00.png").write_bytes(b"x")
    write_png(tmp_path / NORMAL_FOLDER / "again" / "0001_000_00.png", WOVEN)
    write_png(tmp_path / NORMAL_FOLDER / "0003_000_00.png", WOVEN)
    data.lesson_strips()
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines[0].startswith("In your data: 1 x cannot be read: NODefect_images/0002_000_00.png (")
    assert lines[1].startswith("In your data: 1 x same strip twice: NODefect_images/again/0001_000_00.png (")
    assert lines[2].startswith("1 more kinds of issues: check_dataset(") and len(lines) == 3


def test_the_full_profile_uses_aitex(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_PROFILE", "full")
    monkeypatch.setenv("AITEX_ROOT", str(small_practice))
    assert data.lesson_strips() == small_practice
