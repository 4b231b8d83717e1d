"""Archives of the npm registry: kept from an earlier run, or fetched once, and checked against their known content."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.data_folder import PROJECT

PACKAGES = PROJECT / "data" / "packages"  # where archives are kept between runs
ADDRESS = "https://registry.npmjs.org"
TIMEOUT = 30  # s


class Package(NamedTuple):
    """One version of a package, and the content that its archive must have.

    Parameters
    ----------
    name, version : str
        As npm writes them.
    sha512 : str
        Digest of the archive, as the field `integrity` of the registry states it.
    option : str
        Command of the course with an option that names the archive, for messages; "" if there is none.

    Examples
    --------
    >>> package = Package("katex", "0.19.1", "...")
    >>> package.archive, package.command
    ('katex-0.19.1.tgz', 'npm pack katex@0.19.1')
    """

    name: str
    version: str
    sha512: str
    option: str = ""

    @property
    def archive(self) -> str:
        """Name of its archive, as npm writes it."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def command(self) -> str:
        """Command that fetches its archive on any computer."""
        return f"npm pack {self.name}@{self.version}"


def load_archive(package: Package, folder: Path = PACKAGES) -> bytes:
    """Return the archive of a package, kept from an earlier run, or fetched now and kept.

    Parameters
    ----------
    package : Package
        Package and version.
    folder : Path
        Where archives are kept between runs.

    Returns
    -------
    bytes

    Raises
    ------
    MissingError
        If the archive is not there, and the registry cannot be reached.
    InputError
        If the file, or the answer of the registry, is not the archive of this version.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "katex-0.19.1.tgz").write_bytes(b"half of it")
    ...     load_archive(Package("katex", "0.19.1", "..."), Path(folder))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    aitex_utils.errors.InputError: ...katex-0.19.1.tgz is not the archive of katex 0.19.1: delete it and run this again.
    """
    kept = folder / package.archive
    if os.path.isfile(kept):
        return _checked(package, kept, "delete it and run this again")
    archive = _fetch(package, folder)
    with atomic_write(kept) as inside:
        inside.write_bytes(archive)
    return archive


def read_archive(package: Package, path: Path) -> bytes:
    """Return the archive of a package from a file that was fetched on another computer.

    Parameters
    ----------
    package : Package
        Package and version.
    path : Path
        File of the archive.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        If there is no such file, or if it is not the archive of this version.

    Examples
    --------
    >>> read_archive(Package("katex", "0.19.1", "..."), Path("no/such.tgz"))
    Traceback (most recent call last):
    aitex_utils.errors.InputError: There is no file no/such.tgz: fetch it with `npm pack katex@0.19.1`.
    """
    fix = f"fetch it with `{package.command}`"
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}: {fix}.")
    return _checked(package, path, fix)


def _checked(package: Package, path: Path, fix: str) -> bytes:
    try:
        archive = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {fix}.") from error
    if not _is_right(package, archive):
        raise InputError(f"{path} is not the archive of {package.name} {package.version}: {fix}.")
    return archive


def _is_right(package: Package, archive: bytes) -> bool:
    return base64.b64encode(hashlib.sha512(archive).digest()).decode() == package.sha512


def _fetch(package: Package, folder: Path) -> bytes:
    """Fetch an archive from the address that npm uses, or end in one sentence with the way out."""
    import http.client
    import urllib.error
    import urllib.request

    registry = os.environ.get("NPM_CONFIG_REGISTRY", ADDRESS).rstrip("/")
    address = f"{registry}/{package.name}/-/{package.archive}"
    fix = f"fetch the file on another computer (`{package.command}`), and copy it to {folder}"
    fix += f", or name it with `{package.option}`" if package.option else ""
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            archive = answer.read()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise MissingError(f"{address} cannot be reached ({reason}): {fix}.") from error
    if not _is_right(package, archive):
        raise InputError(f"{address} gave another file than {package.archive}: {fix}.")
    return archive
