"""Finding, listing and splitting strips: synthetic folders with every irregularity, and the real ones."""

from __future__ import annotations

import errno
import os
import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_aitex import grey, make_small, write_png

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files import data_folder, images
from aitex_utils.strips import (
    DEFECTS,
    Strip,
    distinct_strips,
    find_aitex,
    find_images,
    list_strips,
    read_grey,
    split_strips,
)

# --- find_aitex ---


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_small(tmp_path / "aitex")


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project folder, without AITEX_ROOT: strips stored elsewhere are not found."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setattr(data_folder, "PROJECT", project)
    monkeypatch.setattr(data_folder, "PRACTICE", project / "data" / "practice")
    monkeypatch.delenv("AITEX_ROOT", raising=False)
    return project


def test_argument_variable_data_and_practice_fabric_are_tried_in_this_order(
    empty_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    with pytest.raises(MissingError, match="neither AITEX nor a practice fabric: .*course\\.py data"):
        find_aitex()
    practice = make_small(empty_project / "data" / "practice")
    assert find_aitex() == practice
    assert re.match(r"Strips from data/practice \(.*practice fabric.*AITEX_ROOT is not set", capsys.readouterr().out)
    own = make_small(empty_project / "data" / "aitex")
    assert find_aitex() == own
    assert capsys.readouterr().out == "Strips from data/aitex (data/aitex).\n"
    by_variable = make_small(tmp_path / "variable")
    monkeypatch.setenv("AITEX_ROOT", str(by_variable))
    assert find_aitex() == by_variable
    assert capsys.readouterr().out == f"Strips from {by_variable} (AITEX_ROOT).\n"
    by_argument = make_small(tmp_path / "argument")
    assert find_aitex(str(by_argument)) == by_argument
    assert capsys.readouterr().out == f"Strips from {by_argument} (your argument).\n"
    assert find_aitex(by_argument, quiet=True) == by_argument
    assert capsys.readouterr().out == ""


def test_an_empty_environment_variable_is_ignored(empty_project: Path, monkeypatch: pytest.MonkeyPatch):
    own = make_small(empty_project / "data" / "aitex")
    monkeypatch.setenv("AITEX_ROOT", "")
    assert find_aitex(quiet=True) == own


def test_an_empty_data_folder_is_passed_over_for_the_practice_fabric(empty_project: Path):
    (empty_project / "data" / "aitex").mkdir(parents=True)
    (empty_project / "data" / "aitex" / "README.md").touch()
    practice = make_small(empty_project / "data" / "practice")
    assert find_aitex(quiet=True) == practice


def test_a_named_folder_without_strips_is_refused_and_not_passed_over(empty_project: Path, tmp_path: Path, monkeypatch):
    make_small(empty_project / "data" / "practice")
    monkeypatch.setenv("AITEX_ROOT", str(tmp_path / "wrong"))
    message = r"wrong \(AITEX_ROOT\) is not AITEX: .*NODefect_images, Defect_images and Mask_images"
    with pytest.raises(MissingError, match=message):
        find_aitex()
    (tmp_path / "wrong").mkdir()
    with pytest.raises(MissingError, match=message):
        find_aitex()
    monkeypatch.setenv("AITEX_ROOT", str(make_small(tmp_path / "right")))
    with pytest.raises(MissingError, match=r"wrong \(your argument\) is not AITEX"):
        find_aitex(tmp_path / "wrong")
    (tmp_path / "file").touch()
    with pytest.raises(MissingError, match=r"file \(your argument\) is not AITEX"):
        find_aitex(tmp_path / "file")


def test_a_tilde_is_expanded_to_the_home_folder(empty_project: Path, tmp_path: Path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    make_small(tmp_path / "here")
    assert find_aitex("~/here", quiet=True) == tmp_path / "here"


def test_strips_one_level_deeper_are_found_and_hidden_folders_ignored(empty_project: Path, tmp_path: Path):
    make_small(tmp_path / "download" / "aitex")
    (tmp_path / "download" / "Aaa").mkdir()
    (tmp_path / "download" / ".hidden" / "NODefect_images").mkdir(parents=True)
    root = find_aitex(tmp_path / "download", quiet=True)
    assert root == tmp_path / "download" / "aitex"
    assert len(list_strips(root)) == 10


def test_archives_unpacked_into_folders_of_their_own_name_are_read(empty_project: Path, tmp_path: Path):
    make_small(tmp_path / "once")
    for name in ("NODefect_images", "Defect_images", "Mask_images"):
        (tmp_path / "twice" / name).mkdir(parents=True)
        shutil.move(tmp_path / "once" / name, tmp_path / "twice" / name / name)
    root = find_aitex(tmp_path / "twice", quiet=True)
    assert root == tmp_path / "twice"
    strips = list_strips(root)
    assert len(strips) == 10
    assert all(s.is_normal or len(s.masks) == 1 for s in strips)


def test_a_relative_variable_is_looked_up_in_the_project_from_any_directory(empty_project: Path, tmp_path, monkeypatch):
    own = make_small(empty_project / "strips" / "mine")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("AITEX_ROOT", os.path.join("strips", "mine"))
    assert find_aitex(quiet=True) == own
    here = make_small(tmp_path / "notebooks" / "strips" / "mine")
    assert find_aitex(quiet=True).resolve() == here.resolve()


def test_folders_that_cannot_be_used_give_one_sentence(empty_project: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "aitex.zip").touch()
    with pytest.raises(MissingError, match=r"aitex.zip \(your argument\) is not AITEX but a file: unpack it"):
        find_aitex(tmp_path / "aitex.zip")
    for name in ("~no_such_user_here/aitex", "a\0b", "x" * 5000):
        with pytest.raises(InputError, match="your argument"):
            find_aitex(name)

    monkeypatch.setenv("AITEX_ROOT", f'"{tmp_path}"')
    with pytest.raises(MissingError, match=r"\(AITEX_ROOT\) is not AITEX: remove the quotation marks"):
        find_aitex()
    monkeypatch.delenv("AITEX_ROOT")

    def refuse(path: object):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    root = make_small(tmp_path / "locked")
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"locked cannot be opened \(Permission denied\): change its permissions"):
        find_aitex(root)
    with pytest.raises(InputError, match=r"locked cannot be opened \(Permission denied\): change its permissions"):
        list_strips(root)


def test_folders_of_other_programs_are_not_taken_for_the_data(tmp_path: Path):
    """The first folder by name is macOS's, the second one is empty, the third one contains the strips."""
    right = make_small(tmp_path / "aitex")
    for name in ("__MACOSX", ".Trash-1000", "@eaDir"):
        make_small(tmp_path / name)
    (tmp_path / "Empty" / "NODefect_images").mkdir(parents=True)
    assert find_aitex(tmp_path, quiet=True) == right
    (right / "NODefect_images" / "@eaDir" / "0001_000_00.png").mkdir(parents=True)
    before = list_strips(right)
    for hidden in (".ipynb_checkpoints", ".Trash-1000/files", "__MACOSX", "$RECYCLE.BIN"):
        write_png(right / "NODefect_images" / hidden / "0077_000_00.png", grey())
        write_png(right / "Mask_images" / hidden / "0003_002_00_mask1.png", grey())
    assert list_strips(right) == before


# --- list_strips ---


def test_strips_are_listed_by_fabric_normal_ones_first_with_their_fields(small: Path):
    strips = list_strips(small)
    assert [s.id for s in strips] == [
        *("0000_000_00", "0001_000_00", "0002_000_00", "0003_002_00", "0004_002_00"),
        *("0000_000_02", "0001_000_02", "0002_000_02", "0003_002_02", "0004_002_02"),
    ]
    last = strips[-1]
    assert (last.fabric, last.code, last.path) == ("02", "002", small / "Defect_images" / "0004_002_02.png")
    assert last.masks == (small / "Mask_images" / "0004_002_02_mask.png",)
    assert np.unique(np.argwhere(last.read_mask())[:, 1]).tolist() == [4]
    assert list_strips(small, "02") == strips[5:]
    assert list_strips(str(small)) == strips


def test_files_with_other_names_are_ignored_and_variants_of_aitex_accepted(small: Path):
    before = len(list_strips(small))
    normal = small / "NODefect_images"
    for name in ("._0007_000_00.png", "0007_000_00.txt", "7_000_00.png", "0007_000_00 (1).png", "0007_000_00_x.png"):
        write_png(normal / "a.png", grey()).rename(normal / name)
    assert len(list_strips(small)) == before
    write_png(normal / "0018_00_01.png", grey())
    write_png(normal / "a.png", grey()).rename(normal / "0019_000_01.PNG")
    added = list_strips(small, "01")
    assert [(s.id, s.code, s.is_normal) for s in added] == [("0018_00_01", "000", True), ("0019_000_01", "000", True)]


def test_a_strip_has_all_its_masks_in_order_or_none(small: Path):
    masks = small / "Mask_images"
    (masks / "0003_002_00_mask.png").rename(masks / "0003_002_00_mask2.png")
    shutil.copy(masks / "0003_002_00_mask2.png", masks / "0003_002_00_mask1.png")
    (masks / "0004_002_00_mask.png").unlink()
    strips = {strip.id: strip for strip in list_strips(small, "00")}
    assert [p.name for p in strips["0003_002_00"].masks] == ["0003_002_00_mask1.png", "0003_002_00_mask2.png"]
    assert strips["0004_002_00"].masks == ()


@pytest.mark.parametrize(
    "name", ["_mask-Copy1", "_mask-checkpoint", "_mask (1)", "_mask_old", "_old", " - Copy", "_mask1~"]
)
def test_a_copy_of_a_mask_counts_only_where_there_is_no_other(small: Path, name: str):
    mask = small / "Mask_images" / "0003_002_00_mask.png"
    copy = mask.with_name(f"0003_002_00{name}.png")
    old = grey(0)
    old[:, 200] = 255
    write_png(copy, old)
    for kept, column in (((mask,), 3), ((copy,), 200)):
        strip = next(s for s in list_strips(small, "00") if s.id == "0003_002_00")
        assert strip.masks == kept and np.unique(np.nonzero(strip.read_mask())[1]).tolist() == [column]
        mask.unlink(missing_ok=True)


def test_missing_folders_are_tolerated_as_long_as_there_are_strips(small: Path):
    shutil.rmtree(small / "Mask_images")
    assert all(s.masks == () for s in list_strips(small))
    shutil.rmtree(small / "Defect_images")
    assert len(list_strips(small)) == 6
    shutil.rmtree(small / "NODefect_images")
    for place in (small, small / "none"):
        with pytest.raises(MissingError, match="contains no strips named nnnn_ddd_ff.png: .*archives"):
            list_strips(place)


def test_a_strip_counts_once_and_the_upper_folder_is_preferred(small: Path):
    before = list_strips(small)
    normal = small / "NODefect_images"
    shutil.copytree(normal / "folder00", normal / "again" / "folder00")
    shutil.copytree(normal / "folder02", normal / "A" / "a" / "NODefect_images" / "folder02")
    shutil.copytree(small / "Defect_images", small / "Defect_images" / "copy")
    for suffix in ("bmp", "JPG"):
        write_png(normal / f"folder00/0000_000_00.{suffix}", grey())
    write_png(normal / "folder00" / "0001_00_00.png", grey())  # the code of 0001_000_00 in two digits
    assert [(s.id, s.path) for s in list_strips(small)][1:] == [(s.id, s.path) for s in before][1:]
    assert len(list_strips(small)) == len(before)


def test_pictures_and_masks_in_other_formats_and_in_capitals_are_read(small: Path):
    before = list_strips(small)
    expected = {s.id: (s.read(), s.read_mask()) for s in before}
    for i, path in enumerate(sorted(p for p in small.rglob("*.png"))):
        suffix = (".bmp", ".TIF", ".PNG", ".tiff", ".JPG")[i % 5]
        if suffix.lower() in (".tif", ".tiff", ".bmp", ".jpg"):
            with Image.open(path) as image:
                image.save(path.with_suffix(suffix), **({"quality": 100} if suffix == ".JPG" else {}))
            path.unlink()
        else:
            path.rename(path.with_suffix(suffix))
    (small / "Mask_images").rename(small / "MASK_IMAGES")
    (small / "NODefect_images").rename(small / "nodefect_images")
    for path in (small / "MASK_IMAGES").iterdir():
        path.rename(path.with_name(path.name.replace("_mask", " - Mask (1)")))
    after = list_strips(find_aitex(small, quiet=True))
    assert [s.id for s in after] == [s.id for s in before]
    for strip in after:
        np.testing.assert_allclose(strip.read(), expected[strip.id][0], atol=1)
        np.testing.assert_array_equal(strip.read_mask(), expected[strip.id][1], err_msg=str(strip.masks))


def test_links_and_folders_with_the_name_of_a_strip_are_no_strips(small: Path):
    before = list_strips(small)
    os.symlink("nowhere.png", small / "NODefect_images" / "0007_000_00.png")
    os.symlink("nowhere.png", small / "Mask_images" / "0003_002_00_mask2.png")
    (small / "NODefect_images" / "0008_000_00.png").mkdir()
    assert list_strips(small) == before


def test_an_unknown_fabric_is_refused_with_the_known_ones(small: Path):
    with pytest.raises(InputError, match="no fabric '07' in .*: choose one of 00, 02"):
        list_strips(small, "07")
    with pytest.raises(InputError, match="no fabric 2 in .*: choose one of 00, 02"):
        list_strips(small, 2)


def test_find_images_yields_pictures_below_a_folder_sorted(tmp_path: Path):
    for name in ("b/z.png", "b/a.PNG", "a.png", "._a.png", "b/.hidden.png", ".h/a.png", "c.jpg", "d.png.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(str(tmp_path))]
    assert names == ["a.png", "b/a.PNG", "b/z.png", "c.jpg"]
    assert list(find_images(tmp_path / "none")) == []


# --- split_strips ---


def make_strips(counts: dict[str, int]) -> list[Strip]:
    """Return so many normal strips of each fabric, without files."""
    return [
        Strip(f"{number:04}_000_{fabric}", fabric, "000", Path(f"{number}.png"))
        for fabric, count in counts.items()
        for number in range(count)
    ]


COUNTS = st.dictionaries(st.sampled_from(["00", "01", "08"]), st.integers(2, 25), min_size=1)


@given(COUNTS, st.floats(0.01, 0.99), st.integers(0, 2**32 - 1), st.randoms())
def test_a_split_is_a_partition_that_depends_on_the_seed_and_not_on_the_order(counts, share, seed, random):
    strips = make_strips(counts)
    training, test = split_strips(strips, share, seed)
    assert sorted(strip.id for strip in training + test) == sorted(strip.id for strip in strips)
    assert not set(training) & set(test)
    for fabric, count in counts.items():
        n_training = sum(strip.fabric == fabric for strip in training)
        assert 1 <= n_training <= count - 1
        assert abs(n_training - share * count) <= 0.5 or n_training in (1, count - 1)
    shuffled = list(strips)
    random.shuffle(shuffled)
    assert split_strips(shuffled, share, seed) == (training, test)


@given(COUNTS, st.integers(0, 100))
def test_the_split_of_a_fabric_does_not_depend_on_other_fabrics(counts, seed):
    training, test = split_strips(make_strips(counts), seed=seed)
    for fabric in counts:
        single = split_strips(make_strips({fabric: counts[fabric]}), seed=seed)
        assert single == ([s for s in training if s.fabric == fabric], [s for s in test if s.fabric == fabric])


def test_fabrics_with_equally_many_strips_are_split_differently():
    training, _ = split_strips(make_strips({"00": 20, "01": 20}), seed=0)
    numbers = [{strip.id[:4] for strip in training if strip.fabric == fabric} for fabric in ("00", "01")]
    assert numbers[0] != numbers[1]


def test_each_set_gets_its_share_and_each_strip_can_be_in_either_set():
    strips = make_strips({"00": 10})
    training, test = split_strips(strips, 0.7, seed=0)
    assert (len(training), len(test)) == (7, 3)
    assert split_strips(strips, 0.7, seed=0) == (training, test)
    assert len({tuple(split_strips(strips, 0.7, seed)[0]) for seed in range(20)}) > 10
    assert {strip for seed in range(50) for strip in split_strips(strips, 0.7, seed)[1]} == set(strips)
    assert tuple(map(len, split_strips(make_strips({"00": 2}), 0.99))) == (1, 1)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, 70, float("nan"), "0.7", None])
