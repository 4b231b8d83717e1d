"""A memory stick is made from wheels of a few bytes, goes on after an interruption, and replaces nothing foreign."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from project_root import ROOT

from aitex_utils.errors import InputError
from aitex_utils.teaching import stick
from aitex_utils.teaching.copies import write_copies
from aitex_utils.teaching.site.pages import sources_digest
from aitex_utils.teaching.stick import (
    COURSE,
    LISTS,
    course_files,
    make_stick,
    refuse_foreign_files,
    start_scripts,
    write_archive,
)
from aitex_utils.teaching.wheels import Target, Wheel, this_system

LINUX, WINDOWS = Target("linux", "3.11"), Target("windows", "3.11")
SHOP = {  # wheels of the package index, and what they require
    "tiny-1.0-py3-none-any.whl": "torch>=2",
    "tiny-2.0-py3-none-any.whl": "torch>=2",
    "torch-2.1-cp311-cp311-manylinux_2_28_x86_64.whl": "nvidia-cuda",
    "nvidia_cuda-13-py3-none-manylinux_2_28_x86_64.whl": "",
    "torch-2.1-cp311-cp311-win_amd64.whl": "",
    "tiny_dask-1-py3-none-any.whl": "",
}
PLATFORMS = {"linux": "manylinux_2_28_x86_64", "windows": "win_amd64", "macos": "macosx_14_0_arm64"}
OWN = {"torch-2.1+cpu-cp311-cp311-manylinux_2_28_x86_64.whl": ""}  # of PyTorch's own index


def make_wheels(folder: Path, wheels: dict[str, str]) -> list[Path]:
    """Write the smallest wheels that pip takes, by file name with what they require, one requirement a line."""
    folder.mkdir()
    for file, requires in wheels.items():
        name, version, *tag = file.removesuffix(".whl").split("-")
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {line}" for line in requires.splitlines())]
        info = {"METADATA": "Metadata-Version: 2.1\n" + "\n".join(lines) + "\n", "RECORD": ""}
        info["WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {'-'.join(tag)}\n"
        with zipfile.ZipFile(folder / file, "w") as archive:
            for inside, text in info.items():
                archive.writestr(f"{name}-{version}.dist-info/{inside}", text)
    return sorted(folder.glob("*.whl"))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a course of a few files. Its own packages are `tiny` before version 2, and what that requires."""
    root = tmp_path / "course"
    texts = {"course.py": "", "requirements.txt": "tiny\n", "requirements-scale.txt": "tiny_dask\n"}
    texts |= {"constraints.txt": "tiny<2\n", "notebooks/00_start_here.ipynb": "{}", "data/practice/strip.png": "p"}
    texts |= {"data/README.md": "about", "data/aitex/strip.png": "secret", ".venv/lib/a.py": "", "site/index.html": "s"}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], str]]:
    """Let pip fetch from two folders, and list its calls: index, requirements, system. `fails` names what it lacks."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    from aitex_utils.teaching.wheels import read_wheel, resolve

    make_wheels(tmp_path / "shop", SHOP)
    make_wheels(tmp_path / "own", OWN)
    calls = []

    def run_pip(self, lacking, target, environment) -> list[Path]:
        index = environment.get("PIP_INDEX_URL", "")
        calls.append((index, list(lacking), target.system))
        place = tmp_path / ("own" if "pytorch" in index else "shop")
        folder = self.stick.folder / stick.FETCHING / target.system
        folder.mkdir(parents=True, exist_ok=True)
        for line in lacking:
            name = canonicalize_name(Requirement(line).name)
            there = [wheel for wheel in map(read_wheel, place.glob("*.whl")) if wheel.name == name]
            found = [w for w in resolve(there, target, [Requirement(line)], [])[0] if w.name == name]
            if not found:
                raise stick._IndexProblem(f"pip cannot fetch {line}.")
            shutil.copy(place / found[0].file, folder)
        return sorted(folder.glob("*.whl"))

    monkeypatch.setattr(stick.Fetcher, "run_pip", run_pip)
    return calls


RUN_PIP = stick.Fetcher.run_pip  # the real one


def make(course: Path, *targets: Target, choice: str = "", **environment: str) -> tuple[dict, list[str]]:
    said: list[str] = []
    content = make_stick(
        course.parent / "stick",
        targets or [LINUX],
        root=course,
        choice=choice,
        environment=environment,
        say=said.append,
    )
    return content, said


def wheels_on(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "wheels").iterdir())


def test_a_stick_is_complete_and_its_sums_are_right(course: Path, tmp_path: Path):
    content, _ = make(course, LINUX, WINDOWS)
    folder = tmp_path / "stick"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {
        "tiny-1.0-py3-none-any.whl",
        "tiny_dask-1-py3-none-any.whl",
        *OWN,
        "torch-2.1-cp311-cp311-win_amd64.whl",
    }
    assert set(wheels_on(folder)) == expected
    named = {"bundle.json", "SHA256SUMS", "README.txt", "start.py", "start.sh", "start.bat", "course.zip"}
    assert files == named | {f"wheels/{name}" for name in expected}
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == files - {"SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    linux, windows = content["systems"]["linux"], content["systems"]["windows"]
    assert (linux["torch"], linux["has_cuda"], windows["torch"]) == ({"3.11": "2.1+cpu"}, False, {"3.11": "2.1"})
    assert linux["bytes"] == sum((folder / "wheels" / name).stat().st_size for name in linux["wheels"]["3.11"])
    assert json.loads((folder / "bundle.json").read_text()) == content


def test_the_archive_has_the_course_the_fabric_and_the_site(course: Path, tmp_path: Path):
    make(course)
    names = zipfile.ZipFile(tmp_path / "stick" / "course.zip").namelist()
    expected = ["constraints.txt", "course.py", "data/README.md", "data/practice/strip.png"]
    expected += ["notebooks/00_start_here.ipynb", "requirements-scale.txt", "requirements.txt", "site/index.html"]
    assert names == expected


def test_every_list_of_packages_is_part_of_the_course():
    lists = {path.name for path in ROOT.glob("requirements*.txt")}
    assert set(LISTS) < lists and lists <= COURSE


def test_the_archive_has_the_notebooks_of_paths_as_they_were_made(course: Path, tmp_path: Path):
    write_copies(course / "data" / "lab90", {"00_start_here.ipynb": b"{}", "01_strips_and_tiles.ipynb": b"{}"})
    write_copies(course / "data" / "day1", {"00_start_here.ipynb": b"{}"})
    write_copies(course / "data" / "class-copy", {"learners/00_start_here.ipynb": b"{}", "solutions.zip": b"z"})
    (course / "data" / "day1" / "00_start_here.ipynb").write_text('{"solved": 1}')
    write_copies(course / "data" / "day2", {"06_scores.ipynb": b"{}"})
    (course / "data" / "day2" / ".ipynb_checkpoints").mkdir()
    (course / "data" / "mine").mkdir()
    (course / "data" / "mine" / "course-copy.json").write_text("[]")
    (course / "data" / "mine" / "diary.ipynb").write_text("{}")
    _, said = make(course)
    names = zipfile.ZipFile(tmp_path / "stick" / "course.zip").namelist()
    lab90 = ["00_start_here.ipynb", "01_strips_and_tiles.ipynb", "course-copy.json"]
    known = ["data/README.md", *(f"data/lab90/{name}" for name in lab90), "data/practice/strip.png"]
    assert [name for name in names if name.startswith("data/")] == known
    first, second = (line for line in said if "is left out" in line)
    assert first.startswith("data/day1 ") and "00_start_here.ipynb" in first and "path day1" in first
    assert second.startswith("data/day2 ") and ".ipynb_checkpoints" in second and "path day2" in second


def test_without_git_files_of_others_at_the_top_are_left_out(course: Path):
    """Commands of teachers write there, as `course.py mark --csv marks.csv` does, and learners get the stick."""
    before = course_files(course)
    private = ("marks.csv", "slides-out/00.html", "site/a.html", "assignment/teacher/key.json")
    for name in (*private, "aitex_utils/teaching/site/build.py", "tests/teaching/site/test_build.py"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).touch()
    added = ["aitex_utils/teaching/site/build.py", "tests/teaching/site/test_build.py"]
    assert course_files(course) == sorted([*before, *added])


def test_a_copy_without_git_has_the_same_files(monkeypatch: pytest.MonkeyPatch):
    tracked = set(course_files())
    monkeypatch.setattr(stick.shutil, "which", lambda name: None)
    assert tracked <= set(course_files())


def test_git_says_which_files_belong_to_the_course(course: Path):
    if shutil.which("git") is None:
        pytest.skip("no git")
    (course / "notebooks" / "mine.ipynb").touch()
    assert "notebooks/mine.ipynb" in course_files(course)
    subprocess.run(["git", "init", "-q", str(course)], check=True)
    subprocess.run(["git", "-C", str(course), "add", "course.py", "requirements.txt"], check=True)
    assert course_files(course) == ["course.py", "requirements.txt"]


def test_the_same_files_give_the_same_archive(tmp_path: Path):
    (tmp_path / "a").write_text("a")
    for name in ("1.zip", "2.zip"):
        write_archive(tmp_path / name, tmp_path, ["a"])
        os.utime(tmp_path / "a", (10**9, 10**9))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


# Where PyTorch comes from


@pytest.mark.parametrize(
    ("choice", "variables", "index", "torch"),
    [
        ("", {}, "https://download.pytorch.org/whl/cpu", "2.1+cpu"),
        ("cpu", {"PIP_INDEX_URL": "x"}, "https://download.pytorch.org/whl/cpu", "2.1+cpu"),
        ("", {"PIP_INDEX_URL": "x"}, "x", "2.1"),
        ("", {"PIP_FIND_LINKS": "x"}, "", "2.1"),
        ("", {"PIP_NO_INDEX": "1"}, "", "2.1"),
        ("", {"PIP_NO_INDEX": "0"}, "https://download.pytorch.org/whl/cpu", "2.1+cpu"),
        ("cpu", {"PIP_NO_INDEX": "off", "PIP_INDEX_URL": "x"}, "https://download.pytorch.org/whl/cpu", "2.1+cpu"),
        ("pypi", {}, "", "2.1"),
        ("cuda", {}, "", "2.1"),
    ],
)
def test_the_choice_of_pytorch(course: Path, shop: list, choice: str, variables: dict, index: str, torch: str):
    content, _ = make(course, choice=choice, **variables)
    (of_torch,) = [called for called, lacking, _ in shop if any(line.startswith("torch") for line in lacking)]
    assert of_torch == index and content["systems"]["linux"]["torch"] == {"3.11": torch}
    assert content["systems"]["linux"]["has_cuda"] == (torch == "2.1")


@pytest.mark.parametrize(("target", "choice"), [(LINUX, "cpu"), (WINDOWS, "cuda")])
def test_without_an_index_another_build_than_the_chosen_one_is_refused(
    course: Path, tmp_path: Path, shop: list, target: Target, choice: str
):
    """The folder that pip's settings name has one build. A second run replaces it, once the other build is there."""
    with pytest.raises(InputError, match=rf"^torch-2\.1-.* is not the chosen build of PyTorch \({choice}\)"):
        make(course, target, choice=choice, PIP_NO_INDEX="1")
    assert not any("nvidia" in line for _, lines, _ in shop for line in lines)  # nothing more was fetched
    (chosen,) = make_wheels(tmp_path / "more", {f"torch-2.1+{choice}-cp311-cp311-{PLATFORMS[target.system]}.whl": ""})
    shutil.copy(chosen, tmp_path / "shop")
    content, _ = make(course, target, choice=choice, PIP_NO_INDEX="1")
    assert [name for name in wheels_on(tmp_path / "stick") if name.startswith("torch-")] == [chosen.name]
    assert content["systems"][target.system]["torch"] == {"3.11": f"2.1+{choice}"}


