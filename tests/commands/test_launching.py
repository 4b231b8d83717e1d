"""Output streams of every kind, other builds of packages, and the limits of a container."""

from __future__ import annotations

import errno
import importlib.metadata
import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from project_root import ROOT

from aitex_utils.commands import launching
from aitex_utils.commands.launching import (
    core_limits,
    installed_version,
    is_set,
    local_torch_build,
    memory_limit,
    names_source,
    needs_no_download,
    run_command,
    thread_limit,
)

needs_posix = pytest.mark.skipif(os.name == "nt", reason="closing streams is a matter of a POSIX shell")


# Streams


def stream(monkeypatch: pytest.MonkeyPatch, encoding: str, raw: io.RawIOBase | None = None) -> io.BytesIO:
    """Let the output be a stream of few letters."""
    raw = raw or io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, "strict"))
    return raw


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_letters_that_a_stream_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch, encoding: str):
    raw = stream(monkeypatch, encoding)
    assert run_command(lambda: print("żółw 織") or 3) == 3
    assert raw.getvalue().decode(encoding).strip() == "żółw 織".encode(encoding, "backslashreplace").decode(encoding)


@pytest.mark.parametrize("missing", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_streams_that_are_not_there(monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]):
    for name in missing:
        monkeypatch.setattr(sys, name, None)

    def command() -> int:
        print("a", flush=True)
        print("b", file=sys.stderr)
        return int(sys.stdout.isatty() or sys.stderr.isatty())

    assert run_command(command) == 0


def test_a_stream_without_reconfigure(monkeypatch: pytest.MonkeyPatch):
    written = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=written.append, flush=lambda: None))
    assert run_command(lambda: print("織") or 0) == 0
    assert "".join(written) == "織\n"


class Failing(io.RawIOBase):
    """A file that cannot be written to."""

    def __init__(self, number: int):
        self.number = number

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        if self.number:
            raise OSError(self.number, os.strerror(self.number))
        return len(data)


@pytest.mark.parametrize(
    ("number", "code", "says"), [(errno.EPIPE, 141, ""), (errno.ENOSPC, 1, "There is no space left")]
)
def test_an_output_that_fails(monkeypatch: pytest.MonkeyPatch, capsys, number: int, code: int, says: str):
    raw = Failing(number)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(raw), "utf-8"))
    assert run_command(lambda: print("a", flush=True) or 0) == code  # in the command
    assert run_command(lambda: 0) == code  # at its end
    error = capsys.readouterr().err
    assert error.startswith(says) and error.count("\n") == (2 if says else 0)
    raw.number = 0


def test_other_errors_keep_their_own_words(monkeypatch: pytest.MonkeyPatch):
    def command() -> int:
        raise FileNotFoundError(errno.ENOENT, "No such file", "strips.txt")

    with pytest.raises(FileNotFoundError, match="strips.txt"):
        run_command(command)


def test_ctrl_c(capsys: pytest.CaptureFixture):
    def command() -> int:
        raise KeyboardInterrupt

    assert run_command(command) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_arguments_are_passed_on():
    assert run_command(lambda a, b: a - b, 7, 3) == 4


COMMANDS = ["data", "demo", "doctor"]


def command_line(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"aitex_utils.commands.{name}", *arguments]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_command_writes_a_path_of_other_letters(tmp_path: Path, encoding: str):
    folder = tmp_path / "żółw 織"
    size = ["--fabrics", "1", "--normal", "1", "--defective", "0"]
    done = subprocess.run(
        command_line("data", "--folder", str(folder), *size),
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(folder).encode(encoding, "backslashreplace") in done.stdout and folder.is_dir()


@pytest.mark.slow
@needs_posix
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_whose_output_is_closed_or_read_no_more(name: str):
    help_text = " ".join(f'"{word}"' for word in command_line(name, "--help"))
    closed = subprocess.run(["sh", "-c", f"{help_text} >&- 2>&-"], cwd=ROOT, capture_output=True)
    assert closed.returncode == 0
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command_line(name, "--help"), cwd=ROOT, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode in (0, 141) and done.stderr == b""  # argparse itself can pass over the error


# Other builds


def versions(**installed: str):
    def version_of(name: str) -> str:
        if name.replace("-", "_") not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name.replace("-", "_")]

    return version_of


def not_there(name: str) -> SimpleNamespace:
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize(
    ("name", "installed", "expected"),
    [
        ("faiss-cpu", {"faiss_cpu": "1.15", "faiss": "1.9"}, ("faiss-cpu", "1.15")),
        ("faiss-cpu", {"faiss": "1.9"}, ("faiss", "1.9")),
        ("opencv-python", {"opencv_contrib_python": "5.0"}, ("opencv-contrib-python", "5.0")),
        ("opencv-python", {"opencv": "5.0"}, ("opencv", "5.0")),
        ("torch", {"pytorch": "2.5"}, ("pytorch", "2.5")),
        ("numpy", {"numpy_other": "2"}, ("numpy", None)),
        ("torch", {}, ("torch", None)),
    ],
)
def test_another_build_counts(name: str, installed: dict[str, str], expected: tuple[str, str | None]):
    assert installed_version(name, versions(**installed), not_there) == expected