def test_a_share_that_leaves_a_set_empty_is_refused(share: object):
    with pytest.raises(InputError, match=f"^share is {share!r}, .* above 0 and below 1, for example 0.7"):
        split_strips(make_strips({"00": 10}), share)


@pytest.mark.parametrize("seed", [-1, 1.5, "3", None, True, 2**32, [1]])
def test_a_seed_that_is_no_whole_number_is_refused(seed: object):
    with pytest.raises(InputError, match="seed is "):
        split_strips(make_strips({"00": 4}), seed=seed)
    same = split_strips(make_strips({"00": 4}), seed=np.uint8(3))
    assert same == split_strips(make_strips({"00": 4}), seed=3)


def test_a_fabric_of_one_strip_cannot_be_split():
    with pytest.raises(InputError, match="^Fabric 08 has 1 strip .*two are needed"):
        split_strips(make_strips({"00": 10, "08": 1}))


def test_one_picture_is_never_on_both_sides(tmp_path: Path):
    random = np.random.default_rng(0)
    normal = tmp_path / "NODefect_images"
    for number in range(6):
        write_png(normal / f"000{number}_000_00.png", random.integers(0, 256, (256, 300), np.uint8))
    shutil.copy(normal / "0001_000_00.png", normal / "0009_000_00.png")  # under a second name
    strips = list_strips(tmp_path)
    assert len(strips) == 7
    again = [replace(strip, path=strip.path.with_suffix(".bmp")) for strip in strips]
    for seed in range(10):
        with pytest.warns(UserWarning, match="8 of 14 strips were left out, because the same picture is there twice"):
            training, test = split_strips(strips + again, seed=seed)
        assert len({s.id for s in training + test}) == len(training) + len(test) == 6
        contents = [{s.path.read_bytes() for s in side} for side in (training, test)]
        assert not contents[0] & contents[1]


