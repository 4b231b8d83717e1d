"""Which pictures there are: good ones to learn from, others to judge, and the masks that belong to them.

Two layouts are understood. In the first, good pictures and pictures to judge are in two folders, with subfolders of any
depth. If the second has a subfolder called `good`, its subfolders are labels. The second layout comes from MVTec AD
(Bergmann et al., CVPR 2019): `train/good`, `test/KIND` and `ground_truth/KIND`. There the mask of `000.png` is
`000_mask.png`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.datasets.dataset_check import Issue
from aitex_utils.errors import InputError, MissingError, check_flag
from aitex_utils.files.data_folder import folders_called
from aitex_utils.files.images import SUFFIXES, find_files, find_images, read_colour, read_grey, read_mask
from aitex_utils.files.paths import given_path

GOOD = "good"
MASK_ENDING = "_mask"
PICTURES_NOT_READ = frozenset(
    ".heic .heif .raw .dng .cr2 .cr3 .nef .arw .orf .raf .rw2 .jxl .jxr .psd .exr .dcm .svg .pdf".split()
)
OTHERS_NOT_READ = {
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".tgz", ".gz", ".xz"), "unpack it"),
    **dict.fromkeys((".npy", ".npz", ".mat", ".h5", ".hdf5"), "save its arrays as PNG"),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mkv", ".webm"), "save its frames as PNG"),
}


@dataclass(frozen=True)
class Picture:
    """A picture on disk, and what the user said about it.

    Parameters
    ----------
    path : Path
        File of the picture.
    name : str
        Path relative to the folder that was given, with "/" on every system. It is unique in a set.
    is_good : bool or None
        Label; None where the user gave none.
    kind : str
        "good", the kind of defect, or "" if it is unknown.
    mask : Path or None
        File of the ground-truth mask.

    Examples
    --------
    >>> Picture(Path("new/hole/3.png"), "hole/3.png", False, "hole", None).kind
    'hole'
    """

    path: Path
    name: str
    is_good: bool | None = None
    kind: str = ""
    mask: Path | None = None

    def read(self, *, colour: bool = False) -> np.ndarray:
        """Read the picture.

        Parameters
        ----------
        colour : bool
            Return red, green and blue instead of grey values.

        Returns
        -------
        ndarray, shape (H, W) or (H, W, 3)
            uint8.

        Raises
        ------
        InputError
            If the file cannot be read, or `colour` is neither True nor False.
        """
        return read_colour(self.path) if check_flag("colour", colour) else read_grey(self.path)

    def read_mask(self) -> np.ndarray | None:
        """Read where the defect is.

        Returns
        -------
        ndarray, shape (H, W), or None
            Bool, in the picture's size; all False for a picture with the label good, whatever its mask marks. None if
            the place is unknown: without a mask, or with an all-black mask for a picture with the label of a defect.

        Raises
        ------
        InputError
            If the picture or its mask cannot be read, or their sizes differ.
        """
        if self.mask is None and not self.is_good:
            return None
        shape = self.read().shape
        if self.is_good:
            return np.zeros(shape, bool)
        mask = read_mask(self.mask)
        if mask.shape != shape:
            raise InputError(
                f"{self.mask} is {mask.shape[1]} x {mask.shape[0]} px but its picture is {shape[1]} x {shape[0]}: "
                "give both the same size, or remove the mask."
            )
        return None if self.is_good is False and not mask.any() else mask


@dataclass(frozen=True)
class PictureSets:
    """The pictures of an inspection.

    Parameters
    ----------
    good : list of Picture
        Pictures to learn from.
    test : list of Picture
        Pictures to judge.
    issues : tuple of Issue
        Files that were found and are not used: formats that are not read, and masks without a picture.

    Examples
    --------
    >>> PictureSets([Picture(Path("a.png"), "a.png", True, "good")], []).good[0].name
    'a.png'
    """

    good: list[Picture]
    test: list[Picture]
    issues: tuple[Issue, ...] = ()


class _Tree(NamedTuple):
    """The folders of a data set in the layout of MVTec AD."""

    good: Path
    test: Path | None
    masks: Path | None


class _Match(NamedTuple):
    """A mask, and the pictures that it belongs to or why there are none. If several match, the lowest rank counts."""

    rank: int
    path: Path
    pictures: list[Picture] = []
    reason: str = ""


def list_pictures(
    good: str | os.PathLike | None,
    test: str | os.PathLike | None = None,
    masks: str | os.PathLike | None = None,
    *,
    allow_empty: bool = False,
) -> PictureSets:
    """List the pictures to learn from and the pictures to judge.

    Parameters
    ----------
    good : path or None
        Folder of good pictures, or a data set in the layout of MVTec AD. None, for a detector that has learned already,
        lists the pictures to judge alone.
    test : path, optional
        Folder of pictures to judge. If one of its subfolders is called good, in capitals or small letters, all its
        subfolders are labels. It can be left out only for a data set in the layout of MVTec AD.
    masks : path, optional
        Folder of masks. A mask has the relative path of its picture, or at least its name, with or without `_mask` at
        the end and with any suffix. A name that several pictures share counts for the picture that is not good.
    allow_empty : bool
        The folder of pictures to judge can be empty, because pictures will come.

    Returns
    -------
    PictureSets
        Sorted by name, numbers by their value, so img2 precedes img10. Hidden files are passed over, see
        `files.images.is_hidden`. A folder that lies in another of the three is not searched twice: its pictures belong
        to the inner folder.

    Raises
    ------
    InputError
        If a folder is missing or cannot be opened, if two of the folders are the same, or if one contains no pictures.
        If both `good` and `test` are None.
        Also if `good` contains a subfolder called good and other pictures, which would be learned as good too.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("train/good/10.png", "train/good/9.png", "test/hole/9.png", "ground_truth/hole/9_mask.png"):
    ...         Path(root, name).parent.mkdir(parents=True, exist_ok=True)
    ...         Path(root, name).touch()
    ...     sets = list_pictures(root)
    >>> [picture.name for picture in sets.good], sets.test[0].kind, sets.test[0].mask.name
    (['train/good/9.png', 'train/good/10.png'], 'hole', '9_mask.png')
    """
    if good is None and test is None:
        raise InputError("good and test are both None: name the folder of the pictures to judge as test.")
    optional = {name: path for name, path in (("test", test), ("masks", masks)) if path is not None}
    given = {**optional} if good is None else {"good": good, **optional}
    roots = {name: _given_folder(path, name) for name, path in given.items()}
    _check_different(roots)
    places = roots if good is None else _places(roots)
    root, test_root = roots.get("good"), roots.get("test") or roots["good"]
    good_paths, issues = ([], []) if root is None else _find_pictures(places["good"], places)
    test_paths, more = _find_pictures(places["test"], places, allow_empty=check_flag("allow_empty", allow_empty))
    issues += more
    if root is not None and places["good"] == root:
        _check_unmixed(good_paths, root)
    is_labelled = "test" not in roots or bool(folders_called(places["test"], GOOD))
    good_pictures = [Picture(path, _name(path, root), True, GOOD) for path in good_paths]
    test_pictures = [
        Picture(path, _name(path, test_root), *_label(path, places["test"], is_labelled)) for path in test_paths
    ]
    if "masks" in places:
        masks_found, more = _find_pictures(places["masks"], places)
        test_pictures, unused = _with_masks(test_pictures, places["test"], masks_found, places["masks"])
        issues += more + unused
    return PictureSets(_by_name(good_pictures), _by_name(test_pictures), tuple(issues))


def natural_order(name: str) -> tuple:
    """Return a key that sorts names with numbers by the value of the numbers.

    Parameters
    ----------
    name : str
        Name of a file, or a path.

    Returns
    -------
    tuple
        Capitals and small letters count alike.

    Examples
    --------
    >>> sorted(["img10.png", "IMG2.png", "img1.png"], key=natural_order)
    ['img1.png', 'IMG2.png', 'img10.png']
    """
    parts = re.split(r"(\d+)", name.lower())  # text and numbers in turn, so only like parts are compared
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def _given_folder(path: str | os.PathLike, name: str) -> Path:
    """Return a folder that the user named, or refuse what is none."""
    folder = given_path(path, name)
    if os.path.isfile(folder):
        raise InputError(f"{name}: {folder} is a file, expected a folder of pictures: name the folder that it is in.")
    if not os.path.isdir(folder):
        raise MissingError(f"{name}: there is no folder {folder}: check its name, or copy the pictures there.")
    return folder


def _check_different(roots: dict[str, Path]) -> None:
    """Raise an error if two of the folders are the same."""
    advice = {
        ("good", "test"): "a detector must be judged on pictures that it did not learn from, name two folders",
        ("good", "masks"): "give the masks a folder of their own",
        ("test", "masks"): "give the masks a folder of their own",
    }
    for (one, other), fix in advice.items():
        if one in roots and other in roots and os.path.samefile(roots[one], roots[other]):
            raise InputError(f"{one} and {other} are the same folder {roots[one]}: {fix}.")


def _places(roots: dict[str, Path]) -> dict[str, Path]:
    """Return the folders to search for good pictures, pictures to judge and masks."""
    tree = _tree(roots["good"])
    if tree is None:
        if "test" not in roots:
            raise InputError(_what_is_missing(roots["good"]))
        return roots
    places = {"good": tree.good, "test": roots.get("test", tree.test), "masks": roots.get("masks")}
    if places["test"] is None:
        raise MissingError(f"{roots['good']} has train/good but no folder test: name the pictures to judge.")
    if places["masks"] is None and tree.test is not None and os.path.samefile(places["test"], tree.test):
        places["masks"] = tree.masks if tree.masks and any(find_images(tree.masks)) else None
    return {name: place for name, place in places.items() if place is not None}


def _tree(root: Path) -> _Tree | None:
    """Return the folders of a data set in the layout of MVTec AD, or None if it has another layout."""
    goods = [good for train in folders_called(root, "train") for good in folders_called(train, GOOD)]
    if not goods:
        return None
    tests, masks = folders_called(root, "test"), folders_called(root, "ground_truth")
    return _Tree(goods[0], next(iter(tests), None), next(iter(masks), None))


def _what_is_missing(root: Path) -> str:
    """Say what to name if there is neither a folder to judge nor MVTec AD's layout."""
    folders = [path for path in root.iterdir() if path.is_dir() and os.access(path, os.R_OK)]
    inner = sorted((path for path in folders if _tree(path)), key=lambda path: natural_order(path.name))
    if inner:
        names = f"{inner[0]}" if len(inner) == 1 else f"one of them, for example {inner[0]}"
        return f"{root} has no train/good and test, but folders in it have: name {names}."
    return f"{root} has no train/good and test as in MVTec AD: name the folder of pictures to judge too."


