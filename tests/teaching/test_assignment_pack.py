"""The assignment's folders: the same secret gives the same bytes, nothing leaks, and an answer makes the round trip."""

from __future__ import annotations

import csv
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from aitex_utils.commands import pack as command
from aitex_utils.errors import InputError
from aitex_utils.files.images import read_grey, read_mask
from aitex_utils.patchcore import PatchCore
from aitex_utils.practice.generate import FABRICS
from aitex_utils.region import crop_to_fabric
from aitex_utils.strips import list_strips
from aitex_utils.teaching import assignment_pack
from aitex_utils.teaching.assignment_answers import write_answers
from aitex_utils.teaching.assignment_mark import mark_answers, read_key
from aitex_utils.teaching.assignment_pack import (
    DATE,
    LEAST_SECRET,
    draw_strip,
    draw_weave,
    make_assignment,
    plan_codes,
    random_numbers,
)

SECRET = "a secret of four words"
SIZE = {"training": 4, "normal": 2, "defective": 2}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_assignment(SECRET, tmp_path_factory.mktemp("assignment") / "pack", **SIZE)


def content(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def chunks(data: bytes) -> list[bytes]:
    """Return the names of the chunks of a PNG."""
    names, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        names.append(data[at + 4 : at + 8])
        at += 12 + length
    return names


def test_the_same_secret_gives_the_same_bytes(pack: Path, tmp_path: Path):
    again = make_assignment(f"  {SECRET}\n", tmp_path / "again", **SIZE)
    assert content(again) == content(pack)


def test_the_command_names_a_task_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """A copy without solutions has no page of the assignment."""
    monkeypatch.setattr(command, "make_assignment", lambda seed, folder, **_: folder)
    monkeypatch.setattr(command, "PROJECT", tmp_path)
    says = []
    for _ in range(2):
        assert command.main(["--seed", SECRET, "--out", str(tmp_path / "pack")]) == 0
        says.append(capsys.readouterr().out.splitlines()[0])
        (tmp_path / command.TASK).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / command.TASK).touch()
    assert says[1].endswith(f"with {command.TASK}.") and "this copy lacks" in says[0] and says[0] != says[1]


def test_another_secret_gives_another_fabric_and_another_order():
    other = SECRET + "!"
    assert draw_weave(other)[0].light != draw_weave(SECRET)[0].light
    assert plan_codes(other, 6, 6) != plan_codes(SECRET, 6, 6)
    assert random_numbers(SECRET, 1, 0).random() != random_numbers(SECRET, 1, 1).random()


def test_no_weave_is_one_of_the_practice_fabric():
    known = [fabric.draft for fabric in FABRICS]
    for draft in assignment_pack.DRAFTS:
        assert not any(draft.shape == own.shape and (draft == own).all() for own in known)


