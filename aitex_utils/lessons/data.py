"""What a notebook needs around its lesson: which strips to learn on."""

from __future__ import annotations

import os
from pathlib import Path

from aitex_utils.errors import InputError
from aitex_utils.practice.generate import make_practice_fabric, practice_is_there
from aitex_utils.strips import PRACTICE, find_aitex

PROFILES = ("fast", "full")


def profile() -> str:
    """Return `AITEX_PROFILE`: "fast" (the practice fabric, also when it isn't set) or "full" (AITEX itself)."""
    name = os.environ.get("AITEX_PROFILE") or "fast"
    if name not in PROFILES:
        raise InputError(f"AITEX_PROFILE is {name!r}: set it to one of {', '.join(PROFILES)}, or leave it out.")
    return name


def lesson_strips() -> Path:
    """Return the folder of this profile's strips, and print which it is; the practice fabric is made if missing."""
    if profile() == "full":
        return find_aitex()
    if not practice_is_there(PRACTICE):
        print("Making the practice fabric, under 30 s ...", flush=True)
        make_practice_fabric(PRACTICE)
    print("Strips of the practice fabric.")
    return find_aitex(PRACTICE, quiet=True)
