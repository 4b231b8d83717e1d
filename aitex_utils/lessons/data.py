"""The strips on which a notebook works: the practice fabric, or AITEX itself."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from aitex_utils.datasets.dataset_check import check_dataset, serious_issues
from aitex_utils.errors import check_choice
from aitex_utils.practice.generate import make_practice_fabric, practice_is_there
from aitex_utils.strips import PRACTICE, find_aitex

PROFILES = ("fast", "full")


def profile() -> str:
    """Return the profile of the course, from the environment variable `AITEX_PROFILE`.

    Returns
    -------
    str
        "fast" (the practice fabric, also if the variable is not set) or "full" (AITEX itself).

    Raises
    ------
    InputError
        If the variable has another value.

    Examples
    --------
    >>> os.environ["AITEX_PROFILE"] = "full"
    >>> profile()
    'full'
    """
    return check_choice("AITEX_PROFILE", os.environ.get("AITEX_PROFILE") or "fast", PROFILES)


def lesson_strips() -> Path:
    """Return the folder with the strips of this profile, and print which strips they are.

    If `check_dataset` finds issues that matter, up to two lines name them.

    Returns
    -------
    Path
        With the profile "fast", a missing practice fabric is made first.

    Raises
    ------
    InputError
        If the profile is unknown, or if it is "full" and there is no AITEX.

    Examples
    --------
    >>> os.environ["AITEX_PROFILE"] = "slow"
    >>> lesson_strips()
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: AITEX_PROFILE is 'slow': choose one of fast, full.
    """
    if profile() == "full":
        return _checked(find_aitex())
    if not practice_is_there(PRACTICE):
        print("Making the practice fabric. This takes under 30 seconds.", flush=True)
        make_practice_fabric(PRACTICE)
    print("Strips of the practice fabric.")
    return _checked(find_aitex(PRACTICE, quiet=True))


def lesson_root() -> Path:
    """Return the folder of `lesson_strips`, which only the first call of a process checks and prints.

    Returns
    -------
    Path

    Examples
    --------
    >>> lesson_root()  # doctest: +SKIP
    """
    return _root(profile())


@functools.cache
def _root(_profile: str) -> Path:
    return lesson_strips()


def _checked(root: Path) -> Path:
    """Print what matters in the data, in up to two lines."""
    lines = serious_issues(check_dataset(root))
    for line in lines[:2]:
        print(f"In your data: {line}.")
    if len(lines) > 2:
        print(f"{len(lines) - 2} more kinds of issues: check_dataset({str(root)!r}) lists all.")
    return root
