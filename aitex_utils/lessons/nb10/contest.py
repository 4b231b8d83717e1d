"""The contest: the best detector within a time limit, scored on strips that the bench never shows."""

from __future__ import annotations

import contextlib
import json
import math
import os
import textwrap
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.features import MULTI_SCALE_POOLING
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.lessons.timing import Timing
from aitex_utils.lessons.wording import count
from aitex_utils.patchcore import PatchCore
from aitex_utils.plots import show

from .choices import Choices
from .figures import plot_leaderboard
from .jobs import Step, Steps, scaled
from .measuring import fit_steps, score_steps
from .quick import quick_auroc
from .runs import UNREADABLE, Run, locked, runs_folder
from .split import bench_fabrics, load_part

LIMIT = 0.5  # of the time per tile of PatchCore()
REPEATS, N_RESAMPLES, VERSION = 9, 200, 1
LINE_LENGTH = 100  # characters of a printed line
NOT_IN_RECIPE = ("fabric", "false_alarm_rate")  # the AUROC on the hidden strips does not depend on them


class Submission(NamedTuple):
    """A detector that was scored on the hidden strips of all fabrics.

    Parameters
    ----------
    run : int
        Number of the run that was submitted.
    recipe : str
        Its choices without the fabric, as JSON.
    fabric : str
        Fabric of the run.
    shown : float
        Tile AUROC on the shown strips of this fabric.
    by_fabric : dict of str to float
        Tile AUROC on the hidden strips, by fabric.
    hidden : float
        Mean of these AUROCs.
    low, high : float
        95 % interval of the mean over other strips.
    time_share : float
        Time per tile, divided by the time per tile of `PatchCore()`.
    made : str
        Date and time.

    Examples
    --------
    >>> Submission(1, "{}", "00", 0.9, {"00": 0.8, "01": 0.7}, 0.75, 0.6, 0.9, 0.3, "2030-01-01")
    Run 1 on the hidden strips: mean tile AUROC 0.750 (0.60 to 0.90), per fabric 00 0.800, 01 0.700.
    On fabric 00: 0.900 on the shown strips, 0.800 on the hidden strips.
    It takes 0.30 times as long per tile as PatchCore(), and the limit is 0.50.
    """

    run: int
    recipe: str
    fabric: str
    shown: float
    by_fabric: dict[str, float]
    hidden: float
    low: float
    high: float
    time_share: float
    made: str

    def __repr__(self) -> str:
        listed = ", ".join(f"{fabric} {value:.3f}" for fabric, value in self.by_fabric.items())
        own = self.by_fabric[self.fabric]
        return (
            f"Run {self.run} on the hidden strips: mean tile AUROC {self.hidden:.3f} ({self.low:.2f} to "
            f"{self.high:.2f}), per fabric {listed}.\n"
            f"On fabric {self.fabric}: {self.shown:.3f} on the shown strips, {own:.3f} on the hidden strips.\n"
            f"It takes {self.time_share:.2f} times as long per tile as PatchCore(), and the limit is {LIMIT:.2f}."
        )

    def _ipython_display_(self) -> None:
        print(self)
        show_leaderboard()


def submit_steps(run: Run) -> Steps[Submission]:
    """Score the detector of a run on the hidden strips of all fabrics, and keep the result.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    generator
        Its result is the `Submission`. A recipe that was submitted before is not scored or counted again.

    Raises
    ------
    InputError
        If the detector is too slow. Such a submission is not counted.

    Examples
    --------
    >>> submit_steps(run)  # doctest: +SKIP
    """
    recipe = recipe_of(run.choices)
    for entry in read_leaderboard():
        if entry.recipe == recipe:
            return entry
    share = yield from scaled(time_share_steps(run.choices, default_choices(run.choices.fabric)), 0.0, 0.25)
    if share.median > LIMIT:
        raise InputError(
            f"Run {run.number} takes {share.median:.2f} times as long per tile as PatchCore(), and the limit "
            f"is {LIMIT:.2f}: choose a smaller size, network or bank. This submission is not counted."
        )
    fabrics, aurocs, draws = bench_fabrics(), {}, []
    for i, fabric in enumerate(fabrics):
        start, end = (0.25 + 0.75 * n / len(fabrics) for n in (i, i + 1))
        auroc, resampled = yield from scaled(_hidden_steps(run.choices, fabric), start, end)
        aurocs[fabric] = auroc
        draws.append(resampled)
    drawn = np.mean([of_fabric[: min(map(len, draws))] for of_fabric in draws], axis=0)
    low, high = (float(value) for value in np.quantile(drawn, [0.025, 0.975]))
    made = time.strftime("%Y-%m-%d %H:%M:%S")
    own = run.choices.fabric, run.figures["tile_auroc"], aurocs, float(np.mean(list(aurocs.values())))
    entry = Submission(run.number, recipe, *own, low, high, share.median, made)
    _keep(entry)
    return entry