def test_what_a_killed_pip_left_is_no_wheel_of_another_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """pip leaves complete wheels in its folder, and the next run puts them on the stick."""

    def run(command: list[str], **options: object) -> SimpleNamespace:
        if not list(options["cwd"].iterdir()):
            shutil.copy(tmp_path / "own" / next(iter(OWN)), options["cwd"])
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(stick.subprocess, "run", run)
    made = stick.Stick(tmp_path / "stick", str)
    (first,) = RUN_PIP(stick.Fetcher(made, "cpu", {}), ["torch"], LINUX, {})
    (second,) = RUN_PIP(stick.Fetcher(made, "cuda", {}), ["torch"], LINUX, {})
    assert first != second and RUN_PIP(stick.Fetcher(made, "cpu", {}), ["torch"], LINUX, {}) == [first]


def test_a_place_without_pypi_s_build_is_no_place_for_it(course: Path, tmp_path: Path):
    shutil.copy(tmp_path / "own" / next(iter(OWN)), tmp_path / "shop")
    with pytest.raises(InputError, match=r"cpu.* is not the chosen build of PyTorch \(pypi\)"):
        make(course, choice="pypi", PIP_NO_INDEX="1")
    assert make(course, PIP_NO_INDEX="1")[0]["systems"]["linux"]["torch"] == {"3.11": "2.1+cpu"}


