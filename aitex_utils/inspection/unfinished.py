"""An inspection under way, kept on disk picture by picture, so an interrupted one goes on where it was.

The folder `.NAME.unfinished` beside the results contains the fitted detector, a line of JSON for each judged picture,
and its map. It belongs to one set of good pictures and one set of settings. With any others it is begun anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.atomic_write import atomic_write, remove_folder, remove_leftovers, settle
from aitex_utils.files.persistence import SAVED
from aitex_utils.files.system_errors import explain
from aitex_utils.patchcore import PatchCore
from aitex_utils.safety.out_of_memory import OutOfMemoryError

from .judge import PictureResult

WHAT = "an unfinished inspection"
FORMAT = 2
LINES, MAPS, DETECTOR, STATE = "judged.jsonl", "maps", "detector", "state.json"
STEPS = 2**16 - 1  # between the smallest and the largest value of a map that is kept
MAP_NAME = re.compile(r"[0-9a-f]{24}\.npz")


class Judged(NamedTuple):
    """A picture that has been judged.

    Parameters
    ----------
    score : float
        Largest value of its map.
    shape : tuple of int
        Height and width in px.
    brightness : float
        Mean grey value of the picture, 0 to 255.
    map_file : Path or None
        File of the map and of the regions found, see `Unfinished.read_map`; None for held-out good pictures.

    Examples
    --------
    >>> Judged(1.5, (256, 256), 128.0, None).score
    1.5
    """

    score: float
    shape: tuple[int, int]
    brightness: float
    map_file: Path | None


def stamp(path: Path) -> list[int]:
    """Return the size and the time of the last change of a file, by which a changed file is noticed.

    Parameters
    ----------
    path : Path
        File that exists.

    Returns
    -------
    list of int
        Bytes and nanoseconds.

    Raises
    ------
    MissingError
        If the file is not there any more.

    Examples
    --------
    >>> len(stamp(Path(__file__)))
    2
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{path} is missing: it was moved or deleted a moment ago, copy it there again.") from error
    return [status.st_size, status.st_mtime_ns]


