"""Mark answers to the assignment against the secret masks, one learner after the other.

Tiles are compared as in protocol C1: defective tiles with all tiles of normal strips. Clean tiles of defective strips
count in nothing, because a map spreads beyond its defect.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write, check_writable
from aitex_utils.files.images import read_mask
from aitex_utils.files.ownership import refuse_foreign_file
from aitex_utils.files.paths import given_path
from aitex_utils.strips import STRIP_SHAPE
from aitex_utils.tiling import crop_tiles, tile_labels

from .assignment_answers import ANSWER_FILE, SHRINK, Answer, read_answer
from .assignment_pack import KEY_FILE, TEACHER
from .csv_cells import one_line, text_cell

TILE = 256  # px
CONFIDENCE = 0.95
OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz")
COLUMNS = (
    *("learner", "refused", "auroc", "auroc_low", "auroc_high", "ap", "ap_low", "ap_high", "aupro_0.3", "aupro_0.05"),
    *("threshold", "promised_rate", "false_alarms", "clean_tiles", "realised_rate", "binomial_low", "binomial_high"),
    *("strips_low", "strips_high", "promise", "found", "defective_tiles", "recall"),
)


@dataclass(frozen=True)
class KeyStrip:
    """A test strip of the key.

    Parameters
    ----------
    code : str
        Defect code of three digits, "000" for a normal strip.
    labels : ndarray, shape (N,)
        True for a defective tile.
    mask : ndarray, shape (64, 1024)
        True where the defect is, at a quarter of the strip's size.
    columns : slice
        Columns of the map that contain fabric.

    Examples
    --------
    >>> KeyStrip("000", np.zeros(2, bool), np.zeros((64, 1024), bool), slice(0, 128)).code
    '000'
    """

    code: str
    labels: np.ndarray
    mask: np.ndarray
    columns: slice


class Key(NamedTuple):
    """The key of an assignment.

    Parameters
    ----------
    pack : str
        Name of the pack.
    strips : dict of str to KeyStrip
        Test strips by id.

    Examples
    --------
    >>> Key("0a1b", {}).pack
    '0a1b'
    """

    pack: str
    strips: dict[str, KeyStrip]


@dataclass(frozen=True)
class Mark:
    """The marks of one learner.

    Parameters
    ----------
    learner : str
        Name of the folder or ZIP file.
    refused : str
        Why the answer was refused, one sentence; empty if it was marked.
    values : dict
        Measures by name, empty if the answer was refused.

    Examples
    --------
    >>> Mark("ann", "scores.csv is missing.", {}).values
    {}
    """

    learner: str
    refused: str
    values: dict[str, Any]


def read_key(folder: str | os.PathLike) -> Key:
    """Read the key of an assignment.

    Parameters
    ----------
    folder : path
        The folder `teacher` of the assignment, or the folder around it.

    Returns
    -------
    Key

    Raises
    ------
    InputError
        If it is no such folder, or a mask is missing or damaged.

    Examples
    --------
    >>> read_key("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder is not the teacher's folder of an assignment: name the folder that \
contains key.json.
    """
    root = given_path(folder)
    root = root / TEACHER if os.path.isfile(root / TEACHER / KEY_FILE) else root
    try:
        found = json.loads((root / KEY_FILE).read_text(encoding="utf-8"))
        listed = {strip: (str(own["code"]), _corners(own["corners"])) for strip, own in found["strips"].items()}
        pack = str(found["pack"])
        if not listed:
            raise ValueError("no strips")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{root} is not the teacher's folder of an assignment: name the folder that contains {KEY_FILE}."
        ) from error
    return Key(
        pack,
        {strip: key_strip(code, corners, _mask_of(root, strip)) for strip, (code, corners) in listed.items()},
    )


def _corners(given: Any) -> np.ndarray:
    corners = np.array(given)
    if corners.ndim != 2 or corners.shape[1] != 2 or corners.dtype.kind not in "iu" or not len(corners):
        raise ValueError("no corners of tiles")
    return corners


def _mask_of(root: Path, strip: str) -> np.ndarray:
    mask = read_mask(root / "masks" / f"{strip}.png")
    if mask.shape != STRIP_SHAPE:
        raise InputError(f"The mask of strip {strip} has shape {mask.shape}: make the pack again from its secret.")
    return mask


def key_strip(code: str, corners: np.ndarray, mask: np.ndarray) -> KeyStrip:
    """Return the labels of a strip's tiles, and its mask at the size of the maps.

    Parameters
    ----------
    code : str
        Defect code of three digits.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    mask : ndarray, shape (256, 4096)
        True where the defect is.

    Returns
    -------
    KeyStrip

    Examples
    --------
    >>> mask = np.zeros((256, 4096), bool)
    >>> mask[9, 600] = True
    >>> strip = key_strip("030", np.array([[0, 301], [0, 557]]), mask)
    >>> strip.labels.tolist(), strip.mask[2, 150], strip.columns
    ([False, True], np.True_, slice(76, 203, None))
    """
    small = mask.reshape(STRIP_SHAPE[0] // SHRINK, SHRINK, STRIP_SHAPE[1] // SHRINK, SHRINK).any(axis=(1, 3))
    start, stop = int(corners[:, 1].min()), int(corners[:, 1].max()) + TILE
    columns = slice(-(-start // SHRINK), stop // SHRINK)  # pixels of the map that lie on the fabric as a whole
    return KeyStrip(code, tile_labels(crop_tiles(mask, corners)), small, columns)


def find_answers(folder: str | os.PathLike) -> list[Path]:
    """Return the answers in a folder: folders, ZIP files and other archives, or the folder itself if it is an answer.

    Parameters
    ----------
    folder : path
        Folder to look in.

    Returns
    -------
    list of Path
        In order of their names.

    Raises
    ------
    InputError
        If it is no folder or no ZIP file, or there is nothing in it.

    Examples
    --------
    >>> find_answers("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder is no folder of answers: name the folder that contains a folder or \
a ZIP file for each learner.
    """
    root = given_path(folder)
    if os.path.isfile(root / ANSWER_FILE) or (root.suffix.lower() == ".zip" and os.path.isfile(root)):
        return [root]
    try:
        entries = sorted(root.iterdir())
    except OSError:
        entries = []
    found = [
        path
        for path in entries
        if not path.name.startswith(".") and (os.path.isdir(path) or path.suffix.lower() in (".zip", *OTHER_ARCHIVES))
    ]
    if not found:
        raise InputError(
            f"{root} is no folder of answers: name the folder that contains a folder or a ZIP file for each learner."
        )
    return found


def mark_answers(answers: str | os.PathLike, key: Key, *, n_resamples: int = 1000) -> list[Mark]:
    """Mark all answers. An answer that is refused stops no other.

    Parameters
    ----------
    answers : path
        Folder with a folder or a ZIP file for each learner.
    key : Key
        Output of `read_key`.
    n_resamples : int
        Number of resamples, by strip, for the intervals.

    Returns
    -------
    list of Mark
        One for each learner, in order of their names.

    Raises
    ------
    InputError
        If there is no answer.

    Examples
    --------
    >>> mark_answers("no/such/folder", Key("0a1b", {}))
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder is no folder of answers: name the folder that contains a folder or \
a ZIP file for each learner.
    """
    found, marks = find_answers(answers), []
    fabric = {name: (len(strip.labels), strip.columns) for name, strip in key.strips.items()}
    names = [_learner(path) for path in found]
    keys = [name.casefold() for name in names]  # some disks make no difference between capitals and small letters
    for path, name, same in zip(found, names, keys, strict=True):
        if keys.count(same) > 1:
            if path == found[keys.index(same)]:
                both = ", ".join(one_line(other.name) for other, own in zip(found, keys, strict=True) if own == same)
                marks.append(Mark(name, f"There are several answers of this name ({both}): keep one of them.", {}))
            continue
        if path != given_path(answers) and os.path.islink(path):  # it can lead to the answer of another learner
            marks.append(Mark(name, f"{one_line(path.name)} is a link: put the folder or ZIP file itself there.", {}))
            continue
        if path.suffix.lower() in OTHER_ARCHIVES and not os.path.isdir(path):
            marks.append(
                Mark(name, f"{one_line(path.name)} is no ZIP file: unpack it, or let it be packed as ZIP.", {})
            )
            continue
        try:
            marks.append(Mark(name, "", mark_answer(read_answer(path, key.pack, fabric), key, n_resamples=n_resamples)))
        except InputError as error:
            marks.append(Mark(name, str(error), {}))
    return marks


def mark_answer(answer: Answer, key: Key, *, n_resamples: int = 1000) -> dict[str, Any]:
    """Return all measures of an answer.

    Parameters
    ----------
    answer : Answer
        Output of `read_answer`.
    key : Key
        Output of `read_key`.
    n_resamples : int
        Number of resamples, by strip, for the intervals.

    Returns
    -------
    dict
        The columns of the register, from `auroc` on. `promise` is "kept" if the binomial interval of the realised rate
        includes the promised rate or lies below it, else "broken".

    Examples
    --------
    >>> blank, defect = np.zeros((64, 1024), bool), np.arange(64 * 1024).reshape(64, 1024) == 99
    >>> fabric = slice(0, 128)
    >>> strips = {"a": KeyStrip("000", np.zeros(2, bool), blank, fabric)}
    >>> strips |= {"b": KeyStrip("000", np.zeros(2, bool), blank, fabric)}
    >>> strips |= {name: KeyStrip("030", np.array([False, True]), defect, fabric) for name in "cd"}
    >>> scores = {"a": np.array([1.0, 3.0]), "b": np.ones(2), "c": np.array([9.0, 4.0]), "d": np.array([9.0, 2.0])}
    >>> values = mark_answer(Answer(2.5, 0.3, scores, {name: defect + 0.0 for name in strips}), Key("x", strips))
    >>> values["auroc"], values["false_alarms"], values["clean_tiles"], values["found"], values["promise"]
    (0.875, 1, 4, 1, 'kept')
    """
    names = sorted(key.strips)
    labels = np.concatenate([key.strips[name].labels for name in names])
    scores = np.concatenate([answer.scores[name] for name in names])
    groups = np.concatenate([np.full(len(key.strips[name].labels), i) for i, name in enumerate(names)])
    is_normal = np.concatenate(
        [np.full(len(key.strips[name].labels), key.strips[name].code == "000") for name in names]
    )
    rows = labels | is_normal
    low, high = metrics.bootstrap_interval(
        metrics.auroc, labels[rows], scores[rows], groups[rows], n_resamples=n_resamples
    )
    ap_low, ap_high = metrics.bootstrap_interval(
        metrics.average_precision, labels[rows], scores[rows], groups[rows], n_resamples=n_resamples
    )
    wide, narrow = metrics.aupro(*_maps_and_masks(answer, key, names), (0.3, 0.05))
    return {
        **{"auroc": metrics.auroc(labels[rows], scores[rows]), "auroc_low": low, "auroc_high": high},
        **{"ap": metrics.average_precision(labels[rows], scores[rows]), "ap_low": ap_low, "ap_high": ap_high},
        **{"aupro_0.3": wide, "aupro_0.05": narrow},
        **{"threshold": answer.threshold, "promised_rate": answer.false_alarm_rate},
        **false_alarms(scores[is_normal] >= answer.threshold, groups[is_normal], answer.false_alarm_rate, n_resamples),
        "found": int((scores[labels] >= answer.threshold).sum()),
        "defective_tiles": int(labels.sum()),
        "recall": float((scores[labels] >= answer.threshold).mean()) if labels.any() else float("nan"),
    }


def false_alarms(flagged: np.ndarray, groups: np.ndarray, promised: float, n_resamples: int = 1000) -> dict[str, Any]:
    """Return the realised false-alarm rate beside the promised rate.

    Parameters
    ----------
    flagged : ndarray, shape (N,)
        True for each clean tile that is flagged, N >= 1.
    groups : ndarray, shape (N,)
        The strip of each tile.
    promised : float
        Promised rate.
    n_resamples : int
        Number of resamples, by strip.

    Returns
    -------
    dict
        Count, rate, its exact binomial interval, which treats tiles as independent, its interval under other strips,
        and the verdict.

    Examples
    --------
    >>> alarms = false_alarms(np.arange(40) < 8, np.arange(40) // 10, 0.05)
    >>> alarms["realised_rate"], round(alarms["binomial_low"], 3), alarms["promise"]
    (0.2, 0.091, 'broken')
    """
    from scipy.stats import binomtest

    count, total = int(flagged.sum()), len(flagged)
    binomial = binomtest(count, total).proportion_ci(CONFIDENCE, method="exact")
    low, high = metrics.bootstrap_interval(
        lambda _, values: float(values.mean()), np.zeros(total, bool), flagged, groups, n_resamples=n_resamples
    )
    return {
        **{"false_alarms": count, "clean_tiles": total, "realised_rate": count / total},
        **{"binomial_low": float(binomial.low), "binomial_high": float(binomial.high)},
        **{"strips_low": low, "strips_high": high},
        "promise": "kept" if binomial.low <= promised else "broken",
    }


def check_register(path: str | os.PathLike) -> None:
    """Raise an error if the register cannot be written to a file, before minutes of marking.

    Parameters
    ----------
    path : path
        File to write.

    Raises
    ------
    InputError
        If another program wrote the file, or it cannot be written.

    Examples
    --------
    >>> check_register("marks.csv")
    """
    refuse_foreign_file(given_path(path), ",".join(COLUMNS), "name another file with --csv")
    check_writable(path)


def write_register(marks: Sequence[Mark], path: str | os.PathLike) -> None:
    """Write the marks as a CSV file for the register, one line per learner.

    Parameters
    ----------
    marks : sequence of Mark
        Output of `mark_answers`.
    path : path
        File to write. An earlier register in it is replaced. A text that a spreadsheet would take for a formula gets an
        apostrophe before it.

    Raises
    ------
    InputError
        As `check_register`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_register([Mark("=ann", "scores.csv is missing.", {})], f"{folder}/marks.csv")
    ...     Path(folder, "marks.csv").read_text(encoding="utf-8-sig").splitlines()[1][:30]
    "'=ann,scores.csv is missing.,,"
    """
    check_register(path)
    with atomic_write(path) as target, target.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for mark in marks:
            values = {"learner": text_cell(mark.learner), "refused": text_cell(mark.refused), **mark.values}
            writer.writerow([_rounded(values.get(name, "")) for name in COLUMNS])


def _learner(path: Path) -> str:
    """Return the name of a learner."""
    return one_line(path.stem if path.suffix.lower() == ".zip" and os.path.isfile(path) else path.name)


def _maps_and_masks(answer: Answer, key: Key, names: list[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return maps and masks of all strips, on the fabric only."""
    columns = [key.strips[name].columns for name in names]
    maps = [answer.maps[name][:, own] for name, own in zip(names, columns, strict=True)]
    return maps, [key.strips[name].mask[:, own] for name, own in zip(names, columns, strict=True)]


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
