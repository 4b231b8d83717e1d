"""The benchmark of the capstone's samples: splits, counts and failures, on a few photographs without a detector."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import capstone
import numpy as np
import pytest

from aitex_utils.commands.inspect import COLUMNS
from aitex_utils.errors import InputError


@pytest.fixture(scope="module")
def photographs(small_photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return practice photographs of two kinds of defects, eight pictures of each kind."""
    folder = shutil.copytree(small_photographs, tmp_path_factory.mktemp("capstone") / "pictures")
    for kind in ("knot", "oil_spot", "weft_crack"):
        shutil.rmtree(folder / "test" / kind)
    return folder


def test_no_day_is_on_both_sides_of_the_split(photographs: Path, tmp_path: Path):
    sets = capstone.split_by_day(photographs, tmp_path)
    sides = [{path.name[:5] for path in (tmp_path / name).rglob("*.jpg")} for name in ("good", "test")]
    assert sides == [set(sets["good_days"]), set(sets["test_days"])]
    assert not sides[0] & sides[1] and len(sides[1]) == capstone.TEST_DAYS
    assert max(sides[0]) < min(sides[1])


def test_the_split_loses_no_picture_and_copies_it_whole(photographs: Path, tmp_path: Path):
    sets = capstone.split_by_day(photographs, tmp_path)
    assert sets["good"] + sets["test_good"] == 16 and sets["test_defective"] + sets["left_out"] == 16
    contents = {path.read_bytes() for path in photographs.glob("t*/good/*.jpg")}
    assert {path.read_bytes() for path in [*tmp_path.glob("good/*"), *tmp_path.glob("test/good/*")]} == contents
    masks = {path.relative_to(tmp_path / "masks").with_suffix("") for path in tmp_path.glob("masks/*/*")}
    assert masks == {path.relative_to(tmp_path / "test").with_suffix("") for path in tmp_path.glob("test/[!g]*/*")}


def test_the_leak_is_one_that_the_audit_finds(photographs: Path, tmp_path: Path):
    good, test = sorted(photographs.glob("t*/good/*.jpg")), sorted(photographs.glob("test/*/*.jpg"))
    (line,) = capstone.messages(*capstone.copy_sides(good, test, tmp_path))
    assert line.startswith("8 x test picture among the good ones: test/good/001.jpg")
    assert str(tmp_path) not in line
    assert len(list((tmp_path / "good").iterdir())) == 16 and len(list((tmp_path / "test").rglob("*.jpg"))) == 24


def test_the_split_by_day_has_no_leak_that_the_audit_finds(photographs: Path, tmp_path: Path):
    capstone.split_by_day(photographs, tmp_path)
    assert capstone.messages(tmp_path / "good", tmp_path / "test", tmp_path / "masks") == []
    near = capstone.nearest_pairs(tmp_path / "good", tmp_path / "test")
    assert near == sorted(near, reverse=True) and near[0] < 0.38
    shutil.copyfile(next((tmp_path / "good").iterdir()), tmp_path / "test" / "copy.jpg")
    assert capstone.nearest_pairs(tmp_path / "good", tmp_path / "test")[0] > 0.9


def test_a_picture_without_a_date_is_refused(tmp_path: Path):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="does not say when it was taken: make"):
        capstone.date_of(tmp_path / "a.jpg")


def test_a_count_has_its_binomial_interval():
    assert capstone.count([False] * 30) == {"k": 0, "n": 30, "rate": 0.0, "interval": [0.0, 0.1157]}
    some = capstone.count([True] * 3 + [False] * 27)
    assert some["k"] == 3 and some["rate"] == 0.1 and some["interval"][0] < 0.1 < some["interval"][1]


def rows_of(scores: list[float], kinds: list[str]) -> list[dict]:
    return [
        {"picture": f"{kind}/{i}.jpg", "kind": kind, "score": score, "flagged": score >= 2, "defective": kind != "good"}
        for i, (score, kind) in enumerate(zip(scores, kinds, strict=True))
    ]


def test_the_outcome_counts_at_its_threshold():
    rows = rows_of([1.0, 2.0, 3.0, 1.5, 4.0], ["good", "good", "knot", "knot", "spot"])
    found = capstone.outcome(rows, 2.0)
    assert (found["false_alarms"]["k"], found["recall"]["k"], found["recall"]["n"]) == (1, 2, 3)
    assert found["by_kind"] == {"knot": {"k": 1, "n": 2}, "spot": {"k": 1, "n": 1}}
    assert found["flagged_good"] == [{"picture": "good/1.jpg", "score": 2.0}]
    assert found["missed"] == [{"picture": "knot/3.jpg", "score": 1.5}]
    assert found["accuracy"] == 0.6 and found["auroc"] == pytest.approx(5 / 6, abs=1e-4)


def test_gains_and_losses_between_two_runs():
    first, second = ({"missed": [{"picture": name} for name in names]} for names in ("abc", "cd"))
    assert capstone.compared(first, second) == {"gained": 2, "lost": 1}


def test_scores_are_read_as_the_command_writes_them(tmp_path: Path):
    with (tmp_path / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerow(["knot/1.jpg", repr(float(np.float32(2.5))), 1, 1, 9, 0, 0, 3, 3, 0, "knot"])
        writer.writerow(["good/1.jpg", "1.5", 0, 0, 0, "", "", "", "", 1, "good"])
    rows = capstone.read_scores(tmp_path)
    assert [(row["score"], row["flagged"], row["defective"]) for row in rows] == [
        (2.5, True, True),
        (1.5, False, False),
    ]


def test_a_folder_that_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capstone, "write_results", lambda *_: pytest.fail("nothing was measured"))
    (tmp_path / "a").mkdir()
    assert capstone.main(["--only", "a", "--keep", str(tmp_path)]) == 1
    assert "choose another folder for --keep" in capsys.readouterr().err
