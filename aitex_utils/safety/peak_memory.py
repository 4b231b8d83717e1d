"""The largest memory that a process has taken so far."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_memory_mib() -> float:
    """Return the largest resident memory of this process so far.

    Returns
    -------
    float
        MiB.

    Examples
    --------
    >>> peak_memory_mib() > 1
    True
    """
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    if sys.platform == "linux":  # getrusage would include the memory of the process that started this one
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes on macOS, KiB on Linux
