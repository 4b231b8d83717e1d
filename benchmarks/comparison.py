"""Summaries of tests over seeds and fabrics, and paired differences between two detectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import bootstrap
import evaluation
import numpy as np
import protocols
from bootstrap import interval, mean_over_seeds, resample_measures, strip_weights
from evaluation import EvalResult, compute_measures

from aitex_utils import backbones, calibration, features, metrics, padding, patchcore, region, scoring, tiling
from aitex_utils.lessons.cache import cached

# The code on which a cached summary depends. Coreset and memory bank are left out: if they become
# faster, tests keep their results the same.
CODE = (
    backbones,
    bootstrap,
    calibration,
    evaluation,
    features,
    metrics,
    padding,
    patchcore,
    protocols,
    region,
    scoring,
    tiling,
)


class Summary(NamedTuple):
    """The tests of one detector on one fabric, one test per seed."""

    measures: dict[str, Any]  # means over seeds, with `by_seed` and `intervals`
    resamples: dict[str, np.ndarray]  # measures under other strips, each (seeds, n_resamples)


BySummary = Mapping[str, Summary]  # by fabric


def summarize(results: Iterable[EvalResult]) -> Summary:
    """Compute the measures of tests with several seeds, their means, and 95 % intervals over strips.

    Parameters
    ----------
    results : iterable of EvalResult
        One per seed, all of one fabric.

    Returns
    -------
    Summary
    """
    all_measures, all_resamples = [], []
    for result in results:
        all_measures.append(compute_measures(result))
        all_resamples.append(resample_measures(result, strip_weights(result.strips)))
    measures = mean_of_nested(all_measures)
    resamples = {name: np.stack([r[name] for r in all_resamples]) for name in all_resamples[0] if name in measures}
    measures["by_seed"] = [{name: values[name] for name in resamples} for values in all_measures]
    measures["intervals"] = {name: interval(mean_over_seeds(values)) for name, values in resamples.items()}
    return Summary(measures, resamples)


def cached_summary(
    name: str,
    run_tests: Callable[[], Iterable[EvalResult]],
    root: Path,
    *,
    code: Sequence[Callable | ModuleType] = (),
    **ingredients: Any,
) -> Summary:
    """Do what `summarize` does, or read the summary from the cache, so an interrupted run continues where it was.

    Parameters
    ----------
    name : str
        Name of the cache entry.
    run_tests : callable
        Returns the results.
    root : Path
        Folder of the strips.
    code : sequence of callables and modules
        Further code on which the results depend.
    **ingredients
        Everything else on which they depend.

    Returns
    -------
    Summary
    """

    def make() -> dict[str, np.ndarray]:
        summary = summarize(run_tests())
        return {"measures_json": np.array(json.dumps(summary.measures)), **summary.resamples}

    arrays = cached(name, make, data=root, code=(*CODE, summarize, *code), **ingredients)
    return Summary(json.loads(str(arrays.pop("measures_json"))), arrays)


def mean_of_nested(parts: Sequence[Any]) -> Any:
    """Return the mean of equally nested dictionaries of numbers, without those that are NaN.

    Parameters
    ----------
    parts : sequence of dict, of float, or of int
        Values to average; of whole numbers, such as counts, the first is returned.

    Returns
    -------
    dict, float, int or None
        None where all are NaN.

    Examples
    --------
    >>> mean_of_nested([{"auroc": 0.5, "tiles": 3}, {"auroc": 1.0, "tiles": 4}])
    {'auroc': 0.75, 'tiles': 3}
    """
    if isinstance(parts[0], dict):
        return {name: mean_of_nested([part[name] for part in parts if name in part]) for name in parts[0]}
    if isinstance(parts[0], int):
        return parts[0]
    values = np.array(parts, float)
    return None if np.isnan(values).all() else float(np.nanmean(values))


def fabric_mean(summaries: BySummary) -> dict[str, Any]:
    """Return the mean over fabrics of each measure that all have, with intervals over strips.

    Parameters
    ----------
    summaries : mapping of str to Summary
        A detector's summaries by fabric.

    Returns
    -------
    dict
        Measures by name, and `intervals`.
    """
    parts = [{k: v for k, v in summary.measures.items() if isinstance(v, float)} for summary in summaries.values()]
    common = set.intersection(*(set(part) for part in parts))
    means: dict[str, Any] = {
        name: float(np.mean([part[name] for part in parts])) for name in parts[0] if name in common
    }
    resampled_means = {
        name: np.mean([mean_over_seeds(summary.resamples[name]) for summary in summaries.values()], axis=0)
        for name in next(iter(summaries.values())).resamples
    }
    means["intervals"] = {name: interval(values) for name, values in resampled_means.items() if name in means}
    return means


def paired_difference(summaries_a: BySummary, summaries_b: BySummary) -> dict[str, list[float]]:
    """Return the differences (a - b) between two detectors on the same splits, with paired intervals over strips.

    Parameters
    ----------
    summaries_a, summaries_b : mapping of str to Summary
        Summaries by fabric. It uses the fabrics of b, and the seeds that both have.

    Returns
    -------
    dict of str to list of float
        By measure: difference of the means over seeds and fabrics, low and high end of its 95 % interval.
    """
    differences: dict[str, list[float]] = {}
    resampled: dict[str, list[np.ndarray]] = {}
    for fabric, (measures_b, resamples_b) in summaries_b.items():
        measures_a, resamples_a = summaries_a[fabric]
        seeds = list(zip(measures_a["by_seed"], measures_b["by_seed"], strict=False))
        for name, values_b in resamples_b.items():
            differences.setdefault(name, []).append(np.mean([a[name] - b[name] for a, b in seeds]))
            gaps = resamples_a[name][: len(seeds)] - values_b[: len(seeds)]
            resampled.setdefault(name, []).append(mean_over_seeds(gaps))
    return {
        name: [float(np.mean(values)), *interval(np.mean(resampled[name], axis=0))]
        for name, values in differences.items()
    }