def _hidden_steps(choices: Choices, fabric: str) -> Steps[tuple[float, np.ndarray]]:
    """Return the tile AUROC on the hidden strips of a fabric, and resampled AUROCs."""
    own = Choices.from_json(choices.to_json() | {"fabric": fabric})
    traced = yield from scaled(fit_steps(own), 0.0, 0.4)
    hidden = load_part(fabric, "hidden")
    scored = yield from scaled(score_steps(traced, own, hidden, "hidden"), 0.4, 1.0)
    labels = np.concatenate([strip.labels for strip in hidden])
    scores = np.concatenate([one.scores for one in scored])
    groups = np.concatenate([np.repeat(strip.name, len(strip.labels)) for strip in hidden])
    # Against a detector that gives all tiles one score, whose AUROC is 0.5 in each draw.
    options = {"n_resamples": N_RESAMPLES}
    drawn = metrics.paired_bootstrap(quick_auroc, labels, scores, np.zeros(len(scores)), groups, **options)
    return metrics.auroc(labels, scores), drawn + 0.5


def default_choices(fabric: str) -> Choices:
    """Return the choices of `PatchCore()`, whose time sets the limit.

    Parameters
    ----------
    fabric : str
        Two digits.

    Returns
    -------
    Choices
        With a random coreset, which takes as long to search as a greedy coreset and is chosen at once.

    Examples
    --------
    >>> default_choices("00").size
    448
    """
    return Choices(fabric, size=448, pooling=MULTI_SCALE_POOLING, coreset_ratio=0.05, sampler="random")


def time_share_steps(choices: Choices, reference: Choices, repeats: int = REPEATS) -> Steps[Timing]:
    """Time two detectors in turn on the same tiles, so other programs on the machine disturb both alike.

    Parameters
    ----------
    choices, reference : Choices
        Choices of two detectors.
    repeats : int
        Number of pairs of predictions, after one pair as a warm-up.

    Returns
    -------
    generator
        Its result is a `Timing` of the ratio: the time with `choices`, divided by the time with `reference`.

    Examples
    --------
    >>> time_share_steps(choices, default_choices("00"))  # doctest: +SKIP
    """
    first = yield from scaled(fit_steps(choices), 0.0, 0.3)
    second = yield from scaled(fit_steps(reference), 0.3, 0.7)
    tiles = load_part(choices.fabric, "training")[0].tiles
    ratios = []
    for i in range(repeats + 1):
        yield Step(0.7 + 0.3 * i / (repeats + 1), "both detectors in turn")
        one = tiles[i % len(tiles)][None]
        seconds = [_seconds(traced.detector, one) for traced in (first, second)]
        ratios.append(seconds[0] / seconds[1])
    return Timing(float(np.median(ratios[1:])), min(ratios[1:]), max(ratios[1:]))


def _seconds(detector: PatchCore, tiles: np.ndarray) -> float:
    start = time.perf_counter()
    detector.predict(tiles)
    return time.perf_counter() - start


def recipe_of(choices: Choices) -> str:
    """Return the choices on which a submission depends, as JSON.

    Parameters
    ----------
    choices : Choices
        Choices of a run.

    Returns
    -------
    str
        Equal for two runs that differ only in the fabric or the promised false-alarm rate.

    Examples
    --------
    >>> recipe_of(Choices("00")) == recipe_of(Choices("01", false_alarm_rate=0.2))
    True
    """
    values = {name: value for name, value in choices.to_json().items() if name not in NOT_IN_RECIPE}
    return json.dumps(values, sort_keys=True)


