"""What the tests that execute notebooks share: the profile of the course, and one cache for each notebook."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of caches, one per notebook: the first run of a notebook fills it, and later runs are quick."""
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(autouse=True)
def _fast_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