def test_windows_gets_cuda_only_if_that_is_chosen(course: Path, shop: list):
    make(course, WINDOWS)
    assert {index for index, _, _ in shop} == {""}
    with pytest.raises(InputError, match="pip cannot fetch torch"):  # this index has no wheel for Windows
        make(course, WINDOWS, choice="cuda")
    assert shop[-1][0] == "https://download.pytorch.org/whl/cu130"


def test_an_index_that_fails_gives_way_unless_it_was_chosen(course: Path, tmp_path: Path):
    (tmp_path / "own" / next(iter(OWN))).unlink()
    with pytest.raises(InputError, match="pip cannot fetch torch>=2, or choose `--torch pypi`"):
        make(course, choice="cpu")
    content, said = make(course)
    assert content["systems"]["linux"]["has_cuda"] and any(
        "comes from PyPI, with CUDA, because" in text for text in said
    )


PROXY = "  ERROR: HTTP error 403 while getting x\nERROR: Could not install requirement torch from x because of HTTP\n"


@pytest.fixture
def failing_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Let the program pip print `says` and fail for PyTorch's own index, or fetch a `wheel`. Otherwise, it fetches."""
    state = SimpleNamespace(says="", wheel=None, indexes=[])
    own_wheel = tmp_path / "shop" / "torch-2.1-cp311-cp311-manylinux_2_28_x86_64.whl"

    def run(command: list[str], **options: object) -> SimpleNamespace:
        state.indexes.append(options["env"].get("PIP_INDEX_URL", ""))
        if state.indexes[-1] and state.wheel is None:
            return SimpleNamespace(returncode=1, stderr=state.says)
        shutil.copy(state.wheel if state.indexes[-1] else own_wheel, options["cwd"])
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(stick.subprocess, "run", run)
    monkeypatch.setattr(stick.Fetcher, "run_pip", RUN_PIP)
    return state


