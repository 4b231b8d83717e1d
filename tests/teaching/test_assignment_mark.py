"""Marks of the assignment: small cases worked by hand, refused answers beside good ones, and the register."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from aitex_utils.commands import mark as command
from aitex_utils.errors import InputError
from aitex_utils.teaching import assignment_mark
from aitex_utils.teaching.assignment_answers import MAP_SHAPE, Answer
from aitex_utils.teaching.assignment_mark import (
    COLUMNS,
    Key,
    KeyStrip,
    Mark,
    false_alarms,
    find_answers,
    key_strip,
    mark_answer,
    mark_answers,
    read_key,
    write_register,
)

FABRIC = slice(0, 128)
DEFECT = np.zeros(MAP_SHAPE, bool)
DEFECT[10:14, 70:80] = True
CLEAN = np.zeros(MAP_SHAPE, bool)
STRIPS = {
    "0101_999_50": KeyStrip("000", np.array([False, False]), CLEAN, FABRIC),
    "0102_999_50": KeyStrip("030", np.array([False, True]), DEFECT, FABRIC),
    "0103_999_50": KeyStrip("000", np.array([False, False]), CLEAN, FABRIC),
    "0104_999_50": KeyStrip("006", np.array([True, False]), DEFECT, FABRIC),
}
KEY = Key("0a1b", STRIPS)
SCORES = {
    "0101_999_50": np.array([1.0, 4.0]),
    "0102_999_50": np.array([99.0, 3.0]),  # its clean tile counts in nothing
    "0103_999_50": np.array([2.0, 2.5]),
    "0104_999_50": np.array([5.0, 99.0]),
}


def answer(scores: dict = SCORES, threshold: float = 3.0, rate: float = 0.05, maps: dict | None = None) -> Answer:
    maps = {strip: own.mask.astype(float) for strip, own in STRIPS.items()} if maps is None else maps
    return Answer(threshold, rate, scores, maps)


def test_marks_worked_by_hand():
    values = mark_answer(answer(), KEY, n_resamples=50)
    # Pairs of a defective tile (3, 5) and a clean tile of a normal strip (1, 4, 2, 2.5): 3 + 4 of 8 are in order.
    assert values["auroc"] == 7 / 8
    # Sorted: 5 (defective), 4, 3 (defective): precision 1 and 2 / 3, each for half of the recall.
    assert values["ap"] == pytest.approx((1 + 2 / 3) / 2)
    assert (values["false_alarms"], values["clean_tiles"], values["realised_rate"]) == (1, 4, 0.25)
    assert (values["found"], values["defective_tiles"], values["recall"]) == (2, 2, 1.0)
    assert [values["aupro_0.3"], values["aupro_0.05"]] == pytest.approx([1, 1])
    assert values["auroc_low"] <= values["auroc"] <= values["auroc_high"]
    assert list(values) == list(COLUMNS[2:])


def test_a_score_at_the_threshold_is_flagged():
    assert mark_answer(answer(threshold=4.0), KEY, n_resamples=5)["false_alarms"] == 1
    assert mark_answer(answer(threshold=np.nextafter(4.0, 5)), KEY, n_resamples=5)["false_alarms"] == 0


def test_a_map_off_the_fabric_counts_in_nothing():
    maps = {strip: own.mask.astype(float) for strip, own in STRIPS.items()}
    before = mark_answer(answer(maps=maps), KEY, n_resamples=5)["aupro_0.3"]
    for values in maps.values():
        values[:, 128:] = np.nan
    assert mark_answer(answer(maps=maps), KEY, n_resamples=5)["aupro_0.3"] == before


def test_the_same_answer_has_the_same_intervals():
    assert mark_answer(answer(), KEY, n_resamples=30) == mark_answer(answer(), KEY, n_resamples=30)


@pytest.mark.parametrize(
    ("count", "promised", "verdict"),
    [(0, 0.05, "kept"), (5, 0.05, "kept"), (11, 0.05, "kept"), (12, 0.05, "broken"), (100, 0.5, "broken")],
)
def test_the_promise_is_broken_if_the_interval_lies_above_it(count: int, promised: float, verdict: str):
    found = false_alarms(np.arange(100) < count, np.arange(100) // 10, promised, 20)
    # Exact interval: 11 of 100 begins at 0.056, so the limit lies between 10 and 11 for 5 %.
    assert found["realised_rate"] == count / 100
    assert (found["binomial_low"] <= promised) == (found["promise"] == "kept")
    if count != 11:
        assert found["promise"] == verdict


def test_the_interval_of_strips_is_wider_if_alarms_come_from_one_strip():
    together = false_alarms(np.arange(100) < 10, np.arange(100) // 10, 0.05, 300)
    spread = false_alarms(np.arange(100) % 10 == 0, np.arange(100) // 10, 0.05, 300)
    assert (together["binomial_low"], together["binomial_high"]) == (spread["binomial_low"], spread["binomial_high"])
    assert spread["strips_low"] == spread["strips_high"] == 0.1
    assert together["strips_high"] > together["binomial_high"]


def test_labels_and_columns_of_a_strip():
    mask = np.zeros((256, 4096), bool)
    mask[255, 563] = True
    strip = key_strip("030", np.array([[0, 50], [0, 306], [0, 562]]), mask)
    assert strip.labels.tolist() == [False, False, True]
    assert strip.mask.sum() == 1 and strip.mask[63, 140]
    assert strip.columns == slice(13, 204)  # 52 is the first multiple of 4 from 50 on, 816 the last up to 818


@pytest.fixture
def handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with answers of four learners; what `read_answer` says depends on the name alone.

    The command computes the intervals, which have their own tests, from few resamples.
    """

    def read(path: Path, *_: object) -> Answer:
        if path.stem == "bad":
            raise InputError("scores.csv is missing: hand in the folder that write_answers made.")
        return answer()

    monkeypatch.setattr(assignment_mark, "read_answer", read)
    monkeypatch.setattr(command, "mark_answers", partial(mark_answers, n_resamples=5))
    for name in ("ann", "bad", "Zoe", ".hidden"):
        (tmp_path / "answers" / name).mkdir(parents=True)
    for name in ("bo.zip", "zoe.zip", "notes.txt"):
        (tmp_path / "answers" / name).touch()
    return tmp_path / "answers"


