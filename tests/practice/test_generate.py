"""The practice fabric: layout and irregularities of AITEX, the same bytes each time, written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aitex_utils.commands import data
from aitex_utils.errors import InputError
from aitex_utils.practice import generate
from aitex_utils.practice.generate import (
    FABRICS,
    GENERATOR,
    METADATA_FILE,
    Bed,
    make_practice_fabric,
    practice_is_there,
    render_strip,
)
from aitex_utils.region import fabric_region
from aitex_utils.strips import DEFECTS, STRIP_SHAPE, list_strips

# Of the fixture `small_practice`, at row 128, columns 2000 to 2007.
NORMAL_PIXELS = [102, 65, 61, 67, 64, 65, 81, 120]
DEFECTIVE_PIXELS = [70, 63, 60, 75, 103, 116, 99, 74]


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace strips by tiny grey ones, so a fabric of default size takes no time."""

    def grey(weave, bed, rng, code=None, count=1):
        image = np.full((4, 8), rng.integers(256), np.uint8)
        return image, [image | 1] * count if code else []

    monkeypatch.setattr(generate, "render_strip", grey)


def test_layout_and_names(small_practice):
    names = {p.relative_to(small_practice).as_posix() for p in small_practice.rglob("*.*")}
    assert names == {
        METADATA_FILE,
        *(f"NODefect_images/practice-00/{i:04d}_000_00.png" for i in (1, 2, 3)),
        *(f"Defect_images/{name}_00.png" for name in ("0001_002", "0002_006", "0003_010", "0004_016")),
        *(f"Mask_images/{name}.png" for name in ("0001_002_00_mask", "0002_006_00_mask1", "0002_006_00_mask2")),
        "Mask_images/0003_010_00_mask.png",
    }  # the second has two masks and no union, the fourth none


def test_strips_have_aitex_size_and_some_are_rgba(small_practice):
    modes = []
    for path in small_practice.rglob("*.png"):
        with Image.open(path) as image:
            assert image.size == STRIP_SHAPE[::-1]
            modes.append((path.parent.name, image.mode))
    assert modes.count(("practice-00", "RGBA")) == 1 and modes.count(("Defect_images", "RGBA")) == 1
    assert {mode for parent, mode in modes if parent == "Mask_images"} == {"L"}


def test_masks_are_not_binary_and_lie_on_the_fabric(small_practice):
    for strip in list_strips(small_practice):
        for path in strip.masks:
            mask = np.asarray(Image.open(path))
            assert len(np.unique(mask)) > 3 and mask.max() > 200 and (mask == 0).mean() > 0.9
            start, stop = fabric_region(strip.read())
            inside = (mask[:, start:stop] > 0).sum() / (mask > 0).sum()
            assert inside > 0.9


def test_fabric_begins_elsewhere_in_normal_and_defective_strips(small_practice):
    begins = {True: set(), False: set()}
    for strip in list_strips(small_practice):
        image = strip.read()
        first = int((image[128] < 250).argmax())
        assert (image[:, : first - 12] == 255).all()  # saturated white
        begins[strip.is_normal].add(first)
        assert first <= fabric_region(image)[0] <= first + 140  # selvage out
    assert min(begins[True]) > max(begins[False])


def test_some_beds_are_bare_and_some_strips_have_none():
    beds = [generate._bed(f, i, defective=defective) for f in range(3) for i in range(8) for defective in (False, True)]
    assert {kind for kind, _ in beds} == {"white", "bare"}
    assert {width == 0 for _, width in beds} == {True, False}
    image, masks = render_strip(FABRICS[2], Bed("bare", 500), np.random.default_rng(0))
    assert masks == [] and 70 < image[:, :480].mean() < 115 and image[:, 700:].mean() > 120


def test_the_selvage_differs_from_the_fabric():
    image, _ = render_strip(FABRICS[0], Bed("white", 600), np.random.default_rng(0))
    columns = np.convolve(image.mean(axis=0), np.ones(10) / 10, "same")  # without the yarns
    selvage, weave = columns[620:660], columns[900:940]
    assert np.ptp(selvage) > 2 * np.ptp(weave) and selvage.max() > weave.max() + 5  # bands of another lightness


