"""Clients for the tests of `aitex_utils.scale`: none, a pool of processes, a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scale_fits import dask_client


@pytest.fixture(scope="module", params=["pool", "dask"])
def workers(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield two workers, in a pool of processes and in a Dask cluster."""
    from aitex_utils.scale.cluster import start_pool

    with start_pool(2) if request.param == "pool" else dask_client() as client:
        yield client


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Yield the client of a Dask cluster of two workers."""
    with dask_client() as client:
        yield client
