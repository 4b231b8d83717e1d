"""Make a run, or find it among the kept runs if its choices, its data and the code are the same."""

from __future__ import annotations

import hashlib
import inspect
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aitex_utils import calibration, coreset, features, memory_bank, patchcore, scoring
from aitex_utils.commands.profiling import versions

from . import measuring, patches, split, tracing
from .choices import Choices, choose
from .jobs import Steps
from .measuring import measure_steps
from .runs import Run, read_runs, save_run
from .split import bench_fabrics, load_part

CODE = (calibration, coreset, features, measuring, memory_bank, patchcore, patches, scoring, split, tracing)


def make_choices(given: Mapping[str, Any]) -> Choices:
    """Return the choices of a call. The default fabric is the first.

    Parameters
    ----------
    given : mapping
        Choices by name.

    Returns
    -------
    Choices

    Raises
    ------
    InputError
        If a name is unknown, or a value is out of range.

    Examples
    --------
    >>> make_choices({"fabric": "00", "size": 320}).size
    320
    """
    return choose(given.get("fabric") or bench_fabrics()[0], given)


def run_steps(choices: Choices) -> Steps[Run]:
    """Make a run and keep it, or return the kept run with the same choices, data, code and packages.

    Parameters
    ----------
    choices : Choices
        The choices.

    Returns
    -------
    generator
        Its result is the `Run`. A job that is stopped keeps nothing.

    Raises
    ------
    InputError
        If the choices do not go together, or there is no such fabric.

    Examples
    --------
    >>> run_steps(make_choices({}))  # doctest: +SKIP
    """
    fingerprint, installed = fingerprint_of(choices.fabric), versions()
    for kept in reversed(read_runs()[0]):
        if (kept.choices, kept.fingerprint, kept.versions) == (choices, fingerprint, installed):
            return kept
    measured = yield from measure_steps(choices)
    made = time.strftime("%Y-%m-%d %H:%M:%S")
    return save_run(choices, measured.figures, measured.arrays, versions=installed, made=made, fingerprint=fingerprint)


def fingerprint_of(fabric: str) -> str:
    """Return a digest of the strips of a fabric that runs use, and of the code that makes runs.

    Parameters
    ----------
    fabric : str
        Two digits.

    Returns
    -------
    str

    Examples
    --------
    >>> fingerprint_of("00")  # doctest: +SKIP
    'd2f0c1a4b5e6f708'
    """
    digest = hashlib.sha256(_code_digest().encode())
    for part in ("training", "calibration", "shown"):
        for strip in load_part(fabric, part):
            digest.update(strip.name.encode())
            digest.update(strip.image.tobytes())
            digest.update(strip.mask.tobytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _code_digest() -> str:
    sources = "".join(inspect.getsource(module) for module in CODE)
    return hashlib.sha256(f"{sys.version_info[:2]} {sources}".encode()).hexdigest()