def _find_pictures(
    folder: Path, places: dict[str, Path], *, allow_empty: bool = False
) -> tuple[list[Path], list[Issue]]:
    """Return the pictures in a folder but not in another place inside it, and the files that are not read."""
    real = Path(os.path.realpath(folder))
    inside = {Path(os.path.realpath(place)) for place in places.values()}
    inside = {place for place in inside if real in place.parents}
    files = find_files(folder)
    if inside:
        files = [path for path in files if inside.isdisjoint(Path(os.path.realpath(path)).parents)]
    reasons = {path: _reason_not_read(path) for path in files}
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES and not reasons[path]]
    if not pictures and not allow_empty:
        raise InputError(_nothing_found(folder, files))
    issues = [
        Issue(path.as_posix(), "not read", f"it is left out, because {reason[0]}: {reason[1]}")
        for path, reason in reasons.items()
        if reason
    ]
    return pictures, issues


def _reason_not_read(path: Path) -> tuple[str, str] | None:
    """Say why a file that looks like data is passed over, and what to do about it. Other files are no matter: None."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        if os.path.isfile(path):
            return None
        if os.path.islink(path):
            return "it is a link that leads nowhere", "put the file there, or remove the link"
        return "it is a folder with the name of a picture", "pictures in it are read, rename it"
    if suffix in PICTURES_NOT_READ:
        return f"the format {path.suffix} is not read", "save it as PNG or JPEG"
    return (f"{path.suffix} is no format of a picture", OTHERS_NOT_READ[suffix]) if suffix in OTHERS_NOT_READ else None


def _nothing_found(folder: Path, files: Sequence[Path]) -> str:
    """Say that a folder has no pictures, and which files it has instead."""
    counts = Counter(path.suffix.lower() or "without suffix" for path in files).most_common(3)
    found = f", only {' and '.join(f'{count} x {suffix}' for suffix, count in counts)}" if counts else ""
    return f"{folder} contains no pictures{found}: save pictures there as PNG or JPEG, or name another folder."


def _check_unmixed(paths: Sequence[Path], root: Path) -> None:
    """Raise an error if the pictures to learn from are in a subfolder called good and in other places too."""
    tops = {path.relative_to(root).parts[0] if path.parent != root else "" for path in paths}
    goods = sorted(top for top in tops if top.lower() == GOOD)
    if goods and len(tops) > len(goods):
        other = min(tops.difference(goods))
        place = f"the folder {other}" if other else "pictures beside it"
        raise InputError(
            f"{root} contains a folder {goods[0]} and {place}, which would be learned as good: name "
            f"{root / goods[0]} alone."
        )


def _label(path: Path, root: Path, is_labelled: bool) -> tuple[bool | None, str]:
    """Return whether a picture to judge is good, and its kind, both from the subfolder that it is in."""
    if not is_labelled or path.parent == root:
        return None, ""
    kind = path.relative_to(root).parts[0]
    return (True, GOOD) if kind.lower() == GOOD else (False, kind)


def _with_masks(
    pictures: Sequence[Picture], root: Path, files: Sequence[Path], mask_root: Path
) -> tuple[list[Picture], list[Issue]]:
    """Return the pictures with their masks, and the masks that are not used."""
    by_key: dict[str, list[Picture]] = {}  # pictures that differ only in their suffix have one key
    for picture in pictures:
        by_key.setdefault(_key(picture.path, root), []).append(picture)
    masks: dict[Picture, Path] = {}
    issues = []
    for match in sorted(_matches(by_key, files, mask_root), key=lambda match: (match.rank, match.path)):
        if match.reason:
            issues.append(Issue(match.path.as_posix(), "mask without a picture", f"it is not used: {match.reason}"))
        for picture in match.pictures:
            used = masks.setdefault(picture, match.path)
            if used != match.path:
                reason = f"it is not used: {used.as_posix()} is the mask of {picture.name}"
                issues.append(Issue(match.path.as_posix(), "second mask of a picture", reason))
    return [replace(picture, mask=masks.get(picture)) for picture in pictures], issues


def _matches(by_key: dict[str, list[Picture]], files: Iterable[Path], root: Path) -> Iterator[_Match]:
    """Yield for each mask the pictures that it belongs to, by its relative path or by its name alone."""
    by_name: dict[str, list[str]] = {}
    for key in by_key:
        by_name.setdefault(key.rpartition("/")[2], []).append(key)
    for path in files:
        raw = _key(path, root)
        key = raw.removesuffix(MASK_ENDING)
        name, raw_name = key.rpartition("/")[2], raw.rpartition("/")[2]
        if key in by_key:
            yield _Match(0 if key != raw else 1, path, _called_like(path, by_key[key]))
        elif raw in by_key:
            yield _Match(1, path, _called_like(path, by_key[raw]))
        else:
            keys = by_name.get(name) or by_name.get(raw_name, [])
            if len(keys) > 1:
                keys = [key for key in keys if not by_key[key][0].is_good]
            if len(keys) == 1:
                yield _Match(2, path, _called_like(path, by_key[keys[0]]))
            elif name in by_name or raw_name in by_name:
                place = "put it into a subfolder named like the picture's"
                yield _Match(3, path, reason=f"several pictures are called {name}, {place}")
            else:
                yield _Match(3, path, reason=f"no picture is called {name}")


def _called_like(mask: Path, pictures: list[Picture]) -> list[Picture]:
    """Return the pictures with the capitals of a mask's name, or all if none has them."""
    stem = mask.stem
    names = {stem, stem[: -len(MASK_ENDING)] if stem.lower().endswith(MASK_ENDING) else stem}
    return [picture for picture in pictures if picture.path.stem in names] or pictures


def _key(path: Path, root: Path) -> str:
    """Return the path relative to a root, without suffix and in small letters."""
    return path.relative_to(root).with_suffix("").as_posix().lower()


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _by_name(pictures: Iterable[Picture]) -> list[Picture]:
    return sorted(pictures, key=lambda picture: natural_order(picture.name))
