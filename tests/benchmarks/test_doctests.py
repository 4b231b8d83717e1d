"""The examples in the docstrings of the benchmarks."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest
from project_root import ROOT

# These three run in anomalib's environment alone.
FILES = sorted({*(ROOT / "benchmarks").glob("*.py")} - {*(ROOT / "benchmarks").glob("anomalib_[cfp]*.py")})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_run(path: Path):
    assert doctest.testmod(importlib.import_module(path.stem)).failed == 0
