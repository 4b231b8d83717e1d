"""Exercise 07.4: a leak, because a setting is chosen and reported on the same tiles."""

from __future__ import annotations

import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


def _aurocs(scores: Array, labels: Array, rows: Array) -> Array:
    return np.array([metrics.auroc(labels[rows], of_setting[rows]) for of_setting in scores])


def tune_and_test(
    scores: Array, labels: Array, tuning: Array, *, choose_on: str = "tuning", report_on: str = "others"
) -> tuple[int, float]:
    """Return the best setting on the tuning tiles, and its AUROC on the other tiles.

    Parameters
    ----------
    scores : ndarray, shape (S, N)
        Scores of N tiles with S settings.
    labels : ndarray, shape (N,)
        True for defective tiles.
    tuning : ndarray, shape (N,)
        True for the tiles on which the setting is chosen.
    choose_on, report_on : {"all", "tuning", "others"}
        Other sets of tiles make the typical mistakes.

    Returns
    -------
    setting : int
    auroc : float

    Examples
    --------
    >>> labels, tuning = np.array([0, 1, 0, 1], bool), np.array([1, 1, 0, 0], bool)
    >>> tune_and_test(np.array([[1.0, 2, 1, 0], [2, 1, 0, 1]]), labels, tuning)
    (0, 0.0)
    """
    rows = {"all": np.ones_like(tuning), "tuning": tuning, "others": ~tuning}
    best = int(_aurocs(scores, labels, rows[choose_on]).argmax())
    return best, float(_aurocs(scores, labels, rows[report_on])[best])


def flawed_tune_and_test(scores: Array, labels: Array, tuning: Array) -> tuple[int, float]:
    """Return the same, with the leak of the notebook: choice and report on all tiles."""
    return tune_and_test(scores, labels, tuning, choose_on="all", report_on="all")


def _cases() -> list[tuple]:
    """Return scores on which the tuning tiles, the others and all tiles have different best settings."""
    small_scores = np.array([[1, 4, 2, 3, 2, 3, 1, 1.5], [2, 3, 2.5, 1, 1, 4, 2, 3], [1, 3, 4, 2, 1, 3, 2, 4.0]])
    small = np.array([0, 1, 0, 1, 0, 1, 0, 1], bool), np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    cases = [(small_scores, *small)]
    for seed, tiles in ((12, 40), (31, 60)):
        rng = np.random.default_rng(seed)
        labels = np.arange(tiles) % 4 == 0
        tuning = np.arange(tiles) < tiles // 2
        cases.append((rng.normal(size=(6, tiles)) + labels, labels, tuning))
    return cases


TUNING = Exercise(
    id="07.4",
    task="The best setting on the tuning tiles, and its AUROC on the other tiles.",
    reference=tune_and_test,
    cases=_cases,
    mistakes=(
        Mistake(
            "chosen and reported on all",
            "The leak is still there: the setting is chosen on all tiles, and its AUROC is reported on the same tiles. "
            "Use `tuning` for the choice and `~tuning` for the report.",
            flawed_tune_and_test,
        ),
        Mistake(
            "reported on the tuning tiles",
            "The choice is right, but this is the AUROC of the chosen setting on the tuning tiles. Report it on the "
            "other tiles, which played no part in the choice.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, tuning, report_on="tuning"),
        ),
        Mistake(
            "reported on all",
            "The choice is right, but half of the reported tiles took part in it. Report the AUROC on `~tuning` only.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, tuning, report_on="all"),
        ),
        Mistake(
            "chosen on all",
            "The report uses the other tiles, but they also took part in the choice. Choose on `tuning` only.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, tuning, choose_on="all"),
        ),
        Mistake(
            "chosen on the others",
            "The tuning tiles are not used at all. Choose the setting on `tuning`, and report it on the other tiles.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, tuning, choose_on="others"),
        ),
        Mistake(
            "roles swapped",
            "The setting is chosen on the other tiles and reported on the tuning tiles. The task asks for the reverse.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, ~tuning),
        ),
        Mistake(
            "AUROC first",
            "Both numbers are right, but in the wrong order: the index of the setting comes first.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, tuning)[::-1],
        ),
        Mistake(
            "the AUROC alone",
            "Only the AUROC is returned. Return two numbers: the index of the setting, and its AUROC.",
            lambda scores, labels, tuning: tune_and_test(scores, labels, tuning)[1],
        ),
        Mistake(
            "highest AUROC of the others",
            "The index is right, but this is the highest AUROC of all settings on the other tiles. Report the AUROC of "
            "the chosen setting, even if another setting is better there.",
            lambda scores, labels, tuning: (
                tune_and_test(scores, labels, tuning)[0],
                float(_aurocs(scores, labels, ~tuning).max()),
            ),
        ),
        Mistake(
            "lowest",
            "The setting with the lowest AUROC is chosen. A higher AUROC is better: use `argmax`.",
            lambda scores, labels, tuning: (
                worst := int(_aurocs(scores, labels, tuning).argmin()),
                float(_aurocs(scores, labels, ~tuning)[worst]),
            ),
        ),
    ),
    hints=(
        "Which tiles decide on the setting? Which tiles give the reported AUROC? The two sets should have no tile in "
        "common.",
        "`labels[tuning]` and `of_setting[tuning]` belong to the tiles for the choice. `~tuning` selects the others.",
        "Compute the AUROC of each setting on `tuning` and take `argmax`. Then compute the AUROC of this setting on "
        "`~tuning`.",
    ),
    praise="The reported tiles no longer take part in the choice.",
)
