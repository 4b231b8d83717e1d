"""The launcher, tried in a copy of the project with packages of a few bytes, in a folder with spaces and umlauts."""

from __future__ import annotations

import ast
import errno
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from project_root import ROOT

SOURCE = (ROOT / "course.py").read_text(encoding="utf-8")
# Tells what it was called with. Stands in for pytest, jupyterlab and the modules of aitex_utils.
ECHO = """
import json, os, sys
if __name__ == "__main__":
    print(json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "prefix": sys.prefix}), flush=True)
    sys.exit(int(os.environ.get("ECHO_EXIT", 0)))
"""
# Starts the launcher with the demand for free gigabytes switched off.
START = "import sys; sys.path.insert(0, sys.argv[1]); import course; course.GB_KEPT = course.GB_FETCHED = 0; "
START += "sys.exit(course.main(sys.argv[2:]))"
needs_posix = pytest.mark.skipif(os.name == "nt", reason="signals to a process group are a POSIX matter")


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write the smallest wheel that pip takes."""
    info = f"{name}-{version}.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            wheel.writestr(path, text)


def make_project(root: Path) -> Path:
    """Lay out a project of which only course.py is real."""
    texts = {
        "requirements.txt": "tiny_echo>=1.0\n",
        "constraints.txt": "tiny_echo<2\n",
        "aitex_utils/__init__.py": "",
        **{f"aitex_utils/{name}.py": ECHO for name in ("commands/demo", "commands/data", "commands/doctor")},
        "notebooks/build.py": ECHO,
        "notebooks/00_start_here.ipynb": "{}",
        "benchmarks/speed.py": '"""`python course.py bench speed`: how fast."""\n' + ECHO,
        "benchmarks/accuracy.py": '"""`python course.py bench accuracy [--peer]`: how good."""\n' + ECHO,
        "benchmarks/shared.py": '"""What both need."""\n',
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "course.py", root)
    return root


class Launched(SimpleNamespace):
    """What a run of the launcher gave: `code`, `out`, `err`, and `calls`, what the echoing modules told."""


def launch(project: Path, *arguments: str, cwd: Path | None = None, **variables: str) -> Launched:
    command = [sys.executable, "-c", START, str(project), *arguments]
    environment = clean() | variables
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8")
    calls = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Launched(code=done.returncode, out=done.stdout, err=done.stderr, calls=calls)


def clean() -> dict[str, str]:
    """Return an environment in which pip knows the folder of tiny wheels and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COURSE_", "PYTHON"))}
    return kept | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PYTHONUTF8": "1", "PIP_FIND_LINKS": str(WHEELS)}


WHEELS = Path()


@pytest.fixture(scope="module", autouse=True)
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels `tiny_echo` 1.0 and 1.1, which hold a pytest and a jupyterlab that only echo."""
    global WHEELS
    WHEELS = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "1.1"):
        make_wheel(WHEELS, "tiny_echo", version, {"pytest.py": ECHO, "jupyterlab.py": ECHO})
    return WHEELS


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was set up for real, once for all tests that leave it as it is."""
    root = make_project(tmp_path_factory.mktemp("home") / "ein Ordner mit ä, ö und 織")
    done = launch(root, "doctor")
    assert done.code == 0, done.err
    return root


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher as a module that belongs to a project in `tmp_path / "project"`, where nothing is set up yet."""
    monkeypatch.delenv("COURSE_VENV", raising=False)
    spec = importlib.util.spec_from_file_location("course_tried", make_project(tmp_path / "project") / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The same with an environment that is there but isn't real; pip is whatever `pip_says` makes of it."""
    course.PYTHON.parent.mkdir(parents=True)
    course.PYTHON.touch()
    monkeypatch.setattr(course, "usable", lambda: True)
    return course


def pip_says(course: ModuleType, monkeypatch: pytest.MonkeyPatch, words: str, code: int = 1) -> None:
    """Let pip print `words` and end with `code`."""
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> subprocess.Popen:
        assert command[1:4] == ["-m", "pip", "install"]
        text = f"import sys; sys.stdout.write({words!r}); sys.exit({code})"
        return real([sys.executable, "-c", text], **options)

    monkeypatch.setattr(course.subprocess, "Popen", popen)


