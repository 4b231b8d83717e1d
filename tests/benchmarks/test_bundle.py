"""The sizes of sticks and environments, and the bounds that course.py states."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import bundle
import pytest
import results_files
import tables_bundle
from project_root import ROOT

RESULTS = results_files.read_results("bundle")


def make_stick(folder: Path, system: str, has_cuda: bool) -> Path:
    (folder / "wheels").mkdir(parents=True)
    for name, size in (("a.whl", 30), ("b.whl", 12), ("not-of-this-system.whl", 99)):
        (folder / "wheels" / name).write_bytes(b"." * size)
    (folder / "course.zip").write_bytes(b"12345")
    torch, wheels = {"3.11": "2.1", "3.12": "2.1"}, {"3.12": ["a.whl", "b.whl"], "3.11": ["a.whl"]}
    systems = {system: {"wheels": wheels, "torch": torch, "has_cuda": has_cuda}}
    content = {"kind": "memory stick of the course", "files": {}, "systems": systems}
    (folder / "bundle.json").write_text(json.dumps(content))
    return folder


def test_a_stick_is_measured_and_other_results_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    first, second = make_stick(tmp_path / "1", "linux", True), make_stick(tmp_path / "2", "linux", False)
    assert (bundle.main([str(first)]), bundle.main([str(second)])) == (0, 0)
    sticks = results_files.read_results("bundle")["sticks"]
    expected = {"torch": "2.1", "pythons": ["3.11", "3.12"], "wheels": 2, "wheel_bytes": 42, "course_bytes": 5}
    assert sticks == {"linux, cuda": expected, "linux, cpu": expected}
    assert "| Linux | 3.11, 3.12 | 2.1 without CUDA | 2 | 0.00 GB |" in tables_bundle.bundle_table()


def test_an_environment_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    folder = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "torch"
    folder.mkdir(parents=True)
    (folder / "version.py").write_text("cuda = '13.0'\n")
    (folder / "library.so").write_bytes(b"." * 100)
    assert bundle.main(["--environment", str(tmp_path / "env")]) == 0
    assert results_files.read_results("bundle")["environments"] == {"cuda": 114}


def test_a_folder_without_a_stick_or_pytorch(tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    assert bundle.main([str(tmp_path)]) == 1 and "contains no finished stick" in capsys.readouterr().err
    assert bundle.main(["--environment", str(tmp_path)]) == 1 and "contains no PyTorch" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def sizes_of_course() -> dict[str, tuple[float, float]]:
    """Return the gigabytes that course.py states: kept and fetched, by the build of PyTorch."""
    for node in ast.parse((ROOT / "course.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SIZES":
            return ast.literal_eval(node.value)
    raise AssertionError("course.py has no SIZES")


def test_course_py_states_bounds_that_hold():
    """The wheels are what an installation fetches."""
    sizes = sizes_of_course()
    for name, stick in RESULTS["sticks"].items():
        assert stick["wheel_bytes"] / 1e9 <= sizes[name.split(", ")[1]][1], name
    for build, size in RESULTS["environments"].items():
        assert size / 1e9 <= sizes[build][0], build


def test_sticks_without_cuda_are_under_the_limit():
    from aitex_utils.commands.bundle import LIMIT

    small = [stick for name, stick in RESULTS["sticks"].items() if name.endswith("cpu")]
    assert len(small) >= 2
    assert all(stick["wheel_bytes"] + stick["course_bytes"] < LIMIT for stick in small)