def test_a_package_without_a_description_is_found_by_its_import():
    modules = {"faiss": SimpleNamespace(__version__="1.9.0"), "cv2": SimpleNamespace()}
    assert installed_version("faiss-cpu", versions(), modules.__getitem__) == ("faiss", "1.9.0")
    assert installed_version("opencv-python", versions(), modules.__getitem__) == ("opencv-python", None)  # no version


def test_a_damaged_description_is_no_version():
    assert installed_version("tqdm", lambda name: None) == ("tqdm", None)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, False),
        ({"PIP_INDEX_URL": "x"}, True),
        ({"PIP_EXTRA_INDEX_URL": "x"}, True),
        ({"PIP_FIND_LINKS": "x"}, True),
        ({"PIP_NO_INDEX": "true"}, True),
        ({"PIP_NO_INDEX": "0", "PIP_INDEX_URL": ""}, False),
        ({"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "x"}, True),
        ({"PIP_PROXY": "x"}, False),
    ],
)
def test_whether_settings_of_pip_name_a_source(settings: dict[str, str], expected: bool):
    assert names_source(settings) is expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, False),
        ({"PIP_NO_INDEX": "1"}, True),
        ({"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "wheels"}, False),  # the index can have a newer wheel
        ({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": r"wheels ~/more C:\wheels FILE:///media/stick/my%20wheels"}, True),
        ({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels\nHTTPS://school.example.org/wheels"}, False),
    ],
)
def test_whether_settings_of_pip_make_it_download(settings: dict[str, str], expected: bool):
    assert needs_no_download(settings) is expected


@pytest.mark.parametrize("value", ["1", "true", "Yes", "ON", "t", "y"])
def test_a_setting_that_is_on(value: str):
    assert is_set(value)


@pytest.mark.parametrize("value", ["", "0", "false", "No", "OFF", "f", "n"])
def test_a_setting_that_is_off(value: str):
    assert not is_set(value)


@pytest.mark.parametrize(
    ("wheels", "expected"),
    [
        ([], ""),
        (["torch-2.1+cpu-{python}-{system}.whl"], "cpu"),
        (["torch-2.1-1-{python}-{system}.whl"], "cuda"),
        (["torch-2.1+cu130-py3-none-any.whl"], "cuda"),
        (["torch-2.1+cpu-{python}-{system}.whl", "torch-2.1-{python}-{system}.whl"], "cuda"),
        (["torch-2.1+cpu-{python}-{system}.whl", "torch-2.1-{python}-solaris_2.whl"], "cpu"),
        (["torch-2.1+cpu-{python}-{system}.whl", "torch-2.1-cp39-cp39-{system}.whl"], "cpu"),
        (["torch-2.1-cp39-cp39-{system}.whl", "torchvision-1-{python}-{system}.whl", "torch-2.whl", "torch-x"], ""),
    ],
)
def test_the_build_of_pytorch_in_folders_of_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: list[str], expected: str
):
    """A stick has wheels for several systems and versions of Python. Folders are named as paths or addresses.

    A path cannot contain a space, which the path of the temporary folder can, so the paths are relative.
    """
    python = "cp{0}{1}-cp{0}{1}".format(*sys.version_info[:2])
    system = {"win32": "win_amd64", "darwin": "macosx_14_0_arm64"}.get(sys.platform, "manylinux_2_28_x86_64")
    folders = [tmp_path / "my wheels", tmp_path / "others"]
    for folder in folders:
        folder.mkdir()
    for index, wheel in enumerate(wheels):
        (folders[index % 2] / wheel.format(python=python, system=system)).touch()
    monkeypatch.chdir(tmp_path)
    places = f"{folders[0].as_uri()}\n{folders[1].name} https://example.org/wheels none file://%00 ~no-user/a"
    assert local_torch_build({"PIP_FIND_LINKS": places}, "cuda") == expected


def test_this_file_can_be_read_before_anything_is_installed():
    code = f"import runpy; print(runpy.run_path({launching.__file__!r})['installed_version']('no-such-package'))"
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "('no-such-package', None)", done.stderr


# Limits


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The file that names the control groups of a process."""
    return tmp_path / "cgroup"


def test_cores_without_a_quota(tmp_path: Path, own: Path):
    assert core_limits(8, {}, tmp_path, own) == (8, 8.0)
    write(tmp_path, cpu__max="max 100000\n")
    assert core_limits(8, {}, tmp_path, own) == (8, 8.0)
    write(tmp_path / "cpu", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert core_limits(8, {"CPU_LIMIT": "many"}, tmp_path, own) == (8, 8.0)
    assert core_limits(None, {}, tmp_path, own)[0] >= 1


def test_cores_of_a_container(tmp_path: Path, own: Path):
    """Of version 2 and 1, where a container sees its own group at the top, or under the path that the host gave it."""
    two, one = tmp_path / "two", tmp_path / "one"
    own.write_text("0::/\n")
    write(two, cpu__max="150000 100000\n")
    assert core_limits(8, {}, two, own) == (8, 1.5)
    own.write_text("4:cpu,cpuacct:/docker/abc\n0::/\n")
    write(one / "cpu", cpu__cfs_quota_us="50000\n", cpu__cfs_period_us="100000\n")
    assert core_limits(8, {}, one, own) == (8, 0.5)
    write(one / "cpu" / "docker" / "abc", cpu__cfs_quota_us="25000\n", cpu__cfs_period_us="100000\n")
    assert core_limits(8, {}, one, own) == (8, 0.25)


def test_the_smallest_quota_of_the_groups_above_counts(tmp_path: Path, own: Path):
    own.write_text("0::/user.slice/user-1000.slice/session.scope\n")
    write(tmp_path / "user.slice", cpu__max="400000 100000\n")
    write(tmp_path / "user.slice" / "user-1000.slice", cpu__max="300000 100000\n")
    write(tmp_path / "user.slice" / "user-1000.slice" / "session.scope", cpu__max="max 100000\n")
    assert core_limits(8, {}, tmp_path, own) == (8, 3.0)
    assert core_limits(8, {"CPU_LIMIT": "2.5"}, tmp_path, own) == (8, 2.5)
    assert core_limits(2, {"CPU_LIMIT": "2.5"}, tmp_path, own) == (2, 2.0)


@pytest.mark.parametrize(
    ("cores", "threads"), [((8, 1.5), 2), ((8, 0.1), 1), ((8, 8.0), None), ((2, 1.5), None), ((1, 1.0), None)]
)
def test_threads(cores: tuple[int, float], threads: int | None):
    assert thread_limit(cores) == threads


def test_memory_of_a_container(tmp_path: Path, own: Path):
    assert memory_limit({}, tmp_path, own) == float("inf")
    write(tmp_path, memory__max="3000\n", memory__current="1000\n")
    assert memory_limit({}, tmp_path, own) == 2000
    write(tmp_path, memory__stat="anon 5\ninactive_file 400\n")  # given back when it is needed
    assert memory_limit({}, tmp_path, own) == 2400
    assert memory_limit({"MEM_LIMIT": "1200"}, tmp_path, own) == 1200
    write(tmp_path, memory__max="max\n")
    assert memory_limit({"MEM_LIMIT": ""}, tmp_path, own) == float("inf")
    write(tmp_path, memory__max="500\n")
    assert memory_limit({}, tmp_path, own) == 0.0
    own.write_text("7:memory:/docker/abc\n")
    folder = write(tmp_path / "one" / "memory" / "docker" / "abc", memory__limit_in_bytes="900\n")
    write(folder, memory__usage_in_bytes="800\n", memory__stat="total_inactive_file 300\n")
    assert memory_limit({}, tmp_path / "one", own) == 400


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("proc/driver/nvidia/gpus/0000:01:00.0/information", True),
        ("dev/nvidia0", True),
        ("usr/lib/wsl/lib/libcuda.so.1", True),
        ("dev/nvidiactl", False),  # the driver without a GPU
        ("proc/driver/nvidia/version", False),
    ],
)
def test_an_nvidia_gpu_shows_itself(tmp_path: Path, sign: str, expected: bool):
    assert not launching.has_nvidia_gpu(tmp_path)
    (tmp_path / sign).parent.mkdir(parents=True)
    (tmp_path / sign).touch()
    assert launching.has_nvidia_gpu(tmp_path) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("__version__ = '2.14.1+cu130'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "cuda"),
        ("__version__ = '2.14.1+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n", "cpu"),
        ("cuda = None\nhip = '6.4'\n", "rocm"),
        (None, ""),
    ],
)
def test_the_build_of_pytorch_is_read_from_its_files(tmp_path: Path, text: str | None, expected: str):
    if text is not None:
        (tmp_path / "version.py").write_text(text)
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    assert launching.torch_build(lambda name: found) == expected


def test_the_build_of_the_installed_pytorch():
    import torch

    expected = "cuda" if torch.version.cuda else "rocm" if torch.version.hip else "cpu"
    assert launching.torch_build() == expected
