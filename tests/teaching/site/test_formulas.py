"""KaTeX's archive: kept, given, fetched, refused."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import urllib.error
import urllib.request

import pytest

from aitex_utils.errors import InputError
from aitex_utils.teaching.site import formulas
from aitex_utils.teaching.site.formulas import load_archive, unpack

FONTS = 'src:url(fonts/K-Main.woff2) format("woff2"),url(fonts/K-Main.woff) format("woff")'
STYLE = "@font-face{font-family:K;" + FONTS + "}a{top:0}"
FILES = {"dist/katex.min.css": STYLE, "dist/katex.min.js": "katex", "LICENSE": "MIT"}
ERRORS = [urllib.error.URLError("no route"), TimeoutError("timed out"), ValueError("bad address")]
FILES["dist/fonts/K-Main.woff2"] = "font"


def archive_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def archive(monkeypatch):
    content = archive_of(FILES)
    monkeypatch.setattr(formulas, "SHA512", base64.b64encode(hashlib.sha512(content).digest()).decode())
    return content


def answer(monkeypatch, content):
    asked = []

    def urlopen(address, timeout):
        asked.append(address)
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


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


def test_the_archive_is_fetched_once(monkeypatch, tmp_path, archive):
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    asked = answer(monkeypatch, archive)
    assert load_archive(tmp_path / "kept.tgz") == archive == load_archive(tmp_path / "kept.tgz")
    assert asked == [f"{formulas.ADDRESS}/katex/-/{formulas.ARCHIVE}"]


def test_a_mirror_is_used(monkeypatch, tmp_path, archive):
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://npm.school/")
    asked = answer(monkeypatch, archive)
    load_archive(tmp_path / "kept.tgz")
    assert asked == [f"https://npm.school/katex/-/{formulas.ARCHIVE}"]


@pytest.mark.parametrize("error", ERRORS)
def test_without_a_network_one_sentence_says_the_way_out(monkeypatch, tmp_path, error):
    answer(monkeypatch, error)
    with pytest.raises(InputError, match=r"cannot be reached .*`npm pack katex@.*`--katex FILE`\.$") as raised:
        load_archive(tmp_path / "kept.tgz")
    assert "\n" not in str(raised.value) and not (tmp_path / "kept.tgz").exists()


def test_another_file_is_never_used(monkeypatch, tmp_path, archive):
    answer(monkeypatch, b"a portal's page")
    with pytest.raises(InputError, match="gave another file"):
        load_archive(tmp_path / "kept.tgz")
    (tmp_path / "kept.tgz").write_bytes(b"half of it")
    with pytest.raises(InputError, match="delete it and run this again"):
        load_archive(tmp_path / "kept.tgz")
    with pytest.raises(InputError, match="npm pack"):
        load_archive(tmp_path / "none.tgz", tmp_path / "kept.tgz")
    for name in ("none.tgz", "n" * 300):  # the second is no name that a disk can have
        with pytest.raises(InputError, match="There is no file"):
            load_archive(tmp_path / "none.tgz", tmp_path / name)


def test_a_given_archive_needs_no_network(monkeypatch, tmp_path, archive):
    asked = answer(monkeypatch, archive)
    (tmp_path / "given.tgz").write_bytes(archive)
    assert load_archive(tmp_path / "kept.tgz", tmp_path / "given.tgz") == archive
    assert asked == [] and not (tmp_path / "kept.tgz").exists()