@pytest.mark.parametrize(
    "says",
    [
        "ERROR: No matching distribution found for torch>=2\n",
        "WARNING: Retrying after connection broken by 'NameResolutionError'\nERROR: No matching distribution found\n",
        PROXY,
    ],
)
def test_only_a_problem_of_the_index_leads_to_pypi(tmp_path: Path, failing_pip: SimpleNamespace, says: str):
    failing_pip.says = says
    said: list[str] = []
    made = stick.Stick(tmp_path / "stick", said.append)
    with pytest.raises(InputError, match="run it again, or choose `--torch pypi`.$"):
        stick.Fetcher(made, "cpu", {}).fetch(["torch>=2"], LINUX)
    (wheel,) = stick.Fetcher(made, "", {}).fetch(["torch>=2"], LINUX)
    assert str(wheel.version) == "2.1" and "comes from PyPI, with CUDA, because" in said[-1]


@pytest.mark.parametrize("choice", ["", "cpu"])
@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("ConnectionError\nERROR: Could not install packages: [Errno 28] No space left on device\n", "No space left"),
        ("ERROR: Could not install packages: [Errno 13] Permission denied: 'x'\n", "Permission denied"),
        ("/usr/bin/python3: No module named pip\n", "has no pip"),
        ("", "ended from outside"),
        (None, "cannot be read as a wheel"),  # pip fetches a file that is no wheel
    ],
)
def test_a_problem_of_this_machine_leads_to_no_other_download(
    tmp_path: Path, failing_pip: SimpleNamespace, choice: str, says: str | None, expected: str
):
    failing_pip.says = says
    if says is None:
        failing_pip.wheel = tmp_path / next(iter(OWN))
        with zipfile.ZipFile(failing_pip.wheel, "w") as archive:
            archive.writestr("a.txt", "")
    with pytest.raises(InputError, match=expected) as raised:
        stick.Fetcher(stick.Stick(tmp_path / "stick", str), choice, {}).fetch(["torch>=2"], LINUX)
    assert len(failing_pip.indexes) == 1 and "pypi" not in str(raised.value)


