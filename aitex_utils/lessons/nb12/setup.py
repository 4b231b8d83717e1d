"""The pictures of notebook 12 and what was measured on them, each computed once and kept in the course's cache."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aitex_utils.commands.inspect import DETECTOR, FILE, Inspection
from aitex_utils.commands.inspect import main as run_inspect
from aitex_utils.errors import InputError
from aitex_utils.inspection import judge
from aitex_utils.inspection.judge import (
    PictureRule,
    add_pictures,
    count_tiles,
    fit_pictures,
    predict_picture,
)
from aitex_utils.inspection.picture_list import Picture, list_pictures
from aitex_utils.lessons.cache import cache_folder, cached
from aitex_utils.patchcore import PatchCore
from aitex_utils.practice.photographs import (
    METADATA_FILE,
    PHOTOGRAPHS,
    make_photographs,
    photographs_are_there,
)
from aitex_utils.strips import PROJECT

RESULTS = "12_inspection"  # folder in the cache
SIDE = 256  # px, at which the notebook inspects


@dataclass(frozen=True)
class Judged:
    """Pictures with their labels and scores, in the order of their names.

    Parameters
    ----------
    names : list of str
        Names as in `Picture.name`.
    is_good : ndarray, shape (n,)
        Labels, bool.
    kinds : list of str
        "good", or the kind of defect.
    scores : ndarray, shape (n,)
        Image-level scores, float64.

    Examples
    --------
    >>> Judged(["good/1.jpg"], np.array([True]), ["good"], np.array([1.5])).flagged(1.5)
    array([ True])
    """

    names: list[str]
    is_good: np.ndarray
    kinds: list[str]
    scores: np.ndarray

    def flagged(self, threshold: float) -> np.ndarray:
        """Return which pictures reach a threshold.

        Parameters
        ----------
        threshold : float
            Lowest score that is flagged.

        Returns
        -------
        ndarray, shape (n,)
            Bool.
        """
        return self.scores >= threshold

    def found_by_kind(self, threshold: float) -> dict[str, float]:
        """Return the share of flagged pictures of each kind, the good ones first.

        Parameters
        ----------
        threshold : float
            Lowest score that is flagged.

        Returns
        -------
        dict of str to float
        """
        kinds = sorted(set(self.kinds), key=lambda kind: (kind != "good", kind))
        flagged, of_kind = self.flagged(threshold), np.array(self.kinds)
        return {kind: float(flagged[of_kind == kind].mean()) for kind in kinds}


@dataclass(frozen=True)
class LaterSet:
    """A later set in the order of time.

    Parameters
    ----------
    pictures : list of Picture
        By their numbers.
    is_good : ndarray, shape (n,)
        Labels, bool.
    scores, brightness : ndarray, shape (n,)
        Image-level scores and mean grey values, float64.

    Examples
    --------
    >>> later_set("lamp").scores.shape  # doctest: +SKIP
    (24,)
    """

    pictures: list[Picture]
    is_good: np.ndarray
    scores: np.ndarray
    brightness: np.ndarray


def lesson_photographs() -> Path:
    """Return the folder of the practice photographs, which is made first if it is missing.

    Returns
    -------
    Path

    Examples
    --------
    >>> lesson_photographs()  # doctest: +SKIP
    """
    if not photographs_are_there(PHOTOGRAPHS):
        print("Making the practice photographs. This takes about 20 seconds.", flush=True)
        make_photographs(PHOTOGRAPHS)
    return PHOTOGRAPHS


def results_folder() -> Path:
    """Return the folder in which the inspection of this notebook keeps its results.

    Returns
    -------
    Path

    Examples
    --------
    >>> results_folder().name
    '12_inspection'
    """
    return cache_folder() / RESULTS


def inspect(*arguments: str | os.PathLike) -> None:
    """Run `python course.py inspect`, unless its results are there and newer than the photographs.

    Parameters
    ----------
    *arguments : str or path
        Arguments of the command, which is printed. `--out` must be among them.

    Raises
    ------
    InputError
        If `--out` is missing, or the command ends with an error, which it has printed.

    Examples
    --------
    >>> inspect("--good", "no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: The command has no --out: name the folder of its results.
    """
    words = [str(one) for one in arguments]
    if "--out" not in words[:-1]:
        raise InputError("The command has no --out: name the folder of its results.")
    written = Path(words[words.index("--out") + 1]) / FILE
    print("python course.py inspect", *(_shown(one) for one in words))
    is_new = written.is_file() and written.stat().st_mtime > (lesson_photographs() / METADATA_FILE).stat().st_mtime
    if not is_new and run_inspect(words):
        raise InputError("The inspection ended with the error that is printed above: fix it, and run the cell again.")
    print(f"The results are in the folder {written.parent.name}.")  # also where they were there already


def inspected() -> Inspection:
    """Return the inspection of the photographs: its good pictures, scores, threshold and promise.

    Returns
    -------
    Inspection
        From the results of section 3. If they are missing, the inspection is run first.

    Examples
    --------
    >>> inspected().threshold  # doctest: +SKIP
    """
    folder, results = lesson_photographs(), results_folder()
    written = results / FILE
    if not written.is_file() or written.stat().st_mtime < (folder / METADATA_FILE).stat().st_mtime:
        inspect("--good", folder, "--out", results, "--side", str(SIDE))
    return Inspection.read(results)


def judged_pictures() -> Judged:
    """Return the test pictures with their scores, from the `scores.csv` of the inspection.

    Returns
    -------
    Judged

    Examples
    --------
    >>> judged_pictures().names[0]  # doctest: +SKIP
    """
    inspected()
    with open(results_folder() / "scores.csv", newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["picture"])
    return Judged(
        [row["picture"] for row in rows],
        np.array([row["good"] == "1" for row in rows]),
        [row["kind"] for row in rows],
        np.array([float(row["score"]) for row in rows]),
    )


def load_detector() -> PatchCore:
    """Return the detector that the inspection fitted.

    Returns
    -------
    PatchCore

    Examples
    --------
    >>> load_detector().colour  # doctest: +SKIP
    """
    inspected()
    return PatchCore.load(results_folder() / DETECTOR)


def later_pictures(name: str) -> list[Picture]:
    """Return the pictures of a later set in the order of time.

    Parameters
    ----------
    name : {"lamp", "yarn", "reed"}
        The set.

    Returns
    -------
    list of Picture

    Examples
    --------
    >>> later_pictures("lamp")[0].path.stem  # doctest: +SKIP
    '001'
    """
    folder = lesson_photographs() / "later" / name
    pictures = list_pictures(None, folder / "test", folder / "ground_truth").test
    return sorted(pictures, key=lambda picture: int(picture.path.stem))


def later_set(name: str) -> LaterSet:
    """Return a later set, judged by the detector of the inspection.

    Parameters
    ----------
    name : {"lamp", "yarn", "reed"}
        The set.

    Returns
    -------
    LaterSet

    Examples
    --------
    >>> later_set("lamp").is_good.mean()  # doctest: +SKIP
    """
    pictures, inspection = later_pictures(name), inspected()

    def judge_all() -> dict[str, np.ndarray]:
        return _judge(load_detector(), pictures, inspection.rule)

    arrays = _kept(f"12_{name}", judge_all, name, threshold=inspection.threshold)
    return LaterSet(pictures, np.array([bool(one.is_good) for one in pictures]), arrays["scores"], arrays["brightness"])


def judge_after_learning(name: str, learned: Sequence[int], judged: Sequence[int]) -> np.ndarray:
    """Return scores of later pictures after the detector has learned other pictures of that set with `add_pictures`.

    Parameters
    ----------
    name : {"lamp", "yarn", "reed"}
        The set.
    learned, judged : sequence of int
        Positions in the order of time, from 0.

    Returns
    -------
    ndarray, shape (len(judged),)
        float64.

    Examples
    --------
    >>> judge_after_learning("yarn", [7, 9], [10])  # doctest: +SKIP
    """
    pictures, inspection = later_pictures(name), inspected()

    def learn_and_judge() -> dict[str, np.ndarray]:
        detector, rule = load_detector(), inspection.rule
        images = [pictures[i].read(colour=rule.colour) for i in learned]
        n_tiles = sum(count_tiles(image.shape, rule) for image in images)
        add_pictures(detector, images, rule, n_before=inspection.n_tiles, n_tiles=n_tiles)
        return _judge(detector, [pictures[i] for i in judged], rule)

    options = {"learned": list(map(int, learned)), "judged": list(map(int, judged)), "threshold": inspection.threshold}
    return _kept(f"12_{name}_learned", learn_and_judge, name, **options)["scores"]


def judge_with_rule(rule: PictureRule) -> tuple[np.ndarray, Judged]:
    """Fit on the same pictures with another rule, and judge the same pictures.

    Parameters
    ----------
    rule : PictureRule
        How pictures become tiles.

    Returns
    -------
    good_scores : ndarray, shape (m,)
        Scores of the held-out good pictures, float64.
    judged : Judged
        The test pictures.

    Examples
    --------
    >>> judge_with_rule(PictureRule(side=256))  # doctest: +SKIP
    """
    inspection, folder = inspected(), lesson_photographs()
    test = sorted(list_pictures(folder).test, key=lambda picture: picture.name)

    def fit_and_judge() -> dict[str, np.ndarray]:
        images = [_picture(path).read(colour=rule.colour) for path in inspection.training]
        n_tiles = sum(count_tiles(image.shape, rule) for image in images)
        detector = fit_pictures(images, rule, n_tiles=n_tiles, seed=inspection.seed)
        good = _judge(detector, [_picture(path) for path in inspection.calibration], rule)
        return {"good": good["scores"], "test": _judge(detector, test, rule)["scores"]}

    name = f"12_side_{rule.side}_{'colour' if rule.colour else 'grey'}"
    arrays = _kept(name, fit_and_judge, "", tile_size=rule.tile_size, overlap=rule.overlap)
    labels = np.array([bool(one.is_good) for one in test])
    return arrays["good"], Judged([one.name for one in test], labels, [one.kind for one in test], arrays["test"])


def _shown(word: str) -> str:
    """Return an argument as one can type it in the course folder, and of a path elsewhere the last part."""
    path = Path(word)
    return path.relative_to(PROJECT).as_posix() if PROJECT in path.parents else path.name if os.sep in word else word


def _kept(name: str, make: Callable[[], dict[str, np.ndarray]], later: str, **parameters) -> dict[str, np.ndarray]:
    folder = lesson_photographs()
    return cached(name, make, data=folder / "later" / later if later else folder, code=(judge,), **parameters)


def _picture(path: str) -> Picture:
    return Picture(Path(path), Path(path).name, True, "good", None)


def _judge(detector: PatchCore, pictures: Sequence[Picture], rule: PictureRule) -> dict[str, np.ndarray]:
    """Return the scores and the mean grey values of pictures."""
    scores, brightness = [], []
    for picture in pictures:
        image = picture.read(colour=rule.colour)
        scores.append(predict_picture(detector, image, rule).score)
        brightness.append(image.mean())
    return {"scores": np.array(scores, float), "brightness": np.array(brightness, float)}
