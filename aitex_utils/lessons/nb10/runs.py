"""The runs of the bench, kept on disk: one JSON file with choices, numbers and versions, and one npz file with arrays.

Nothing is unpickled. A file that cannot be read, or that does not fit its partner, is skipped with one sentence.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from aitex_utils.errors import InputError, check_choice, check_integer, shown
from aitex_utils.files.atomic_write import atomic_write, sha256
from aitex_utils.lessons.cache import cache_folder
from aitex_utils.lessons.data import profile
from aitex_utils.lessons.wording import count, number_text, percent
from aitex_utils.plots import show

from .choices import Choices
from .figures import plot_dashboard
from .measuring import map_of_strip, promised_threshold
from .split import BenchStrip, load_part

VERSION = 1
RUN_FILE = re.compile(r"run_(\d{4,9})\.(json|npz)")
FIGURES = (
    *("tile_auroc", "tile_auroc_low", "tile_auroc_high", "average_precision", "pixel_auroc"),
    *("ms_per_tile", "ms_per_tile_low", "ms_per_tile_high", "fit_seconds", "bank_vectors", "bank_mib"),
)
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, zipfile.BadZipFile)
LOCK_SECONDS = 20.0


class Run:
    """A run of the bench. In a notebook, the last line of a cell shows it.

    Parameters
    ----------
    number : int
        Number of the run.
    choices : Choices
        Its choices.
    figures : dict of str to float
        Its numbers, by the names in `FIGURES`.
    versions : dict of str to str
        Versions of Python and of the packages.
    made : str
        Date and time of the run.
    fingerprint : str
        Digest of data and code. A run with equal choices and fingerprint is not repeated.
    arrays : dict of str to ndarray, or path
        Its arrays, or the npz file from which they are read when first needed.

    Examples
    --------
    >>> run = Run(3, Choices("00"), dict.fromkeys(FIGURES, 0.5), {}, "2030-01-01 12:00", "", {})
    >>> run
    Run 3: fabric 00, lite0 blocks.2 + blocks.4, 256 px, 1 % greedy
      tile AUROC 0.500 (0.50 to 0.50), AP 0.500, pixel AUROC 0.500
      bank of 0 patches, 0.5 MiB, built in 0.5 s, 0.5 ms per tile (0.5 to 0.5)
    """

    def __init__(
        self,
        number: int,
        choices: Choices,
        figures: Mapping[str, float],
        versions: Mapping[str, str],
        made: str,
        fingerprint: str,
        arrays: Mapping[str, np.ndarray] | Path,
    ) -> None:
        self.number, self.choices, self.figures = number, choices, dict(figures)
        self.versions, self.made, self.fingerprint = dict(versions), made, fingerprint
        self._given = arrays

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the run. Raises `InputError` if their file is gone or damaged."""
        if not isinstance(self._given, Path):
            return dict(self._given)
        try:
            return read_arrays(self._given)
        except UNREADABLE as error:
            raise InputError(
                f"{self._given} can no longer be read ({type(error).__name__}): run these choices again."
            ) from error

    def array(self, name: str) -> np.ndarray:
        """Return one array of the run.

        Parameters
        ----------
        name : str
            "labels", "scores", "groups", "calibration" or "distances".

        Returns
        -------
        ndarray
        """
        return self.arrays[check_choice("name", name, tuple(self.arrays))]

    @property
    def vectors(self) -> list[np.ndarray]:
        """The bank vectors of each branch, each (k, C)."""
        return self._of_branches("vectors")

    @property
    def origins(self) -> list[np.ndarray]:
        """Training tile, row and column of each bank vector, for each branch, each (k, 3)."""
        return self._of_branches("origins")

    @property
    def strips(self) -> tuple[BenchStrip, ...]:
        """The shown strips that the run was scored on."""
        return load_part(self.choices.fabric, "shown")

    def find_strip(self, strip: str | int | None = None) -> BenchStrip:
        """Return a shown strip.

        Parameters
        ----------
        strip : str or int, optional
            Name or position. None takes the first defective strip.

        Returns
        -------
        BenchStrip

        Raises
        ------
        InputError
            If there is no such strip.
        """
        strips = self.strips
        if strip is None:
            return next(one for one in strips if one.mask.any())
        if isinstance(strip, str):
            check_choice("strip", strip, tuple(one.name for one in strips))
            return next(one for one in strips if one.name == strip)
        return strips[check_integer("strip", strip, 0, len(strips) - 1, "the number of the last shown strip")]

    def distances(self, strip: str | int | None = None) -> np.ndarray:
        """Return the distances of the patches of a strip's tiles, before normalisation.

        Parameters
        ----------
        strip : str or int, optional
            As in `find_strip`.

        Returns
        -------
        ndarray, shape (N, H', W')
        """
        return self.array("distances")[self.array("groups") == self.find_strip(strip).name]

    def map(self, strip: str | int | None = None) -> np.ndarray:
        """Return the anomaly map of a strip.

        Parameters
        ----------
        strip : str or int, optional
            As in `find_strip`.

        Returns
        -------
        ndarray, shape (H, W)
        """
        choices = self.choices
        distances, scale = self.distances(strip), self.arrays.get("scale")
        return map_of_strip(distances, scale, self.find_strip(strip), choices.smoothing, choices.background_quantile)

    def threshold(self, false_alarm_rate: float | None = None) -> float | None:
        """Return the threshold that promises a false-alarm rate.

        Parameters
        ----------
        false_alarm_rate : float, optional
            None takes the rate of the run's choices.

        Returns
        -------
        float or None
            None if there are too few calibration tiles for the rate.
        """
        rate = self.choices.false_alarm_rate if false_alarm_rate is None else false_alarm_rate
        return promised_threshold(self.array("calibration"), rate)

    def alarms(self, false_alarm_rate: float | None = None) -> str:
        """Report the threshold that promises a false-alarm rate, and the shares of shown tiles that it flags.

        Parameters
        ----------
        false_alarm_rate : float, optional
            None takes the rate of the run's choices.

        Returns
        -------
        str
        """
        rate = self.choices.false_alarm_rate if false_alarm_rate is None else false_alarm_rate
        threshold, tiles = self.threshold(rate), len(self.array("calibration"))
        promised = f"{number_text(100 * rate)} %"
        if threshold is None:
            least = f"{math.ceil(1000 / (tiles + 1)) / 10:g} %"  # rounded up, so that it suffices
            return f"{count(tiles, 'calibration tile')} cannot promise {promised}: choose at least {least}."
        labels, scores = self.array("labels"), self.array("scores")
        flagged = [percent(float((scores[rows] >= threshold).mean())) for rows in (~labels, labels)]
        return (
            f"Threshold {threshold:.2f}, which promises a false-alarm rate of at most {promised}: it flags "
            f"{flagged[0]} of the clean tiles and {flagged[1]} of the defective tiles."
        )

    def draw(self, strip: str | int | None = None, false_alarm_rate: float | None = None) -> tuple[Any, str]:
        """Draw a strip with its map, both curves, and the histogram of scores.

        Parameters
        ----------
        strip : str or int, optional
            As in `find_strip`.
        false_alarm_rate : float, optional
            None takes the rate of the run's choices.

        Returns
        -------
        figure : matplotlib.figure.Figure
        caption : str
        """
        one = self.find_strip(strip)
        given = one.image, self.map(one.name), one.mask, self.array("labels"), self.array("scores")
        title = f"Run {self.number}, strip {one.name} ({one.defect})"
        return plot_dashboard(*given, self.threshold(false_alarm_rate), title=title)

    def show(self, strip: str | int | None = None) -> None:
        """Show the figure and the numbers of the run.

        Parameters
        ----------
        strip : str or int, optional
            As in `find_strip`.
        """
        show(*self.draw(strip))
        print(self)
        print(f"  {self.alarms()}")

    def numbers(self) -> str:
        """Return the numbers of the run in two lines.

        Returns
        -------
        str
        """
        f = self.figures
        accuracy = f"tile AUROC {f['tile_auroc']:.3f} ({f['tile_auroc_low']:.2f} to {f['tile_auroc_high']:.2f})"
        accuracy += f", AP {f['average_precision']:.3f}, pixel AUROC {f['pixel_auroc']:.3f}"
        times = f"{_short(f['ms_per_tile'])} ms per tile ({_short(f['ms_per_tile_low'])} to "
        times += f"{_short(f['ms_per_tile_high'])})"
        bank = f"bank of {f['bank_vectors']:,.0f} patches, {_short(f['bank_mib'])} MiB"
        return f"{accuracy}\n{bank}, built in {f['fit_seconds']:.1f} s, {times}"

    def __repr__(self) -> str:
        lines = [f"Run {self.number}: {self.choices.label}", *self.numbers().splitlines()]
        return "\n  ".join(lines)

    def _ipython_display_(self) -> None:
        self.show()

    def _of_branches(self, kind: str) -> list[np.ndarray]:
        names = sorted(name for name in self.arrays if re.fullmatch(rf"{kind}_\d", name))
        return [self.arrays[name] for name in names]