def test_another_choice_replaces_the_build_on_the_stick(course: Path, tmp_path: Path):
    make(course)
    content, _ = make(course, choice="cuda")
    assert content["systems"]["linux"]["torch"] == {"3.11": "2.1"} and next(iter(OWN)) not in wheels_on(
        tmp_path / "stick"
    )
    content, _ = make(course, choice="cpu")
    assert content["systems"]["linux"]["torch"] == {"3.11": "2.1+cpu"}
    assert not any("nvidia" in name for name in wheels_on(tmp_path / "stick"))


# Interrupted, damaged, foreign


def test_a_second_run_fetches_nothing_and_changes_nothing(course: Path, tmp_path: Path, shop: list):
    make(course)
    before = (tmp_path / "stick" / "SHA256SUMS").read_text()
    shop.clear()
    make(course)
    assert shop == [] and (tmp_path / "stick" / "SHA256SUMS").read_text() == before


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_an_interrupted_bundle_goes_on(course: Path, tmp_path: Path, shop: list, monkeypatch, calls: int):
    real = stick.Stick.add_wheels

    def interrupted(self, paths) -> list[Wheel]:
        nonlocal calls
        if calls == 0:
            raise KeyboardInterrupt
        calls -= 1
        return real(self, paths)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stick.Stick, "add_wheels", interrupted)
        make(course, LINUX, WINDOWS)
    there = wheels_on(tmp_path / "stick")
    shop.clear()
    make(course, LINUX, WINDOWS)
    fetched = {re.match(r"[\w-]+", line)[0].replace("-", "_") for _, lines, _ in shop for line in lines}
    assert not {name.split("-")[0] for name in there if "torch" not in name} & fetched
    assert not (tmp_path / "stick" / stick.FETCHING).exists() and len(wheels_on(tmp_path / "stick")) == 4


@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_damaged_or_missing_wheel_is_fetched_again(course: Path, tmp_path: Path, shop: list, content: bytes | None):
    make(course)
    path = tmp_path / "stick" / "wheels" / "tiny-1.0-py3-none-any.whl"
    good = path.read_bytes()
    path.unlink() if content is None else path.write_bytes(content)
    shop.clear()
    _, said = make(course)
    assert [lines for _, lines, _ in shop] == [["tiny<2"]] and path.read_bytes() == good
    assert any("is damaged, so it is fetched again" in text for text in said) == (content is not None)


