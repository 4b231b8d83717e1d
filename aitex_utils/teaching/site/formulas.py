"""KaTeX, which renders formulas in the reader's browser: packed into two files."""

from __future__ import annotations

import base64
import io
import re
import tarfile

from aitex_utils.errors import InputError
from aitex_utils.teaching.site.npm_packages import Package

KATEX = Package(
    "katex",
    "0.19.1",
    "jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/YeOy15lDgRhKvr5614uRrEfA==",
    option="python course.py site --katex FILE",
)
FONT = re.compile(r"src:url\((fonts/[\w-]+\.woff2)\) format\(\"woff2\"\)[^}]*")


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


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(f"package/{name}")
    if file is None:
        raise KeyError(name)
    return file.read()


def _embedded(font: bytes) -> str:
    return f'src:url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format("woff2")'
