"""Seconds of a computation, and the versions it ran with, for tables and benchmarks."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aitex_utils.commands.launching import installed_version

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "timm", "faiss-cpu", "pillow")


class Stopwatch:
    """Seconds by step, in the order of their first use.

    Attributes
    ----------
    seconds : dict of str to float
        Seconds of each step so far.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch.step("fit"):
    ...     pass
    >>> list(watch.seconds)
    ['fit']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time of a `with` block to a step, also if the block raises an error.

        Parameters
        ----------
        name : str
            Name of the step.

        Yields
        ------
        None
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def versions() -> dict[str, str]:
    """Return the versions that results depend on: Python and the packages that compute.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> versions()["numpy"].count(".")
    2
    """
    names = {name: name for name in PACKAGES} | {"opencv": "opencv-python"}
    installed = {key: installed_version(name)[1] or "unknown" for key, name in names.items()}
    return {"python": platform.python_version(), **installed}
