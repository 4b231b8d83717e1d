"""The command line of `course.py bundle`, and what it says about the systems of a stick."""

from __future__ import annotations

from pathlib import Path

import pytest

from aitex_utils.commands import bundle
from aitex_utils.errors import InputError
from aitex_utils.teaching.stick import make_stick
from aitex_utils.teaching.wheels import Target, this_system


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list:
    """List the calls of `make_stick`, which makes a folder with an archive of 5 bytes."""
    calls = []

    def make_stick(folder: Path, targets: list[Target], *, root: Path, choice: str, say: object) -> dict:
        calls.append((folder, targets, choice, root))
        folder.mkdir()
        (folder / "course.zip").write_text("12345")
        return {"systems": {}}

    monkeypatch.setattr(bundle, "make_stick", make_stick)
    monkeypatch.setattr(bundle, "practice_is_there", lambda folder: True)
    monkeypatch.delenv("COURSE_TORCH", raising=False)
    return calls


def test_systems_versions_and_choice_are_passed_on(made: list, tmp_path: Path, capsys: pytest.CaptureFixture):
    out = tmp_path / "stick"
    options = ["windows", "macos", "windows", "--python", "3.12", "3.11", "--out", str(out), "--torch", "cuda"]
    assert bundle.main(options) == 0
    targets = [Target(system, python) for system in ("windows", "macos") for python in ("3.12", "3.11")]
    assert made == [(out, targets, "cuda", bundle.PROJECT)]
    assert capsys.readouterr().out.startswith(f"Copy the folder {out} onto the stick.")


def test_without_arguments_it_is_for_this_system_and_python(made: list, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("COURSE_TORCH", "cpu")
    monkeypatch.setattr(bundle, "PROJECT", tmp_path)
    (tmp_path / "data").mkdir()
    assert bundle.main([]) == 0
    ((folder, (target,), choice, _),) = made
    assert (folder, target.system, choice) == (tmp_path / "data" / "stick", this_system(), "cpu")
    assert target.python in bundle.PYTHONS


@pytest.mark.parametrize("arguments", [["solaris"], ["linux", "--python", "3.9"], ["linux", "--torch", "gpu"]])
def test_unknown_arguments(made: list, arguments: list[str], capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit):
        bundle.main(arguments)
    assert "choose from" in capsys.readouterr().err and made == []


def test_the_practice_fabric_is_made_if_it_is_missing(made: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fabrics = []
    monkeypatch.setattr(bundle, "practice_is_there", lambda folder: False)
    monkeypatch.setattr(bundle, "make_practice_fabric", lambda folder, progress: fabrics.append(folder))
    assert bundle.main(["--out", str(tmp_path / "stick")]) == 0
    assert fabrics == [bundle.PRACTICE]


def test_an_error_is_one_sentence(made: list, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    def fail(*args: object, **options: object) -> None:
        raise InputError("no wheel.")

    monkeypatch.setattr(bundle, "make_stick", fail)
    assert bundle.main(["linux"]) == 1
    assert capsys.readouterr().err == "bundle: no wheel.\n"


BUILDER = """
FAILURES = (ValueError, OSError)

def all_sources():
    return ["00_first", "01_second"]

def make_class_copy(sources, folder):
    (folder / "course").mkdir(parents=True)
    (folder / "course" / "course.py").write_text(" ".join(sources))
"""


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a builder which writes a course of one file. Temporary files go to the folder `temporary`."""
    path = tmp_path / "project" / "notebooks" / "build.py"
    path.parent.mkdir(parents=True)
    path.write_text(BUILDER)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(bundle, "PROJECT", tmp_path / "project")
    monkeypatch.setattr(bundle.tempfile, "tempdir", str(tmp_path / "temporary"))
    return path


def test_for_a_class_the_stick_is_made_from_a_course_without_solutions(
    made: list, builder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    """The course is built in a temporary folder. The folder of `build --class` can have files of its owner."""
    written = []
    make_stick = bundle.make_stick

    def read_root(folder: Path, targets: list[Target], *, root: Path, **options: object) -> dict:
        written.append((root / "course.py").read_text())
        return make_stick(folder, targets, root=root, **options)

    monkeypatch.setattr(bundle, "make_stick", read_root)
    kept = tmp_path / "project" / "data" / "class-copy" / "course" / "__pycache__"
    kept.mkdir(parents=True)
    for name in ("one", "two"):
        assert bundle.main(["linux", "--class", "--out", str(tmp_path / name)]) == 0
        assert capsys.readouterr() == (
            f"Copy the folder {tmp_path / name} onto the stick. Its README.txt says how to start.\n",
            "",
        )
    assert written == 2 * ["00_first 01_second"] and [*kept.parent.iterdir()] == [kept]
    assert [tmp_path / "temporary" in root.parents for *_, root in made] == [True, True]
    assert [*(tmp_path / "temporary").iterdir()] == []


@pytest.mark.parametrize("fails", ["build", "stick"])
def test_a_failure_is_one_sentence_and_leaves_no_temporary_folder(
    made: list, builder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, fails: str
):
    if fails == "build":
        builder.write_text(BUILDER + "    raise OSError('no space')\n")
    else:
        (tmp_path / "stick").write_text("a file")
        monkeypatch.setattr(bundle, "make_stick", make_stick)
    assert bundle.main(["linux", "--class", "--out", str(tmp_path / "stick")]) == 1
    expected = {"build": "The course without solutions cannot be built: no space", "stick": f"{tmp_path / 'stick'} is"}
    error = capsys.readouterr().err
    assert error.startswith(f"bundle: {expected[fails]}") and error.count("\n") == 1 and made == []
    assert [*(tmp_path / "temporary").iterdir()] == []


@pytest.mark.parametrize(
    ("gigabytes", "has_cuda", "advises"), [(3.4, True, True), (1.4, True, False), (3.4, False, False)]
)
def test_the_size_is_stated_and_a_way_to_a_smaller_one(gigabytes: float, has_cuda: bool, advises: bool):
    wheels = {"3.11": ["a", "b"], "3.12": ["a", "c"]}
    system = {
        "bytes": int(gigabytes * 1e9),
        "torch": {"3.11": "2", "3.12": "2"},
        "has_cuda": has_cuda,
        "wheels": wheels,
    }
    (line,) = bundle.describe({"systems": {"linux": system}}, 10**8)
    cuda = "with" if has_cuda else "without"
    assert line.startswith(f"linux: {gigabytes + 0.1:.2f} GB, 3 wheels, PyTorch 2 {cuda} CUDA.")
    assert ("`--torch cpu`" in line) == advises
