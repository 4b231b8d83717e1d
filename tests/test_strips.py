"""Finding, listing and splitting strips: hand-made folders with every oddity, and the real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_aitex import grey, make_small, write_png

from aitex_utils import strips as strips_module
from aitex_utils.errors import InputError, MissingError
from aitex_utils.strips import DEFECTS, Strip, find_aitex, list_strips, read_grey, split_strips


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_small(tmp_path / "aitex")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project without AITEX_ROOT, so that nothing on this machine is found by chance."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setattr(strips_module, "PROJECT", project)
    monkeypatch.setattr(strips_module, "PRACTICE", project / "data" / "practice")
    monkeypatch.delenv("AITEX_ROOT", raising=False)
    return project


def test_order_of_places(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    with pytest.raises(MissingError, match="^Neither AITEX nor the practice fabric is there: .*course.py data`"):
        find_aitex()
    practice = make_small(elsewhere / "data" / "practice")
    assert find_aitex() == practice
    assert capsys.readouterr().out == (
        "Strips from data/practice (the practice fabric; no AITEX in data/aitex and AITEX_ROOT isn't set).\n"
    )
    own = make_small(elsewhere / "data" / "aitex")
    assert find_aitex() == own
    assert capsys.readouterr().out == "Strips from data/aitex (data/aitex).\n"
    by_variable = make_small(tmp_path / "variable")
    monkeypatch.setenv("AITEX_ROOT", str(by_variable))
    assert find_aitex() == by_variable
    assert capsys.readouterr().out == f"Strips from {by_variable} (AITEX_ROOT).\n"
    by_argument = make_small(tmp_path / "argument")
    assert find_aitex(str(by_argument)) == by_argument
    assert capsys.readouterr().out == f"Strips from {by_argument} (the folder you gave).\n"
    assert find_aitex(by_argument, quiet=True) == by_argument
    assert capsys.readouterr().out == ""


def test_empty_variable_is_no_variable(elsewhere: Path, monkeypatch: pytest.MonkeyPatch):
    own = make_small(elsewhere / "data" / "aitex")
    monkeypatch.setenv("AITEX_ROOT", "")
    assert find_aitex(quiet=True) == own


def test_empty_folder_of_data_falls_back_to_practice(elsewhere: Path):
    (elsewhere / "data" / "aitex").mkdir(parents=True)
    (elsewhere / "data" / "aitex" / "README.md").touch()
    practice = make_small(elsewhere / "data" / "practice")
    assert find_aitex(quiet=True) == practice


def test_named_folder_without_strips_is_not_passed_over(elsewhere: Path, tmp_path: Path, monkeypatch):
    make_small(elsewhere / "data" / "practice")
    monkeypatch.setenv("AITEX_ROOT", str(tmp_path / "wrong"))
    message = r"wrong \(AITEX_ROOT\) holds no AITEX: it should contain NODefect_images, Defect_images and Mask_images\."
    with pytest.raises(MissingError, match=message):
        find_aitex()
    (tmp_path / "wrong").mkdir()
    with pytest.raises(MissingError, match=message):
        find_aitex()
    monkeypatch.setenv("AITEX_ROOT", str(make_small(tmp_path / "right")))
    with pytest.raises(MissingError, match=r"wrong \(the folder you gave\) holds no AITEX"):
        find_aitex(tmp_path / "wrong")
    (tmp_path / "file").touch()
    with pytest.raises(MissingError, match="holds no AITEX"):
        find_aitex(tmp_path / "file")


def test_home_is_expanded(elsewhere: Path, tmp_path: Path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert find_aitex("~/here" if make_small(tmp_path / "here") else "", quiet=True) == tmp_path / "here"


def test_one_level_deeper(elsewhere: Path, tmp_path: Path):
    make_small(tmp_path / "download" / "aitex")
    (tmp_path / "download" / "Aaa").mkdir()
    (tmp_path / "download" / ".hidden" / "NODefect_images").mkdir(parents=True)
    root = find_aitex(tmp_path / "download", quiet=True)
    assert root == tmp_path / "download" / "aitex"
    assert len(list_strips(root)) == 10


def test_each_archive_in_a_folder_of_its_name(elsewhere: Path, tmp_path: Path):
    make_small(tmp_path / "once")
    for name in ("NODefect_images", "Defect_images", "Mask_images"):
        (tmp_path / "twice" / name).mkdir(parents=True)
        shutil.move(tmp_path / "once" / name, tmp_path / "twice" / name / name)
    root = find_aitex(tmp_path / "twice", quiet=True)
    assert root == tmp_path / "twice"
    strips = list_strips(root)
    assert len(strips) == 10
    assert all(s.is_normal or len(s.masks) == 1 for s in strips)


def test_order_and_fields(small: Path):
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


def test_oddly_named_files(small: Path):
    before = len(list_strips(small))
    normal = small / "NODefect_images"
    for name in ("._0007_000_00.png", "0007_000_00.txt", "7_000_00.png", "0007_000_00 (1).png", "0007_000_00_x.png"):
        write_png(normal / "a.png", grey()).rename(normal / name)
    assert len(list_strips(small)) == before
    write_png(normal / "0018_00_01.png", grey())
    write_png(normal / "a.png", grey()).rename(normal / "0019_000_01.PNG")
    added = list_strips(small, "01")
    assert [(s.id, s.code, s.is_normal) for s in added] == [("0018_00_01", "000", True), ("0019_000_01", "000", True)]


def test_two_masks_and_none(small: Path):
    masks = small / "Mask_images"
    (masks / "0003_002_00_mask.png").rename(masks / "0003_002_00_mask2.png")
    shutil.copy(masks / "0003_002_00_mask2.png", masks / "0003_002_00_mask1.png")
    (masks / "0004_002_00_mask.png").unlink()
    found = {s.id: s for s in list_strips(small, "00")}
    assert [p.name for p in found["0003_002_00"].masks] == ["0003_002_00_mask1.png", "0003_002_00_mask2.png"]
    assert found["0004_002_00"].masks == ()


def test_missing_folders(small: Path):
    shutil.rmtree(small / "Mask_images")
    assert all(s.masks == () for s in list_strips(small))
    shutil.rmtree(small / "Defect_images")
    assert len(list_strips(small)) == 6
    shutil.rmtree(small / "NODefect_images")
    for place in (small, small / "none"):
        with pytest.raises(MissingError, match="holds no strips named nnnn_ddd_ff.png: check that AITEX's archives"):
            list_strips(place)


def test_unknown_fabric(small: Path):
    with pytest.raises(InputError, match=r"^There is no fabric '07' in .*: choose one of 00, 02\.$"):
        list_strips(small, "07")
    with pytest.raises(InputError, match="There is no fabric 2 in"):
        list_strips(small, 2)


def some_strips(counts: dict[str, int]) -> list[Strip]:
    return [
        Strip(f"{number:04}_000_{fabric}", fabric, "000", Path(f"{number}.png"))
        for fabric, count in counts.items()
        for number in range(count)
    ]


COUNTS = st.dictionaries(st.sampled_from(["00", "01", "08"]), st.integers(2, 25), min_size=1)


@given(COUNTS, st.floats(0.01, 0.99), st.integers(0, 2**32), st.randoms())
def test_split_is_a_partition_by_seed_alone(counts, share, seed, random):
    strips = some_strips(counts)
    fit, held_out = split_strips(strips, share, seed)
    assert sorted(s.id for s in fit + held_out) == sorted(s.id for s in strips)
    assert not set(fit) & set(held_out)
    for fabric, count in counts.items():
        taken = sum(s.fabric == fabric for s in fit)
        assert 1 <= taken <= count - 1
        assert abs(taken - share * count) <= 0.5 or taken in (1, count - 1)
    shuffled = list(strips)
    random.shuffle(shuffled)
    assert split_strips(shuffled, share, seed) == (fit, held_out)


@given(COUNTS, st.integers(0, 100))
def test_split_of_a_fabric_does_not_depend_on_the_others(counts, seed):
    fit, held_out = split_strips(some_strips(counts), seed=seed)
    for fabric in counts:
        own = split_strips(some_strips({fabric: counts[fabric]}), seed=seed)
        assert own == ([s for s in fit if s.fabric == fabric], [s for s in held_out if s.fabric == fabric])


def test_split_by_hand_and_by_seed():
    strips = some_strips({"00": 10})
    fit, held_out = split_strips(strips, 0.7, seed=0)
    assert (len(fit), len(held_out)) == (7, 3)
    assert split_strips(strips, 0.7, seed=0) == (fit, held_out)
    assert len({tuple(split_strips(strips, 0.7, seed)[0]) for seed in range(20)}) > 10
    assert {s for seed in range(50) for s in split_strips(strips, 0.7, seed)[1]} == set(strips)  # each gets its turn
    assert tuple(map(len, split_strips(some_strips({"00": 2}), 0.99))) == (1, 1)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, 70, float("nan")])
def test_split_share(share: float):
    with pytest.raises(InputError, match=rf"^share is {share}, expected a number between 0 and 1, for example 0\.7\.$"):
        split_strips(some_strips({"00": 10}), share)


def test_split_of_one_strip():
    with pytest.raises(InputError, match="^Fabric 08 has 1 strip to split: at least two are needed"):
        split_strips(some_strips({"00": 10, "08": 1}))


REAL = {"00": (20, 27), "02": (20, 58), "03": (20, 51), "06": (20, 26), "08": (0, 1)}  # normal, all


def test_real_strips_by_fabric(aitex_root: Path):
    strips = [s for s in list_strips(aitex_root) if s.fabric in REAL]  # a copy may hold all seven fabrics
    counts = {f: (sum(s.fabric == f and s.is_normal for s in strips), sum(s.fabric == f for s in strips)) for f in REAL}
    assert counts == REAL
    assert len(strips) == 163
    assert {s.code for s in strips} <= set(DEFECTS)
    assert strips[0].read().shape == (256, 4096)


def test_real_masks(aitex_root: Path):
    found = {s.id: s for s in list_strips(aitex_root)}
    union = found["0097_030_03"]
    assert len(union.masks) in (2, 3)  # some copies add the union as a third
    parts = [read_grey(path) > 0 for path in union.masks]
    np.testing.assert_array_equal(union.read_mask(), np.any(parts, axis=0))
    assert not found["0106_010_03"].read_mask().any()
    with pytest.raises(InputError, match="0100_025_08 is defective but has no mask"):
        found["0100_025_08"].read_mask()
