"""`python course.py bench assignment [--keep FOLDER]`: what the learners of the assignment's samples did.

Both learners are fictitious. "strong": fits on half of the training strips, takes the threshold from the tiles of the
other half, and tests on these strips whether one strip differs from the others. "weak": fits on all training strips,
and takes the threshold from the same strips. The pages `sample_strong.md` and `sample_weak.md` are written from
`results/assignment.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pages import write_pages
from results_files import write_results

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.metrics import conformal_threshold
from aitex_utils.patchcore import PatchCore, StripResult
from aitex_utils.region import crop_to_fabric
from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.teaching.assignment_answers import write_answers
from aitex_utils.teaching.assignment_mark import mark_answers, read_key
from aitex_utils.teaching.assignment_pack import KEY_FILE, LEARNER, TEACHER, make_assignment

SECRET = "three grey spools, a public sample"  # of the samples alone, which everyone can read
SIZE = {"training": 8, "normal": 8, "defective": 8}
STRONG = {"size": 128, "coreset_ratio": 0.05}  # 128 px, for both learners, to save time
WEAK = {"size": 128, "coreset_ratio": 0.2, "sampler": "random"}
SPLIT_SEED = 3
PROMISED_STRONG, PROMISED_WEAK = 0.05, 0.01


def fit(strips: Sequence[Strip], options: dict[str, Any]) -> PatchCore:
    """Fit a detector on the fabric of strips.

    Parameters
    ----------
    strips : sequence of Strip
        Normal strips.
    options : dict
        Arguments of `PatchCore`.

    Returns
    -------
    PatchCore
    """
    return PatchCore(**options).fit_strips([crop_to_fabric(strip.read())[0] for strip in strips])


def predict(detector: PatchCore, strips: Sequence[Strip]) -> dict[str, StripResult]:
    """Predict strips.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    strips : sequence of Strip
        Strips.

    Returns
    -------
    dict of str to StripResult
        By id.
    """
    return {strip.id: detector.predict_strip(strip.read()) for strip in strips}


def one_strip_left_out(scores: Sequence[np.ndarray], rate: float) -> list[dict[str, int]]:
    """Return how many tiles of each strip a threshold from the other strips flags.

    Parameters
    ----------
    scores : sequence of ndarray
        Tile scores of each held-out strip.
    rate : float
        Promised false-alarm rate.

    Returns
    -------
    list of dict
        `k` and `n` of each strip.

    Examples
    --------
    >>> one_strip_left_out([np.arange(20.0), np.arange(20.0), np.arange(20.0) + 5], 0.05)[2]
    {'k': 5, 'n': 20}
    """
    counts = []
    for i, own in enumerate(scores):
        others = np.concatenate([other for j, other in enumerate(scores) if j != i])
        counts.append({"k": int((own >= conformal_threshold(others, rate)).sum()), "n": len(own)})
    return counts


def flagged(results: dict[str, StripResult], threshold: float) -> dict[str, Any]:
    """Return how many tiles and strips are flagged, and the strips with the highest scores.

    Parameters
    ----------
    results : dict of str to StripResult
        Predictions by id.
    threshold : float
        A tile is flagged if its score is at least as high.

    Returns
    -------
    dict
    """
    order = sorted(results, key=lambda name: -results[name].score)
    return {
        "tiles_flagged": int(sum((result.tile_scores >= threshold).sum() for result in results.values())),
        "tiles": sum(len(result.tile_scores) for result in results.values()),
        "strips_flagged": sum(result.score >= threshold for result in results.values()),
        "strips": len(results),
        "highest": [{"strip": name, "score": round(float(results[name].score), 3)} for name in order[:5]],
    }


def strong(learner: Path, folder: Path) -> dict[str, Any]:
    """Do the work of the strong learner, and write the answer.

    Parameters
    ----------
    learner : Path
        The learner's folder of the assignment.
    folder : Path
        Folder of the answer.

    Returns
    -------
    dict
    """
    strips = list_strips(learner)
    training, held_out = split_strips([strip for strip in strips if strip.is_normal], 0.5, SPLIT_SEED)
    detector = fit(training, STRONG)
    scores = [result.tile_scores for result in predict(detector, held_out).values()]
    threshold = conformal_threshold(np.concatenate(scores), PROMISED_STRONG)
    results = predict(detector, [strip for strip in strips if not strip.is_normal])
    write_answers(folder, learner, results, threshold=threshold, false_alarm_rate=PROMISED_STRONG)
    return {
        "training": [strip.id for strip in training],
        "held_out": [strip.id for strip in held_out],
        "held_out_tiles": sum(map(len, scores)),
        "promised": PROMISED_STRONG,
        "threshold": round(float(threshold), 3),
        "left_out": one_strip_left_out(scores, PROMISED_STRONG),
        **flagged(results, threshold),
    }


def weak(learner: Path, folder: Path) -> dict[str, Any]:
    """Do the work of the weak learner, and write the answer.

    Parameters
    ----------
    learner : Path
        The learner's folder of the assignment.
    folder : Path
        Folder of the answer.

    Returns
    -------
    dict
    """
    strips = list_strips(learner)
    training = [strip for strip in strips if strip.is_normal]
    detector = fit(training, WEAK)
    scores = np.concatenate([result.tile_scores for result in predict(detector, training).values()])
    threshold = float(np.quantile(scores, 1 - PROMISED_WEAK))
    results = predict(detector, [strip for strip in strips if not strip.is_normal])
    write_answers(folder, learner, results, threshold=threshold, false_alarm_rate=PROMISED_WEAK)
    return {
        "training": [strip.id for strip in training],
        "training_tiles": len(scores),
        "training_flagged": int((scores >= threshold).sum()),
        "promised": PROMISED_WEAK,
        "threshold": round(threshold, 3),
        **flagged(results, threshold),
    }


def work(folder: Path) -> dict[str, Any]:
    """Make the assignment, let both learners work, and mark their answers.

    Parameters
    ----------
    folder : Path
        Folder that gets the assignment and both answers. An assignment of the same secret that is there is used again.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If another assignment is there, or an answer is refused.
    """
    pack = folder / "assignment"
    if (pack / TEACHER / KEY_FILE).is_file():
        made = json.loads((pack / TEACHER / KEY_FILE).read_text(encoding="utf-8"))
        if {name: made.get(name) for name in ("secret", *SIZE)} != {"secret": SECRET, **SIZE}:
            raise InputError(f"{pack} is another assignment: choose another folder for --keep.")
    else:
        make_assignment(SECRET, pack, **SIZE)
    measured: dict[str, Any] = {"secret": SECRET, **SIZE}
    for name, learner in (("strong", strong), ("weak", weak)):
        start = time.perf_counter()
        measured[name] = learner(pack / LEARNER, folder / "answers" / name)
        measured[name]["minutes"] = round((time.perf_counter() - start) / 60, 1)
        print(name, json.dumps(measured[name]), flush=True)
    for mark in mark_answers(folder / "answers", read_key(pack / TEACHER)):
        if mark.refused:
            raise InputError(f"The answer of {mark.learner} was refused: {mark.refused}")
        values = {name: round(value, 4) if isinstance(value, float) else value for name, value in mark.values.items()}
        measured[mark.learner]["mark"] = values
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="course.py bench assignment", description="The work of two learners.")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="folder for the assignment and both answers")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "work" if options.keep is None else options.keep.resolve()
            measured = work(folder)
    except InputError as error:
        print(f"bench assignment: {error}", file=sys.stderr)
        return 1
    write_results("assignment", {**measured, "versions": versions()})
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