def runs_folder() -> Path:
    """Return the folder in which runs are kept, one for each profile of the course.

    Returns
    -------
    Path

    Examples
    --------
    >>> runs_folder().name
    '10_bench_fast'
    """
    return cache_folder() / f"10_bench_{profile()}"


def save_run(
    choices: Choices,
    figures: Mapping[str, float],
    arrays: Mapping[str, np.ndarray],
    *,
    versions: Mapping[str, str],
    made: str,
    fingerprint: str,
) -> Run:
    """Keep a run under the next free number.

    Parameters
    ----------
    choices, figures, arrays, versions, made, fingerprint
        As in `Run`.

    Returns
    -------
    Run
        If the disk is full or read-only, one sentence says so. The run then has the number 0 and lives until the kernel
        ends.

    Examples
    --------
    >>> given = Choices("00"), dict.fromkeys(FIGURES, 0.5), {"labels": np.ones(1, bool)}
    >>> save_run(*given, versions={}, made="2030-01-01 12:00", fingerprint="a").number
    1
    """
    try:
        with locked():
            folder = runs_folder()
            number = 1 + max(_numbers(folder), default=0)
            file = folder / f"run_{number:04d}.npz"
            with atomic_write(file) as temporary, open(temporary, "wb") as opened:
                np.savez_compressed(opened, allow_pickle=False, **arrays)
            content = {"version": VERSION, "number": number, "choices": choices.to_json(), "figures": dict(figures)}
            content |= {"versions": dict(versions), "made": made, "fingerprint": fingerprint, "sha256": sha256(file)}
            with atomic_write(file.with_suffix(".json")) as temporary:
                temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"The run is not kept on disk: {error}")
        number = 0
    return Run(number, choices, figures, versions, made, fingerprint, arrays)


