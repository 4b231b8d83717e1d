"""Names of test cases that are the same in every process."""

from __future__ import annotations

import re


def without_address(value: object) -> str:
    """Return the `repr` of a value without the address in memory that Python shows for objects."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