@pytest.mark.parametrize("secret", ["short", " " * 20, "x" * (LEAST_SECRET - 1), None, 123456789012])
def test_a_secret_that_can_be_tried_is_refused(secret: object, tmp_path: Path):
    with pytest.raises(InputError, match="take several words"):
        make_assignment(secret, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize(("name", "value"), [("training", 3), ("normal", 1), ("defective", 0), ("normal", 2.5)])
def test_numbers_out_of_range_are_refused(name: str, value: object, tmp_path: Path):
    with pytest.raises(InputError, match=name):
        make_assignment(SECRET, tmp_path / "pack", **{**SIZE, name: value})


def test_a_folder_with_content_is_kept(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="thesis.txt"):
        make_assignment(SECRET, tmp_path, **SIZE)


def test_the_learner_s_folder_has_no_mask_no_code_and_no_secret(pack: Path):
    files = content(pack / "learner")
    key = json.loads((pack / "teacher" / "key.json").read_text(encoding="utf-8"))
    assert key["secret"] == SECRET and all(key[name] == size for name, size in SIZE.items())
    names = [name for name in files if name.endswith(".png")]
    assert sorted({name.split("_", 2)[2][-10:-4] for name in names}) == ["000_50", "999_50"]
    assert sorted(set(files) - set(names)) == ["README.md", "answer.json", "pack.json", "tiles.csv"]
    for name, data in files.items():
        assert SECRET.encode() not in data, name
        if not name.endswith(".png"):
            codes = {own["code"] for own in key["strips"].values()} - {"000"}
            assert not any(re.search(rf"\b{code}\b", data.decode("utf-8")) for code in codes), name
    assert json.loads(files["pack.json"]) == {"assignment": 1, "pack": key["pack"]}


def test_a_png_contains_pixels_only_and_all_have_one_form(pack: Path):
    heads = set()
    for path in (pack / "learner").rglob("*.png"):
        data = path.read_bytes()
        assert set(chunks(data)) == {b"IHDR", b"IDAT", b"IEND"}
        heads.add(data[8:33])
    assert len(heads) == 1


def test_all_files_have_one_date(pack: Path):
    paths = [path for part in ("learner", "teacher") for path in [pack / part, *(pack / part).rglob("*")]]
    assert {path.stat().st_mtime for path in paths} == {DATE}


def test_no_strip_is_drawn_between_two_files_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk keeps the time at which a file was created, and a defective strip takes longer to draw."""
    events = []
    strip = np.full((256, 4096), 100, np.uint8), np.zeros((256, 4096), bool)
    real = Path.write_bytes
    monkeypatch.setattr(assignment_pack, "draw_strip", lambda *_: events.append("draw") or strip)
    monkeypatch.setattr(assignment_pack, "tile_fabric", lambda image: (None, np.array([[0, 0]])))
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: events.append(path.parent.name) or real(path, data))
    make_assignment(SECRET, tmp_path / "pack", **SIZE)
    first = events.index("Defect_images")
    assert events[first : first + 4] == ["Defect_images"] * 4 and events[:first].count("draw") == 4 + 4


def test_numbers_say_nothing_about_the_codes():
    places = [
        np.flatnonzero([code != "000" for code in plan_codes(f"secret number {i:04d}", 6, 6)]) for i in range(200)
    ]
    share = np.bincount(np.concatenate(places), minlength=12) / 200
    assert share.min() > 0.35 and share.max() < 0.65  # 0.5 +- 4 standard deviations


def test_all_kinds_of_strips_are_acquired_alike(monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(
        assignment_pack, "render_strip", lambda weave, bed, *_: seen.append((weave, bed)) or (np.zeros((1, 1)), [])
    )
    for code in (None, "022"):
        draw_strip(SECRET, 2, 5, code)
    (first, bed), (second, other) = seen
    assert bed == other and all(np.array_equal(vars(first)[name], vars(second)[name]) for name in vars(first))


def test_the_key_fits_the_strips(pack: Path):
    key = json.loads((pack / "teacher" / "key.json").read_text(encoding="utf-8"))
    codes = {strip: own["code"] for strip, own in key["strips"].items()}
    assert sorted(codes.values())[:2] == ["000", "000"] and len(codes) == 4
    with (pack / "learner" / "tiles.csv").open(encoding="utf-8", newline="") as file:
        tiles = [(row["strip"], [int(row["row"]), int(row["column"])]) for row in csv.DictReader(file)]
    for strip, code in codes.items():
        mask = read_mask(pack / "teacher" / "masks" / f"{strip}.png")
        assert mask.any() == (code != "000") and mask.shape == (256, 4096)
        assert [corner for name, corner in tiles if name == strip] == key["strips"][strip]["corners"]
        assert read_grey(pack / "learner" / "Defect_images" / f"{strip}.png").shape == (256, 4096)


@pytest.fixture(scope="module")
def answers(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of answers with one, made as task.md says, with a small detector."""
    folder = tmp_path_factory.mktemp("answers")
    strips = list_strips(pack / "learner")
    training = [strip for strip in strips if strip.is_normal]
    detector = PatchCore(size=64, coreset_ratio=0.02, pooling=3)
    detector.fit_strips([crop_to_fabric(strip.read())[0] for strip in training[:2]])
    results = {strip.id: detector.predict_strip(strip.read()) for strip in strips if not strip.is_normal}
    write_answers(folder / "ann", pack / "learner", results, threshold=3.0, false_alarm_rate=0.05)
    return folder


def test_an_answer_makes_the_round_trip(pack: Path, answers: Path):
    (mark,) = mark_answers(answers, read_key(pack), n_resamples=20)
    assert mark.learner == "ann" and mark.refused == ""
    assert mark.values["clean_tiles"] >= 20 and mark.values["defective_tiles"] >= 1
    assert 0 <= mark.values["auroc"] <= 1 and 0 <= mark.values["aupro_0.3"] <= 1


def test_masks_as_maps_have_the_best_marks(pack: Path, answers: Path, tmp_path: Path):
    key = read_key(pack)
    strips = {strip.id: strip for strip in list_strips(pack / "learner")}
    from aitex_utils.patchcore import StripResult
    from aitex_utils.tiling import crop_tiles

    results = {}
    for strip in key.strips:
        mask = read_mask(pack / "teacher" / "masks" / f"{strip}.png").astype(np.float32)
        corners = np.array(json.loads((pack / "teacher" / "key.json").read_text())["strips"][strip]["corners"])
        scores = crop_tiles(mask, corners).max(axis=(1, 2))
        results[strip] = StripResult(mask, 1.0, scores, corners, (0, 4096))
    assert set(results) <= set(strips)
    write_answers(tmp_path / "bo", pack / "learner", results, threshold=0.5, false_alarm_rate=0.01)
    (mark,) = mark_answers(tmp_path, key, n_resamples=20)
    assert mark.values["auroc"] == mark.values["ap"] == mark.values["recall"] == 1
    assert mark.values["aupro_0.3"] == pytest.approx(1) and mark.values["false_alarms"] == 0


def test_an_answer_of_other_tiles_is_refused_before_it_is_written(pack: Path, tmp_path: Path):
    from aitex_utils.patchcore import StripResult

    strips = [strip.id for strip in list_strips(pack / "learner") if not strip.is_normal]
    results = {
        strip: StripResult(np.zeros((256, 4096)), 0.0, np.zeros(1), np.array([[0, 0]]), (0, 256)) for strip in strips
    }
    for broken, says in ((results, "not in tiles.csv"), ({}, "predict all test strips")):
        with pytest.raises(InputError, match=says):
            write_answers(tmp_path / "ann", pack / "learner", broken, threshold=1.0, false_alarm_rate=0.05)
    with pytest.raises(InputError, match="hold out more strips"):
        write_answers(tmp_path / "ann", pack / "learner", results, threshold=np.inf, false_alarm_rate=0.05)
    assert not (tmp_path / "ann").exists()
