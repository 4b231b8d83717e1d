"""Finding, listing and splitting strips: synthetic folders with every irregularity, and the real ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_aitex import grey, make_small, write_png

from aitex_utils import strips as strips_module
from aitex_utils.errors import InputError, MissingError
from aitex_utils.strips import DEFECTS, Strip, find_aitex, find_images, list_strips, read_grey, split_strips

# --- find_aitex ---


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_small(tmp_path / "aitex")


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project folder, without AITEX_ROOT: strips stored elsewhere are not found."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setattr(strips_module, "PROJECT", project)
    monkeypatch.setattr(strips_module, "PRACTICE", project / "data" / "practice")
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


def test_missing_folders_are_tolerated_as_long_as_there_are_strips(small: Path):
    shutil.rmtree(small / "Mask_images")
    assert all(s.masks == () for s in list_strips(small))
    shutil.rmtree(small / "Defect_images")
    assert len(list_strips(small)) == 6
    shutil.rmtree(small / "NODefect_images")
    for place in (small, small / "none"):
        with pytest.raises(MissingError, match="contains no strips named nnnn_ddd_ff.png: .*archives"):
            list_strips(place)


def test_an_unknown_fabric_is_refused_with_the_known_ones(small: Path):
    with pytest.raises(InputError, match="no fabric '07' in .*: choose one of 00, 02"):
        list_strips(small, "07")
    with pytest.raises(InputError, match="no fabric 2 in .*: choose one of 00, 02"):
        list_strips(small, 2)


def test_find_images_yields_png_files_below_a_folder_sorted(tmp_path: Path):
    for name in ("b/z.png", "b/a.PNG", "a.png", "._a.png", "b/.hidden.png", "c.jpg", "d.png.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(str(tmp_path))]
    assert names == ["a.png", "b/a.PNG", "b/z.png"]
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


@given(COUNTS, st.floats(0.01, 0.99), st.integers(0, 2**32), st.randoms())
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


def test_a_fabric_of_one_strip_cannot_be_split():
    with pytest.raises(InputError, match="^Fabric 08 has 1 strip .*two are needed"):
        split_strips(make_strips({"00": 10, "08": 1}))


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
