"""Each layout of folders is listed rightly, or refused in one sentence. Masks find their pictures."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hostile import Target, hostile_values, verdict
from picture_folders import fabric, hole, mvtec_tree, phone_photos, save, save_turned, write
from woven import woven

from aitex_utils.errors import InputError, MissingError
from aitex_utils.inspection.picture_list import Picture, PictureSets, list_pictures, natural_order

GREY = woven(1, 0, 16, 20)[0]


def put(root: Path, *names: str) -> None:
    """Write a small picture under each name."""
    for name in names:
        save(root / name, GREY)


def names(pictures: list[Picture]) -> list[str]:
    return [picture.name for picture in pictures]


def masks(sets: PictureSets) -> dict[str, str]:
    return {picture.name: picture.mask.as_posix() for picture in sets.test if picture.mask}


def refusal(*folders: Path | None) -> str:
    with pytest.raises(InputError) as caught:
        list_pictures(*folders)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and ": " in message
    return message


# two folders


def test_two_folders_are_searched_with_subfolders_in_natural_order(tmp_path: Path):
    put(tmp_path / "ok", "img10.png", "img2.png", "IMG1.PNG", "day 2/a.jpg", "day 10/a.tif")
    put(tmp_path / "new", "x9.png", "x10.png", "sub/x1.bmp")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new")
    assert names(sets.good) == ["day 2/a.jpg", "day 10/a.tif", "IMG1.PNG", "img2.png", "img10.png"]
    assert names(sets.test) == ["sub/x1.bmp", "x9.png", "x10.png"]
    assert {(picture.is_good, picture.kind) for picture in sets.good} == {(True, "good")}
    assert {(picture.is_good, picture.kind, picture.mask) for picture in sets.test} == {(None, "", None)}
    assert sets.good[0].path == tmp_path / "ok" / "day 2" / "a.jpg" and sets.issues == ()


def test_the_order_of_names_is_total():
    shuffled = ["a2", "a10", "A3", "a", "10", "9", "b1c2", "b1c10", "a02", ""]
    expected = ["", "9", "10", "a", "a02", "a2", "A3", "a10", "b1c2", "b1c10"]
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert sorted(shuffled, key=natural_order) == expected


@pytest.mark.parametrize("good", ["good", "Good", "GOOD"])
def test_subfolders_are_labels_if_one_is_called_good(tmp_path: Path, good: str):
    put(tmp_path / "ok", "1.png")
    put(tmp_path / "new", f"{good}/1.png", "Hole/1.png", "Hole/deep/2.png", "loose.png")
    found = {p.name: (p.is_good, p.kind) for p in list_pictures(tmp_path / "ok", tmp_path / "new").test}
    assert found == {
        f"{good}/1.png": (True, "good"),
        "Hole/1.png": (False, "Hole"),
        "Hole/deep/2.png": (False, "Hole"),
        "loose.png": (None, ""),
    }


def test_subfolders_are_no_labels_otherwise(tmp_path: Path):
    put(tmp_path / "ok", "1.png")
    put(tmp_path / "new", "Monday/1.png", "goods/1.png")
    assert {picture.is_good for picture in list_pictures(tmp_path / "ok", tmp_path / "new").test} == {None}


def test_relative_folders_and_a_file_name_with_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, "a.b.png", "new/c.png", "masks/c_mask.png")
    monkeypatch.chdir(tmp_path)
    sets = list_pictures(".", "new", "masks/")
    assert names(sets.good) == ["a.b.png"] and masks(sets) == {"c.png": "masks/c_mask.png"}


def test_hidden_files_are_passed_over(tmp_path: Path):
    put(tmp_path / "ok", "1.png", ".2.png", ".ipynb_checkpoints/3.png", "__MACOSX/4.png", "._1.png", "@eaDir/5.png")
    put(tmp_path / "new", "1.png")
    assert names(list_pictures(tmp_path / "ok", tmp_path / "new").good) == ["1.png"]


def test_a_folder_inside_another_is_not_searched_twice(tmp_path: Path):
    put(tmp_path, "1.png", "ok/2.png", "new/3.png", "new/masks/3.png", "new/sub/4.png")
    sets = list_pictures(tmp_path, tmp_path / "new", tmp_path / "new" / "masks")
    assert names(sets.good) == ["1.png", "ok/2.png"] and names(sets.test) == ["3.png", "sub/4.png"]
    sets = list_pictures(tmp_path / "ok", tmp_path)
    assert names(sets.good) == ["2.png"] and "ok/2.png" not in names(sets.test) and len(sets.test) == 4


# MVTec AD's layout


def test_a_data_set_in_mvtec_ad_s_layout(tmp_path: Path):
    sets = list_pictures(mvtec_tree(tmp_path))
    assert names(sets.good) == [f"train/good/00{number}.png" for number in range(6)]
    assert [(p.name, p.is_good, p.kind) for p in sets.test] == [
        ("test/good/000.png", True, "good"),
        ("test/good/001.png", True, "good"),
        ("test/hole/000.png", False, "hole"),
        ("test/hole/001.png", False, "hole"),
    ]
    truth = tmp_path / "ground_truth" / "hole"
    assert [p.mask for p in sets.test] == [None, None, truth / "000_mask.png", truth / "001_mask.png"]


def test_its_subfolders_are_labels_even_without_good_ones_and_in_capitals(tmp_path: Path):
    put(tmp_path, "Train/GOOD/1.png", "Test/hole/1.png", "Ground_Truth/hole/1_MASK.PNG")
    sets = list_pictures(tmp_path)
    assert [(p.is_good, p.kind) for p in sets.test] == [(False, "hole")]
    assert [p.mask for p in sets.test] == [tmp_path / "Ground_Truth" / "hole" / "1_MASK.PNG"]


def test_other_pictures_are_judged_with_its_good_ones(tmp_path: Path):
    tree = mvtec_tree(tmp_path / "tree")
    put(tmp_path / "new", "000.png")
    sets = list_pictures(tree, tmp_path / "new")
    assert names(sets.test) == ["000.png"] and len(sets.good) == 6 and masks(sets) == {}
    assert len(masks(list_pictures(tree, tree / "test"))) == 2


def test_a_tree_without_masks_has_none(tmp_path: Path):
    put(tmp_path, "train/good/1.png", "test/hole/1.png")
    assert masks(list_pictures(tmp_path)) == {}
    (tmp_path / "ground_truth").mkdir()
    assert masks(list_pictures(tmp_path)) == {}


# masks


@pytest.mark.parametrize(
    "mask", ["hole/a_mask.png", "hole/a.png", "hole/A_MASK.bmp", "a_mask.png", "a.tif", "other/a_mask.png"]
)
def test_a_mask_is_found_by_its_path_or_its_name(tmp_path: Path, mask: str):
    put(tmp_path, "ok/1.png", "new/hole/a.jpg", "new/good/b.jpg", f"masks/{mask}")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks")
    assert masks(sets) == {"hole/a.jpg": (tmp_path / "masks" / mask).as_posix()} and sets.issues == ()


def test_of_several_masks_the_best_match_counts(tmp_path: Path):
    put(tmp_path, "ok/1.png", "new/hole/a.png", *(f"masks/{n}" for n in ("a.png", "hole/a.png", "hole/a_mask.png")))
    sets = list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks")
    used = (tmp_path / "masks" / "hole" / "a_mask.png").as_posix()
    assert masks(sets) == {"hole/a.png": used}
    assert [(i.file, i.kind) for i in sets.issues] == [
        ((tmp_path / "masks" / name).as_posix(), "second mask of a picture") for name in ("hole/a.png", "a.png")
    ]
    assert all(issue.message == f"it is not used: {used} is the mask of hole/a.png" for issue in sets.issues)


def test_a_name_that_several_pictures_share_counts_for_the_one_that_is_not_good(tmp_path: Path):
    put(tmp_path, "ok/1.png", "new/good/a.png", "new/hole/a.png", "masks/a_mask.png")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks")
    assert list(masks(sets)) == ["hole/a.png"]
    put(tmp_path, "new/stain/a.png")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks")
    assert masks(sets) == {}
    assert [(issue.kind, issue.message.partition(", put")[0]) for issue in sets.issues] == [
        ("mask without a picture", "it is not used: several pictures are called a")
    ]


def test_a_mask_without_a_picture_is_an_issue(tmp_path: Path):
    put(tmp_path, "ok/1.png", "new/a.png", "masks/b_mask.png")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks")
    file = (tmp_path / "masks" / "b_mask.png").as_posix()
    assert sets.issues == ((file, "mask without a picture", "it is not used: no picture is called b"),)


# files that are there and not read


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("photo.HEIC", "the format .HEIC is not read: save it as PNG or JPEG"),
        ("all.zip", ".zip is no format of a picture: unpack it"),
        ("stack.npy", ".npy is no format of a picture: save its arrays as PNG"),
        ("belt.mp4", ".mp4 is no format of a picture: save its frames as PNG"),
    ],
)
@pytest.mark.parametrize("folder", ["ok", "new", "masks"])
def test_what_could_be_data_is_named(tmp_path: Path, folder: str, name: str, words: str):
    put(tmp_path, "ok/1.png", "new/1.png", "masks/1.png")
    write(tmp_path / folder / name)
    write(tmp_path / folder / "notes.txt")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks")
    file = (tmp_path / folder / name).as_posix()
    assert sets.issues == ((file, "not read", f"it is left out, because {words}"),)


def test_links_that_lead_nowhere_and_folders_called_like_pictures_are_named(tmp_path: Path):
    put(tmp_path, "ok/1.png", "ok/folder.png/2.png", "new/1.png")
    os.symlink("nowhere.png", tmp_path / "ok" / "link.png")
    sets = list_pictures(tmp_path / "ok", tmp_path / "new")
    assert names(sets.good) == ["1.png", "folder.png/2.png"]
    assert [(Path(issue.file).name, issue.kind) for issue in sets.issues] == [
        ("folder.png", "not read"),
        ("link.png", "not read"),
    ]


# refusals


def test_the_same_folder_twice_is_refused(tmp_path: Path):
    put(tmp_path, "a/1.png", "b/1.png")
    os.symlink(tmp_path / "a", tmp_path / "link")
    a, b = tmp_path / "a", tmp_path / "b"
    for again in (a, tmp_path / "link", tmp_path / "b" / ".." / "a"):
        assert re.match("good and test are the same folder .* did not learn from", refusal(a, again))
    assert "good and masks are the same folder" in refusal(a, b, a)
    assert "test and masks are the same folder" in refusal(a, b, b)


def test_folders_that_are_none_are_refused(tmp_path: Path):
    put(tmp_path, "ok/1.png", "new/1.png")
    with pytest.raises(MissingError, match=r"test: there is no folder .*none: check its name"):
        list_pictures(tmp_path / "ok", tmp_path / "none")
    assert "masks: there is no folder" in refusal(tmp_path / "ok", tmp_path / "new", tmp_path / "none")
    assert "1.png is a file, expected a folder of pictures" in refusal(tmp_path / "ok" / "1.png", tmp_path / "new")


def test_folders_without_pictures_are_refused_with_what_they_contain(tmp_path: Path):
    put(tmp_path, "ok/1.png", "new/1.png")
    (tmp_path / "empty").mkdir()
    assert "empty contains no pictures: save pictures there" in refusal(tmp_path / "empty", tmp_path / "new")
    assert "empty contains no pictures" in refusal(tmp_path / "ok", tmp_path / "empty")
    assert "empty contains no pictures" in refusal(tmp_path / "ok", tmp_path / "new", tmp_path / "empty")
    for name in ("1.heic", "2.heic", "notes.txt"):
        write(tmp_path / "phone" / name)
    message = refusal(tmp_path / "phone", tmp_path / "new")
    assert "phone contains no pictures, only 2 x .heic and 1 x .txt: save pictures there as PNG or JPEG" in message


def test_a_missing_folder_to_judge_is_asked_for(tmp_path: Path):
    good, _ = phone_photos(tmp_path)
    assert "has no train/good and test as in MVTec AD: name the folder of pictures to judge too" in refusal(good)
    put(tmp_path, "half/train/good/1.png")
    assert "has train/good but no folder test: name the pictures to judge" in refusal(tmp_path / "half")
    assert "good and test are both None: name the folder" in refusal(None, None)
    assert "good and test are both None: name the folder" in refusal(None, None, good)
    mvtec_tree(tmp_path / "sets" / "carpet")
    assert f"name {tmp_path / 'sets' / 'carpet'}." in refusal(tmp_path / "sets")
    mvtec_tree(tmp_path / "sets" / "grid")
    assert f"name one of them, for example {tmp_path / 'sets' / 'carpet'}." in refusal(tmp_path / "sets")


def test_good_pictures_mixed_with_others_are_refused(tmp_path: Path):
    put(tmp_path, "all/Good/1.png", "new/1.png")
    assert names(list_pictures(tmp_path / "all", tmp_path / "new").good) == ["Good/1.png"]
    put(tmp_path, "all/hole/1.png")
    message = refusal(tmp_path / "all", tmp_path / "new")
    assert "contains a folder Good and the folder hole" in message
    assert message.endswith(f"name {tmp_path / 'all' / 'Good'} alone.")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # from a hostile value
def test_hostile_arguments_are_taken_or_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, "ok/1.png", "new/1.png", "masks/1.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-folder").mkdir()
    write(tmp_path / "a-file")
    os.symlink("nowhere", tmp_path / "dangling")
    target = Target("list_pictures", list_pictures, {"good": "ok", "test": "new", "masks": "masks"})
    faults = {
        (name, number): fault
        for name in target.arguments
        for number, make in enumerate(hostile_values("ok"))
        if (fault := verdict(target, {name: make}))
    }
    assert faults == {}


def test_names_that_differ_in_capitals_alone_have_their_own_masks(tmp_path: Path):
    put(tmp_path / "ok", "0.png", "1.png")
    put(tmp_path / "new", "Fabric.png", "fabric.png", "other.PNG")
    if len(os.listdir(tmp_path / "new")) < 3:
        pytest.skip("this system does not distinguish capitals")
    put(tmp_path / "masks", "Fabric_mask.png", "fabric_MASK.png", "OTHER.png")
    found = masks(list_pictures(tmp_path / "ok", tmp_path / "new", tmp_path / "masks"))
    expected = {"Fabric.png": "Fabric_mask.png", "fabric.png": "fabric_MASK.png", "other.PNG": "OTHER.png"}
    assert {name: Path(mask).name for name, mask in found.items()} == expected


# reading


def test_a_picture_is_read_in_grey_and_in_colour(tmp_path: Path):
    values = np.dstack([GREY, GREY // 2, GREY // 3])
    picture = Picture(save_turned(tmp_path / "a.png", values, 6), "a.png")
    np.testing.assert_array_equal(picture.read(colour=True), values)
    assert picture.read().shape == GREY.shape and picture.read().dtype == np.uint8


def test_masks_are_read_in_the_size_of_the_picture(tmp_path: Path):
    values, mask = hole(fabric(1, 0)[0])
    path, file = save(tmp_path / "a.png", values), save(tmp_path / "mask.png", mask)
    black, small = save(tmp_path / "black.png", 0 * mask), save(tmp_path / "small.png", mask[::2, ::2])

    def read(is_good: bool | None, of: Path | None) -> np.ndarray | None:
        return Picture(path, "a.png", is_good, "", of).read_mask()

    for is_good in (False, None):
        np.testing.assert_array_equal(read(is_good, file), mask > 0)
        assert read(is_good, None) is None
        with pytest.raises(InputError, match="small.png is 64 x 48 px but its picture is 128 x 96: give both"):
            read(is_good, small)
    for of in (None, file, black, small):
        good = read(True, of)
        assert good is not None and good.shape == values.shape and good.dtype == bool and not good.any()
    assert read(False, black) is None
    unlabelled = read(None, black)
    assert unlabelled is not None and not unlabelled.any()