def test_a_refused_answer_stops_no_other(handed_in: Path):
    marks = {mark.learner: mark for mark in mark_answers(handed_in, KEY, n_resamples=5)}
    assert sorted(marks) == ["Zoe", "ann", "bad", "bo"]
    assert marks["ann"].values["auroc"] == marks["bo"].values["auroc"] == 7 / 8
    assert marks["bad"].refused.startswith("scores.csv is missing") and marks["bad"].values == {}
    assert marks["Zoe"].refused == "There are several answers of this name (Zoe, zoe.zip): keep one of them."


def test_an_archive_that_is_no_zip_file_is_named(handed_in: Path):
    (handed_in / "carl.7Z").touch()
    (handed_in / "dora.tar.gz").touch()
    marks = {mark.learner: mark.refused for mark in mark_answers(handed_in, KEY, n_resamples=5)}
    assert marks["carl.7Z"] == "carl.7Z is no ZIP file: unpack it, or let it be packed as ZIP."
    assert "dora.tar.gz" in marks


def test_a_link_to_the_answer_of_another_learner_is_refused(handed_in: Path):
    try:
        (handed_in / "eve").symlink_to(handed_in / "ann", target_is_directory=True)
        (handed_in / "fay.zip").symlink_to(handed_in / "bo.zip")
    except OSError:
        pytest.skip("no right to make links")
    marks = {mark.learner: mark for mark in mark_answers(handed_in, KEY, n_resamples=5)}
    assert marks["eve"].refused == "eve is a link: put the folder or ZIP file itself there."
    assert marks["fay"].refused == "fay.zip is a link: put the folder or ZIP file itself there."
    assert marks["ann"].values and marks["bo"].values
    (handed_in / "ann" / "answer.json").touch()
    (mark,) = mark_answers(handed_in / "eve", KEY, n_resamples=5)  # the teacher named it
    assert mark.values


def test_a_name_that_no_disk_can_have_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="is no folder of answers"):
        find_answers(tmp_path / ("n" * 300))
    with pytest.raises(InputError, match="is not the teacher's folder"):
        read_key(tmp_path / ("n" * 300))


