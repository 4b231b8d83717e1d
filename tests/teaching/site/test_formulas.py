"""KaTeX's archive as two files that a page loads from the disk."""

from __future__ import annotations

import base64
import io
import tarfile

import pytest

from aitex_utils.errors import InputError
from aitex_utils.teaching.site.formulas import unpack

FONTS = 'src:url(fonts/K-Main.woff2) format("woff2"),url(fonts/K-Main.woff) format("woff")'
STYLE = "@font-face{font-family:K;" + FONTS + "}a{top:0}"
FILES = {"dist/katex.min.css": STYLE, "dist/katex.min.js": "katex", "LICENSE": "MIT"}
FILES["dist/fonts/K-Main.woff2"] = "font"


def archive_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_fonts_lie_in_the_style_sheet():
    files = unpack(archive_of(FILES))
    assert files["katex.js"] == b"katex" and files["katex-license.txt"] == b"MIT"
    font = base64.b64encode(b"font").decode()
    expected = f'@font-face{{font-family:K;src:url(data:font/woff2;base64,{font}) format("woff2")}}a{{top:0}}'
    assert files["katex.css"].decode() == expected


@pytest.mark.parametrize("missing", FILES)
def test_an_archive_with_a_file_missing_is_damaged(missing):
    files = {name: text for name, text in FILES.items() if name != missing}
    with pytest.raises(InputError, match="damaged"):
        unpack(archive_of(files))
