"""Archives of the npm registry: kept, given, fetched, refused."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from aitex_utils.commands import site
from aitex_utils.errors import InputError, MissingError
from aitex_utils.teaching.site import npm_packages
from aitex_utils.teaching.site.formulas import KATEX
from aitex_utils.teaching.site.npm_packages import Package, load_archive, read_archive

CONTENT = b"the archive"
TINY = Package("tiny", "1.2.3", base64.b64encode(hashlib.sha512(CONTENT).digest()).decode())
ERRORS = [urllib.error.URLError("no route"), TimeoutError("timed out"), ValueError("bad address")]


def answer(monkeypatch: pytest.MonkeyPatch, content: bytes | Exception) -> list[str]:
    """Let the registry answer with this content or error, and return a list of the addresses that are asked for."""
    asked = []

    def urlopen(address, timeout):
        asked.append(address)
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def test_an_archive_is_fetched_once_into_a_folder_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    asked, folder = answer(monkeypatch, CONTENT), tmp_path / "data" / "packages"
    assert load_archive(TINY, folder) == CONTENT == load_archive(TINY, folder)
    assert asked == [f"{npm_packages.ADDRESS}/tiny/-/tiny-1.2.3.tgz"]
    assert [path.name for path in folder.iterdir()] == ["tiny-1.2.3.tgz"]


def test_a_mirror_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://npm.school/")
    asked = answer(monkeypatch, CONTENT)
    load_archive(TINY, tmp_path)
    assert asked == ["https://npm.school/tiny/-/tiny-1.2.3.tgz"]


@pytest.mark.parametrize("error", ERRORS)
def test_without_a_network_one_sentence_says_the_way_out(monkeypatch, tmp_path, error):
    answer(monkeypatch, error)
    with pytest.raises(MissingError, match=r"cannot be reached .*`npm pack tiny@1\.2\.3`") as raised:
        load_archive(TINY, tmp_path / "packages")
    assert "\n" not in str(raised.value) and not (tmp_path / "packages").exists()
    assert str(raised.value).endswith(f"copy it to {tmp_path / 'packages'}.")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "tiny-1.2.3.tgz").write_bytes(CONTENT)  # as npm pack names it
    assert load_archive(TINY, tmp_path / "packages") == CONTENT


@pytest.mark.parametrize("content", [urllib.error.URLError("no route"), b"a portal's page"])
def test_the_command_for_the_site_names_its_option_for_the_file(monkeypatch, tmp_path, capsys, content):
    answer(monkeypatch, content)
    with pytest.raises(InputError) as raised:
        load_archive(KATEX, tmp_path)
    (option,) = re.findall(r"or name it with `python course\.py site (--\w+) FILE`\.$", str(raised.value))
    (tmp_path / "file").write_bytes(b"half of it")
    assert site.main(["--out", str(tmp_path / "site"), option, str(tmp_path / "file")]) == 1
    assert f"{tmp_path / 'file'} is not the archive of {KATEX.name}" in capsys.readouterr().err


def test_another_file_is_never_used(monkeypatch, tmp_path):
    answer(monkeypatch, b"a portal's page")
    with pytest.raises(InputError, match="gave another file") as raised:
        load_archive(TINY, tmp_path)
    assert not isinstance(raised.value, MissingError) and [*tmp_path.iterdir()] == []
    kept = tmp_path / TINY.archive
    kept.write_bytes(b"half of it")
    with pytest.raises(InputError, match="delete it and run this again"):
        load_archive(TINY, tmp_path)
    with pytest.raises(InputError, match="npm pack"):
        read_archive(TINY, kept)


@pytest.mark.parametrize("name", ["none.tgz", "n" * 300])  # the second is no name that a disk can have
def test_a_given_file_that_is_missing_is_named(tmp_path: Path, name: str):
    with pytest.raises(InputError, match="There is no file"):
        read_archive(TINY, tmp_path / name)


def test_a_given_archive_needs_no_network(monkeypatch, tmp_path):
    asked = answer(monkeypatch, CONTENT)
    (tmp_path / "given.tgz").write_bytes(CONTENT)
    assert read_archive(TINY, tmp_path / "given.tgz") == CONTENT and asked == []