def read_runs() -> tuple[list[Run], list[str]]:
    """Read all kept runs.

    Returns
    -------
    runs : list of Run
        By number.
    problems : list of str
        One sentence for each file that was skipped.

    Examples
    --------
    >>> read_runs()
    ([], [])
    """
    folder, runs, problems = runs_folder(), [], []
    for number in sorted(_numbers(folder)):
        file = folder / f"run_{number:04d}.json"
        try:
            runs.append(_read_run(file))
        except UNREADABLE as error:
            is_half = not file.exists() or not file.with_suffix(".npz").exists()
            reason = "one of its two files is missing" if is_half else _reason(error)
            problems.append(f"Run {number} in {folder} is damaged ({reason}) and is skipped: delete its files.")
    return runs, problems


def list_runs() -> list[Run]:
    """Return all kept runs by number, and print one sentence for each file that was skipped.

    Returns
    -------
    list of Run

    Examples
    --------
    >>> list_runs()
    []
    """
    runs, problems = read_runs()
    for problem in problems:
        print(problem)
    return runs


def find_run(run: Run | int) -> Run:
    """Return a run given by its number or as it is.

    Parameters
    ----------
    run : Run or int
        The run.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If there is no such run.

    Examples
    --------
    >>> try:
    ...     find_run(9)
    ... except InputError as error:
    ...     print(error)
    There is no run 9: give a run, or the number of a kept run, and see show_runs().
    """
    if isinstance(run, Run):
        return run
    if isinstance(run, int) and not isinstance(run, bool):
        found = [one for one in read_runs()[0] if one.number == run]
        if found:
            return found[0]
    raise InputError(f"There is no run {shown(run)}: give a run, or the number of a kept run, and see show_runs().")


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an npz file, without pickle.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    dict of str to ndarray

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", scores=np.arange(2))
    ...     read_arrays(Path(folder, "a.npz"))
    {'scores': array([0, 1])}
    """
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Keep other notebooks from changing the kept runs.

    Yields
    ------
    None

    Examples
    --------
    >>> with locked():
    ...     runs_folder().is_dir()
    True
    """
    from filelock import FileLock, Timeout

    folder = runs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise InputError(f"Another notebook uses {folder}: wait until its run has ended.") from error


def _numbers(folder: Path) -> set[int]:
    try:
        matches = [RUN_FILE.fullmatch(name) for name in os.listdir(folder)]
    except OSError:
        return set()
    return {int(match[1]) for match in matches if match}


_checked: dict[Path, tuple[int, int]] = {}  # size and time of npz files whose digest was right


def _read_run(file: Path) -> Run:
    """Return a kept run, or raise one of `UNREADABLE`."""
    content = json.loads(file.read_text(encoding="utf-8"))
    if content["version"] != VERSION or content["number"] != int(RUN_FILE.fullmatch(file.name)[1]):
        raise ValueError("another version or number")
    figures, versions = dict(content["figures"]), dict(content["versions"])
    if set(figures) != set(FIGURES) or not all(_is_number(value) for value in figures.values()):
        raise ValueError("its numbers are incomplete")
    texts = [content["made"], content["fingerprint"], content["sha256"], *versions, *versions.values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is missing")
    arrays = file.with_suffix(".npz")
    state = os.stat(arrays)
    if _checked.get(arrays) != (state.st_size, state.st_mtime_ns):
        if sha256(arrays) != content["sha256"]:
            raise ValueError("its arrays were changed")
        _checked[arrays] = (state.st_size, state.st_mtime_ns)
    choices = Choices.from_json(content["choices"])
    return Run(content["number"], choices, figures, versions, content["made"], content["fingerprint"], arrays)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _reason(error: BaseException) -> str:
    """Return the reason in a few words."""
    if isinstance(error, InputError) or (isinstance(error, ValueError) and not isinstance(error, json.JSONDecodeError)):
        return " ".join(str(error).split())[:100].rstrip(".")
    return f"it cannot be read, {type(error).__name__}"


def _short(value: float) -> str:
    """Return a number with about two significant digits."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"
