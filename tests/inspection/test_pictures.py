"""Each issue on a folder that has this one and no other, and four folders as users have them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_folders import (
    NOT_READ,
    READABLE,
    UNREADABLE,
    beige,
    deep_series,
    fabric,
    hole,
    mess,
    mvtec_tree,
    phone_photos,
    save,
    write,
)

import aitex_utils.inspection.picture_statistics as picture_statistics
from aitex_utils.datasets.dataset_check import Issue
from aitex_utils.errors import InputError
from aitex_utils.files.images import read_grey
from aitex_utils.inspection.pictures import (
    SERIOUS,
    PictureSets,
    check_pictures,
    list_pictures,
    serious_picture_issues,
    usable_pictures,
)

GOOD, FIRST, HOLE = "train/good/000.png", "test/good/000.png", "test/hole/000.png"
MASK = "ground_truth/hole/000_mask.png"
OTHER = fabric(4, 77)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set without issues."""
    root = mvtec_tree(tmp_path_factory.mktemp("pictures") / "tree")
    assert check_pictures(list_pictures(root)) == []
    return root


@pytest.fixture
def plain(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the data set without issues, to be changed."""
    return Path(shutil.copytree(original, tmp_path / "tree"))


def test_a_picture_too_narrow_to_be_judged_is_left_out(plain: Path):
    save(plain / "test" / "hole" / "narrow.png", np.zeros((2, 9000), np.uint8))
    sets = list_pictures(plain)
    issues = [issue for issue in check_pictures(sets) if issue.file.endswith("narrow.png")]
    assert "9000 x 2 px would be analysed at 1152000 x 256 px" in issues[0].message
    assert issues[0].kind == "cannot be read" and len(usable_pictures(sets.test, issues)) == len(sets.test) - 1


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    save(path, change(read_grey(path)))


def blurred(values: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), 1.5)


def as_jpeg(path: Path, target: Path) -> None:
    save(target, read_grey(path), quality=80)


def one_small(root: Path) -> None:
    rewrite(root / GOOD, lambda values: values[:64, :64])


def many_sizes(root: Path) -> None:
    for number in range(6):
        rewrite(root / f"train/good/00{number}.png", lambda values, n=number: values[: 96 - n])


def only_one(root: Path) -> None:
    for number in range(1, 6):
        (root / f"train/good/00{number}.png").unlink()


def deep(root: Path) -> None:
    """Make the good pictures a 16-bit series, in which one is so dark in its file that it fits 12 bits."""
    for number in range(6):
        factor = 16 if number == 3 else 257
        rewrite(root / f"train/good/00{number}.png", lambda values, f=factor: values.astype(np.uint16) * f)


# (name, change, the (file, kind, words of the message) of all issues)
CASES: list[tuple[str, Callable[[Path], object], list[tuple[str, str, str]]]] = [
    (
        "empty",
        lambda r: write(r / GOOD),
        [(GOOD, "cannot be read", "left out, because it is empty (0 bytes): copy it")],
    ),
    (
        "damaged",
        lambda r: write(r / HOLE, (r / HOLE).read_bytes()[:2000]),
        [(HOLE, "cannot be read", "left out, because it cannot be read as a picture")],
    ),
    (
        "not read",
        lambda r: write(r / "train/good/7.heic"),
        [("train/good/7.heic", "not read", "the format .heic is not read")],
    ),
    ("one good", only_one, [(".", "too few good pictures", "1 can be read, expected at least 2")]),
    (
        "twice in good",
        lambda r: shutil.copy(r / GOOD, r / "train/good/copy.png"),
        [("train/good/copy.png", "same picture twice", f"{GOOD}: a copy that is held out scores too low")],
    ),
    (
        "twice in test",
        lambda r: save(r / "test/good/copy.bmp", read_grey(r / FIRST)),
        [("test/good/copy.bmp", "same picture twice", f"{FIRST}: it counts twice in all measures")],
    ),
    (
        "good one in test",
        lambda r: shutil.copy(r / GOOD, r / "test/good/new.png"),
        [("test/good/new.png", "test picture among the good ones", f"equal to {{}}/{GOOD}: it was learned")],
    ),
    (
        "good one in test as TIFF",
        lambda r: save(r / "test/good/new.tif", read_grey(r / GOOD)),
        [("test/good/new.tif", "test picture among the good ones", f"equal to {{}}/{GOOD}: it was learned")],
    ),
    (
        "defect among the good",
        lambda r: shutil.copy(r / HOLE, r / "train/good/008.png"),
        [(HOLE, "test picture among the good ones", "its defect is learned as good")],
    ),
    (
        "good one in test as JPEG",
        lambda r: as_jpeg(r / GOOD, r / "test/good/new.jpg"),
        [("test/good/new.jpg", "test picture nearly equal to a good one", f"like {{}}/{GOOD} (similarity 0.")],
    ),
    (
        "mask beside its picture",
        lambda r: shutil.copy(r / HOLE, r / "test/hole/001_mask.png"),
        [
            ("test/hole/001_mask.png", "looks like a mask", "used as a picture of fabric"),
            ("test/hole/001_mask.png", "same picture twice", "counts twice"),
            ("test/hole/001_mask.png", "defective, but no mask", "picture-level measures only"),
        ],
    ),
    (
        "small good one",
        one_small,
        [(GOOD, "size differs from most", "64 x 64 px, most good pictures have 128 x 96 px: a weave at another")],
    ),
    (
        "turned",
        lambda r: rewrite(r / FIRST, lambda v: np.ascontiguousarray(v.T)),
        [(FIRST, "size differs from most", "turned by 90 degrees: a weave at another scale or angle gets a high")],
    ),
    ("no common size", many_sizes, [("train/good", "no common size", "6 sizes, 128 x 91 px to 128 x 96 px")]),
    (
        "range of a series",
        deep,
        [("train/good/003.png", "range differs from others", "fits 0..4095, others need 0..65535")],
    ),
    (
        "colour",
        lambda r: save(r / FIRST, beige(OTHER[0] + np.uint8(25))),
        [(FIRST, "colour differs from most", "in colour, most good pictures are grey")],
    ),
    ("black", lambda r: rewrite(r / GOOD, lambda v: 0 * v), [(GOOD, "shows nothing", "grey value 0: it is learned")]),
    (
        "black in test",
        lambda r: rewrite(r / HOLE, lambda v: 0 * v + 200),
        [(HOLE, "shows nothing", "grey value 200: its score means nothing")],
    ),
    (
        "two black ones",
        lambda r: [rewrite(r / f"train/good/00{n}.png", lambda v: 0 * v) for n in (0, 1)],
        [(f"train/good/00{n}.png", "shows nothing", "learned") for n in (0, 1)],
    ),
    (
        "dark",
        lambda r: rewrite(r / GOOD, lambda v: v // 2),
        [(GOOD, "brightness differs from the good pictures", "median is 128: other light is learned as good")],
    ),
    (
        "bright in test",
        lambda r: rewrite(r / FIRST, lambda v: v // 2 + 127),
        [
            (FIRST, "brightness differs from the good pictures", "a high score can come from the light alone"),
            (FIRST, "blurred", "sharpness is"),
        ],
    ),
    ("blurred", lambda r: rewrite(r / GOOD, blurred), [(GOOD, "blurred", "median: blur is learned as good")]),
    (
        "blurred in test",
        lambda r: rewrite(r / HOLE, blurred),
        [(HOLE, "blurred", "fine defects vanish, and blur alone can raise its score")],
    ),
    (
        "damaged mask",
        lambda r: write(r / MASK, b"no picture"),
        [(MASK, "mask cannot be read", "the place of the defect is unknown, because it cannot be read")],
    ),
    (
        "small mask",
        lambda r: rewrite(r / MASK, lambda v: v[::2, ::2]),
        [(MASK, "mask of another size", "64 x 48 px, its picture has 128 x 96 px: it is not used")],
    ),
    (
        "turned mask",
        lambda r: rewrite(r / MASK, lambda v: np.ascontiguousarray(v.T)),
        [(MASK, "mask of another size", "turned by 90 degrees: it is not used")],
    ),
    (
        "inverted mask",
        lambda r: rewrite(r / MASK, lambda v: 255 - v),
        [(MASK, "mask marks most of the picture", "99 %, and all of that counts as defect: is it inverted")],
    ),
    (
        "black mask",
        lambda r: rewrite(r / MASK, lambda v: 0 * v),
        [(MASK, "mask all black", "the place of the defect is unknown")],
    ),
    (
        "mask of a good one",
        lambda r: save(r / "ground_truth/good/000.png", hole(OTHER[0])[1]),
        [("ground_truth/good/000.png", "mask of a good picture", "marks 1.2 % and is not used, because the folder")],
    ),
    ("black mask of a good one", lambda r: save(r / "ground_truth/good/000.png", 0 * OTHER[0]), []),
    (
        "no picture",
        lambda r: shutil.copy(r / MASK, r / "ground_truth/hole/9_mask.png"),
        [("ground_truth/hole/9_mask.png", "mask without a picture", "no picture is called 9")],
    ),
    (
        "second mask",
        lambda r: shutil.copy(r / MASK, r / "ground_truth/hole/000.png"),
        [("ground_truth/hole/000.png", "second mask of a picture", "is the mask of test/hole/000.png")],
    ),
    ("no mask", lambda r: (r / MASK).unlink(), [(HOLE, "defective, but no mask", "picture-level measures only")]),
    ("no masks at all", lambda r: shutil.rmtree(r / "ground_truth"), []),
    ("hidden", lambda r: write(r / "train/good/._000.png", b"x"), []),
    ("one missing from test", lambda r: (r / FIRST).unlink(), []),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_issue_is_found_alone(plain: Path, change: Callable, expected: list[tuple[str, str, str]]):
    change(plain)
    issues = check_pictures(list_pictures(plain))
    found = sorted((issue.kind, issue.file) for issue in issues)
    assert found == sorted((kind, (plain / file).as_posix()) for file, kind, _ in expected)
    for file, kind, words in expected:
        message = next(i.message for i in issues if (i.file, i.kind) == ((plain / file).as_posix(), kind))
        assert words.format(plain.as_posix()) in message


def test_every_kind_has_a_case():
    """Except what `list_pictures` notices, each kind of issue is shown above."""
    kinds = {kind for *_, expected in CASES for _, kind, _ in expected}
    assert set(SERIOUS) <= kinds
    assert kinds - set(SERIOUS) == {"second mask of a picture", "defective, but no mask"}


def test_issues_are_in_order_of_kind_and_file(plain: Path):
    for number in (5, 1):
        write(plain / f"train/good/00{number}.png")
    write(plain / "train/good/10.heic")
    write(plain / "train/good/9.heic")
    (plain / MASK).unlink()
    issues = check_pictures(list_pictures(plain))
    assert [(issue.kind, Path(issue.file).name) for issue in issues] == [
        ("cannot be read", "001.png"),
        ("cannot be read", "005.png"),
        ("defective, but no mask", "000.png"),
        ("not read", "9.heic"),
        ("not read", "10.heic"),
    ]


def test_nothing_readable_ends_in_issues(plain: Path):
    for path in plain.rglob("*.png"):
        write(path)
    sets = list_pictures(plain)
    issues = check_pictures(sets)
    kinds = {issue.kind for issue in issues}
    assert kinds == {"cannot be read", "mask cannot be read", "too few good pictures"}
    assert usable_pictures(sets.good, issues) == usable_pictures(sets.test, issues) == []


def test_sets_without_pictures_are_checked():
    assert [issue.kind for issue in check_pictures(PictureSets([], []))] == ["too few good pictures"]


@pytest.mark.parametrize("sets", [None, [], "tree"])
def test_what_is_no_set_of_pictures_is_refused(sets: object):
    with pytest.raises(InputError, match="expected the result of list_pictures"):
        check_pictures(sets)
    with pytest.raises(InputError, match="progress is 'no': choose True or False"):
        check_pictures(PictureSets([], []), progress="no")


def test_each_picture_is_read_once(original: Path, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    def read_pixels(path: Path, read_pixels: Callable = picture_statistics.read_pixels):
        read.append(str(path))
        return read_pixels(path)

    monkeypatch.setattr(picture_statistics, "read_pixels", read_pixels)
    sets = list_pictures(original)
    check_pictures(sets)
    assert sorted(read) == sorted(str(picture.path) for picture in (*sets.good, *sets.test))


def test_progress_is_shown_on_demand(original: Path, capsys: pytest.CaptureFixture):
    sets = list_pictures(original)
    check_pictures(sets)
    assert capsys.readouterr() == ("", "")
    check_pictures(sets, progress=True)
    assert "check: 100%" in capsys.readouterr().err


def test_normal_variation_is_no_issue(tmp_path: Path):
    """Light that varies from picture to picture, and a camera that is a little out of focus now and then."""
    rng = np.random.default_rng(0)
    for number, piece in enumerate(fabric(30, 6)):
        sharp = cv2.GaussianBlur(piece, (0, 0), rng.uniform(0.1, 0.5))
        folder = "good" if number < 20 else "new"
        save(tmp_path / folder / f"{number}.png", np.clip(sharp * rng.normal(1, 0.1), 0, 255).astype(np.uint8))
    assert check_pictures(list_pictures(tmp_path / "good", tmp_path / "new")) == []


def test_two_good_pictures_are_enough_for_the_checks(tmp_path: Path):
    for number, piece in enumerate(fabric(3, 8)):
        save(tmp_path / ("good" if number < 2 else "new") / f"{number}.png", piece)
    assert check_pictures(list_pictures(tmp_path / "good", tmp_path / "new")) == []


def test_colour_is_compared_with_most_good_pictures(tmp_path: Path):
    good, new = phone_photos(tmp_path)
    for path in new.iterdir():
        save(path, read_grey(path), format="JPEG", quality=92)
    kinds = [(issue.kind, issue.message) for issue in check_pictures(list_pictures(good, new))]
    assert len(kinds) == 4 and {kind for kind, _ in kinds} == {"colour differs from most"}
    assert all(message.startswith("it is grey, most good pictures are in colour") for _, message in kinds)


def test_pictures_of_another_kind_of_number_have_no_common_range(tmp_path: Path):
    """Files of 8 bits and of floating-point numbers state their range, so they fit any series."""
    good, new = deep_series(tmp_path)
    for number, piece in enumerate(fabric(3, 9)):
        save(new / f"{number}.png", (piece * 0.86).astype(np.uint8))
        save(new / f"{number}.tif", (OTHER[number] * 0.86 / 255).astype(np.float32))
    assert check_pictures(list_pictures(good, new)) == []


# what follows from the issues


def test_usable_pictures_are_those_that_can_be_read_with_masks_that_fit(plain: Path):
    write(plain / GOOD)
    write(plain / "test/good/001.png")
    rewrite(plain / MASK, lambda values: values[::2])
    write(plain / "ground_truth/hole/001_mask.png", b"no picture")
    sets = list_pictures(plain)
    issues = check_pictures(sets)
    assert [picture.name for picture in usable_pictures(sets.good, issues)] == [
        f"train/good/00{number}.png" for number in range(1, 6)
    ]
    test = usable_pictures(sets.test, issues)
    assert [(picture.name, picture.mask, picture.kind) for picture in test] == [
        (FIRST, None, "good"),
        (HOLE, None, "hole"),
        ("test/hole/001.png", None, "hole"),
    ]
    for picture in test:
        assert (picture.read_mask() is None) == (not picture.is_good)


def test_the_same_name_in_both_folders_is_told_apart(tmp_path: Path):
    for number, piece in enumerate(fabric(6, 10)):
        save(tmp_path / ("good" if number < 3 else "good/new") / f"{number % 3}.png", piece)
    write(tmp_path / "good" / "new" / "1.png")
    sets = list_pictures(tmp_path / "good", tmp_path / "good" / "new")
    issues = check_pictures(sets)
    assert [picture.name for picture in usable_pictures(sets.good, issues)] == ["0.png", "1.png", "2.png"]
    assert [picture.name for picture in usable_pictures(sets.test, issues)] == ["0.png", "2.png"]


def test_serious_issues_are_one_line_for_each_kind():
    assert serious_picture_issues([Issue("a.png", "defective, but no mask", "it counts less")]) == []
    many = [Issue(f"{number}.png", "blurred", f"sharpness 0.{number}") for number in range(4)]
    assert serious_picture_issues([*many, Issue("b.png", "cannot be read", "it is left out")]) == [
        "1 x cannot be read: b.png (it is left out)",
        "4 x blurred: 0.png, 1.png, 2.png, ... (sharpness 0.0)",
    ]
    assert len(set(SERIOUS)) == len(SERIOUS)


# folders as users have them


def check_all_usable(sets: PictureSets, issues: list[Issue]) -> list[str]:
    """Read all that is usable, in each way, and return the names."""
    usable = [*usable_pictures(sets.good, issues), *usable_pictures(sets.test, issues)]
    for picture in usable:
        shape = picture.read().shape
        assert picture.read(colour=True).shape == (*shape, 3)
        mask = picture.read_mask()
        assert mask is None or mask.shape == shape
    return [picture.name for picture in usable]


def test_photos_of_a_phone(tmp_path: Path):
    good, new = phone_photos(tmp_path)
    sets = list_pictures(good, new)
    assert check_pictures(sets) == [] and len(check_all_usable(sets, [])) == 10
    for picture, piece in zip([*sets.good, *sets.test], fabric(10, 1), strict=True):
        difference = picture.read(colour=True).astype(int) - beige(piece)
        assert difference.shape == (96, 128, 3) and np.abs(difference).mean() < 6, picture.name


def test_a_series_of_16_bits(tmp_path: Path):
    good, new = deep_series(tmp_path)
    sets = list_pictures(good, new)
    assert [picture.name for picture in sets.test] == [f"frame{number}.tif" for number in range(6, 10)]
    assert check_pictures(sets) == [] and len(check_all_usable(sets, [])) == 10
    np.testing.assert_allclose(sets.good[0].read(), fabric(10, 2)[0] * (220 * 255 / 65535), atol=0.51)


def test_a_data_set_in_mvtec_ad_s_layout(original: Path):
    sets = list_pictures(original)
    assert len(check_all_usable(sets, check_pictures(sets))) == 10
    marked = [picture.read_mask().sum() for picture in sets.test]
    assert marked == [0, 0, 144, 144]


def test_a_mess_ends_in_issues(tmp_path: Path):
    good, new, masks = mess(tmp_path)
    sets = list_pictures(good, new, masks)
    issues = check_pictures(sets)
    kinds: dict[str, set[str]] = {}
    for issue in issues:
        kinds.setdefault(Path(issue.file).relative_to(tmp_path).as_posix(), set()).add(issue.kind)
    present = [name for name in NOT_READ if (new / name).is_symlink() or (new / name).exists()]
    assert kinds == {
        **{f"new/{name}": {"cannot be read"} for name in UNREADABLE},
        **{f"new/{name}": {"not read"} for name in present},
        "new/bits12.tif": {"range differs from others"},
        "new/dark.tif": {"range differs from others", "brightness differs from the good pictures"},
        "new/clear.png": {"brightness differs from the good pictures"},
        "masks/inverted_mask.png": {"mask marks most of the picture"},
        "masks/see-through.png": {"mask marks most of the picture"},
        "masks/nobody.png": {"mask without a picture"},
    }
    assert len(present) >= len(NOT_READ) - 1
    names = check_all_usable(sets, issues)
    assert set(READABLE) | {"dark.tif", "clear.png"} <= set(names) and not set(UNREADABLE + NOT_READ) & set(names)
    for name in READABLE:
        picture = next(picture for picture in sets.test if picture.name == name)
        assert picture.read().mean() == pytest.approx(128, abs=4), name
    for issue in issues:
        assert issue.message and "\n" not in issue.message and str(tmp_path) not in issue.message, issue
