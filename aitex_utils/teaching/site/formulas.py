"""KaTeX, which renders formulas in the reader's browser: found or fetched once, checked, and packed into two files."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import tarfile
from pathlib import Path

from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write

VERSION = "0.19.1"
ARCHIVE = f"katex-{VERSION}.tgz"
SHA512 = "jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/YeOy15lDgRhKvr5614uRrEfA=="
ADDRESS = "https://registry.npmjs.org"
FONT = re.compile(r"src:url\((fonts/[\w-]+\.woff2)\) format\(\"woff2\"\)[^}]*")
TIMEOUT = 30  # s


def load_archive(kept: Path, given: Path | None = None) -> bytes:
    """Return KaTeX's archive: the given file, else the archive of an earlier build, else fetched and kept.

    Parameters
    ----------
    kept : Path
        Where the archive is kept between builds.
    given : Path, optional
        Archive that was fetched on another computer.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        If the archive is not KaTeX of `VERSION`, or if it is not there and cannot be fetched.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wrong = Path(folder, "wrong.tgz")
    ...     _ = wrong.write_bytes(b"no archive")
    ...     load_archive(wrong, wrong)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    aitex_utils.errors.InputError: ...wrong.tgz is not katex-0.19.1.tgz: ...
    """
    path = kept if given is None else given
    if os.path.isfile(path):
        try:
            archive = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}): name another file with --katex.") from error
        if not _is_right(archive):
            fix = "delete it and run this again" if given is None else f"fetch it with `npm pack katex@{VERSION}`"
            raise InputError(f"{path} is not {ARCHIVE}: {fix}.")
        return archive
    if given is not None:
        raise InputError(f"There is no file {given}: fetch it with `npm pack katex@{VERSION}`.")
    archive = _fetch()
    with atomic_write(kept) as inside:
        inside.write_bytes(archive)
    return archive


def unpack(archive: bytes) -> dict[str, bytes]:
    """Return the files that a page needs for its formulas. The fonts lie inside the style sheet.

    Parameters
    ----------
    archive : bytes
        KaTeX's archive.

    Returns
    -------
    dict of str to bytes
        `katex.css`, `katex.js` and the licence.

    Raises
    ------
    InputError
        If a file is missing in the archive.

    Notes
    -----
    A browser can refuse to load a font file for a page that was opened from the disk, but not a font in a style sheet.

    Examples
    --------
    >>> unpack(b"no archive")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    aitex_utils.errors.InputError: The archive of KaTeX is damaged ...
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            style = _member(tar, "dist/katex.min.css").decode("utf-8")
            files = {"katex.js": _member(tar, "dist/katex.min.js"), "katex-license.txt": _member(tar, "LICENSE")}
            files["katex.css"] = FONT.sub(lambda found: _embedded(_member(tar, f"dist/{found[1]}")), style).encode()
    except (tarfile.TarError, LookupError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"The archive of KaTeX is damaged ({error}): delete it and run this again.") from error
    return files


def _is_right(archive: bytes) -> bool:
    return base64.b64encode(hashlib.sha512(archive).digest()).decode() == SHA512


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(f"package/{name}")
    if file is None:
        raise KeyError(name)
    return file.read()


def _embedded(font: bytes) -> str:
    return f'src:url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format("woff2")'


def _fetch() -> bytes:
    """Fetch the archive from the address that npm uses, or end in one sentence with the way out."""
    import http.client
    import urllib.error
    import urllib.request

    address = os.environ.get("NPM_CONFIG_REGISTRY", ADDRESS).rstrip("/") + f"/katex/-/{ARCHIVE}"
    fix = f"fetch the file on another computer (`npm pack katex@{VERSION}`), and name it with `--katex FILE`"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            archive = answer.read()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(f"{address} cannot be reached ({reason}), which formulas need: {fix}.") from error
    if not _is_right(archive):
        raise InputError(f"{address} gave another file than {ARCHIVE}: {fix}.")
    return archive