def test_the_same_seed_makes_the_same_bytes_on_any_number_of_cores(tmp_path, small_practice, monkeypatch):
    monkeypatch.setattr(generate.os, "cpu_count", lambda: 1)
    again = make_practice_fabric(tmp_path / "again", seed=1, fabrics=1, normal=3, defective=4)
    assert digests(again) == digests(small_practice)


def test_pixels_of_a_seed_stay_the_same(small_practice):
    """If this fails, the generator makes another fabric: raise GENERATOR, and record the pixels anew."""
    strips = {strip.id: strip.read()[128, 2000:2008].astype(int) for strip in list_strips(small_practice)}
    recorded = {"0001_000_00": NORMAL_PIXELS, "0003_010_00": DEFECTIVE_PIXELS}
    for name, pixels in recorded.items():
        assert abs(strips[name] - pixels).max() <= 1, strips[name]  # processors differ in rounding


def test_another_seed_makes_another_fabric(tmp_path, quick):
    first, second = (digests(make_practice_fabric(tmp_path / str(seed), seed=seed, fabrics=1)) for seed in (0, 1))
    for part in ("NODefect_images", "Defect_images"):
        assert any(first[name] != second[name] for name in first if name.startswith(part))


def test_default_size_has_every_kind_with_a_mask(tmp_path, quick):
    strips = list_strips(make_practice_fabric(tmp_path / "practice"))
    assert sum(strip.is_normal for strip in strips) == 24 and len({strip.fabric for strip in strips}) == 3
    defective = [strip for strip in strips if not strip.is_normal]
    assert len(defective) == 24 and {s.code for s in defective if s.masks} == set(DEFECTS) - {"000"}
    assert sorted(len(strip.masks) for strip in defective) == [0, *[1] * 22, 2]


def test_no_two_strips_share_their_random_numbers(tmp_path, monkeypatch):
    states = []

    def record_state(weave, bed, rng, code=None, count=1):
        states.append(rng.bit_generator.state["state"]["state"])
        return np.zeros((2, 2), np.uint8), [np.ones((2, 2), np.uint8)] * count

    monkeypatch.setattr(generate, "render_strip", record_state)
    monkeypatch.setattr(generate, "sample_acquisition", lambda weave, rng, other=False: weave)
    make_practice_fabric(tmp_path / "practice", normal=4, defective=4)
    assert len(states) == len(set(states)) == 24


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"fabrics": 0}, "fabrics is 0, expected a whole number from 1 to 6"),
        ({"fabrics": 7}, "fabrics is 7, expected a whole number from 1 to 6"),
        ({"normal": 0}, "normal is 0, expected a whole number from 1 to 9999"),
        ({"defective": -1}, "defective is -1, expected a whole number from 0 to 999"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0 to 4294967295"),
        ({"seed": 0.5}, "seed is 0.5, expected a whole number"),
        ({"normal": True}, "normal is True, expected a whole number"),
    ],
)
def test_sizes_that_cannot_be_made(tmp_path, size, message):
    with pytest.raises(InputError, match=message):
        make_practice_fabric(tmp_path / "practice", **size)
    assert not (tmp_path / "practice").exists()


def test_something_else_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.png").write_bytes(b"mine")
    with pytest.raises(InputError, match="photos contains mine.png, .*Nothing was replaced"):
        make_practice_fabric(tmp_path / "photos")
    with pytest.raises(InputError, match="a file of that name is in the way"):
        make_practice_fabric(tmp_path / "photos" / "mine.png")
    assert (tmp_path / "photos" / "mine.png").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["thesis.txt", "Mask_images/mine.png", "mine/x.png", "Defect_images/0001_002_00.png"])