def message(course: ModuleType, capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """Return the one sentence with which the launcher fails."""
    assert course.main(list(arguments or ["doctor"])) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Traceback" not in error
    return error


# What is said without setting anything up


@pytest.mark.parametrize("arguments", [[], ["help"], ["-h"], ["--help"]])
def test_help(course: ModuleType, capsys: pytest.CaptureFixture, arguments: list[str]):
    assert course.main(arguments) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in course.COMMANDS)
    assert not course.FOLDER.exists()


def test_unknown_command(course: ModuleType, capsys: pytest.CaptureFixture):
    assert course.main(["labb"]) == 2
    expected = "There is no command 'labb': choose one of lab, test, demo, data, build, bench, doctor.\n"
    assert capsys.readouterr().err == expected
    assert not course.FOLDER.exists()


@pytest.mark.parametrize("arguments", [["bench"], ["bench", "sped"], ["bench", "shared"]])
def test_bench_lists_the_names(course: ModuleType, capsys: pytest.CaptureFixture, arguments: list[str]):
    assert course.main(arguments) == 2
    assert capsys.readouterr().err == "Name a benchmark after bench: accuracy, speed.\n"


def test_bench_without_any(course: ModuleType, capsys: pytest.CaptureFixture):
    shutil.rmtree(course.ROOT / "benchmarks")
    assert course.main(["bench", "speed"]) == 2
    assert capsys.readouterr().err == "Name a benchmark after bench: there are none yet.\n"


# Too old a Python


def test_source_is_python_3_6():
    ast.parse(SOURCE, feature_version=(3, 6))
    assert "from __future__" not in SOURCE.split('"""', 2)[2]


