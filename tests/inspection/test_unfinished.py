"""An inspection under way: what was kept is found again, and only for the same pictures and settings."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from killing import killed_at_each_step, needs_fork
from woven import woven

from aitex_utils.errors import InputError
from aitex_utils.inspection.judge import PictureResult
from aitex_utils.inspection.unfinished import Unfinished, fingerprint
from aitex_utils.patchcore import PatchCore

MAP = np.random.default_rng(0).random((20, 30)).astype(np.float32)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(b"any bytes")
    return path


def begin(tmp_path: Path, digest: str = "a") -> Unfinished:
    return Unfinished(tmp_path / "results", digest)


def keep(unfinished: Unfinished, picture: Path, score: float = 1.25) -> None:
    result = PictureResult(MAP, score, (40, 60))
    unfinished.keep("test", picture, result, 99.5, MAP > 0.5)
    unfinished.keep("good", picture, result, 99.5)


def test_what_was_kept_is_read_by_the_next_run(tmp_path: Path, picture: Path):
    first = begin(tmp_path)
    assert not first.is_resumed and first.judged == {} and first.detector() is None
    keep(first, picture)
    second = begin(tmp_path)
    assert second.is_resumed and second.judged == first.judged and len(second.judged) == 2
    judged = second.judged["test", str(picture)]
    assert (judged.score, judged.shape, judged.brightness) == (1.25, (40, 60), 99.5)
    anomaly_map, found = second.read_map(judged)
    np.testing.assert_allclose(anomaly_map, MAP, atol=2e-5)
    assert anomaly_map.max() == MAP.max() and anomaly_map.argmax() == MAP.argmax() and anomaly_map.dtype == np.float32
    np.testing.assert_array_equal(found, MAP > 0.5)
    assert second.judged["good", str(picture)].map_file is None


def test_another_digest_begins_anew(tmp_path: Path, picture: Path):
    keep(begin(tmp_path), picture)
    other = begin(tmp_path, "b")
    assert not other.is_resumed and other.judged == {}
    assert begin(tmp_path, "b").is_resumed


def test_a_changed_picture_is_judged_anew(tmp_path: Path, picture: Path):
    keep(begin(tmp_path), picture)
    picture.write_bytes(b"other bytes")
    assert begin(tmp_path).judged == {}


def test_a_lost_map_is_made_anew(tmp_path: Path, picture: Path):
    unfinished = begin(tmp_path)
    keep(unfinished, picture)
    unfinished.judged["test", str(picture)].map_file.unlink()
    assert list(begin(tmp_path).judged) == [("good", str(picture))]


@pytest.mark.parametrize("damage", [b'{"role": "te', b"\xff\xfe\n", b"[]\n", b'{"role": 1}\n', b"\n\n"])
def test_a_damaged_line_loses_nothing_else(damage: bytes, tmp_path: Path, picture: Path):
    unfinished = begin(tmp_path)
    keep(unfinished, picture)
    with open(unfinished.folder / "judged.jsonl", "ab") as lines:
        lines.write(damage)
    again = begin(tmp_path)
    assert again.judged == unfinished.judged
    keep(again, picture, 2.5)
    assert begin(tmp_path).judged["test", str(picture)].score == 2.5


def test_the_detector_is_kept(tmp_path: Path):
    tiles = woven(3, 0)
    detector = PatchCore(size=64).fit(tiles)
    begin(tmp_path).keep_detector(detector)
    np.testing.assert_array_equal(begin(tmp_path).detector().predict(tiles).maps, detector.predict(tiles).maps)


def test_a_damaged_detector_is_fitted_anew(tmp_path: Path, picture: Path):
    first = begin(tmp_path)
    first.keep_detector(PatchCore(size=32, device="cpu").fit(woven(2, 0, 32, 32)))
    keep(first, picture)
    path = first.folder / "detector" / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-9])
    second = begin(tmp_path)
    with pytest.warns(UserWarning, match="is fitted anew: .*vectors.npy is damaged"):
        assert second.detector() is None
    assert second.judged == {} and begin(tmp_path).is_resumed


def test_a_damaged_map_is_made_anew(tmp_path: Path, picture: Path):
    first = begin(tmp_path)
    keep(first, picture)
    judged = first.judged["test", str(picture)]
    content = judged.map_file.read_bytes()
    judged.map_file.write_bytes(content[:60] + b"\xff" * 60 + content[120:])
    with pytest.raises(InputError, match="is missing or damaged .*: delete it, and run the same command again"):
        begin(tmp_path).read_map(judged)
    judged.map_file.write_bytes(content[: len(content) // 2])
    assert list(begin(tmp_path).judged) == [("good", str(picture))]


@pytest.mark.parametrize("line", ["[" * 100_000, '{"score": NaN}', '{"score": 1e999}'])
def test_a_line_that_is_no_number_or_too_deep_does_not_count(tmp_path: Path, picture: Path, line: str):
    first = begin(tmp_path)
    keep(first, picture)
    path = first.folder / "judged.jsonl"
    lines = path.read_text().splitlines()
    if line.startswith("{"):
        lines = [json.dumps({**json.loads(one), **json.loads(line)}) for one in lines]
    path.write_text("\n".join([line, *lines]) + "\n")
    assert len(begin(tmp_path).judged) == (0 if line.startswith("{") else 2)


@pytest.mark.parametrize("place", ["judged.jsonl", "."])
def test_a_line_that_cannot_be_written_is_explained(tmp_path: Path, picture: Path, place: str):
    first = begin(tmp_path)
    if place == ".":
        shutil.rmtree(first.folder)
    else:
        (first.folder / place).mkdir()
    with pytest.raises(InputError, match="judged.jsonl (cannot be written|was not written)"):
        first.keep("good", picture, PictureResult(MAP, 1.0, (40, 60)), 99.5)


def test_a_state_that_is_too_deep_is_no_inspection(tmp_path: Path):
    (begin(tmp_path).folder / "state.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="contains something else: move it away"):
        begin(tmp_path)


def test_removal_leaves_nothing_of_its_own_and_all_of_others(tmp_path: Path, picture: Path):
    unfinished = begin(tmp_path)
    keep(unfinished, picture)
    unfinished.keep_detector(PatchCore(size=64).fit(woven(3, 0)))
    unfinished.remove()
    assert not unfinished.folder.exists() and picture.exists()
    unfinished = begin(tmp_path)
    keep(unfinished, picture)
    thesis = unfinished.folder / "maps" / "thesis.npz"
    thesis.write_text("years of work")
    unfinished.remove()
    assert thesis.read_text() == "years of work" and os.listdir(unfinished.folder) == ["maps"]


def test_a_foreign_folder_is_refused(tmp_path: Path):
    folder = tmp_path / ".results.unfinished"
    folder.mkdir()
    (folder / "state.json").write_text('{"what": "a game", "digest": "a"}')
    with pytest.raises(InputError, match="contains something else: .*--out"):
        begin(tmp_path)
    assert (folder / "state.json").read_text().startswith('{"what": "a game"')


def test_the_fingerprint_depends_on_pictures_and_settings(tmp_path: Path, picture: Path):
    before = fingerprint([picture], {"side": 768})
    assert fingerprint([picture], {"side": 768}) == before != fingerprint([picture], {"side": 512})
    assert fingerprint([], {"side": 768}) != before
    os.utime(picture, ns=(1, 1))
    assert fingerprint([picture], {"side": 768}) != before


def test_a_map_of_one_value_is_kept(tmp_path: Path, picture: Path):
    flat = np.full((4, 5), 0.1, np.float32)
    unfinished = begin(tmp_path)
    judged = unfinished.keep("test", picture, PictureResult(flat, 0.1, (4, 5)), 99.5, flat > 1)
    np.testing.assert_array_equal(unfinished.read_map(judged)[0], flat)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_run_that_is_killed_at_any_step_is_no_obstacle_to_the_next(tmp_path: Path, picture: Path):
    def run(digest: str) -> None:
        unfinished = begin(tmp_path, digest)
        keep(unfinished, picture)
        unfinished.remove()

    steps: list[int] = []
    for step in killed_at_each_step(lambda: run("ab"[len(steps) // 2 % 2])):
        steps.append(step)
        again = begin(tmp_path, "a")
        for judged in again.judged.values():
            assert judged.score == 1.25 and (judged.map_file is None or again.read_map(judged)[1].any())
        if step % 2:  # go on from what a killed run left, or from nothing
            again.remove()
            assert os.listdir(tmp_path) == ["picture.png"]
    assert len(steps) > 12
    begin(tmp_path).remove()
    assert os.listdir(tmp_path) == ["picture.png"]