def test_a_fabric_with_a_foreign_or_changed_file_is_not_replaced(tmp_path, quick, name):
    folder = make_practice_fabric(tmp_path / "practice", fabrics=1, normal=1, defective=1)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"drawn by hand")
    before = digests(tmp_path)
    with pytest.raises(InputError, match=f"practice contains {name.removesuffix('/x.png')}, not part of the practice"):
        make_practice_fabric(folder)
    assert digests(tmp_path) == before and len(list(tmp_path.iterdir())) == 1


def test_a_file_called_practice_json_proves_nothing(tmp_path):
    (tmp_path / METADATA_FILE).write_text('{"fabrics": 1, "files": {"thesis.txt": 1}}')
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="contains practice.json, thesis.txt, "):
        make_practice_fabric(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_empty_folder_and_one_with_files_of_the_system_are_taken(tmp_path, quick):
    (tmp_path / "practice").mkdir()
    folder = make_practice_fabric(tmp_path / "practice", fabrics=1, normal=1, defective=0)
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "Mask_images" / "Thumbs.db").write_bytes(b"\0")
    make_practice_fabric(folder, fabrics=1, normal=2, defective=0)
    assert len(list_strips(folder)) == 2


def test_an_older_practice_fabric_is_replaced(tmp_path, quick):
    folder = make_practice_fabric(tmp_path / "practice", fabrics=2, normal=2, defective=1)
    make_practice_fabric(folder, fabrics=1, normal=1, defective=0)
    assert [strip.id for strip in list_strips(folder)] == ["0001_000_00"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_full_disk_leaves_nothing(tmp_path, quick, monkeypatch):
    attempts = []

    def full(path, image, rgba=False):
        attempts.append(path)
        time.sleep(0.02)  # as writing does; the other tasks must not start meanwhile
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(generate, "_write_png", full)
    with pytest.raises(InputError, match="disk is full"):
        make_practice_fabric(tmp_path / "practice", normal=40, defective=40)
    assert list(tmp_path.iterdir()) == [] and len(attempts) < 120


def test_practice_is_there(tmp_path, quick):
    folder = tmp_path / "practice"
    assert not practice_is_there(folder)
    make_practice_fabric(folder, seed=4, fabrics=1, normal=2, defective=2)
    assert practice_is_there(folder) and practice_is_there(folder, seed=4, normal=2)
    assert not practice_is_there(folder, seed=5)
    metadata = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
    files = metadata.pop("files")
    assert files == {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*.png")}
    assert metadata == {"generator": GENERATOR, "seed": 4, "fabrics": 1, "normal": 2, "defective": 2}
    next(folder.rglob("*.png")).unlink()
    assert not practice_is_there(folder)  # a picture was deleted
    (folder / METADATA_FILE).write_text(json.dumps(metadata), encoding="utf-8")
    assert practice_is_there(folder)  # made before the files were listed
    (folder / METADATA_FILE).write_text(json.dumps(metadata | {"generator": GENERATOR - 1}), encoding="utf-8")
    assert not practice_is_there(folder)  # that of an older generator is made anew
    (folder / METADATA_FILE).write_text("{", encoding="utf-8")
    assert not practice_is_there(folder)


def test_a_fabric_made_before_files_were_listed_is_kept_and_has_a_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    folder, size = tmp_path / "practice", ["--fabrics", "1", "--normal", "1", "--defective", "0"]
    make_practice_fabric(folder, fabrics=1, normal=1, defective=0)
    metadata = json.loads((folder / "practice.json").read_text(encoding="utf-8"))
    del metadata["files"]
    (folder / "practice.json").write_text(json.dumps(metadata), encoding="utf-8")
    before = sorted(folder.rglob("*"))
    command = ["--folder", str(folder), *size, "--force"]
    assert data.main(command) == 1 and sorted(folder.rglob("*")) == before
    assert "delete the folder if an earlier version of this course wrote it" in capsys.readouterr().err
    shutil.rmtree(folder)
    assert data.main(command) == 0 and practice_is_there(folder, fabrics=1)
