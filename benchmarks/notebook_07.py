"""`python course.py bench notebook_07 [--aitex DIR] [--practice DIR]`: rules for a threshold, on new strips.

Notebook 07 compares four rules on a few strips. This benchmark compares them on AITEX and on the whole practice fabric.
The detector and the split are the same as in `notebook_06`. Half of a fabric's held-out normal strips give the
threshold, and the other half are new. Written to `results/notebook_07.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from notebook_06 import FABRICS, HALVES, SEED, FabricScores, score_fabric
from results_files import read_results_if_any, rounded, write_results
from tqdm import tqdm

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb07.thresholds import GAIN, PERCENTILE, RATE, RULES, threshold_by_rule
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import PRACTICE, find_aitex

KEYS = dict(zip(RULES, ("conformal", "gain", "highest", "f1_max"), strict=True))


def rates_of_rules(fabric: FabricScores) -> dict[str, list[tuple[float, float]]]:
    """Return the false-alarm rate on new normal strips and the recall of each rule, for each half of the strips.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.

    Returns
    -------
    dict of str to list of (float, float)
        By rule, one pair per random half.
    """
    scores, normal_strips = fabric.scores["max"], np.unique(fabric.groups[fabric.of_normal_strip])
    rng = np.random.default_rng(SEED)
    found: dict[str, list[tuple[float, float]]] = {rule: [] for rule in RULES}
    for _ in range(HALVES):
        order = rng.permutation(normal_strips)
        known, new = (np.isin(fabric.groups, half) for half in np.split(order, [-(-len(order) // 2)]))
        for rule in RULES:
            threshold = threshold_by_rule(rule, scores[known], fabric.labels[~known], scores[~known])
            found[rule].append(
                (float((scores[new] >= threshold).mean()), float((scores[fabric.labels] >= threshold).mean()))
            )
    return found


def summarize_rules(by_fabric: dict[str, dict[str, list[tuple[float, float]]]]) -> dict[str, Any]:
    """Return the means over fabrics of each rule's rates, with the means of the fabrics.

    Parameters
    ----------
    by_fabric : dict of str to dict
        Output of `rates_of_rules` by fabric.

    Returns
    -------
    dict
        By rule: `rate`, `recall`, the 10 % and 90 % quantiles of the rate over halves (`lowest`, `highest`; means over
        fabrics), and `rate_by_fabric`.
    """
    summary = {}
    for rule, key in KEYS.items():
        pairs = {name: np.array(of_fabric[rule]) for name, of_fabric in by_fabric.items()}
        summary[key] = {
            "rate": float(np.mean([of_fabric[:, 0].mean() for of_fabric in pairs.values()])),
            "lowest": float(np.mean([np.quantile(of_fabric[:, 0], 0.1) for of_fabric in pairs.values()])),
            "highest": float(np.mean([np.quantile(of_fabric[:, 0], 0.9) for of_fabric in pairs.values()])),
            "recall": float(np.mean([of_fabric[:, 1].mean() for of_fabric in pairs.values()])),
            "rate_by_fabric": {name: float(of_fabric[:, 0].mean()) for name, of_fabric in pairs.items()},
        }
    return summary


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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_07", description="Rules for a threshold.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--practice", metavar="DIR", default=PRACTICE, help="folder with the practice fabric")
    parser.add_argument("--only-data", choices=tuple(FABRICS), help="measure on this data set anew, keep the other")
    options = parser.parse_args(arguments)
    try:
        results = read_results_if_any("notebook_07") if options.only_data else {}
        for data in [options.only_data] if options.only_data else FABRICS:
            root = find_aitex(getattr(options, data))
            by_fabric = {name: rates_of_rules(score_fabric(root, name)) for name in tqdm(FABRICS[data], desc=data)}
            results[data] = summarize_rules(by_fabric)
    except InputError as error:
        print(f"bench notebook_07: {error}", file=sys.stderr)
        return 1
    results["setup"] = {
        "rate": RATE,
        "percentile": PERCENTILE,
        "gain": GAIN,
        "halves": HALVES,
        "seed": SEED,
        "parameters": PatchCore(**PAPER, seed=SEED).parameters(),
        "versions": versions(),
    }
    results = rounded(results, 5)
    write_results("notebook_07", results)
    print(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
