"""What a computer of another kind needs is found in the metadata of wheels."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from aitex_utils.errors import InputError
from aitex_utils.teaching.wheels import (
    SYSTEMS,
    Target,
    Wheel,
    collect,
    platforms,
    read_requirements,
    read_wheel,
    resolve,
)

LINUX, WINDOWS, MACOS = (Target(system, "3.11") for system in SYSTEMS)


def wheel(file: str, *requires: str, pythons: str = "") -> Wheel:
    name, version, _, tags = parse_wheel_filename(file)
    return Wheel(file, name, version, tags, SpecifierSet(pythons), tuple(map(Requirement, requires)))


def asked(*lines: str) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def files(found: tuple[list[Wheel], list[str]]) -> list[str]:
    return [one.file for one in found[0]]


@pytest.mark.parametrize(
    ("file", "fits"),
    [
        ("a-1-py3-none-any.whl", [LINUX, WINDOWS, MACOS]),
        ("a-1-py2.py3-none-any.whl", [LINUX, WINDOWS, MACOS]),
        ("a-1-cp311-cp311-win_amd64.whl", [WINDOWS]),
        ("a-1-cp312-cp312-win_amd64.whl", []),
        ("a-1-cp39-abi3-win_amd64.whl", [WINDOWS]),
        ("a-1-cp311-cp311-win32.whl", []),
        ("a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", [LINUX]),
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", [LINUX]),
        ("a-1-cp311-cp311-manylinux_2_35_x86_64.whl", []),
        ("a-1-cp311-cp311-manylinux_2_28_aarch64.whl", []),
        ("a-1-py3-none-manylinux1_x86_64.whl", [LINUX]),
        ("a-1-cp311-cp311-macosx_11_0_arm64.whl", [MACOS]),
        ("a-1-cp311-cp311-macosx_10_9_universal2.whl", [MACOS]),
        ("a-1-cp311-cp311-macosx_10_9_x86_64.whl", []),
        ("a-1-cp311-cp311-macosx_15_0_arm64.whl", []),
    ],
)
def test_which_wheels_fit(file: str, fits: list[Target]):
    for target in (LINUX, WINDOWS, MACOS):
        assert files(resolve([wheel(file)], target, asked("a"), [])) == ([file] if target in fits else [])


def test_requirements_are_followed_with_the_markers_of_the_other_computer():
    a = wheel("a-1-py3-none-any.whl", 'b; sys_platform == "win32"', 'c; platform_system == "Linux"', "d>=2")
    assert resolve([a], WINDOWS, asked("a"), [])[1] == ["b", "d>=2"]
    assert resolve([a], LINUX, asked("a"), [])[1] == ["c", "d>=2"]
    assert resolve([a], MACOS, asked("a"), [])[1] == ["d>=2"]
    old = wheel("a-1-py3-none-any.whl", 'b; python_version < "3.11"', 'c; python_full_version < "3.11.3"')
    assert resolve([old], LINUX, asked("a"), [])[1] == ["c"]


def test_extras_of_a_requirement_are_followed():
    a = wheel("a-1-py3-none-any.whl", "b[x]")
    b = wheel("b-1-py3-none-any.whl", 'c; extra == "x"', 'd; extra == "y"', "e")
    e = wheel("e-1-py3-none-any.whl", "b[y]")  # a second extra of a package that is known already
    assert resolve([a, b], LINUX, asked("a"), [])[1] == ["c", "e"]
    assert resolve([a, b, e], LINUX, asked("a"), [])[1] == ["c", "d"]


def test_the_newest_wheel_that_all_limits_allow_is_taken():
    wheels = [wheel(f"b-{version}-py3-none-any.whl") for version in ("1.9", "1.10", "2.0", "3.0")]
    a = wheel("a-1-py3-none-any.whl", "B<3")
    assert files(resolve([a, *wheels], LINUX, asked("a"), []))[1] == "b-2.0-py3-none-any.whl"
    assert files(resolve([a, *wheels], LINUX, asked("a"), asked("b<2")))[1] == "b-1.10-py3-none-any.whl"
    assert resolve([a, *wheels], LINUX, asked("a"), asked("b==1.5"))[1] == ["b<3,==1.5"]
    assert files(resolve(wheels, LINUX, asked("b"), asked("c==1"))) == ["b-3.0-py3-none-any.whl"]  # c is not needed


def test_a_build_without_cuda_comes_before_pypi_s_of_the_same_version():
    names = ["torch-2.1-cp311-cp311-manylinux_2_28_x86_64.whl", "torch-2.1+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"]
    vision = wheel("torchvision-1-py3-none-any.whl", "torch==2.1")
    for wheels in (names, names[::-1]):
        chosen = resolve([vision, *map(wheel, wheels)], LINUX, asked("torchvision"), asked("torch<=2.1"))
        assert files(chosen)[0] == names[1] and chosen[1] == []


def test_what_an_older_wheel_required_is_forgotten():
    wheels = [
        wheel("a-2-py3-none-any.whl", "gone"),
        wheel("a-1-py3-none-any.whl"),
        wheel("b-1-py3-none-any.whl", "a<2"),
    ]
    assert files(resolve(wheels, LINUX, asked("a", "b"), [])) == ["a-1-py3-none-any.whl", "b-1-py3-none-any.whl"]


def test_a_wheel_for_newer_pythons_does_not_fit():
    newer = wheel("a-2-py3-none-any.whl", pythons=">=3.12")
    assert resolve([newer], LINUX, asked("a"), [])[1] == ["a"]
    assert files(resolve([newer], Target("linux", "3.12"), asked("a"), [])) == ["a-2-py3-none-any.whl"]


def test_lists_are_read_for_the_other_computer(tmp_path: Path):
    lists = [tmp_path / "a.txt", tmp_path / "b.txt"]
    lists[0].write_text('# packages\nnumpy==2.4.6; python_version >= "3.11"\nnumpy==2.2.6; python_version < "3.11"\n')
    lists[1].write_text('\nwin>=1; sys_platform == "win32"  # why\n')
    read = [[str(line).split(";")[0] for line in read_requirements(lists, target)] for target in (WINDOWS, LINUX)]
    assert read == [["numpy==2.4.6", "win>=1"], ["numpy==2.4.6"]]
    assert str(read_requirements(lists, Target("linux", "3.10"))[0]).startswith("numpy==2.2.6")


def test_wheels_are_fetched_until_nothing_is_lacking():
    shop = [wheel("a-1-py3-none-any.whl", "b"), wheel("b-2-py3-none-any.whl"), wheel("b-1-py3-none-any.whl")]
    shop += [wheel("c-1-py3-none-any.whl", "b<2")]
    calls = []

    def fetch(lacking: list[str], target: Target) -> list[Wheel]:
        calls.append(lacking)
        wanted = asked(*lacking)
        return [
            max((w for w in shop if w.name == r.name and w.version in r.specifier), key=lambda w: w.version)
            for r in wanted
        ]

    there: dict[str, Wheel] = {}
    chosen = collect(LINUX, asked("a"), [], there, fetch)
    assert calls == [["a"], ["b"]] and [one.file for one in chosen] == ["a-1-py3-none-any.whl", "b-2-py3-none-any.whl"]
    calls.clear()
    collect(LINUX, asked("a", "c"), [], there, fetch)  # goes on with what is there
    assert calls == [["c"], ["b<2"]]
    with pytest.raises(InputError, match="No wheel for linux with Python 3.11 fulfils d: choose another version"):
        collect(LINUX, asked("d"), [], there, lambda lacking, target: [])


def test_a_wheel_is_read(tmp_path: Path):
    path = tmp_path / "Big_Name-1.0+cpu-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("big_name/_vendor/other-1.dist-info/METADATA", "Requires-Dist: wrong\n")
        archive.writestr("Big_Name-1.0+cpu.dist-info/METADATA", "Requires-Python: >=3.9\nRequires-Dist: b>=1\n\nText.")
    found = read_wheel(path)
    assert (found.name, str(found.version), found.pythons) == ("big-name", "1.0+cpu", SpecifierSet(">=3.9"))
    assert [str(line) for line in found.requires] == ["b>=1"]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match="cannot be read as a wheel"):
        read_wheel(path)


def test_platforms_go_from_new_to_old():
    assert platforms("linux")[0] == "manylinux_2_28_x86_64" and "manylinux2014_x86_64" in platforms("linux")
    assert platforms("macos")[0] == "macosx_14_0_arm64"


@pytest.mark.parametrize(
    ("text", "byte", "value"),
    [
        ("Requires-Dist: foo (>=1;;\n", None, 0),
        ("Requires-Python: >=3.x\n", None, 0),
        ("Name: a\n", 10, 99),  # an unknown compression
        ("Name: a\n", 8, 1),  # encrypted
    ],
)
def test_a_wheel_that_cannot_be_used_is_named(tmp_path: Path, text: str, byte: int | None, value: int):
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", text)
    if byte is not None:
        content = bytearray(path.read_bytes())
        content[content.rfind(b"PK\1\2") + byte] = value
        path.write_bytes(content)
    with pytest.raises(InputError, match="a-1-py3-none-any.whl cannot be read as a wheel .*: delete it, and run it"):
        read_wheel(path)


def test_a_wheel_with_damaged_content_is_named(tmp_path: Path):
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a-1.dist-info/METADATA", "Name: a\n" * 200)
    content = bytearray(path.read_bytes())
    content[60:66] = b"\xff" * 6
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a wheel"):
        read_wheel(path)