def read_leaderboard() -> list[Submission]:
    """Return all submissions, the highest hidden AUROC first. A damaged file is skipped with one sentence.

    Returns
    -------
    list of Submission

    Examples
    --------
    >>> read_leaderboard()
    []
    """
    file = _file()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError("another version")
        entries = [_checked(Submission(**entry)) for entry in content["submissions"]]
    except FileNotFoundError:
        return []
    except UNREADABLE as error:
        print(f"{file} is damaged ({type(error).__name__}) and is skipped: the leaderboard starts anew.")
        return []
    return sorted(entries, key=lambda entry: -entry.hidden)


def show_leaderboard() -> None:
    """Show all submissions, and report how far the best one can lead by chance.

    Examples
    --------
    >>> show_leaderboard()
    There is no submission yet: call submit(run).
    """
    entries = read_leaderboard()
    if not entries:
        print("There is no submission yet: call submit(run).")
        return
    names = [f"run {entry.run}" for entry in entries]
    intervals = np.array([[entry.low, entry.high] for entry in entries])
    show(*plot_leaderboard(names, *_columns(entries), intervals))
    print(describe_danger(entries))


def describe_danger(entries: list[Submission]) -> str:
    """Report how many recipes were submitted, and the lead of the best by chance if all were equally good.

    Parameters
    ----------
    entries : list of Submission
        All submissions.

    Returns
    -------
    str

    Examples
    --------
    >>> entry = Submission(1, "{}", "00", 0.9, {"00": 0.8}, 0.8, 0.7, 0.9, 0.3, "2030-01-01")
    >>> print(describe_danger([entry]))
    1 recipe was submitted. Its AUROC on the hidden strips has not been used for a choice so far.
    >>> print(describe_danger([entry] * 5))
    5 recipes were submitted. If all had the same true AUROC, the best of 5 would exceed it by up to
    about 0.06 by chance. Each look at the hidden strips makes the leader's AUROC more optimistic:
    report it from fresh strips.
    """
    n = len(entries)
    if n == 1:
        return "1 recipe was submitted. Its AUROC on the hidden strips has not been used for a choice so far."
    error = float(np.median([(entry.high - entry.low) / 3.92 for entry in entries]))  # 95 % are 2 x 1.96 of them
    lead = expected_maximum(n) * error
    text = (
        f"{count(n, 'recipe')} were submitted. If all had the same true AUROC, the best of {n} would exceed it by up "
        f"to about {lead:.2f} by chance. Each look at the hidden strips makes the leader's AUROC more optimistic: "
        "report it from fresh strips."
    )
    return textwrap.fill(text, LINE_LENGTH)


def expected_maximum(n: int) -> float:
    """Return the expected maximum of n independent standard normal numbers.

    Parameters
    ----------
    n : int
        How many there are.

    Returns
    -------
    float

    Examples
    --------
    >>> [round(expected_maximum(n), 2) for n in (2, 10)]
    [0.56, 1.54]
    """
    from scipy.special import ndtr

    x = np.linspace(-9, 9, 20_001)
    density = n * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * ndtr(x) ** (n - 1)
    return float((x * density).sum() * (x[1] - x[0]))


def _columns(entries: list[Submission]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([entry.shown for entry in entries]), np.array([entry.hidden for entry in entries])


def _file() -> Path:
    return runs_folder() / "leaderboard.json"


def _keep(entry: Submission) -> None:
    """Add a submission to the leaderboard."""
    try:
        with locked():
            entries = read_leaderboard()
            if not entries and _file().exists():  # damaged: kept under another name
                with contextlib.suppress(OSError):
                    os.replace(_file(), _file().with_name("leaderboard_damaged.json"))
            others = [one for one in entries if one.recipe != entry.recipe]
            content = {"version": VERSION, "submissions": [one._asdict() for one in (*others, entry)]}
            with atomic_write(_file()) as temporary:
                temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"The submission is not kept on disk: {error}")


def _checked(entry: Submission) -> Submission:
    """Return a submission whose values have the right types, or raise an error."""
    numbers: list[Any] = [entry.shown, entry.hidden, entry.low, entry.high, entry.time_share]
    numbers += entry.by_fabric.values()
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in numbers):
        raise ValueError("a number is missing")
    if not isinstance(entry.recipe, str) or entry.fabric not in entry.by_fabric or not isinstance(entry.run, int):
        raise ValueError("a name is missing")
    return entry
