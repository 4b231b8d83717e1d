"""`course.py inspect`: what it writes, that it goes on after an interruption, and that nothing is lost."""

from __future__ import annotations

import csv
import errno
import functools
import json
import os
import threading
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from woven import woven

from aitex_utils.commands import inspect
from aitex_utils.errors import InputError
from aitex_utils.inspection import judge
from aitex_utils.patchcore import PatchCore

pytestmark = pytest.mark.usefixtures("one_thread", "few_resamples")
SIDE, GOOD, SIZE = 256, 8, 96


def save(folder: Path, pictures: np.ndarray, first: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures, first):
        assert cv2.imwrite(f"{folder}/{number}.png", picture)
    return folder


def with_hole(pictures: np.ndarray) -> np.ndarray:
    pictures = pictures.copy()
    pictures[:, 100:150, 60:120] = 10
    return pictures


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with good pictures, pictures to judge under the labels good and hole, and a mask."""
    root = tmp_path_factory.mktemp("pictures")
    save(root / "good", woven(GOOD, 0, SIDE, SIDE))
    save(root / "new" / "good", woven(2, 1, SIDE, SIDE))
    save(root / "new" / "hole", with_hole(woven(2, 2, SIDE, SIDE)))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[100:150, 60:120] = 255
    save(root / "masks" / "hole", mask[None])
    return root


@pytest.fixture(autouse=True)
def quick_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "fit_pictures", functools.partial(judge.fit_pictures, size=SIZE))
    monkeypatch.setattr(inspect, "POLL", 0.02)


def run(folders: Path, out: Path, *arguments: str) -> int:
    paths = ["--good", str(folders / "good"), "--test", str(folders / "new"), "--out", str(out)]
    return inspect.main([*paths, *arguments])


def scores(out: Path) -> dict[str, dict[str, str]]:
    with open(out / "scores.csv", newline="", encoding="utf-8") as file:
        return {row["picture"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def results(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "fit_pictures", functools.partial(judge.fit_pictures, size=SIZE))
        assert run(folders, out, "--masks", str(folders / "masks")) == 0
    return out


def test_the_results_are_scores_masks_a_report_and_the_detector(folders: Path, results: Path):
    rows = scores(results)
    assert set(rows) == {"good/0.png", "good/1.png", "hole/0.png", "hole/1.png"}
    content = json.loads((results / "inspect.json").read_text(encoding="utf-8"))
    threshold = content["inspection"]["threshold"]
    for name, row in rows.items():
        is_flagged = float(row["score"]) >= threshold
        assert is_flagged == (row["flagged"] == "1") == (results / "found" / f"{name}.png").exists()
        assert (row["good"], row["kind"]) == (("1", "good") if name.startswith("good") else ("0", "hole"))
    assert {rows[name]["flagged"] for name in ("hole/0.png", "hole/1.png")} == {"1"}
    found = cv2.imread(str(results / "found" / "hole" / "0.png.png"), cv2.IMREAD_UNCHANGED)
    assert found.shape == (SIDE, SIDE) and (found[110:140, 70:110] > 0).mean() > 0.9
    row = rows["hole/0.png"]
    assert int(row["row"]) < 110 and int(row["row"]) + int(row["height"]) > 140 and int(row["found_px"]) > 1500
    page = (results / "report.html").read_text(encoding="utf-8")
    flagged = sum(row["flagged"] == "1" for row in rows.values())
    assert f"{flagged} of 4 pictures were flagged" in page and content["flagged"] == flagged
    assert [name[:4] for name in rows] == ["hole", "hole", "good", "good"]  # by falling score
    assert "http://" not in page.replace("http://www.w3.org", "") and "AUROC" in page
    assert sorted(content["files"]) == sorted(
        path.relative_to(results).as_posix()
        for path in results.rglob("*")
        if path.is_file() and path.name != "inspect.json"
    )
    assert not list(results.parent.glob(".*"))


def test_the_scores_are_those_of_the_detector(folders: Path, results: Path):
    detector = PatchCore.load(results / "detector")
    for name, row in scores(results).items():
        image = cv2.imread(str(folders / "new" / name), cv2.IMREAD_GRAYSCALE)
        assert float(row["score"]) == float(detector.predict(image[None]).maps.max())


def test_half_of_the_good_pictures_are_held_out(folders: Path, results: Path):
    inspection = inspect.Inspection.read(results)
    files = [*inspection.training, *inspection.calibration]
    assert len(inspection.training) == len(inspection.calibration) == GOOD // 2
    assert sorted(files) == sorted(str(path) for path in (folders / "good").iterdir())
    assert inspection.threshold > max(inspection.good_scores) and not inspection.is_promise_kept


def test_found_pictures_can_fail_a_script(folders: Path, results: Path, tmp_path: Path):
    again = ["--detector", str(results), "--fail-on-find", "--out", str(tmp_path / "out")]
    assert inspect.main([*again, "--test", str(folders / "new" / "hole")]) == 3
    before, after = scores(results), scores(tmp_path / "out")
    assert {f"hole/{name}": row["score"] for name, row in after.items()} == {
        name: row["score"] for name, row in before.items() if name.startswith("hole")
    }
    assert inspect.main([*again, "--test", str(folders / "good")]) in (0, 3)


def test_further_good_pictures_are_learned(folders: Path, results: Path, tmp_path: Path):
    light = 255 - woven(4, 5, SIDE, SIDE) // 3
    save(tmp_path / "light", light)
    save(tmp_path / "new", 255 - woven(2, 6, SIDE, SIDE) // 3)
    arguments = ["--detector", str(results), "--test", str(tmp_path / "new")]
    assert inspect.main([*arguments, "--out", str(tmp_path / "before")]) == 0
    added = ["--add", str(tmp_path / "light"), "--out", str(tmp_path / "after")]
    assert inspect.main([*arguments, *added]) == 0
    before, after = scores(tmp_path / "before"), scores(tmp_path / "after")
    assert all(float(after[name]["score"]) < 0.8 * float(row["score"]) for name, row in before.items())
    inspection = inspect.Inspection.read(tmp_path / "after")
    assert len(inspection.calibration) == GOOD // 2 + 2 and len(inspection.training) == GOOD // 2 + 2
    assert len(inspection.good_scores) == len(inspection.calibration)


@pytest.mark.parametrize("at", ["fit", 1, 3, 5, 7, "report"])
def test_an_interrupted_run_goes_on_where_it_was(
    at: int | str, folders: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    out, calls, original = tmp_path / "out", [], inspect.predict_picture

    def counted(*arguments):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return original(*arguments)

    def stop(*_, **__):
        raise KeyboardInterrupt

    masks = ("--masks", str(folders / "masks"))
    with monkeypatch.context() as patch:
        patch.setattr(inspect, "predict_picture", counted)
        if at == "fit":
            patch.setattr(inspect, "fit_pictures", stop)
        if at == "report":
            patch.setattr(inspect, "write_report", stop)
        assert run(folders, out, *masks) == 130
    assert "goes on where it was" in capsys.readouterr().err and not out.exists()
    monkeypatch.setattr(inspect, "predict_picture", counted)
    done, at = len(calls) - isinstance(at, int), None
    calls.clear()
    if done:
        monkeypatch.setattr(inspect, "fit_pictures", stop)  # the fit is not repeated
    assert run(folders, out, *masks) == 0
    assert len(calls) == GOOD // 2 + 4 - done
    assert scores(out) == scores(results)


def test_other_settings_begin_anew_after_an_interruption(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(inspect, "write_report", stop)
        assert run(folders, out) == 130
    assert run(folders, out, "--false-alarms", "0.3") == 0
    assert inspect.Inspection.read(out).false_alarms == 0.3 and inspect.Inspection.read(out).is_promise_kept


def test_a_folder_with_other_files_is_not_replaced(folders: Path, tmp_path: Path, capsys):
    out = save(tmp_path / "out", woven(1, 0))
    assert run(folders, out) == 1
    assert "contains 0.png, not part of" in capsys.readouterr().err and os.listdir(out) == ["0.png"]


def test_new_pictures_are_judged_as_they_come(
    folders: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    new, out, seen = tmp_path / "new", tmp_path / "out", []
    new.mkdir()
    original = inspect._Run.look_again

    def look(run: inspect._Run) -> None:
        seen.append(len(run.judged))
        if len(seen) == 1:
            save(new, woven(1, 8, SIDE, SIDE))
        elif len(seen) == 3:
            save(new, with_hole(woven(1, 9, SIDE, SIDE)), first=1)
            (new / "note.txt").write_text("no picture")
            (new / "2.png").write_bytes(b"\x89PNG, still being copied")
        elif len(seen) == 6:
            raise KeyboardInterrupt
        original(run)

    monkeypatch.setattr(inspect._Run, "look_again", look)
    code = inspect.main(["--detector", str(results), "--test", str(new), "--out", str(out), "--watch"])
    assert code == 130 and seen[0] == 0 and seen[-1] == 2
    rows = scores(out)
    assert set(rows) == {"0.png", "1.png"} and rows["1.png"]["flagged"] == "1"


def test_colours_are_judged_where_the_pictures_have_them(tmp_path: Path):
    grey = woven(GOOD + 2, 0, SIDE, SIDE)
    tinted = (grey[..., None] * np.array([0.6, 1.0, 0.9])).astype(np.uint8)  # blue, green, red
    save(tmp_path / "good", tinted[:GOOD])
    save(tmp_path / "new", tinted[GOOD:])
    for colour, expected in (("auto", True), ("no", False)):
        assert run(tmp_path, tmp_path / colour, "--colour", colour) == 0
        assert inspect.Inspection.read(tmp_path / colour).rule.colour is expected
        assert PatchCore.load(tmp_path / colour / "detector").features.colour is expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give either --good"),
        (["--good", "a", "--detector", "b"], "Give either --good"),
        (["--good", "a", "--add", "b"], "--add needs --detector"),
        (["--detector", "a"], "--detector needs --test"),
        (["--detector", "a", "--test", "b", "--seed", "1"], "--seed cannot be changed"),
        (["--detector", "none", "--test", "b"], "give --detector the folder of an earlier inspection"),
        (["--good", "none", "--test", "b"], "there is no folder none"),
        (["--good", "a", "--test", "b", "--false-alarms", "1"], "^inspect: false_alarms is 1"),
        (["--good", "a", "--test", "b", "--side", "-1"], "^inspect: side is -1"),
        (["--good", "a", "--test", "b", "--side", "9"], "^inspect: side is 9"),
        (["--good", "a", "--test", "b", "--seed", "-1"], "^inspect: seed is -1"),
        (["--good", "a", "--test", "b", "--backbone", "alexnet9"], "^inspect: There is no backbone 'alexnet9'"),
        (["--good", "", "--test", "b"], "^inspect: --good: '' is no path"),
        (["--good", "a", "--test", ""], "^inspect: --test: '' is no path"),
        (["--detector", "", "--test", "b"], "^inspect: --detector: '' is no path"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(arguments: list[str], message: str, capsys, tmp_path: Path):
    assert inspect.main([*arguments, "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    import re

    assert re.search(message, error) and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_tiles", "x"),
        ("n_tiles", -3),
        ("good_scores", "abc"),
        ("good_scores", [None]),
        ("good_scores", []),
        ("good_scores", [float("nan")]),
        ("promise", 5),
        ("false_alarms", 7),
        ("training", 5),
        ("calibration", [3]),
        ("brightness", ["a"]),
        ("seed", -1),
        ("is_promise_kept", "no"),
    ],
)
def test_damaged_values_of_an_inspection_are_refused(name: str, value: object, tmp_path: Path):
    inspection = inspect.Inspection(
        judge.PictureRule(), 0.05, 0, ["a"], ["b"], 4, [1.0], 1.5, "A promise.", True, [9.0]
    )
    content = {"what": "an inspection", "inspection": asdict(inspection)}
    (tmp_path / "inspect.json").write_text(json.dumps(content))
    assert inspect.Inspection.read(tmp_path) == inspection
    content["inspection"][name] = value
    (tmp_path / "inspect.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="inspect.json is damaged: "):
        inspect.Inspection.read(tmp_path)


def test_a_second_inspection_into_one_folder_is_refused(folders: Path, tmp_path: Path, capsys):
    from aitex_utils.files.locking import only_one

    with only_one(tmp_path / ".out.lock", ""):
        assert run(folders, tmp_path / "out") == 1
    assert "Another inspection writes to" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_the_name_of_a_mask_fits_on_the_disk(tmp_path: Path):
    names = ["a.png", "hole/" + "ü" * 125 + ".png", "x" * 251 + ".png", "x" * 251 + ".jpg", os.fsdecode(b"\xe9" * 255)]
    files = [inspect._mask_file(name) for name in names]
    assert files[0] == "a.png.png" and files[1].startswith("hole/üüü") and len(set(files)) == len(files)
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()


@pytest.mark.parametrize("damage", ["{", "[]", "[" * 100_000, '{"what": "a game"}', '{"what": "an inspection"}'])
def test_a_damaged_inspection_is_refused(damage: str, results: Path, tmp_path: Path, folders: Path, capsys):
    (tmp_path / "inspect.json").write_text(damage, encoding="utf-8")
    arguments = ["--detector", str(tmp_path), "--test", str(folders / "new"), "--out", str(tmp_path / "out")]
    assert inspect.main(arguments) == 1
    assert "inspect.json is damaged" in capsys.readouterr().err


def test_two_runs_at_once_on_two_folders_do_not_disturb_each_other(folders: Path, results: Path, tmp_path: Path):
    codes: list[int] = []
    arguments = ["--detector", str(results), "--test", str(folders / "new")]
    threads = [
        threading.Thread(target=lambda i=i: codes.append(inspect.main([*arguments, "--out", str(tmp_path / str(i))])))
        for i in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0] and scores(tmp_path / "0") == scores(tmp_path / "1")


# What happens to the files of a run


def watched(monkeypatch: pytest.MonkeyPatch, results: Path, new: Path, out: Path, steps: list) -> int:
    """Watch a folder, with one step before each look. After the last step, the watch is ended as by Ctrl-C."""
    original, steps = inspect._Run.look_again, iter(steps)

    def look(run: inspect._Run) -> None:
        step = next(steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()
        original(run)

    monkeypatch.setattr(inspect._Run, "look_again", look)
    return inspect.main(["--detector", str(results), "--test", str(new), "--out", str(out), "--watch"])


def nothing() -> None:
    pass


def test_a_picture_that_vanishes_while_the_folder_is_listed_is_passed_over(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    new, out = save(tmp_path / "new", woven(1, 1, SIDE, SIDE)), tmp_path / "out"
    original = inspect._Run._list_sets

    def listed(run: inspect._Run):
        sets = original(run)
        (new / "1.png").unlink(missing_ok=True)
        return sets

    monkeypatch.setattr(inspect._Run, "_list_sets", listed)
    assert watched(monkeypatch, results, new, out, [lambda: save(new, woven(1, 2, SIDE, SIDE), 1), nothing]) == 130
    assert set(scores(out)) == {"0.png"}


def test_a_picture_that_vanishes_before_it_is_judged_is_left_out_with_a_warning(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    new, out = save(tmp_path / "new", woven(3, 1, SIDE, SIDE)), tmp_path / "out"
    original = inspect.predict_picture

    def predict(*arguments):
        (new / "1.png").unlink(missing_ok=True)
        return original(*arguments)

    monkeypatch.setattr(inspect, "predict_picture", predict)
    assert inspect.main(["--detector", str(results), "--test", str(new), "--out", str(out)]) == 0
    assert set(scores(out)) == {"0.png", "2.png"}
    assert "1.png is missing" in capsys.readouterr().err


def test_a_picture_that_is_still_being_copied_is_judged_when_it_is_whole(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    new, out = tmp_path / "new", tmp_path / "out"
    new.mkdir()
    data = (save(tmp_path / "elsewhere", with_hole(woven(1, 3, SIDE, SIDE))) / "0.png").read_bytes()
    growing, checked = new / "0.png", []
    original = inspect.check_pictures

    def grow() -> None:
        size = growing.stat().st_size
        if 0 < size < len(data):
            growing.write_bytes(data[: size + len(data) // 3])

    def check(sets, **options):
        checked.extend(growing.stat().st_size for _ in sets.test)
        return original(sets, **options)

    monkeypatch.setattr(inspect.time, "sleep", lambda _: grow())
    monkeypatch.setattr(inspect, "check_pictures", check)
    steps = [lambda: growing.write_bytes(data[:100]), *[nothing] * 6]
    assert watched(monkeypatch, results, new, out, steps) == 130
    assert scores(out)["0.png"]["flagged"] == "1" and checked == [len(data)]
    assert "cannot be read" not in capsys.readouterr().err


def test_a_truncated_picture_is_named_once_and_judged_when_it_is_whole(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    new, out = save(tmp_path / "new", woven(1, 1, SIDE, SIDE)), tmp_path / "out"
    data = (save(tmp_path / "elsewhere", with_hole(woven(1, 3, SIDE, SIDE))) / "0.png").read_bytes()
    cut = new / "cut.png"
    steps = [lambda: cut.write_bytes(data[:2000]), *[nothing] * 3, lambda: cut.write_bytes(data), nothing]
    assert watched(monkeypatch, results, new, out, steps) == 130
    assert scores(out)["cut.png"]["flagged"] == "1"
    assert capsys.readouterr().err.count("cut.png cannot be read: it is left out") == 1


def test_a_watched_folder_can_be_away_for_a_while(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    new, out, away = save(tmp_path / "new", woven(1, 1, SIDE, SIDE)), tmp_path / "out", tmp_path / "away"

    def come_back() -> None:
        away.rename(new)
        save(new, woven(1, 2, SIDE, SIDE), 1)

    steps = [lambda: new.rename(away), nothing, nothing, come_back, nothing]
    assert watched(monkeypatch, results, new, out, steps) == 130
    assert set(scores(out)) == {"0.png", "1.png"}
    assert capsys.readouterr().err.count("Waiting for it: Ctrl-C ends the watch") == 1


def test_judged_pictures_can_be_moved_away_while_the_folder_is_watched(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    new, out = save(tmp_path / "new", with_hole(woven(1, 1, SIDE, SIDE))), tmp_path / "out"

    def replaced() -> None:
        (new / "0.png").unlink()
        save(new, woven(1, 2, SIDE, SIDE), 1)

    assert watched(monkeypatch, results, new, out, [replaced, nothing]) == 130
    assert set(scores(out)) == {"0.png", "1.png"} and (out / "found" / "0.png.png").is_file()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert (
        "The files of 1 of 2 judged pictures are gone (0.png, ...)" in page and "0 of 1 pictures were flagged" in page
    )


def test_pictures_that_were_added_before_are_not_learned_twice(folders: Path, results: Path, tmp_path: Path, capsys):
    save(tmp_path / "more", woven(4, 5, SIDE, SIDE))
    out = tmp_path / "out"
    arguments = ["--add", str(tmp_path / "more"), "--test", str(folders / "new"), "--out", str(out)]
    assert inspect.main(["--detector", str(results), *arguments]) == 0
    first, inspection = scores(out), inspect.Inspection.read(out)
    assert inspect.main(["--detector", str(out), *arguments]) == 0
    assert "4 of 4 pictures of --add were learned before" in capsys.readouterr().out
    assert scores(out) == first and inspect.Inspection.read(out) == inspection


@pytest.mark.parametrize("place", ["good/results", "new/results", "new", "masks/a/b"])
def test_results_in_a_folder_of_pictures_are_refused(place: str, folders: Path, capsys):
    before = sorted(folders.rglob("*"))
    assert run(folders, folders / place, "--masks", str(folders / "masks")) == 1
    error = capsys.readouterr().err
    assert "would be taken for pictures: name a folder outside" in error and error.count("\n") == 1
    assert sorted(folders.rglob("*")) == before


def test_all_issues_are_listed_in_a_file(folders: Path, results: Path, tmp_path: Path):
    new, out = save(tmp_path / "new", woven(2, 1, SIDE, SIDE)), tmp_path / "out"
    for number in range(5):
        (new / f"cut{number}.png").write_bytes(b"no picture")
    assert inspect.main(["--detector", str(results), "--test", str(new), "--out", str(out)]) == 0
    with open(out / "issues.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["file"]).name for row in rows] == [f"cut{number}.png" for number in range(5)]
    assert {row["kind"] for row in rows} == {"cannot be read"}
    assert "issues.csv lists all files" in (out / "report.html").read_text(encoding="utf-8")


def test_names_that_are_not_valid_unicode_are_judged(results: Path, tmp_path: Path):
    new, out = tmp_path / "né 'w\"", tmp_path / "öut"
    new.mkdir()
    data = (save(tmp_path / "elsewhere", with_hole(woven(1, 3, SIDE, SIDE))) / "0.png").read_bytes()
    try:
        (new / os.fsdecode(b"caf\xe9.png")).write_bytes(data)
    except OSError:
        pytest.skip("this system has valid Unicode only")
    assert inspect.main(["--detector", str(results), "--test", str(new), "--out", str(out)]) == 0
    assert scores(out)[r"caf\udce9.png"]["flagged"] == "1" and len(list((out / "found").iterdir())) == 1


def test_a_full_disk_is_named(folders: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    def full(source, target, **_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    out = tmp_path / "out"
    arguments = ["--detector", str(results), "--test", str(folders / "new"), "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(inspect.shutil, "copyfile", full)
        assert inspect.main(arguments) == 1
    error = capsys.readouterr().err
    assert "space" in error and error.count("\n") == 1 and not out.exists()
    assert inspect.main(arguments) == 0 and len(scores(out)) == 4