def test_files_of_systems_that_are_no_longer_named_are_removed(course: Path, tmp_path: Path):
    make(course, LINUX, WINDOWS)
    make(course, WINDOWS)
    folder = tmp_path / "stick"
    assert not (folder / "start.sh").exists() and not any("manylinux" in name for name in wheels_on(folder))
    assert "start.sh" not in (folder / "SHA256SUMS").read_text()


@pytest.mark.parametrize("name", ["thesis.txt", "wheels/other-1-py3-none-any.whl", "start.bat", "new/thesis.txt"])
def test_a_foreign_file_is_never_overwritten(course: Path, tmp_path: Path, name: str):
    make(course)
    path = tmp_path / "stick" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("years of work")
    with pytest.raises(InputError, match=f"contains {name.split('/thesis')[0]}, which is no part of a memory stick"):
        make(course, LINUX, WINDOWS)
    assert path.read_text() == "years of work"


def test_the_folder_for_further_files_is_left_alone(course: Path, tmp_path: Path):
    make(course)
    (tmp_path / "stick" / "extra").mkdir()
    (tmp_path / "stick" / "extra" / "python-installer.exe").write_text("installer")
    make(course)
    assert (tmp_path / "stick" / "extra" / "python-installer.exe").read_text() == "installer"


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        '{"kind": "other", "files": {"thesis.txt": ""}}',
        "[1]",
        '{"kind": "KIND", "files": [1]}',
        "[" * 100_000,
    ],
)
def test_a_manifest_of_another_program_is_left_alone(tmp_path: Path, text: str):
    text = text.replace("KIND", stick.KIND)
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(InputError, match="is not from this course: choose another folder with --out"):
        refuse_foreign_files(tmp_path)
    assert (tmp_path / "bundle.json").read_text() == text


@pytest.mark.parametrize(
    "name", ["../thesis.txt", "wheels/../../thesis.txt", "{tmp}/thesis.txt", "a\\\\..\\\\b", "wheels/"]
)
def test_a_stick_that_lists_files_outside_deletes_none(course: Path, tmp_path: Path, name: str):
    make(course)
    (tmp_path / "thesis.txt").write_text("years of work")
    path = tmp_path / "stick" / "bundle.json"
    content = json.loads(path.read_text())
    content["files"][name.format(tmp=tmp_path.as_posix())] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="is not from this course"):
        make(course)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_second_bundle_for_one_folder_is_refused(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(course)
    before = (tmp_path / "stick" / "bundle.json").read_bytes()
    hold = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]).acquire(); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(tmp_path / "stick" / stick.LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match="Another bundle is being made in .*: wait until it has ended"):
            make(course)
        assert (tmp_path / "stick" / "bundle.json").read_bytes() == before
        other.kill()
    make(course)
    assert not (tmp_path / "stick" / stick.LOCK).exists()


def test_a_file_of_the_name_of_the_lock_is_not_emptied(course: Path, tmp_path: Path):
    make(course)
    (tmp_path / "stick" / stick.LOCK).write_text("years of work")
    with pytest.raises(InputError, match="contains .bundle.lock, which is no part"):
        make(course)
    assert (tmp_path / "stick" / stick.LOCK).read_text() == "years of work"


@pytest.mark.parametrize(
    ("place", "says"),
    [("stick/start.sh", "cannot be written: the folder .* is read-only"), ("course/constraints.txt", "cannot be read")],
)
def test_an_error_of_the_system_is_a_sentence(course: Path, tmp_path: Path, place: str, says: str, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / place))

    monkeypatch.setattr(stick.Stick, "finish", refuse)
    with pytest.raises(InputError, match=says):
        make(course)


