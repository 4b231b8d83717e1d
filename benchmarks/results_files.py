"""The results of the benchmarks: one JSON file each in `results/`, and the figures drawn from them in `images/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils.files.atomic_write import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BENCHMARKS = Path(__file__).resolve().parent
RESULTS, IMAGES = BENCHMARKS / "results", BENCHMARKS / "images"
NOTEBOOK_IMAGES = BENCHMARKS.parent / "notebooks" / "images"  # of the front page and of `benchmarks/README.md`


def read_results(name: str) -> dict[str, Any]:
    """Read a results file.

    Parameters
    ----------
    name : str
        Name of the benchmark, without `.json`.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        If the benchmark has not been run yet.
    """
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def read_results_if_any(name: str) -> dict[str, Any]:
    """Read a results file, or return an empty dict if there is none yet.

    Parameters
    ----------
    name : str
        Name of the benchmark, without `.json`.

    Returns
    -------
    dict
    """
    return read_results(name) if (RESULTS / f"{name}.json").is_file() else {}


def write_results(name: str, results: dict[str, Any]) -> None:
    """Write a results file, whole or not at all.

    Parameters
    ----------
    name : str
        Name of the benchmark, without `.json`.
    results : dict
        Values that JSON can hold.
    """
    with atomic_write(RESULTS / f"{name}.json") as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def write_figure(figure: Figure, caption: str, target: Path, **options: Any) -> None:
    """Write a figure as PNG, with its caption as the file's description.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Figure to write.
    caption : str
        Caption of the figure.
    target : Path
        File to write.
    **options
        Passed to `Figure.savefig`.
    """
    with atomic_write(target) as path:
        figure.savefig(path, dpi=110, metadata={"Description": caption, "Software": None}, **options)


def rounded(value: Any, digits: int) -> Any:
    """Round all floats of a results file.

    Parameters
    ----------
    value : object
        Value, or nested dictionaries and sequences of values.
    digits : int
        Digits after the decimal point.

    Returns
    -------
    object
        With text for keys and lists for sequences, as JSON has them.

    Examples
    --------
    >>> rounded({5: (0.12345, "px")}, 2)
    {'5': [0.12, 'px']}
    """
    if isinstance(value, dict):
        return {str(key): rounded(part, digits) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part, digits) for part in value]
    return round(float(value), digits) if isinstance(value, (float, np.floating)) else value