def test_too_old_a_python_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(
        SystemExit, match=r"^This is Python 3\.9, and the course needs 3\.10 or newer: install one .*\.$"
    ):
        exec(compile(SOURCE, "course.py", "exec"), {"__name__": "course", "__file__": "course.py"})


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9"])
def test_too_old_a_python_for_real(version: str):
    places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    python = next((str(p) for p in places), None) or shutil.which(f"python{version}")
    answer = subprocess.run([python, "-c", "print(1)"], capture_output=True, text=True) if python else None
    if answer is None or answer.returncode:
        pytest.skip(f"no Python {version} on this machine")
    done = subprocess.run([python, str(ROOT / "course.py"), "lab"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"This is Python {version}, and the course needs 3.10 or newer: install one")
    assert done.stderr.count("\n") == 1


# Setting up, for real


def test_set_up_and_each_command(project: Path, tmp_path: Path):
    folder = project / ".venv"
    expected = {  # command, the end of what is run, the arguments that reach it, where it runs
        ("test", "-k", "a b"): ("pytest.py", ["-k", "a b"], project),
        ("demo", "--data", "../ä"): ("demo.py", ["--data", "../ä"], tmp_path),
        ("data", "x"): ("data.py", ["x"], tmp_path),
        ("build", "--check"): ("build.py", ["--check"], tmp_path),
        ("bench", "speed", "1"): ("speed.py", ["1"], tmp_path),
        ("doctor",): ("doctor.py", [], tmp_path),
    }
    for arguments, (end, passed_on, cwd) in expected.items():
        done = launch(project, *arguments, cwd=tmp_path)
        assert (done.code, done.err) == (0, "")
        (call,) = done.calls
        assert call["argv"][0].endswith(end)
        assert call["argv"][1:] == passed_on
        assert Path(call["cwd"]).resolve() == cwd.resolve()
        assert Path(call["prefix"]).resolve() == folder.resolve()
        assert "Setting up" not in done.out and "Completing" not in done.out


def test_started_as_a_file(project: Path, tmp_path: Path):
    command = [sys.executable, str(project / "course.py"), "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0 and json.loads(done.stdout)["argv"][0].endswith("doctor.py")


def test_exit_code_is_passed_on(project: Path):
    assert launch(project, "demo", ECHO_EXIT="7").code == 7


def test_lab(project: Path, tmp_path: Path):
    done = launch(project, "lab", "--no-browser", "--port", "8899", cwd=tmp_path)
    assert done.code == 0
    fabric, doctor, jupyter = done.calls
    assert [Path(call["argv"][0]).name for call in done.calls] == ["data.py", "doctor.py", "jupyterlab.py"]
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    assert jupyter["argv"][1:] == [
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
        *(["--allow-root"] if root else []),
        *["--no-browser", "--port", "8899"],
    ]
    assert ("refuses to run as root" in done.out) == root
    assert Path(jupyter["cwd"]).resolve() == project.resolve()


def test_lab_makes_the_practice_fabric_only_where_missing(project: Path):
    (project / "data" / "practice").mkdir(parents=True)
    done = launch(project, "lab")
    (project / "data" / "practice").rmdir()
    assert [Path(call["argv"][0]).name for call in done.calls] == ["doctor.py", "jupyterlab.py"]


def test_lab_stops_where_the_doctor_says_so(project: Path):
    (project / "data" / "practice").mkdir(parents=True)
    done = launch(project, "lab", ECHO_EXIT="1")
    (project / "data" / "practice").rmdir()
    assert done.code == 1 and [Path(call["argv"][0]).name for call in done.calls] == ["doctor.py"]


def test_lab_without_its_notebook(project: Path):
    notebook = project / "notebooks" / "00_start_here.ipynb"
    notebook.rename(notebook.with_suffix(".away"))
    done = launch(project, "lab")
    notebook.with_suffix(".away").rename(notebook)
    assert done.code == 1
    assert done.err.startswith(f"{Path('notebooks', '00_start_here.ipynb')} is missing: make it with `python course.py")


def test_import_from_anywhere(project: Path, tmp_path: Path):
    python = project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import aitex_utils; print(ascii(aitex_utils.__file__))"
    done = subprocess.run([str(python), "-c", code], cwd=tmp_path, env=clean(), capture_output=True, text=True)
    assert done.stdout.strip() == ascii(str(project / "aitex_utils" / "__init__.py")), done.stderr


def read_settings(project: Path, name: str) -> dict:
    return json.loads((project / ".venv" / name).read_text())


def test_jupyter_is_kept_off_the_network(project: Path):
    assert read_settings(project, "etc/jupyter/jupyter_lab_config.json")["LabApp"]["news_url"] is None
    assert read_settings(project, "etc/jupyter/labconfig/page_config.json")["buildCheck"] is False
    (notification,) = read_settings(project, "share/jupyter/lab/settings/overrides.json").values()
    assert notification == {"fetchNews": "false", "checkForUpdates": False}


def test_jupyter_understands_its_settings(project: Path):
    labapp = pytest.importorskip("jupyterlab.labapp")
    from traitlets.config import Config

    config = read_settings(project, "etc/jupyter/jupyter_lab_config.json")
    app = labapp.LabApp(config=Config(config))
    assert app.news_url is None and set(config["LabApp"]) <= set(labapp.LabApp.class_trait_names())
    schemas = Path(labapp.get_app_dir()) / "schemas"
    for name, values in read_settings(project, "share/jupyter/lab/settings/overrides.json").items():
        schema = json.loads((schemas / f"{name.replace(':', '/')}.json").read_text())
        assert set(values) <= set(schema["properties"])


@needs_posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 5), (signal.SIGTERM, 128 + 15)])
def test_signals_reach_the_child(project: Path, number: int, code: int):
    waiting = '"""`python course.py bench waiting`: waits."""\n'
    waiting += "import sys, time\ntry:\n    print('ready', flush=True)\n    time.sleep(60)\nexcept KeyboardInterrupt:\n"
    (project / "benchmarks" / "waiting.py").write_text(waiting + "    time.sleep(0.5)\n    sys.exit(5)\n")
    command = [sys.executable, "-c", START, str(project), "bench", "waiting"]
    with subprocess.Popen(
        command, env=clean(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        assert started.stdout.readline() == "ready\n"
        if number == signal.SIGINT:
            os.killpg(started.pid, number)  # as a terminal does
        else:
            started.send_signal(number)
        _, error = started.communicate(timeout=30)
    (project / "benchmarks" / "waiting.py").unlink()
    assert (started.returncode, error) == (code, "")


@needs_posix
def test_ctrl_c_in_a_module_shows_no_traceback(project: Path):
    demo = project / "aitex_utils" / "commands" / "demo.py"
    demo.write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, str(project / "course.py"), "demo"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=clean(), text=True, start_new_session=True, **pipes) as started:
        assert started.stdout.readline() == "ready\n"
        os.killpg(started.pid, signal.SIGINT)
        _, error = started.communicate(timeout=30)
    demo.write_text(ECHO)
    assert (started.returncode, error) == (1, "Stopped.\n")


@pytest.mark.slow
def test_a_changed_list_and_an_interruption_are_picked_up(tmp_path: Path):
    root = make_project(tmp_path / "p")
    folder = root / ".venv"
    first = launch(root, "doctor")
    assert first.out.startswith(f"Setting up {folder} (only this once): at most ")
    assert installed(folder) == ["1.1"]

    (root / "constraints.txt").write_text("tiny_echo<1.1\n")  # a changed list
    second = launch(root, "doctor")
    assert second.out.startswith(f"Completing {folder} (the packages or the Python version changed): ")
    assert installed(folder) == ["1.0"]

    (root / "constraints.txt").write_bytes(b"tiny_echo<1.1\r\n")  # only the line's end: nothing to do
    assert launch(root, "doctor").out.startswith("{")

    (folder / "course-stamp").unlink()  # interrupted during pip: the environment is kept and completed
    (folder / "mine").touch()
    third = launch(root, "doctor")
    assert third.code == 0 and third.out.startswith("Completing") and (folder / "mine").exists()

    (folder / "course-stamp").unlink()  # interrupted before pip was there: made anew
    packages = site_packages(folder)
    shutil.rmtree(packages / "pip")
    assert launch(root, "doctor").code == 0
    assert (packages / "pip").is_dir() and not (folder / "mine").exists()
    assert not (folder / "tmp").exists()


def site_packages(folder: Path) -> Path:
    name = "Lib" if os.name == "nt" else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    return folder / name / "site-packages"


def installed(folder: Path) -> list[str]:
    return [path.name.split("-")[1].removesuffix(".dist") for path in site_packages(folder).glob("tiny_echo-*")]


@pytest.mark.slow
def test_course_venv_completes_an_environment(project: Path, tmp_path: Path):
    """One that holds something already, as PyTorch without CUDA would be, keeps it."""
    elsewhere = tmp_path / "my env"
    venv.create(elsewhere, with_pip=True, symlinks=os.name != "nt")
    (elsewhere / "mine").touch()
    done = launch(project, "doctor", COURSE_VENV=str(elsewhere))
    assert done.code == 0 and done.calls[0]["prefix"] == str(elsewhere)
    assert (elsewhere / "mine").exists() and installed(elsewhere) == ["1.1"]


# What goes wrong, one sentence each


def test_course_venv_that_is_no_environment_is_left_alone(project: Path, tmp_path: Path):
    (tmp_path / "thesis.txt").touch()
    done = launch(project, "doctor", COURSE_VENV=str(tmp_path))
    assert done.code == 1 and os.listdir(tmp_path) == ["thesis.txt"]
    assert done.err.startswith(f"COURSE_VENV names {tmp_path}, which is not empty and has no working Python")


def test_broken_environment_that_is_in_use(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(course.FOLDER))
    assert f"{course.FOLDER} is broken and in use: leave it with `deactivate`" in message(course, capsys)


def test_disk_too_small_beforehand(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: SimpleNamespace(free=1.2e9))
    said = message(course, capsys)
    assert said.startswith(f"The disk is too full (setting up needs {course.GB_KEPT + course.GB_FETCHED} GB")
    assert "1.2 GB are free" in said and "COURSE_VENV" in said and not course.FOLDER.exists()


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_no_venv_module(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch, missing: str):
    monkeypatch.setattr(course, "GB_KEPT", 0)
    monkeypatch.setattr(course, "GB_FETCHED", 0)
    monkeypatch.setitem(sys.modules, missing, None)
    said = message(course, capsys)
    assert said.startswith(f"This Python has no `{missing}` module")
    assert f"`sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv`" in said


@pytest.mark.parametrize(
    ("number", "begins"),
    [
        (errno.ENOSPC, "The disk is too full"),
        (errno.EROFS, "FOLDER cannot be used (Read-only file system): move the course to a folder where you can write"),
        (errno.EACCES, "FOLDER cannot be used (Permission denied): move the course to a folder where you can write"),
    ],
)
def test_environment_cannot_be_written(course: ModuleType, capsys, monkeypatch, number: int, begins: str):
    def create(self: venv.EnvBuilder, folder: Path) -> None:
        raise OSError(number, os.strerror(number), str(folder))

    monkeypatch.setattr(course, "GB_KEPT", 0)
    monkeypatch.setattr(course, "GB_FETCHED", 0)
    monkeypatch.setattr(venv.EnvBuilder, "create", create)
    assert message(course, capsys).startswith(begins.replace("FOLDER", str(course.FOLDER)))


def test_pip_cannot_be_put_into_the_environment(course: ModuleType, capsys, monkeypatch):
    def create(self: venv.EnvBuilder, folder: Path) -> None:
        folder.mkdir()
        raise subprocess.CalledProcessError(1, "ensurepip", output=b"OSError: [Errno 28] No space left on device")

    monkeypatch.setattr(course, "GB_KEPT", 0)
    monkeypatch.setattr(course, "GB_FETCHED", 0)
    monkeypatch.setattr(venv.EnvBuilder, "create", create)
    assert message(course, capsys).startswith("The disk is too full")


UNREACHED = "The package index cannot be reached: check the network"
NOT_WRITTEN = "cannot be written: close what uses it (JupyterLab)"
PIP_SAID = {
    "full disk": (
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
        "too full",
    ),
    "quota": ("OSError: [Errno 122] Disk quota exceeded\n", "too full"),
    "full disk on Windows": ("OSError: [WinError 112] Es steht nicht genug Speicherplatz zur Verfügung\n", "too full"),
    "no name server": (
        "WARNING: Retrying after connection broken by 'NameResolutionError(\"Failed to resolve 'x'\")'\n"
        "ERROR: No matching distribution found for torch>=2.4\n",
        UNREACHED,
    ),
    "refused": (
        "NewConnectionError: Failed to establish a new connection: [Errno 111] Connection refused\n",
        UNREACHED,
    ),
    "dropped": ("urllib3.exceptions.IncompleteRead: IncompleteRead(10 bytes read)\n", UNREACHED),
    "time-out": ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.\n", UNREACHED),
    "proxy": ("ProxyError('Cannot connect to proxy.', OSError('407'))\n", UNREACHED),
    "certificate": ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))\n", UNREACHED),
    "forbidden": ("ERROR: HTTP error 403 while getting x\nERROR: 403 Client Error: Forbidden for url: x\n", UNREACHED),
    "read-only": (
        "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system\n",
        NOT_WRITTEN,
    ),
    "in use": ("ERROR: [WinError 5] Access is denied: 'torch.dll'\n", NOT_WRITTEN),
    "no build": (
        "ERROR: Could not find a version that satisfies the requirement torch>=2.4 (from versions: none)\n"
        "ERROR: No matching distribution found for torch>=2.4\n",
        f"There is no torch>=2.4 for this Python ({sys.version.split()[0]}, ",
    ),
    "no build within the constraints": (
        "ERROR: Cannot install torch>=2.4 because these package versions have conflicting dependencies.\n"
        "ERROR: ResolutionImpossible: for help visit x\n",
        "There is no torch>=2.4 for this Python",
    ),
    "long path": (
        "HINT: This system does not have Windows Long Path support enabled.\n",
        "A path got too long for Windows",
    ),
    "anything else": (
        "Collecting x\nERROR: Invalid wheel filename.\nbye\n",
        "The installation failed (Invalid wheel filename)",
    ),
    "no word": (
        "Collecting x\n",
        "The installation was ended from outside, mostly because memory ran out: close other programs",
    ),
}


