"""The answer to the assignment: a learner writes it, and the teacher's command reads it without trust.

An answer is a folder or a ZIP file with three parts. `answer.json` contains the pack, the threshold and the promised
false-alarm rate. `scores.csv` contains one score per tile. `maps/STRIP.npy` is the anomaly map of a strip at a quarter
of its size. A reader checks sizes and headers before it reads, extracts nothing to the disk, and unpickles nothing.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.errors import InputError, check_number, shown
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import given_path
from aitex_utils.patchcore import StripResult
from aitex_utils.safety.arrays import as_array
from aitex_utils.safety.scores import check_float32, check_real
from aitex_utils.strips import STRIP_SHAPE

ANSWER_FILE, SCORE_FILE, MAP_FOLDER = "answer.json", "scores.csv", "maps"
COLUMNS = ["strip", "tile", "score"]
SHRINK = 4  # px of a strip along each side of a pixel of a map
MAP_SHAPE = (STRIP_SHAPE[0] // SHRINK, STRIP_SHAPE[1] // SHRINK)
LARGEST_FILE = 4 * 2**20  # bytes
LARGEST_ANSWER = 256 * 2**20  # bytes, unpacked
MOST_FILES = 2000
NPY = re.compile(
    rb"\x93NUMPY\x01\x00.{2}\{'descr': '[<|=]?(?P<type>f[248])', 'fortran_order': (?:False|True), "
    rb"'shape': \((?P<rows>\d{1,9}), (?P<columns>\d{1,9})\), \} *\n",
    re.DOTALL,
)
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
BROKEN_ZIP += (NotImplementedError, RuntimeError, EOFError, ValueError)
BROKEN_ZIP += (MemoryError,)  # a member can ask for gigabytes to be unpacked with, whatever its size


class Answer(NamedTuple):
    """A learner's answer, complete and of the right shapes.

    Parameters
    ----------
    threshold : float
        A tile is flagged if its score is at least as high.
    false_alarm_rate : float
        Promised share of clean tiles that are flagged.
    scores : dict of str to ndarray, shape (N,)
        Score of each tile by strip.
    maps : dict of str to ndarray, shape (64, 1024)
        Anomaly map of each strip, float32.

    Examples
    --------
    >>> Answer(2.0, 0.05, {"0101_999_50": np.zeros(15)}, {}).threshold
    2.0
    """

    threshold: float
    false_alarm_rate: float
    scores: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]


def _listed(answer: dict) -> dict[str, None]:
    """Return the files of an answer that `write_answers` wrote, so a second call can replace them."""
    return dict.fromkeys([SCORE_FILE, f"{MAP_FOLDER}/", *(f"{MAP_FOLDER}/{strip}.npy" for strip in answer["strips"])])


WRITTEN = Manifest(ANSWER_FILE, "an answer to the assignment", _listed)


def shrink_map(anomaly_map: np.ndarray) -> np.ndarray:
    """Return an anomaly map at a quarter of its size, each pixel the mean of 4 x 4 pixels.

    Parameters
    ----------
    anomaly_map : ndarray, shape (256, 4096)
        Map of a strip; NaN outside the fabric.

    Returns
    -------
    ndarray, shape (64, 1024)
        float32. A pixel that touches NaN is NaN.

    Raises
    ------
    InputError
        If the map has another shape.

    Examples
    --------
    >>> shrink_map(np.ones((256, 4096))).shape
    (64, 1024)
    """
    values = check_float32(anomaly_map, "anomaly_map")
    if values.shape != STRIP_SHAPE:
        raise InputError(f"The map has shape {values.shape}, expected {STRIP_SHAPE}: give the map of a whole strip.")
    return values.reshape(MAP_SHAPE[0], SHRINK, MAP_SHAPE[1], SHRINK).mean(axis=(1, 3))


def write_answers(
    folder: str | os.PathLike,
    learner: str | os.PathLike,
    results: Mapping[str, StripResult],
    *,
    threshold: float,
    false_alarm_rate: float,
) -> Path:
    """Write an answer from the predictions of all test strips.

    Parameters
    ----------
    folder : path
        Folder to write, named like you. An older answer in it is replaced.
    learner : path
        The folder `learner` of the assignment.
    results : mapping of str to StripResult
        Output of `PatchCore.predict_strip` by strip id.
    threshold : float
        A tile is flagged if its score is at least as high.
    false_alarm_rate : float
        Promised share of clean tiles that are flagged.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If a strip is missing, has other tiles than the assignment, or a value is out of range or not finite.

    Examples
    --------
    >>> write_answers("answers", "no/such/folder", {}, threshold=1.0, false_alarm_rate=0.05)
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder is not the learner's folder of an assignment: name the folder that \
contains tiles.csv.
    """
    pack, corners = read_pack(learner)
    if _finite(threshold) is None:
        raise InputError(
            f"threshold is {shown(threshold)}, expected a finite number: hold out more strips, or promise a higher "
            "rate."
        )
    check_number("false_alarm_rate", false_alarm_rate, "(0, 1)", example=0.05)
    if not isinstance(results, Mapping):
        raise InputError(f"results is {shown(results)}: give a dict of strip ids and results of predict_strip.")
    if missing := sorted(set(corners) - set(results)):
        raise InputError(f"There is no result for {missing[0]}, one of {len(missing)}: predict all test strips.")
    with atomic_write(folder, folder=True, manifest=WRITTEN) as root:
        (root / MAP_FOLDER).mkdir(parents=True)
        with (root / SCORE_FILE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for strip, own in sorted(corners.items()):
                scores, small = _scores_and_map(strip, results[strip], own)
                writer.writerows([strip, i, repr(float(score))] for i, score in enumerate(scores))
                np.save(root / MAP_FOLDER / f"{strip}.npy", small)
        content = {"pack": pack, "threshold": float(threshold), "false_alarm_rate": float(false_alarm_rate)}
        text = json.dumps({**content, "strips": sorted(corners)}, indent=2)
        (root / ANSWER_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")
    return given_path(folder)


def _scores_and_map(strip: str, result: StripResult, corners: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return what the answer has of a strip, if the teacher's command would take it."""
    if not isinstance(result, StripResult):
        raise InputError(f"The result of strip {strip} is {shown(result)}: give what predict_strip returns.")
    if as_array(result.corners, "corners").tolist() != corners:
        raise InputError(
            f"Strip {strip} was predicted on tiles that are not in tiles.csv: call predict_strip on the strip as it "
            "was read, without region and overlap."
        )
    scores = check_real(result.tile_scores, "tile_scores")
    if scores.shape != (len(corners),) or not np.isfinite(scores).all():
        raise InputError(
            f"The tile_scores of strip {strip} are {shown(scores)}, expected {len(corners)} finite numbers: predict "
            "the strip again."
        )
    small = shrink_map(result.map)
    left, right = min(column for _, column in corners), max(column for _, column in corners) + STRIP_SHAPE[0]
    if not np.isfinite(small[:, -(-left // SHRINK) : right // SHRINK]).all():
        raise InputError(f"The map of strip {strip} has values on the fabric that are not finite: compute it again.")
    return scores, small


def read_pack(learner: str | os.PathLike) -> tuple[str, dict[str, list[list[int]]]]:
    """Read what a learner's answer must contain.

    Parameters
    ----------
    learner : path
        The folder `learner` of the assignment.

    Returns
    -------
    pack : str
        Name of the pack.
    corners : dict of str to list
        Row and column of each tile by strip.

    Raises
    ------
    InputError
        If the folder is no such folder, or its files are damaged.

    Examples
    --------
    >>> read_pack("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder is not the learner's folder of an assignment: name the folder that \
contains tiles.csv.
    """
    learner = given_path(learner)
    corners: dict[str, list[list[int]]] = {}
    try:
        pack = str(json.loads((learner / "pack.json").read_text(encoding="utf-8"))["pack"])
        with (learner / "tiles.csv").open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                corners.setdefault(row["strip"], []).append([int(row["row"]), int(row["column"])])
        if not corners:
            raise ValueError("no tiles")
    except OSError as error:
        raise InputError(
            f"{learner} is not the learner's folder of an assignment: name the folder that contains tiles.csv."
        ) from error
    except (ValueError, KeyError, TypeError, csv.Error, RecursionError) as error:
        raise InputError(
            f"pack.json or tiles.csv in {learner} is damaged or was changed: copy the learner's folder again."
        ) from error
    return pack, corners


def read_answer(path: Path, pack: str, fabric: Mapping[str, tuple[int, slice]]) -> Answer:
    """Read an answer, or refuse it in one sentence.

    Parameters
    ----------
    path : Path
        Folder or ZIP file.
    pack : str
        Name of the pack that it must answer.
    fabric : mapping of str to (int, slice)
        Number of tiles of each strip, and the columns of its map that contain fabric.

    Returns
    -------
    Answer

    Raises
    ------
    InputError
        If anything is missing, surplus, repeated, not finite, or of another shape.

    Examples
    --------
    >>> read_answer(Path("no/such/folder"), "0a1b", {})
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: answer.json is missing: hand in the folder that write_answers made.
    """
    files = _files_of_zip(path) if os.path.isfile(path) else _files_of_folder(path)
    for name in (ANSWER_FILE, SCORE_FILE):
        if name not in files:
            raise InputError(f"{name} is missing: hand in the folder that write_answers made.")
    threshold, rate = read_promise(files[ANSWER_FILE], pack)
    scores = read_scores(files[SCORE_FILE], {strip: count for strip, (count, _) in fabric.items()})
    given = {name[len(MAP_FOLDER) + 1 :] for name in files if name.startswith(f"{MAP_FOLDER}/")}
    wanted = {f"{strip}.npy" for strip in fabric}
    if missing := sorted(wanted - given):
        raise InputError(f"{MAP_FOLDER}/{missing[0]} is missing, one of {len(missing)}: hand in a map of each strip.")
    if extra := sorted(given - wanted):
        raise InputError(f"{MAP_FOLDER} contains {shown(extra[0])}, which is no map of a test strip: delete it.")
    maps = {
        strip: read_map(files[f"{MAP_FOLDER}/{strip}.npy"], strip, columns) for strip, (_, columns) in fabric.items()
    }
    return Answer(threshold, rate, scores, maps)


def read_promise(content: bytes, pack: str) -> tuple[float, float]:
    """Read threshold and promised false-alarm rate.

    Parameters
    ----------
    content : bytes
        Content of `answer.json`.
    pack : str
        Name of the pack that it must answer.

    Returns
    -------
    threshold, false_alarm_rate : float

    Raises
    ------
    InputError
        If a value is missing or out of range, or the answer is for another pack.

    Examples
    --------
    >>> read_promise(b'{"pack": "0a1b", "threshold": 1.5, "false_alarm_rate": 0.05}', "0a1b")
    (1.5, 0.05)
    """
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{ANSWER_FILE} is not JSON: write it with write_answers.") from error
    if not isinstance(found, dict) or found.get("pack") != pack:
        given = shown(found.get("pack")) if isinstance(found, dict) else "no pack"
        raise InputError(f"{ANSWER_FILE} names {given}, and the key is of pack {pack}: answer the pack of this key.")
    threshold, rate = (_finite(found.get(name)) for name in ("threshold", "false_alarm_rate"))
    if threshold is None:
        raise InputError(f"The threshold is {shown(found.get('threshold'))}, expected a finite number.")
    if rate is None or not 0 < rate < 1:
        raise InputError(
            f"false_alarm_rate is {shown(found.get('false_alarm_rate'))}, expected a number between 0 and 1."
        )
    return threshold, rate


def read_scores(content: bytes, counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    r"""Read one score per tile.

    Parameters
    ----------
    content : bytes
        Content of `scores.csv`.
    counts : mapping of str to int
        Number of tiles of each strip.

    Returns
    -------
    dict of str to ndarray, shape (N,)

    Raises
    ------
    InputError
        If a tile is missing, surplus or repeated, or a score is not finite.

    Examples
    --------
    >>> read_scores(b"strip,tile,score\na,0,1.5\na,1,2\n", {"a": 2})["a"].tolist()
    [1.5, 2.0]
    """
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{SCORE_FILE} is no CSV file in UTF-8: write it with write_answers.") from error
    if not rows or rows[0] != COLUMNS:
        begin = shown(",".join(rows[0]) if rows else "")
        raise InputError(f"{SCORE_FILE} begins with {begin}, expected the columns {','.join(COLUMNS)}.")
    scores = {strip: np.full(count, np.nan) for strip, count in counts.items()}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != len(COLUMNS):
            raise InputError(f"Line {number} of {SCORE_FILE} has {len(row)} fields, expected {len(COLUMNS)}.")
        strip, tile, score = row
        is_tile = strip in counts and re.fullmatch(r"[0-9]{1,6}", tile) is not None and int(tile) < counts[strip]
        if not is_tile:
            raise InputError(
                f"Line {number} of {SCORE_FILE} scores tile {shown(tile)} of strip {shown(strip)}, which is not in "
                "tiles.csv: delete extra tiles."
            )
        value = _finite(score)
        if value is None:
            raise InputError(f"Tile {tile} of strip {strip} has the score {shown(score)}, expected a finite number.")
        if not math.isnan(scores[strip][int(tile)]):
            raise InputError(f"Tile {tile} of strip {strip} is scored twice in {SCORE_FILE}: delete one of the lines.")
        scores[strip][int(tile)] = value
    missing = [(strip, int(tile)) for strip, own in scores.items() for tile in np.flatnonzero(np.isnan(own))]
    if missing:
        strip, tile = missing[0]
        raise InputError(f"Tile {tile} of strip {strip} has no score, one of {len(missing)}: score all of tiles.csv.")
    return scores


def read_map(content: bytes, strip: str, columns: slice) -> np.ndarray:
    """Read the anomaly map of a strip. The header is compared with the only allowed form before anything is read.

    Parameters
    ----------
    content : bytes
        Content of an NPY file of floats.
    strip : str
        Name of the strip, for messages.
    columns : slice
        Columns that contain fabric. Values elsewhere are ignored.

    Returns
    -------
    ndarray, shape (64, 1024)
        float64.

    Raises
    ------
    InputError
        If it is no NPY file of floats of that shape, or a value on the fabric is not finite.

    Examples
    --------
    >>> stream = io.BytesIO()
    >>> np.save(stream, np.zeros((64, 1024), np.float32))
    >>> read_map(stream.getvalue(), "0101_999_50", slice(0, 1024)).shape
    (64, 1024)
    """
    header = NPY.match(content[:256])
    if header is None:
        raise InputError(f"The map of strip {strip} is no NPY file of floats (H, W): save it with np.save.")
    shape = int(header["rows"]), int(header["columns"])
    if shape != MAP_SHAPE:
        raise InputError(f"The map of strip {strip} has shape {shape}, expected {MAP_SHAPE}: call shrink_map.")
    try:
        values = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"The map of strip {strip} is cut off or damaged: save it again with np.save.") from error
    if not np.isfinite(values[:, columns]).all():
        raise InputError(f"The map of strip {strip} has values on the fabric that are not finite: compute it again.")
    return values.astype(np.float64)


def _finite(value: Any) -> float | None:
    """Return a finite number as a float, and None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, np.floating)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_needed(name: str) -> bool:
    """Say whether a file is part of the answer. A learner can hand in others beside it."""
    return name in (ANSWER_FILE, SCORE_FILE) or (name.startswith(f"{MAP_FOLDER}/") and not _is_system_file(name))


def _is_system_file(name: str) -> bool:
    """Say whether the system put a file there: `.DS_Store`, `Thumbs.db`, `__MACOSX`."""
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1] in ("Thumbs.db", "desktop.ini")


def _check_size(name: str, size: int, total: int) -> None:
    if size > LARGEST_FILE:
        raise InputError(f"{shown(name)} has {size} bytes, and {LARGEST_FILE} are allowed: hand in what is asked for.")
    if total > LARGEST_ANSWER:
        raise InputError(f"The answer has more than {LARGEST_ANSWER >> 20} MiB: hand in what is asked for.")


def _files_of_folder(path: Path) -> dict[str, bytes]:
    """Return the content of an answer's files in a folder. Links are refused."""
    files: dict[str, bytes] = {}
    total, entries = 0, [path / ANSWER_FILE, path / SCORE_FILE]
    try:
        for entry in (*entries, path / MAP_FOLDER):
            if entry.is_symlink():
                raise InputError(f"{entry.name} is a link: hand in the file itself.")
        entries += sorted((path / MAP_FOLDER).iterdir()) if (path / MAP_FOLDER).is_dir() else []
        if len(entries) > MOST_FILES:
            raise InputError(f"The answer has more than {MOST_FILES} files: hand in what is asked for.")
        for entry in entries:
            name = entry.relative_to(path).as_posix()
            if not os.path.lexists(entry) or not _is_needed(name):
                continue
            if entry.is_symlink() or not stat.S_ISREG(entry.stat().st_mode):
                raise InputError(f"{shown(name)} is a link or a folder: hand in the file itself.")
            total += entry.stat().st_size
            _check_size(name, entry.stat().st_size, total)
            files[name] = entry.read_bytes()
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The answer cannot be read ({error.strerror}): copy it again.") from error
    return files


def _files_of_zip(path: Path) -> dict[str, bytes]:
    """Return the content of an answer's files in a ZIP file. Nothing is extracted to the disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > MOST_FILES:
                raise InputError(f"The ZIP file has more than {MOST_FILES} files: hand in what is asked for.")
            return dict(_read_members(archive, [info for info in infos if not info.is_dir()]))
    except InputError:
        raise
    except (*BROKEN_ZIP, OSError) as error:
        raise InputError("The ZIP file is damaged, encrypted or no ZIP file: pack it again.") from error


def _read_members(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the needed members, after a check of all names and sizes."""
    for info in infos:
        parts = info.filename.split("/")
        if "\\" in info.orig_filename or ":" in parts[0] or "" in parts or ".." in parts:
            raise InputError(f"The ZIP file has a member {shown(info.orig_filename)}, which leads out of its folder.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(f"The ZIP file has a link, {shown(info.filename)}: pack the file itself.")
    top = _common_folder([info.filename for info in infos if not _is_system_file(info.filename)])
    needed = [(info.filename[len(top) :], info) for info in infos if info.filename.startswith(top)]
    needed = [(name, info) for name, info in needed if _is_needed(name)]
    names, total = [name for name, _ in needed], 0
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"The ZIP file has {shown(repeated[0])} twice: pack it again.")
    for name, info in needed:
        total += info.file_size
        _check_size(name, info.file_size, total)
    for name, info in needed:
        with archive.open(info) as file:
            content = file.read(LARGEST_FILE + 1)  # the stated size can be wrong
        _check_size(name, len(content), 0)
        yield name, content


def _common_folder(names: list[str]) -> str:
    """Return the folder in which a ZIP file contains all its files, with a slash, or an empty text."""
    tops = {name.split("/")[0] + "/" if "/" in name else "" for name in names}
    top = tops.pop() if len(tops) == 1 else ""
    return "" if top == f"{MAP_FOLDER}/" else top