def test_a_name_cannot_write_a_line_of_its_own(handed_in: Path, capsys: pytest.CaptureFixture, monkeypatch):
    name = "carl\nann: AUROC 1.000\x1b[2K"
    try:
        (handed_in / name).mkdir()
    except OSError:
        pytest.skip("this system refuses the name")
    monkeypatch.setattr(command, "read_key", lambda _: KEY)
    assert command.main([str(handed_in), "key"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 5 and "carl ann: AUROC 1.000 [2K: AUROC" in out and "\x1b" not in out


def test_one_answer_can_be_named_alone(tmp_path: Path):
    (tmp_path / "answer.json").touch()
    (tmp_path / "x.ZIP").touch()
    assert find_answers(tmp_path) == [tmp_path]
    assert find_answers(tmp_path / "x.ZIP") == [tmp_path / "x.ZIP"]


CORNERS = ("[]", "null", "[1, 2]", '[["x", "y"]]', "[[0, NaN]]", "[[0.5, 3.5]]", "[[0, 1, 2]]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"pack": "a", "strips": []}',
        '{"pack": "a", "strips": {"b": 1}}',
        "[" * 100_000,
        '{"pack": "a", "strips": {}}',
    ]
    + [f'{{"pack": "a", "strips": {{"b": {{"code": "000", "corners": {corners}}}}}}}' for corners in CORNERS],
)
def test_a_broken_key_is_refused(text: str, tmp_path: Path):
    (tmp_path / "key.json").write_text(text)
    with pytest.raises(InputError, match="not the teacher's folder"):
        read_key(tmp_path)


def test_a_key_without_its_mask_is_refused(tmp_path: Path):
    strips = {"0101_999_50": {"code": "000", "corners": [[0, 0]]}}
    (tmp_path / "key.json").write_text(json.dumps({"pack": "a", "strips": strips}))
    with pytest.raises(InputError, match="0101_999_50"):
        read_key(tmp_path)


def test_the_register_has_a_line_per_learner_and_no_formulas(tmp_path: Path):
    marks = [
        Mark("ann", "", mark_answer(answer(), KEY, n_resamples=5)),
        Mark("=HYPERLINK(1)", "-1 is refused.", {}),
        Mark("Zoë, A.", "", mark_answer(answer(), KEY, n_resamples=5)),
    ]
    write_register(marks, tmp_path / "marks.csv")
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["learner"] for row in rows] == ["ann", "'=HYPERLINK(1)", "Zoë, A."]
    assert rows[0]["auroc"] == "0.875" and rows[0]["promise"] == "kept" and rows[1]["auroc"] == ""
    assert rows[1]["refused"] == "'-1 is refused."


def test_the_command_prints_a_line_per_learner(
    handed_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "read_key", lambda _: KEY)
    assert command.main([str(handed_in), "key", "--csv", str(tmp_path / "marks.csv")]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 4 and out[1].startswith("ann: AUROC 0.875 (")
    assert out[1].endswith("for 5 % promised: kept, defective tiles found 2 of 2")
    assert "bad: scores.csv is missing: hand in the folder that write_answers made." in out
    assert (tmp_path / "marks.csv").is_file()


def test_the_register_replaces_nothing_foreign(
    handed_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "read_key", lambda _: KEY)
    thesis, register = tmp_path / "thesis.csv", tmp_path / "marks.csv"
    thesis.write_text("years,of,work")
    for _ in range(2):
        assert command.main([str(handed_in), "key", "--csv", str(register)]) == 0
    monkeypatch.setattr(command, "mark_answers", lambda *_: pytest.fail("marked before the check"))
    for path, says in (
        (thesis, "was not written by this command"),
        (tmp_path, "cannot be read"),
        (thesis / "a", "way"),
    ):
        assert command.main([str(handed_in), "key", "--csv", str(path)]) == 1
        assert says in capsys.readouterr().err
    assert thesis.read_text() == "years,of,work"


def test_the_command_fails_if_no_answer_is_marked(
    handed_in: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "read_key", lambda _: KEY)
    for name in ("ann", "bo.zip"):
        path = handed_in / name
        path.rmdir() if path.is_dir() else path.unlink()
    assert command.main([str(handed_in), "key"]) == 1
    assert command.main([str(handed_in / "nothing"), "key"]) == 1
    assert capsys.readouterr().err.startswith("mark: ")