def fingerprint(paths: Sequence[Path], settings: dict[str, Any]) -> str:
    """Return a digest of some pictures and settings, equal if both are unchanged.

    Parameters
    ----------
    paths : sequence of Path
        Pictures.
    settings : dict
        Of values that JSON can hold.

    Returns
    -------
    str

    Examples
    --------
    >>> fingerprint([], {"side": 768}) == fingerprint([], {"side": 512})
    False
    """
    content = {"format": FORMAT, "settings": settings, "pictures": [[str(path), *stamp(path)] for path in paths]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Unfinished:
    """The folder of an inspection under way.

    Parameters
    ----------
    results : Path
        Folder of the results, beside which this one lies.
    digest : str
        Output of `fingerprint`. A folder of another digest is begun anew.

    Attributes
    ----------
    is_resumed : bool
        Whether an earlier run had begun the same inspection.
    judged : dict of (str, str) to Judged
        By role ("good" or "test") and file, as far as the pictures have not changed since.

    Raises
    ------
    InputError
        If the folder contains something else, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = Unfinished(Path(folder, "results"), "digest")
    ...     first.is_resumed, Unfinished(Path(folder, "results"), "digest").is_resumed
    (False, True)
    """

    def __init__(self, results: Path, digest: str) -> None:
        self.folder = results.parent / f".{results.name}.unfinished"
        self.judged: dict[tuple[str, str], Judged] = {}
        self.is_resumed = self._digest() == digest
        if not self.is_resumed:
            self._begin_anew(digest)
        self._read_lines()

    def detector(self) -> PatchCore | None:
        """Return the fitted detector, or None if no run has finished its fit.

        Returns
        -------
        PatchCore or None

        Warns
        -----
        UserWarning
            If the detector is damaged. The inspection is then begun anew.
        """
        folder = self.folder / DETECTOR
        settle(folder)
        try:
            return PatchCore.load(folder) if folder.is_dir() else None
        except OutOfMemoryError:
            raise
        except InputError as error:
            self._begin_anew(self._digest() or "")
            warnings.warn(f"The detector of the interrupted run is fitted anew: {error}", stacklevel=2)
            return None

    def keep_detector(self, detector: PatchCore) -> None:
        """Save the fitted detector.

        Parameters
        ----------
        detector : PatchCore
            Fitted.
        """
        detector.save(self.folder / DETECTOR)

    def keep(
        self, role: str, path: Path, result: PictureResult, brightness: float, found: np.ndarray | None = None
    ) -> Judged:
        """Keep the outcome for one picture. It survives an interruption from then on.

        Parameters
        ----------
        role : {"good", "test"}
            Held out for the threshold, or to be judged.
        path : Path
            The picture.
        result : PictureResult
            Its prediction.
        brightness : float
            Its mean grey value.
        found : ndarray, shape (h, w), optional
            Mask of the regions found on its map. None keeps no map.

        Returns
        -------
        Judged
        """
        file = None
        if found is not None:
            name = hashlib.sha256(os.fsencode(path)).hexdigest()[:24]
            file = self.folder / MAPS / f"{name}.npz"
            with atomic_write(file) as fresh:
                np.savez_compressed(fresh, found=found, **_encode(result.map))
        judged = Judged(result.score, result.shape, brightness, file)
        line = {"role": role, "path": str(path), "stamp": stamp(path), **judged._asdict()}
        line["map_file"] = None if file is None else file.name
        try:
            with open(self.folder / LINES, "a", encoding="utf-8") as lines:
                lines.write(json.dumps(line) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise explain(error, self.folder / LINES) from error
        self.judged[role, str(path)] = judged
        return judged

    def read_map(self, judged: Judged) -> tuple[np.ndarray, np.ndarray]:
        """Return the map of a picture and the mask of the regions found.

        Parameters
        ----------
        judged : Judged
            With a map.

        Returns
        -------
        anomaly_map : ndarray, shape (h, w)
            float32, rounded to 1 in 65,535 of its range. Its smallest and largest values are exact.
        found : ndarray, shape (h, w)
            Bool.

        Raises
        ------
        InputError
            If the file of the map is missing or damaged.
        """
        try:
            with np.load(judged.map_file, allow_pickle=False) as arrays:
                (low, high), steps, found = arrays["ends"], arrays["map"], arrays["found"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(
                f"{judged.map_file} is missing or damaged ({error}): delete it, and run the same command again, which "
                "makes it anew."
            ) from error
        return (low + steps * ((high - low) / STEPS)).clip(low, high).astype(np.float32), found

    def remove(self) -> None:
        """Delete the folder, when the results are written. Files that were put there by others stay, and it with them.

        Raises
        ------
        InputError
            If a file cannot be deleted.
        """
        maps = self.folder / MAPS
        for folder in (self.folder, maps):  # of killed processes
            remove_leftovers(folder)
        if self._digest() is None:
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise InputError(f"{self.folder} contains something else: move it away, or choose another --out.")
            return
        try:
            if (self.folder / DETECTOR).is_dir():
                remove_folder(self.folder / DETECTOR, SAVED)
            names = os.listdir(maps) if maps.is_dir() else []
            for path in (*(maps / name for name in names if MAP_NAME.fullmatch(name)), self.folder / LINES):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty, or not there
                maps.rmdir()
            (self.folder / STATE).unlink()  # last: without it, the rest would be another program's
        except OSError as error:
            if isinstance(error, InputError):
                raise
            raise explain(error, self.folder) from error
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _begin_anew(self, digest: str) -> None:
        """Delete what an earlier run kept, and note to which inspection the folder belongs."""
        self.remove()
        self.judged.clear()
        with atomic_write(self.folder / STATE) as fresh:
            fresh.write_text(json.dumps({"what": WHAT, "digest": digest}), encoding="utf-8")

    def _digest(self) -> str | None:
        try:
            state = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
            return str(state["digest"]) if state["what"] == WHAT else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _read_lines(self) -> None:
        """Read what earlier runs kept. A line that was cut off by a kill, and a changed picture, do not count."""
        path = self.folder / LINES
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if text and not text.endswith("\n"):  # cut off: the next line must not be appended to it
            with atomic_write(path) as fresh:
                fresh.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
        for line in text.split("\n"):
            try:
                kept = json.loads(line)
                file = None if kept["map_file"] is None else self.folder / MAPS / kept["map_file"]
                numbers = float(kept["score"]), float(kept["brightness"])
                is_whole = all(map(math.isfinite, numbers)) and (file is None or zipfile.is_zipfile(file))
                if is_whole and stamp(Path(kept["path"])) == kept["stamp"]:
                    shape = kept["shape"][0], kept["shape"][1]
                    self.judged[kept["role"], kept["path"]] = Judged(numbers[0], shape, numbers[1], file)
            except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
                continue


def _encode(anomaly_map: np.ndarray) -> dict[str, np.ndarray]:
    """Return a map as whole numbers of 16 bits, and the values of the smallest and the largest of them."""
    low, high = float(anomaly_map.min()), float(anomaly_map.max())
    shares = (anomaly_map.astype(np.float64) - low) / (high - low or 1.0)
    return {"map": np.round(shares * STEPS).astype(np.uint16), "ends": np.array([low, high])}