def test_a_split_without_doubles_gives_no_warning_and_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    strips = list_strips(make_small(tmp_path, ("00",)))
    for i, strip in enumerate(strips):
        strip.path.write_bytes(bytes(i + 1))
    monkeypatch.setattr(images, "sha256", lambda path: pytest.fail(f"{path} was read"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert distinct_strips(strips) == strips
        split_strips(strips)


# --- real strips ---

REAL = {"00": (20, 27), "02": (20, 58), "03": (20, 51), "06": (20, 26), "08": (0, 1)}  # normal strips, all strips


def test_numbers_and_codes_of_the_real_strips(aitex_root: Path):
    strips = [strip for strip in list_strips(aitex_root) if strip.fabric in REAL]  # some copies have seven fabrics
    for fabric, expected in REAL.items():
        own = [strip for strip in strips if strip.fabric == fabric]
        assert (sum(strip.is_normal for strip in own), len(own)) == expected
    assert len(strips) == 163
    assert {strip.code for strip in strips} <= set(DEFECTS)
    assert strips[0].read().shape == (256, 4096)


def test_masks_of_the_real_strips(aitex_root: Path):
    strips = {strip.id: strip for strip in list_strips(aitex_root)}
    several = strips["0097_030_03"]
    assert len(several.masks) in (2, 3)  # some copies add the union as a third
    parts = [read_grey(path) > 0 for path in several.masks]
    np.testing.assert_array_equal(several.read_mask(), np.any(parts, axis=0))
    np.testing.assert_array_equal(several.read_known_mask(), several.read_mask())
    black, missing = strips["0106_010_03"], strips["0100_025_08"]
    assert not black.read_mask().any() and black.read_known_mask() is None
    with pytest.raises(InputError, match="0100_025_08 is defective but has no mask"):
        missing.read_mask()
    assert missing.read_known_mask() is None