def test_a_folder_that_no_disk_can_have_is_refused_in_a_sentence(course: Path):
    with pytest.raises(InputError, match="is too long"):
        make_stick(course.parent / ("n" * 300), [LINUX], root=course, environment={}, say=str)


def test_a_list_of_packages_that_is_missing_is_named(course: Path):
    (course / "requirements-scale.txt").unlink()
    with pytest.raises(InputError, match="requirements-scale.txt cannot be read .No such file or directory.: put it"):
        make(course)


def test_a_stick_inside_the_course_is_no_part_of_its_own_archive(course: Path):
    for _ in range(2):
        make_stick(course / "my stick", [LINUX], root=course, environment={}, say=str)
    names = zipfile.ZipFile(course / "my stick" / "course.zip").namelist()
    assert "course.py" in names and not [name for name in names if "stick" in name]


def test_a_python_without_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    (tmp_path / "pip.py").write_text("raise ModuleNotFoundError('No module named pip')")
    fetcher = stick.Fetcher(stick.Stick(tmp_path / "stick", str), "", {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(InputError, match="has no pip, which fetches wheels: run `python -m ensurepip`"):
        fetcher.run_pip(["tiny"], LINUX, {"PYTHONPATH": str(tmp_path)})


@pytest.fixture
def real_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Let the real pip fetch, and return its settings: no network, and one folder of wheels."""
    both = "compiled>=1\nonly_windows; sys_platform == 'win32'\nonly_posix; os_name == 'posix'\n"
    both += "older; python_version < '3.11'"
    wheels = {"tiny-1.0-py3-none-any.whl": both, "tiny_dask-1-py3-none-any.whl": "", "tiny-2.0-py3-none-any.whl": both}
    wheels |= {f"compiled-1.5-cp311-cp311-{PLATFORMS[system]}.whl": "" for system in ("linux", "windows")}
    wheels |= {f"compiled-2-cp310-cp310-{PLATFORMS[system]}.whl": "" for system in ("linux", "windows")}
    wheels |= {f"only_{name}-1-py3-none-any.whl": "" for name in ("windows", "posix")}
    make_wheels(tmp_path / "real shop", wheels)
    monkeypatch.setattr(stick.Fetcher, "run_pip", RUN_PIP)
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    place = (tmp_path / "real shop").as_uri()
    return settings | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": place, "PIP_CONFIG_FILE": os.devnull}


def test_the_real_pip_fetches_wheels_for_another_system(course: Path, tmp_path: Path, real_pip: dict[str, str]):
    """pip evaluates markers for this system. The stick gets what the other system needs, and nothing else."""
    target = LINUX if this_system() == "windows" else WINDOWS
    content, _ = make(course, target, **real_pip)
    own = "only_posix" if target == LINUX else "only_windows"
    expected = ["tiny-1.0-py3-none-any.whl", "tiny_dask-1-py3-none-any.whl", f"{own}-1-py3-none-any.whl"]
    expected.append(f"compiled-1.5-cp311-cp311-{PLATFORMS[target.system]}.whl")
    assert wheels_on(tmp_path / "stick") == sorted(expected)
    assert sorted(content["systems"][target.system]["wheels"]["3.11"]) == sorted(expected)
    assert not (tmp_path / "stick" / stick.FETCHING).exists()


def test_the_real_pip_says_which_wheel_another_system_lacks(course: Path, tmp_path: Path, real_pip: dict[str, str]):
    for path in (tmp_path / "real shop").glob(f"compiled-1.5-*-{PLATFORMS['windows']}.whl"):
        path.unlink()
    (course / "requirements.txt").write_text("compiled\n")
    with pytest.raises(InputError, match=r"^pip cannot fetch compiled.* for windows \(No matching distribution found"):
        make(course, WINDOWS, **real_pip)


# Static pages


def test_whether_the_static_pages_are_on_the_stick_is_said(course: Path):
    """A site can be missing, of an older course that stored no digest, of these texts, or of texts before a change."""
    (course / "README.md").write_text("# The course\n")
    (course / "notebooks" / "solved").mkdir()
    cells = [{"cell_type": "markdown", "source": "# 00 First\n"}]
    notebook = course / "notebooks" / "solved" / "00_first.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    manifest = course / "site" / "site.json"

    def said() -> str:
        make(course)
        names = zipfile.ZipFile(course.parent / "stick" / "course.zip").namelist()
        (line,) = [line for line in make(course)[1] if "static pages" in line]
        assert ("site/index.html" in names) == ("is without" not in line)
        return line

    for content in ("{}", "[1]", "no JSON", None):
        manifest.write_text(content) if content else manifest.unlink()
        assert "built from another state of the course" in said()
    manifest.write_text(json.dumps({"sources": sources_digest(course)}))
    assert said() == "The stick has the static pages, which show solutions."
    notebook.write_text(json.dumps({"cells": [*cells, *cells]}))
    assert "built from another state of the course" in said() and "run `python course.py site`" in said()
    (course / "site" / "index.html").unlink()
    assert "is without the static pages" in said() and "`python course.py site`" in said()
    shutil.rmtree(course / "notebooks" / "solved")
    assert said() == "The stick is without solutions, so it has no static pages."


# Start scripts


def test_scripts_name_the_versions_and_fit_their_systems():
    texts = start_scripts(["linux", "windows", "macos"], ["3.9", "3.11", "3.10"], "1.2.3")
    assert "in python3.11 python3.10 python3.9 python3 python\n" in texts["start.sh"] == texts["start.command"]
    assert "(3.11 3.10 3.9)" in texts["start.bat"]
    assert texts["start.bat"].count("\n") == texts["start.bat"].count("\r\n") and "\r" not in texts["start.sh"]
    assert "teaching/README.md" in texts["README.txt"]
    assert "version 1.2.3" in texts["README.txt"] and "3.9 or 3.11 or 3.10" in texts["README.txt"]


@pytest.mark.skipif(os.name == "nt", reason="a script of POSIX")
@pytest.mark.parametrize("name", ["MY STICK", "-Stöcke $HOME 'x'"])
def test_the_script_finds_its_folder_from_beside_it(tmp_path: Path, name: str):
    """`cd` prints a path where `CDPATH` is set, and takes a name that begins with a hyphen for an option."""
    for place in (tmp_path / name, tmp_path / "elsewhere" / name):
        place.mkdir(parents=True)
        (place / "start.py").write_text("print(__file__)")
    version = "{}.{}".format(*sys.version_info[:2])
    (tmp_path / name / "start.sh").write_text(start_scripts(["linux"], [version])["start.sh"])
    programs = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment = os.environ | programs | {"CDPATH": str(tmp_path / "elsewhere"), "PYTHONIOENCODING": "utf-8"}
    shell = "sh" if name[0] != "-" else "sh --"
    command = ["sh", "-c", f'{shell} "$0/start.sh"', name]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / name / 'start.py'}\n"), done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a script of POSIX")
@pytest.mark.parametrize("is_there", [True, False])
def test_the_script_finds_a_python_of_a_bundled_version(tmp_path: Path, is_there: bool):
    place = tmp_path / "MY STICK"
    place.mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(shutil.which(name))
    version = "{}.{}".format(*sys.version_info[:2]) if is_there else "3.99"
    (programs / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python3").chmod(0o755)
    (place / "start.sh").write_text(start_scripts(["linux"], [version])["start.sh"])
    (place / "start.py").write_text("import sys; print(sys.argv[1:])")
    command = ["sh", str(place / "start.sh"), "test", "a b"]
    done = subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True)
    if is_there:
        assert (done.returncode, done.stdout) == (0, "['test', 'a b']\n")
    else:
        assert done.returncode == 1 and done.stderr.startswith("No Python 3.99 was found: install it")