@pytest.mark.parametrize("case", PIP_SAID)
def test_pip_fails(made: ModuleType, capsys: pytest.CaptureFixture, monkeypatch, case: str):
    words, expected = PIP_SAID[case]
    monkeypatch.setattr(made, "free", lambda: 100.0)
    pip_says(made, monkeypatch, words)
    said = message(made, capsys)
    assert expected in said and "run it again" in said
    if "too full" not in expected:
        assert f"(pip's output: {made.LOG})" in said and made.LOG.read_text(encoding="utf-8") == words
    assert not made.STAMP.exists() and not (made.FOLDER / "tmp").exists()


def test_full_disk_of_which_pip_could_say_nothing(made: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setattr(made, "free", lambda: 0.0)
    pip_says(made, monkeypatch, "")
    assert message(made, capsys).startswith("The disk is too full")


def test_a_failed_update_leaves_no_stamp(made: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    made.STAMP.write_text("of older lists")
    pip_says(made, monkeypatch, "ERROR: no.\n")
    message(made, capsys)
    assert not made.STAMP.exists()


def test_ctrl_c_while_setting_up(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "make_environment", interrupted)
    assert course.main(["test"]) == 130
    assert capsys.readouterr().err == "\nStopped; run it again to go on.\n"


def test_ctrl_c_ends_pip(made: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    started = []
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> subprocess.Popen:
        started.append(real([sys.executable, "-c", "import time; time.sleep(60)"], **options))
        return started[-1]

    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(made.subprocess, "Popen", popen)
    monkeypatch.setattr(made.time, "sleep", sleep)
    assert made.main(["test"]) == 130
    assert started[0].poll() not in (None, 0) and not made.STAMP.exists()  # ended before its time


def test_progress_line(made: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """On a terminal one line tells the package that pip is at; elsewhere there is none."""
    made.LOG.write_text(
        "Collecting torch>=2.4 (from -r requirements.txt (line 4))\n  Downloading torch-2.whl (554 MB)\n"
    )
    polls = iter([None, None, 0])
    monkeypatch.setattr(made.time, "sleep", lambda seconds: None)
    made.watch(SimpleNamespace(poll=lambda: next(polls)))
    assert capsys.readouterr().out == ""
    polls = iter([None, None, 0])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    made.watch(SimpleNamespace(poll=lambda: next(polls)))
    lines = capsys.readouterr().out.split("\r")
    assert lines[0].split() == ["0", "s", "1", "packages", "Downloading", "torch-2.whl", "(554", "MB)"]
    assert lines[-2].strip() == "" and {len(line) for line in lines[:-1]} == {78}


def test_modules_of_the_users_folder_and_of_another_python_are_kept_out(project: Path, tmp_path: Path):
    for folder in (tmp_path / "cwd", tmp_path / "path"):
        (folder / "aitex_utils" / "commands").mkdir(parents=True)
        for name in ("json.py", "aitex_utils/__init__.py", "aitex_utils/commands/demo.py"):
            (folder / name).write_text(f"raise SystemExit('the wrong {name}')")
    command = [sys.executable, "-E", str(project / "course.py"), "demo"]  # -E: the launcher itself isn't to stumble
    environment = clean() | {"PYTHONPATH": str(tmp_path / "path")}
    done = subprocess.run(command, cwd=tmp_path / "cwd", env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_which_environments_are_usable(project: Path, course: ModuleType, monkeypatch: pytest.MonkeyPatch):
    assert not course.usable()  # not there
    there = project / course.PYTHON.relative_to(course.ROOT)
    monkeypatch.setattr(course, "PYTHON", there)
    assert course.usable()
    monkeypatch.setattr(course, "VERSION", "3.99")  # of another version
    assert not course.usable()


def test_the_python_version_belongs_to_the_fingerprint(course: ModuleType, monkeypatch: pytest.MonkeyPatch):
    before = course.fingerprint()
    assert course.fingerprint() == before
    monkeypatch.setattr(course, "VERSION", "3.99")
    assert course.fingerprint() != before


def test_the_tests_say_how_long_they_take_and_quick_leaves_out_the_slow_ones(project: Path):
    done = launch(project, "test", "-x")
    assert done.calls[-1]["argv"][1:] == ["-x"] and " min " not in done.out  # not measured in this project
    results = project / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "tests.json").write_text('{"full_minutes": 12.4, "quick_minutes": 2.3}')
    full, quick = launch(project, "test"), launch(project, "test", "--quick", "-x")
    assert full.calls[-1]["argv"][1:] == [] and "about 12 min" in full.out
    assert quick.calls[-1]["argv"][1:] == ["-m", "not slow", "-x"] and "about 2 min" in quick.out
    shutil.rmtree(results)
