"""A fit in blocks: one result, whatever computes the blocks, resumed and repaired."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from project_root import ROOT
from scale_fits import SIDE, assert_equal, fitted, small_strips
from woven import woven

from aitex_utils import PatchCore
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.patchcore import PAPER
from aitex_utils.scale import blocks, fitting
from aitex_utils.scale.fitting import BlockFit, read_reports


@pytest.fixture(scope="module")
def in_memory() -> PatchCore:
    return fitted(small_strips())


def inodes(folder: Path) -> dict[str, int]:
    """Return what changes when a block is written anew."""
    return {path.name: os.stat(path / "header.json").st_ino for path in (folder / "blocks").iterdir()}


def test_a_folder_changes_nothing_and_a_second_fit_computes_no_block(in_memory: PatchCore, tmp_path: Path, monkeypatch):
    assert_equal(fitted(small_strips(), folder=tmp_path / "fit"), in_memory)
    before = inodes(tmp_path / "fit")
    assert len(before) == 3 and os.listdir(tmp_path / "fit" / "pictures") == []

    def extract(*_: Any) -> None:
        raise AssertionError("patches were extracted again")

    monkeypatch.setattr(blocks, "extract_patches", extract)
    assert_equal(fitted(iter(small_strips()), folder=tmp_path / "fit"), in_memory)
    assert inodes(tmp_path / "fit") == before


def test_workers_change_nothing(workers: Any, in_memory: PatchCore, tmp_path: Path):
    assert_equal(fitted(iter(small_strips()), client=workers), in_memory)
    assert_equal(fitted(small_strips(), client=workers, folder=tmp_path / "fit"), in_memory)
    reports = read_reports(tmp_path / "fit")
    assert len(reports) == 3 and all(report["cost"]["process"] != os.getpid() for report in reports)
    assert all(report["cost"]["seconds"] > 0 and report["cost"]["peak_bytes"] > 2**26 for report in reports)


def test_workers_change_nothing_in_a_tree(workers: Any):
    options = {"block_size": 300, "fan_in": 2}
    assert_equal(fitted(small_strips(), client=workers, **options), fitted(small_strips(), **options))


@pytest.mark.parametrize("colour", [False, True])
def test_workers_change_nothing_for_tiles_and_pictures(workers: Any, colour: bool):
    tiles = woven(7, seed=0)
    if colour:
        tiles = np.stack([tiles, tiles[::-1], 255 - tiles], axis=-1)
    detectors = [
        PatchCore(**PAPER | {"normalize_positions": True}, colour=colour, device="cpu").fit(source, **options)
        for source, options in (
            (tiles, {"block_size": 150}),
            (iter(np.array_split(tiles, 3)), {"block_size": 150, "client": workers}),
            (iter(tiles), {"block_size": 150, "client": workers}),
        )
    ]
    assert detectors[0].tile_shape_ == (SIDE, SIDE) and len(detectors[0].bank_) == round(0.1 * 7 * 64)
    for other in detectors[1:]:
        assert_equal(detectors[0], other)


def test_the_number_of_threads_changes_nothing(in_memory: PatchCore):
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert_equal(fitted(small_strips()), in_memory)
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_one_block_gives_the_coreset_of_a_fit_at_once():
    tiles = woven(6, seed=0)
    at_once, in_block = PatchCore(**PAPER).fit(tiles), PatchCore(**PAPER).fit(tiles, block_size=10**6)
    np.testing.assert_array_equal(at_once.bank_.vectors_, in_block.bank_.vectors_)
    assert at_once.radius_ == in_block.radius_


def test_block_size_and_seed_are_part_of_the_result(in_memory: PatchCore):
    assert not np.array_equal(fitted(small_strips(), block_size=300).bank_.vectors_, in_memory.bank_.vectors_)


def test_blocks_detect_a_defect(in_memory: PatchCore):
    strip = small_strips()[1].copy()
    strip[25:35, 195:205] //= 3
    anomaly_map = in_memory.predict_strip(strip, region=(0, 320)).map
    assert abs(np.nanargmax(anomaly_map) % 320 - 200) <= 12


def test_a_single_strip_is_fitted_in_halves(workers: Any):
    (strip,) = small_strips(1)
    one = fitted([strip])
    assert one.position_scale_.shape == (8, 1) and one.position_scale_.max() < 1e4
    assert_equal(one, fitted(iter([strip]), client=workers))


def test_a_fit_that_was_interrupted_goes_on_from_the_blocks_that_are_done(in_memory: PatchCore, tmp_path: Path):
    def until_the_fourth():
        yield from small_strips()[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(until_the_fourth(), folder=tmp_path / "fit")
    before = inodes(tmp_path / "fit")
    assert len(before) == 2
    assert_equal(fitted(small_strips(), folder=tmp_path / "fit"), in_memory)
    assert before.items() <= inodes(tmp_path / "fit").items()


def test_changed_strips_are_fitted_anew_and_the_others_are_not(tmp_path: Path):
    fitted(small_strips(), folder=tmp_path / "fit")
    before, strips = inodes(tmp_path / "fit"), small_strips()
    strips[5] = strips[5][::-1].copy()
    assert_equal(fitted(strips, folder=tmp_path / "fit"), fitted(strips))
    after = inodes(tmp_path / "fit")
    assert before.items() < after.items() and len(after) == 4


DAMAGES = {
    "a changed byte": lambda place: _flip(place / "vectors_0.npy"),
    "a changed sample": lambda place: _flip(next(place.glob("sample_*.npy"))),
    "a short file": lambda place: os.truncate(place / "vectors_1.npy", 200),
    "a missing file": lambda place: (place / "groups_0.npy").unlink(),
    "a changed header": lambda place: (place / "header.json").write_text("{}"),
    "a missing header": lambda place: (place / "header.json").unlink(),
    "a header of no dictionary": lambda place: (place / "header.json").write_text("[1"),
    "an empty folder": lambda place: [path.unlink() for path in place.iterdir()],
}


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_block_is_made_anew(damage: str, in_memory: PatchCore, tmp_path: Path):
    fitted(small_strips(), folder=tmp_path / "fit")
    place = sorted((tmp_path / "fit" / "blocks").iterdir())[1]
    before = inodes(tmp_path / "fit")
    DAMAGES[damage](place)
    assert_equal(fitted(small_strips(), folder=tmp_path / "fit"), in_memory)
    after = inodes(tmp_path / "fit")
    assert [name for name in before if before[name] != after[name]] in ([place.name], [])  # a number can be used again
    assert blocks.read_header(place) is not None and len(after) == 3


@pytest.mark.parametrize("level", ["block", "merge-1"])
def test_a_damaged_block_of_a_tree_is_made_anew(level: str, tmp_path: Path):
    options = {"block_size": 300, "fan_in": 2}
    expected = fitted(small_strips(), **options, folder=tmp_path / "fit")
    place = sorted((tmp_path / "fit" / "blocks").glob(f"{level}-*"))[1]
    _flip(place / "vectors_0.npy")
    if level == "block":  # what was made of it is there, and need not be made again
        shutil.rmtree(sorted((tmp_path / "fit" / "blocks").glob("merge-1-*"))[0])
    assert_equal(fitted(small_strips(), **options, folder=tmp_path / "fit"), expected)


@pytest.mark.parametrize("damage", ["a short file", "a changed header", "a missing header"])
def test_a_merged_block_that_is_not_whole_is_made_anew(damage: str, tmp_path: Path):
    options = {"block_size": 300, "fan_in": 2}
    expected = fitted(small_strips(), **options, folder=tmp_path / "fit")
    place = sorted((tmp_path / "fit" / "blocks").glob("merge-1-*"))[1]
    DAMAGES[damage](place)
    assert_equal(fitted(small_strips(), **options, folder=tmp_path / "fit"), expected)
    assert blocks.read_header(place) is not None


def test_a_damaged_block_of_a_stream_that_has_passed_ends_in_one_sentence(in_memory: PatchCore, tmp_path: Path):
    fitted(small_strips(), folder=tmp_path / "fit")
    _flip(sorted((tmp_path / "fit" / "blocks").iterdir())[0] / "vectors_0.npy")
    with pytest.raises(InputError, match="is damaged .*vectors_0.npy.*: fit again with the same folder"):
        fitted(iter(small_strips()), folder=tmp_path / "fit")
    assert_equal(fitted(iter(small_strips()), folder=tmp_path / "fit"), in_memory)


def test_many_damaged_blocks_are_made_anew_at_once(tmp_path: Path):
    expected = fitted(small_strips(), block_size=100, folder=tmp_path / "fit")
    places = sorted((tmp_path / "fit" / "blocks").iterdir())
    assert len(places) > fitting.TRIES + 1
    for place in places:
        _flip(place / "vectors_0.npy")
    assert_equal(fitted(small_strips(), block_size=100, folder=tmp_path / "fit"), expected)
    for place in places:
        _flip(place / "vectors_0.npy")
    with pytest.raises(InputError, match="is damaged"):
        fitted(iter(small_strips()), block_size=100, folder=tmp_path / "fit")
    assert_equal(fitted(iter(small_strips()), block_size=100, folder=tmp_path / "fit"), expected)


def test_threads_of_one_process_make_one_block_at_a_time(in_memory: PatchCore, monkeypatch: pytest.MonkeyPatch):
    inside: list[int] = []
    reduce_block = blocks.reduce_block

    def alone(*arguments: Any, **options: Any) -> Any:
        inside.append(1)
        time.sleep(0.2)  # another thread would come in meanwhile
        assert len(inside) == 1
        try:
            return reduce_block(*arguments, **options)
        finally:
            inside.pop()

    monkeypatch.setattr(blocks, "reduce_block", alone)
    with ThreadPoolExecutor(3) as threads:
        assert_equal(fitted(small_strips(), client=threads), in_memory)


def test_a_file_of_someone_else_in_a_block_is_not_deleted(tmp_path: Path):
    fitted(small_strips(), folder=tmp_path / "fit")
    place = sorted((tmp_path / "fit" / "blocks").iterdir())[0]
    (place / "header.json").unlink()
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="thesis.txt.* Nothing was replaced"):
        fitted(small_strips(), folder=tmp_path / "fit")
    assert (place / "thesis.txt").read_text() == "years of work"


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path):
    for name in ("thesis.txt", "fit.lock"):
        (tmp_path / name).write_text("years of work")
    with pytest.raises(InputError, match="contains thesis.txt, not part of a fit in blocks: choose another name"):
        fitted(small_strips(), folder=tmp_path)
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit" / "fit.json").write_text(json.dumps({"format": "of another program"}))
    with pytest.raises(InputError, match="fit.json is not readable as the settings of a fit"):
        fitted(small_strips(), folder=tmp_path / "fit")
    assert sorted(os.listdir(tmp_path)) == ["fit", "fit.lock", "thesis.txt"]


@pytest.mark.parametrize("name", ["blocks", "pictures", "fit.lock", "pictures/000000-0123456789abcdef.npy"])
def test_an_obstacle_in_the_folder_of_a_fit_is_explained_or_passed_over(name: str, tmp_path: Path):
    fitted(small_strips(3), folder=tmp_path / "fit")
    place = tmp_path / "fit" / name
    shutil.rmtree(tmp_path / "fit" / "blocks")
    if name in ("blocks", "pictures"):
        shutil.rmtree(place, ignore_errors=True)
        place.write_text("years of work")
    else:
        place.mkdir()
    if place.suffix == ".npy":
        fitted(small_strips(3), folder=tmp_path / "fit")
    else:
        with pytest.raises(InputError, match=f"{name} is in the way|{name} cannot be written"):
            fitted(small_strips(3), folder=tmp_path / "fit")
    assert place.is_dir() or place.read_text() == "years of work"


@pytest.mark.parametrize(("options", "name"), [({"block_size": 300}, "block_size"), ({"fan_in": 2}, "limit")])
def test_the_folder_of_a_fit_with_other_settings_is_refused(options: dict, name: str, tmp_path: Path):
    fitted(small_strips(3), folder=tmp_path / "fit")
    with pytest.raises(InputError, match=f"blocks of a fit with another .*{name}.*: name another folder"):
        fitted(small_strips(3), folder=tmp_path / "fit", **options)


def test_two_fits_at_once_in_one_folder_are_refused(tmp_path: Path):
    fitted(small_strips(3), folder=tmp_path / "fit")
    with FileLock(tmp_path / "fit" / fitting.LOCK), pytest.raises(InputError, match="Another fit uses"):
        fitted(small_strips(3), folder=tmp_path / "fit")


def test_of_two_fits_that_begin_at_once_in_one_folder_the_second_is_refused(tmp_path: Path, monkeypatch):
    folder, real = tmp_path / "fit", fitting.only_one
    folder.mkdir()
    with FileLock(folder / fitting.LOCK), suppress(KeyboardInterrupt), atomic_write(folder / fitting.SETTINGS):
        with pytest.raises(InputError, match="Another fit uses"):
            fitted(small_strips(2), folder=folder)
        raise KeyboardInterrupt

    def after_another_fit(file: Path, refusal: str) -> Any:
        monkeypatch.setattr(fitting, "only_one", real)
        fitted(small_strips(2), folder=folder, block_size=300)
        return real(file, refusal)

    monkeypatch.setattr(fitting, "only_one", after_another_fit)
    with pytest.raises(InputError, match="blocks of a fit with another block_size: name another folder"):
        fitted(small_strips(2), folder=folder)


def test_pictures_left_by_a_fit_that_was_killed_are_removed(tmp_path: Path):
    fitted(small_strips(3), folder=tmp_path / "fit")
    (tmp_path / "fit" / "pictures" / "000007-0123456789abcdef.npy").touch()
    (tmp_path / "fit" / "pictures" / "mine.npy").touch()
    fitted(small_strips(3), folder=tmp_path / "fit")
    assert os.listdir(tmp_path / "fit" / "pictures") == ["mine.npy"]


def test_a_picture_that_a_killed_fit_was_writing_is_removed(tmp_path: Path):
    fitted(small_strips(1), folder=tmp_path / "fit")
    code = (
        "import os, sys\nfrom aitex_utils.files.atomic_write import atomic_write\n"
        "with atomic_write(sys.argv[1]) as path:\n    path.touch()\n    os._exit(9)"
    )
    place = tmp_path / "fit" / "pictures" / "000007-0123456789abcdef.npy"
    subprocess.run([sys.executable, "-c", code, str(place)], cwd=ROOT, check=False)
    assert len(os.listdir(place.parent)) == 1
    fitted(small_strips(1), folder=tmp_path / "fit")
    assert os.listdir(place.parent) == []


def test_no_picture_is_left_after_an_error_and_jobs_that_wait_end(tmp_path: Path, monkeypatch):
    def until_the_third_block() -> Iterator[np.ndarray]:
        yield from small_strips()[:5]
        raise OSError("the camera is gone")

    began = threading.Event()
    monkeypatch.setattr(fitting, "make_block", lambda *_: began.set() or time.sleep(0.5))
    with ThreadPoolExecutor(1) as client, pytest.raises(OSError, match="the camera is gone"):
        fitted(until_the_third_block(), client=client, folder=tmp_path / "fit")
    assert began.is_set() and os.listdir(tmp_path / "fit" / "pictures") == []


def test_a_folder_for_temporary_files_that_is_missing_is_explained(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no" / "such"))
    with (
        ThreadPoolExecutor(1) as client,
        pytest.raises(InputError, match="such cannot be written: the folder .*no does"),
    ):
        fitted(small_strips(1), client=client)


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path):
    saved = blocks.save_pictures(tmp_path / "0.npy", small_strips(1))
    with pytest.raises(InputError, match="A worker does not see .*: name a folder that all workers share"):
        blocks.make_block(str(tmp_path / "no" / "block"), saved, {})
    (tmp_path / "0.npy").unlink()
    with pytest.raises(InputError, match="cannot be read by a worker: name a folder that all workers share"):
        blocks.make_block(str(tmp_path / "block"), saved, {})


def test_a_worker_that_is_done_after_the_fit_has_ended_does_not_make_its_folder_anew(tmp_path: Path, monkeypatch):
    folder, extract = tmp_path / "fit", blocks.extract_patches

    def extract_too_late(*arguments: Any) -> list[np.ndarray]:
        patches = extract(*arguments)
        shutil.rmtree(folder)
        return patches

    monkeypatch.setattr(blocks, "extract_patches", extract_too_late)
    with pytest.raises(InputError, match="A worker does not see .*: name a folder that all workers share"):
        fitted(small_strips(2), folder=folder)
    assert os.listdir(tmp_path) == []


def test_damaged_pictures_are_noticed(tmp_path: Path):
    saved = blocks.save_pictures(tmp_path / "0.npy", small_strips(2))
    _flip(tmp_path / "0.npy")
    with pytest.raises(InputError, match="0.npy is damaged .*: fit again"):
        blocks.load_pictures(saved)
    (tmp_path / "0.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="0.npy is damaged .*: fit again"):
        blocks.load_pictures(saved)


def test_other_weights_on_a_worker_are_refused():
    from aitex_utils import PatchFeatures

    description = blocks.describe_features(PatchFeatures(size=SIDE, device="cpu")) | {"weights_sha256": "0" * 64}
    with pytest.raises(InputError, match="other weights of efficientnet_lite0 .*00000000.*: install the same packages"):
        blocks.extractor(description)


def test_wrong_arguments_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="memory and block_size are two ways"):
        fitted(small_strips(2), memory=1.0)
    for parameters in ({"sampler": "random"}, {"whiten": True}):
        with pytest.raises(InputError, match="sampler greedy, without whitening, fits in blocks"):
            PatchCore(**PAPER | parameters).fit(woven(2, seed=0), block_size=100)
    with pytest.raises(InputError, match="^block_size is 0, "):
        fitted(small_strips(2), block_size=0)
    for fan_in in (1, 601):
        with pytest.raises(InputError, match=f"^fan_in is {fan_in}, .* from 2 to 600"):
            fitted(small_strips(2), fan_in=fan_in)
    with pytest.raises(InputError, match="nothing to learn from"):
        fitted([])
    with pytest.raises(InputError, match="nothing to learn from"):
        PatchCore(**PAPER).fit(iter([]), folder=tmp_path / "fit")
    for scalar in (np.array(1, "m8[M]"), np.array(1)):
        with pytest.raises(InputError, match="tiles"):
            PatchCore(**PAPER).fit(scalar, folder=tmp_path / "fit")
        with pytest.raises(InputError, match="strips"):
            fitted(scalar)
    with pytest.raises(InputError, match="^client is of type int"):
        fitted(small_strips(2), client=3)
    with pytest.raises(InputError, match="dtype float64"):
        fitted([small_strips(1)[0] / 2.0], folder=tmp_path / "other")


def test_the_detector_stays_as_it_was_after_an_error(in_memory: PatchCore):
    detector = fitted(small_strips(3))
    before = [bank.vectors_ for bank in detector.banks_]
    with pytest.raises(InputError):
        detector.fit_strips([small_strips(1)[0] / 2.0], tile_size=SIDE, block_size=300)
    assert all(bank.vectors_ is vectors for bank, vectors in zip(detector.banks_, before, strict=True))


def test_a_block_fit_with_the_default_size_counts_the_branches():
    assert BlockFit().block_size is None
    assert len(fitted(small_strips(2), block_size=None, fan_in=2).bank_) == round(0.05 * 2 * 8 * 40)


@pytest.mark.parametrize("name", ["block_size", "fan_in"])
def test_numbers_of_another_kind_are_refused(name: str):
    with pytest.raises(InputError, match=f"^{name} is"):
        fitted(small_strips(), **{name: np.ones(2)})


def test_a_block_size_of_numpy_is_a_block_size(in_memory: PatchCore, tmp_path: Path):
    options = {"block_size": 300, "folder": tmp_path / "fit"}
    expected = fitted(small_strips(), **options)
    assert_equal(fitted(small_strips(), **{**options, "block_size": np.int64(300)}), expected)


@pytest.mark.parametrize("name", ["file", "file/below", "a" * 300])
def test_a_folder_that_cannot_be_made_is_refused(name: str, tmp_path: Path):
    (tmp_path / "file").write_text("years of work")
    with pytest.raises(InputError):
        fitted(small_strips(), folder=tmp_path / name)
    assert (tmp_path / "file").read_text() == "years of work"
