"""What all tests share: the real strips where they are, a small practice fabric, and quiet plots."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def aitex_root() -> Path:
    """Folder of real AITEX strips: `AITEX_ROOT`, or `../shared/aitex` beside the project; else the test is skipped."""
    for folder in (os.environ.get("AITEX_ROOT"), ROOT.parent / "shared" / "aitex"):
        if folder and (Path(folder) / "NODefect_images").is_dir():
            return Path(folder)
    pytest.skip("no real AITEX strips: set AITEX_ROOT to the folder that holds NODefect_images")


@pytest.fixture(scope="session")
def small_practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A practice fabric of one weave, three normal and four defective strips, made once for all tests."""
    from aitex_utils.practice.generate import make_practice_fabric

    folder = tmp_path_factory.mktemp("practice") / "practice"
    return make_practice_fabric(folder, seed=1, fabrics=1, normal=3, defective=4)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tiles are done soonest by one thread: two spend their time waiting for each other on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
