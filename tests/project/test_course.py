"""The launcher, tried in a copy of the project with packages of a few bytes, in a folder with spaces and umlauts."""

from __future__ import annotations

import ast
import errno
import importlib.util
import json
import os
import re
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
pytestmark = pytest.mark.slow  # each test starts the launcher anew
# Starts the launcher with the demand for free gigabytes switched off.
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import course; course.SIZES = dict.fromkeys(course.SIZES, (0, 0)); "
)
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
        "requirements-scale.txt": "tiny_dask>=1.0\n",
        "constraints.txt": "tiny_echo<2\n",
        "aitex_utils/__init__.py": "",
        **{
            f"aitex_utils/{name}.py": ECHO
            for name in ("commands/demo", "commands/inspect", "commands/data", "commands/doctor")
        },
        "notebooks/build.py": ECHO,
        "notebooks/path.py": ECHO,
        "notebooks/source/00_start_here.py": "",
        "tests/test_tiling.py": "",
        "notebooks/00_start_here.ipynb": "{}",
        "benchmarks/speed.py": '"""`python course.py bench speed`: how fast."""\n' + ECHO,
        "benchmarks/accuracy.py": '"""`python course.py bench accuracy [--fabric FF]`: how good."""\n' + ECHO,
        "benchmarks/shared.py": '"""What both need."""\n',
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "course.py", root)
    shutil.copy(ROOT / "aitex_utils" / "commands" / "launching.py", root / "aitex_utils" / "commands")
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
    make_wheel(WHEELS, "tiny_dask", "1.0", {"tiny_dask.py": ""})
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
    monkeypatch.setattr(course, "ask", lambda code, *arguments: "")
    monkeypatch.setattr(course, "pip_environment", lambda: dict(os.environ))
    return course


def pip_says(course: ModuleType, monkeypatch: pytest.MonkeyPatch, words: str, code: int = 1) -> None:
    """Let pip print `words` and end with `code`."""
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> subprocess.Popen:
        assert command[4:6] == ["pip", "install"]
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
    expected = f"There is no command 'labb': choose one of {', '.join(course.COMMANDS)}.\n"
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["test", "--quik"], "There is no option --quik: did you mean --quick?"),
        (["lab", "99"], "There is no file 99 in "),
        (["lab", "--no-browser", "nowhere.ipynb"], "There is no file nowhere.ipynb in "),
        (["lab", "--port=8899", "8899"], "There is no file 8899 in "),
        (["lab", "9" * 5000], "There is no file 99999999"),
        (["lab", "course.py/9"], "There is no file course.py/9 in "),
        (["demo", "--data", "a\0b"], "'a\\x00b' contains a character that no argument"),
    ],
)
def test_unknown_arguments(course: ModuleType, capsys: pytest.CaptureFixture, arguments: list[str], says: str):
    assert course.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(says) and error.count("\n") == 1
    assert not course.FOLDER.exists()


@pytest.mark.parametrize("name", ["tests", "notebooks/source"])
def test_a_copy_without_solutions_has_no_tests(course: ModuleType, capsys: pytest.CaptureFixture, name: str):
    shutil.rmtree(course.ROOT / name)
    assert course.main(["test", "--quick"]) == 2
    sentence = f"This copy of the course has no {name}, which the tests need: run them in the whole course.\n"
    assert capsys.readouterr().err == sentence and not course.FOLDER.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["test", "--quick"],
        ["test", "--quiet", "-k", "quick"],
        ["lab", "--port", "8899"],
        ["lab", "--no-browser", "notebooks/00_start_here.ipynb"],
        ["demo", "--fabric", "99"],
    ],
)
def test_known_arguments(course: ModuleType, arguments: list[str]):
    assert course.complaint(arguments[0], arguments[1:]) == ""


# Any output stream


def as_file(
    project: Path, *arguments: str, before: str = "", cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess:
    """Run course.py as a user does, in a process that first runs `before`."""
    code = f"import runpy, sys\nsys.argv = sys.argv[1:]\n{before}\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, *(["-c", code] if before else []), str(project / "course.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=clean() | variables, capture_output=True)


@pytest.fixture
def printing(project: Path) -> Path:
    """The project with a doctor that prints its path, which has letters of three alphabets."""
    doctor = project / "aitex_utils" / "commands" / "doctor.py"
    doctor.write_text("print(__file__, flush=True)\n")
    yield project
    doctor.write_text(ECHO)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp1252:strict", "ascii:strict"])
def test_a_stream_of_few_letters(printing: Path, encoding: str):
    done = as_file(printing, "doctor", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    expected = str(printing / "aitex_utils" / "commands" / "doctor.py").encode(
        encoding.split(":")[0], "backslashreplace"
    )
    assert done.stdout.strip() == expected


def test_the_launcher_s_own_words_on_a_stream_of_few_letters(project: Path):
    (project / "notebooks" / "00_start_here.ipynb").rename(project / "notebooks" / "away")
    try:
        done = as_file(project, "lab", PYTHONIOENCODING="ascii", PYTHONUTF8="0", COURSE_VENV=f"{project}/織/course.py")
    finally:
        (project / "notebooks" / "away").rename(project / "notebooks" / "00_start_here.ipynb")
    assert b"Traceback" not in done.stderr


OTHER_STREAM = """
class Stream:
    def write(self, text):
        sys.__stdout__.write('[' + text + ']')
    def flush(self):
        sys.__stdout__.flush()
sys.stdout = Stream()"""


def test_a_stream_without_reconfigure_shows_what_a_command_prints(printing: Path):
    """A notebook's stream, as with `%run course.py doctor`: it shows nothing that a child prints."""
    done = as_file(printing, "doctor", before=OTHER_STREAM)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(f"[{printing}")


@pytest.mark.parametrize("arguments", [["help"], ["doctor"], ["labb"]])
def test_no_streams_at_all(printing: Path, arguments: list[str]):
    """As with pythonw.exe."""
    done = as_file(printing, *arguments, before="sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None")
    assert (done.returncode, done.stderr) == (2 if arguments == ["labb"] else 0, b"")


@needs_posix
@pytest.mark.parametrize("arguments", ["help", "doctor"])
def test_an_output_that_the_shell_closed(printing: Path, arguments: str):
    command = f'"{sys.executable}" "{printing}/course.py" {arguments} >&-'
    done = subprocess.run(["sh", "-c", command], env=clean(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@needs_posix
def test_a_pipe_that_nothing_reads(project: Path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(project / "course.py"), "help"]
    done = subprocess.run(command, env=clean(), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_handlers_of_signals_are_put_back(project: Path, course: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """Or a notebook's kernel could not be interrupted any more after `%run course.py doctor`."""
    monkeypatch.setattr(course, "PYTHON", project / course.PYTHON.relative_to(course.ROOT))
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert course.run("-c", "raise SystemExit(7)") == 7
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


# What children get from the environment


def test_paths_in_variables_are_made_absolute(course: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("AITEX_ROOT", os.path.join("data", "AITEX"))
    monkeypatch.setenv("COURSE_PROGRESS", os.path.join("~", "progress.json"))
    monkeypatch.setenv("COURSE_CACHE", "")
    variables = course.child_environment()
    assert variables["AITEX_ROOT"] == str(tmp_path / "data" / "AITEX")
    assert variables["COURSE_PROGRESS"] == str(tmp_path / "home" / "progress.json")
    assert variables["COURSE_CACHE"] == ""


def test_variables_of_python_that_load_or_skip_code_are_left_out(course: ModuleType, monkeypatch: pytest.MonkeyPatch):
    for name in ("PATH", "HOME", "STARTUP", "SAFEPATH", "OPTIMIZE", "INSPECT", "USERBASE", "WARNINGS"):
        monkeypatch.setenv(f"PYTHON{name}", "1")
    monkeypatch.setenv("PYTHONUTF8", "1")
    variables = course.child_environment()
    kept = {name for name in variables if name.startswith("PYTHON")}
    assert kept <= set(course.PYTHON_KEPT) | {"PYTHONNOUSERSITE"} and variables["PYTHONUTF8"] == "1"


@pytest.mark.parametrize(("limit", "named", "expected"), [(2, None, "2"), (2, "7", "7"), (None, None, None)])
def test_threads_follow_a_quota(course: ModuleType, monkeypatch: pytest.MonkeyPatch, limit, named, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if named is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", named)
    monkeypatch.setattr(course, "shared", lambda name: {"thread_limit": lambda: limit}[name])
    assert course.child_environment().get("OMP_NUM_THREADS") == expected


def test_the_quota_of_jupyterhub_reaches_a_command(project: Path):
    cores = os.cpu_count() or 1
    if cores < 2:
        pytest.skip("one core, no smaller quota")
    demo = project / "aitex_utils" / "commands" / "demo.py"
    demo.write_text("import os\nprint('threads', os.environ.get('OMP_NUM_THREADS'))\n")
    done = [launch(project, "demo", CPU_LIMIT=limit, OMP_NUM_THREADS="") for limit in ("0.5", "not a number", "-1")]
    demo.write_text(ECHO)
    assert [launched.out.strip() for launched in done][0] == "threads 1"
    assert [launched.code for launched in done] == [0, 0, 0]


# A learner's files with the names of modules


HIDING = ("json.py", "random.py", "ast.py", "runpy.py", "argparse.py", "subprocess.py", "pytest.py", "jupyterlab.py")


@pytest.fixture
def hiding(project: Path, tmp_path: Path) -> Path:
    """Return the project with files that hide modules in each folder, and a benchmark that imports its neighbour."""
    paths = [folder / name for folder in (project, project / "notebooks", tmp_path) for name in HIDING]
    paths += [project / "benchmarks" / "neighbour.py", project / "benchmarks" / "near.py"]
    for path in paths:
        path.write_text("raise SystemExit('not the module')\n")
    text = '"""`python course.py bench near`: imports a neighbour."""\nimport neighbour\n'
    (project / "benchmarks" / "near.py").write_text(text)
    (project / "benchmarks" / "neighbour.py").write_text("print('found')\n")
    yield project
    for path in paths:
        path.unlink()


@pytest.mark.parametrize("command", ["lab", "test", "demo", "inspect", "data", "build", "doctor"])
def test_a_command_starts_beside_files_that_hide_modules(hiding: Path, tmp_path: Path, command: str):
    for cwd in (tmp_path, hiding):
        done = as_file(hiding, command, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, b"") and b"argv" in done.stdout


def test_setting_up_beside_files_that_hide_modules(project: Path, hiding: Path, tmp_path: Path):
    stamp, stored = project / ".venv" / "course-stamp", tmp_path / "course-stamp"
    stamp.rename(stored)
    done = as_file(project, "doctor", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(b"Completing"), done.stderr
    assert stamp.read_text() == stored.read_text()


def test_a_question_beside_files_that_hide_modules(project: Path, hiding: Path, tmp_path: Path, course, monkeypatch):
    monkeypatch.setattr(course, "PYTHON", project / course.PYTHON.relative_to(course.ROOT))
    monkeypatch.chdir(tmp_path)
    assert course.ask("import json; print(json.dumps(1))") == "1"


@pytest.mark.parametrize("name", ["PYTHONSAFEPATH", "PYTHONOPTIMIZE"])
def test_a_benchmark_finds_its_neighbours(hiding: Path, name: str):
    done = as_file(hiding, "bench", "near", **{name: "1"})
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"found", b"")


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


@pytest.mark.parametrize("folder", ["data/lab90", "data/a lab"])
def test_lab_opens_a_notebook_of_a_path_and_shows_the_whole_course(project: Path, folder: str):
    (project / "data" / "practice").mkdir(parents=True)
    (project / folder).mkdir()
    notebook = f"{folder}/00_start_here.ipynb"
    (project / notebook).write_text("{}", encoding="utf-8")
    done = launch(project, "lab", "--port", "8899", str(Path(notebook)))
    shutil.rmtree(project / "data")
    arguments = done.calls[-1]["argv"][1:]
    assert arguments[0] == f"--LabApp.default_url=/lab/tree/{notebook.replace(' ', '%20')}"
    assert arguments[-2:] == ["--port", "8899"] and str(Path(notebook)) not in arguments


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


@pytest.fixture(scope="module")
def two_checkouts(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path, list[Launched]]:
    """Two projects that set up one new COURSE_VENV at the same time, and what both launchers said.

    Its name has a space, a percent sign and other letters. Settings of pip would send packages elsewhere, all at once.
    """
    home = tmp_path_factory.mktemp("shared")
    folder, settings = home / "100% für 織", home / "pip.ini"
    settings.write_text(f"[global]\ntarget = {home / 'target'}\n[install]\nuser = true\nprefix = {home / 'prefix'}\n")
    hostile = {
        "TARGET": str(home / "t"),
        "ROOT": str(home / "r"),
        "PREFIX": str(home / "p"),
        "DRY_RUN": "1",
        "USER": "1",
    }
    hostile |= {"REQUIRE_VIRTUALENV": "1", "NO_DEPS": "1", "ONLY_BINARY": ":none:", "REQUIREMENT": "nowhere.txt"}
    variables = clean() | {f"PIP_{name}": value for name, value in hostile.items()} | {"PIP_CONFIG_FILE": str(settings)}
    variables |= {"COURSE_VENV": str(folder), "PYTHONSTARTUP": str(home / "none.py")}
    roots = [make_project(home / name) for name in ("first", "second")]
    where = (
        '"""`python course.py bench where`: says whose code runs."""\nimport aitex_utils\nprint(aitex_utils.__file__)\n'
    )
    started = []
    for root in roots:
        (root / "benchmarks" / "where.py").write_text(where)
        command = [sys.executable, "-c", START, str(root), "bench", "where"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        started.append(subprocess.Popen(command, env=variables, **pipes))
    said = []
    for process in started:
        out, error = process.communicate(timeout=300)
        said.append(Launched(code=process.returncode, out=out, err=error))
    assert sorted(os.listdir(home)) == sorted([folder.name, "first", "second", "pip.ini"])
    return roots, folder, said


def test_two_launchers_set_up_one_environment_one_after_the_other(two_checkouts: tuple):
    roots, folder, said = two_checkouts
    assert [(done.code, done.err) for done in said] == [(0, ""), (0, "")]
    assert sum("Setting up" in done.out or "Completing" in done.out for done in said) == 1
    assert sum(f"Another course.py is setting up {folder}: waiting" in done.out for done in said) == 1


def test_settings_of_pip_do_not_send_packages_elsewhere(two_checkouts: tuple):
    assert installed(two_checkouts[1]) == ["1.1"]


def test_two_checkouts_on_one_environment_run_their_own_code(two_checkouts: tuple):
    roots, folder, said = two_checkouts
    for _ in range(2):
        for root in roots:
            done = launch(root, "bench", "where", COURSE_VENV=str(folder))
            assert done.out.strip() == str(root / "aitex_utils" / "__init__.py"), done.err
    assert all(
        done.out.strip().endswith(str(root / "aitex_utils" / "__init__.py"))
        for root, done in zip(roots, said, strict=True)
    )


@pytest.mark.parametrize("inside", [".", "notebooks", "notebooks/solved"])
def test_a_kernel_of_a_shared_environment_runs_the_code_around_it(two_checkouts: tuple, inside: str):
    """A kernel that VS Code starts has the notebook's folder as its working directory, and no variable of course.py."""
    roots, folder, _ = two_checkouts
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import aitex_utils; print(ascii(aitex_utils.__file__))"
    for root in roots:
        (root / inside).mkdir(exist_ok=True)
        variables = clean() | {"COURSE_CHECKOUT": str(root.parent), "VIRTUAL_ENV": "of something else"}
        options = {"env": variables, "capture_output": True, "text": True}
        done = subprocess.run([str(python), "-I", "-c", code], cwd=root / inside, **options)
        assert done.stdout.strip() == ascii(str(root / "aitex_utils" / "__init__.py")), done.stderr


def test_a_checkout_that_was_deleted_gives_way_to_the_next(two_checkouts: tuple, tmp_path: Path):
    roots, folder, _ = two_checkouts
    path = site_packages(folder) / "course.pth"
    before = path.read_text()
    named = next(root for root in roots if ascii(str(root)) in before)
    other = next(root for root in roots if root != named)
    launch(other, "bench", "where", COURSE_VENV=str(folder))
    assert path.read_text() == before  # it is kept while it is there
    named.rename(tmp_path / "away")
    launch(other, "bench", "where", COURSE_VENV=str(folder))
    assert ascii(str(other)) in path.read_text()
    (tmp_path / "away").rename(named)


@needs_posix
def test_a_deleted_working_directory_does_not_disturb_the_start(project: Path, tmp_path: Path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'cd "{gone}" && rmdir "{gone}" && "{project}/.venv/bin/python" -c "import aitex_utils"'
    done = subprocess.run(["sh", "-c", command], env=clean(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


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
        _, error = started.communicate(timeout=300)
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
        _, error = started.communicate(timeout=300)
    demo.write_text(ECHO)
    assert (started.returncode, error) == (1, "Stopped.\n")


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
    assert "contains mine: move that elsewhere" in launch(root, "doctor").err
    (folder / "mine").unlink()
    (packages / "half-installed").touch()
    assert launch(root, "doctor").code == 0
    assert (packages / "pip").is_dir() and not (packages / "half-installed").exists()
    assert not (folder / "course-tmp").exists()


def test_scale_adds_its_packages_once_and_again_after_its_list_changed(tmp_path: Path):
    root = make_project(tmp_path / "p")
    first, second = launch(root, "scale"), launch(root, "scale")
    assert (first.code, second.code) == (0, 0)
    adding = f"Adding Dask to {root / '.venv'} (only this once)"
    assert adding in first.out and second.out.startswith("Dask is installed: ")
    assert (site_packages(root / ".venv") / "tiny_dask.py").is_file()
    (root / "requirements-scale.txt").write_text("tiny_dask>=0.9\n")
    assert adding in launch(root, "scale").out


def test_tests_add_the_packages_of_a_cluster_and_run_without_them(tmp_path: Path):
    root = make_project(tmp_path / "p")
    (root / "requirements-scale.txt").write_text("tiny_missing\n")
    without = launch(root, "test")
    assert without.code == 0 and without.calls[0]["argv"][0].endswith("pytest.py")
    assert "The tests of a cluster are skipped, because Dask cannot be added. There is no tiny_missing" in without.out
    assert launch(root, "scale").code == 1
    (root / "requirements-scale.txt").write_text("tiny_dask\n")
    assert launch(root, "test").code == 0
    assert (site_packages(root / ".venv") / "tiny_dask.py").is_file()


def site_packages(folder: Path) -> Path:
    name = "Lib" if os.name == "nt" else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    return folder / name / "site-packages"


def installed(folder: Path) -> list[str]:
    return [path.name.split("-")[1].removesuffix(".dist") for path in site_packages(folder).glob("tiny_echo-*")]


def test_course_venv_completes_an_environment(project: Path, tmp_path: Path):
    """One that holds something already, as PyTorch without CUDA would be, keeps it."""
    elsewhere = tmp_path / "my env"
    venv.create(elsewhere, with_pip=True, symlinks=os.name != "nt")
    (elsewhere / "mine").touch()
    done = launch(project, "doctor", COURSE_VENV=str(elsewhere))
    assert done.code == 0 and done.calls[0]["prefix"] == str(elsewhere)
    assert (elsewhere / "mine").exists() and installed(elsewhere) == ["1.1"]


# Where COURSE_VENV can lie


def place(course: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let the launcher keep its environment in `folder`."""
    for name in ("STAMP", "LOG", "LOCK", "MADE", "PYTHON"):
        monkeypatch.setattr(course, name, folder / getattr(course, name).relative_to(course.FOLDER))
    monkeypatch.setattr(course, "FOLDER", folder)
    return folder


@pytest.mark.parametrize("named", ["~/envs", "envs", "a/../envs", "~no-such-user/envs"])
def test_course_venv_of_a_home_or_relative(named: str, tmp_path: Path):
    code = "import sys; sys.path.insert(0, sys.argv[1]); import course; print(course.FOLDER)"
    variables = clean() | {"COURSE_VENV": named, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    options = {"cwd": tmp_path, "env": variables, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], **options)
    end = "~no-such-user/envs" if "user" in named else "envs"
    assert done.stdout.strip() == str(tmp_path / end), done.stderr


def test_a_separator_of_paths_in_the_folder_s_name(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    folder = place(course, monkeypatch, course.ROOT / f"a{os.pathsep}b")
    said = message(course, capsys)
    assert str(folder) in said and "COURSE_VENV" in said and not folder.exists()


@pytest.mark.parametrize("inside", ["", "deeper/still"])
def test_a_file_or_a_broken_link_in_the_way(course: ModuleType, capsys, monkeypatch, tmp_path: Path, inside: str):
    file = tmp_path / "file"
    file.write_text("thesis")
    place(course, monkeypatch, file / inside)
    said = message(course, capsys)
    assert said.startswith(f"{file} is a file or a broken link") and file.read_text() == "thesis"
    if os.name != "nt":
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "nowhere")
        place(course, monkeypatch, link / inside)
        assert message(course, capsys).startswith(f"{link} is a file or a broken link")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.ENOSPC])
def test_a_folder_that_cannot_be_made(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch, number: int):
    def mkdir(self: Path, *args: object, **options: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(course, "check_requisites", lambda: None)
    monkeypatch.setattr(course.Path, "mkdir", mkdir)
    said = message(course, capsys)
    assert "COURSE_VENV" in said and ("shorter" in said) == (number == errno.ENAMETOOLONG)


def test_the_python_of_the_system_is_refused(made: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setattr(made, "ask", lambda code, *arguments: "True")
    assert message(made, capsys).startswith(f"{made.FOLDER} is the Python of the system")
    assert not made.LOCK.exists() and not made.LOG.exists()


def test_what_a_killed_setup_left_is_emptied_and_nothing_else(course: ModuleType, capsys, monkeypatch, tmp_path: Path):
    """A folder that COURSE_VENV names is emptied only if course.py itself made all that is in it."""
    made = []
    monkeypatch.setattr(course, "check_requisites", lambda: None)
    monkeypatch.setattr(course, "install", lambda lock: made.append(sorted(os.listdir(course.FOLDER))))
    monkeypatch.setattr(venv.EnvBuilder, "create", lambda self, folder: None)
    for folder in (course.FOLDER, tmp_path / "elsewhere"):
        place(course, monkeypatch, folder)
        (folder / "lib").mkdir(parents=True)
        (folder / "pyvenv.cfg").touch()
        if folder.name == "elsewhere":  # without the mark it could be another program's environment
            assert "pyvenv.cfg" in message(course, capsys) or "lib" in message(course, capsys)
            assert sorted(os.listdir(folder)) == ["lib", "pyvenv.cfg"]
            course.MADE.touch()
        (folder / "thesis.txt").touch()
        assert "thesis.txt" in message(course, capsys) and (folder / "thesis.txt").exists()
        assert (folder / "lib").exists()
        (folder / "thesis.txt").unlink()
        course.set_up()
        assert made.pop() == ["course-made", "course.lock"] and course.STAMP.exists()


def test_a_second_launcher_waits_and_says_so(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    course.FOLDER.mkdir()
    code = "import sys, time; sys.path.insert(0, sys.argv[1]); import course\n"
    code += "with course.alone():\n    print('locked', flush=True)\n    sys.stdin.read()"
    command = [sys.executable, "-c", code, str(course.ROOT)]
    with subprocess.Popen(command, env=clean(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        monkeypatch.setattr(course.time, "sleep", lambda seconds: other.kill())  # a kill unlocks too
        with course.alone():
            pass
    said = capsys.readouterr().out
    assert said == f"Another course.py is setting up {course.FOLDER}: waiting until it has ended.\n"


def test_a_disk_without_locks(course: ModuleType, monkeypatch: pytest.MonkeyPatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with course.alone() as file:
        assert file.writable()


# What pip is given


def test_pip_gets_its_settings_of_indexes_and_network_only(project: Path, course: ModuleType, monkeypatch, tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url =\n    https://b\n    https://c\ntarget = x\n"
        "proxy = http://p:1\n[install]\nuser = true\nindex-url = https://d/simple\nrequire-virtualenv = true\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    for name in ("ROOT", "PREFIX", "DRY_RUN", "PYTHON", "CONSTRAINT", "IGNORE_INSTALLED", "LOG"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    monkeypatch.setenv("PIP_PROXY", "http://q:2")
    monkeypatch.setattr(course, "PYTHON", project / course.PYTHON.relative_to(course.ROOT))
    given = {name: value for name, value in course.pip_environment().items() if name.startswith("PIP_")}
    assert given.pop("PIP_EXTRA_INDEX_URL").split() == ["https://b", "https://c"]
    expected = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "https://d/simple", "PIP_PROXY": "http://q:2"}
    assert expected.items() <= given.items()
    assert {name[4:].lower().replace("_", "-") for name in given} <= {*course.PIP_KEPT, "config-file"}


def test_a_settings_file_of_pip_that_cannot_be_read(project: Path, course: ModuleType, monkeypatch, tmp_path: Path):
    (tmp_path / "pip.conf").write_text("no section\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setattr(course, "PYTHON", project / course.PYTHON.relative_to(course.ROOT))
    with pytest.raises(course.SetupError, match="pip's settings cannot be read"):
        course.pip_environment()


def test_packages_that_pip_put_elsewhere_are_reported(made: ModuleType, capsys: pytest.CaptureFixture, monkeypatch):
    pip_says(made, monkeypatch, "Successfully installed\n", code=0)
    monkeypatch.setattr(made, "installed_versions", lambda lines: {"tiny_echo": ["tiny_echo", None]})
    said = message(made, capsys)
    assert "tiny_echo cannot be found in" in said and "`pip config list`" in said and not made.STAMP.exists()


def test_another_build_of_a_package_is_kept(made: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """FAISS from conda is called faiss; pip would put faiss-cpu over it."""
    (made.ROOT / "requirements.txt").write_text("faiss-cpu>=1.8\n# faiss-cpu\ntiny_echo>=1.0  # why\nwin>=1; x\n")
    found = {"faiss-cpu": ["faiss", "1.9.0"], "tiny_echo": ["tiny_echo", "1.0"]}
    monkeypatch.setattr(made, "installed_versions", lambda lines: found)
    real, lists = subprocess.Popen, []

    def popen(command: list[str], **options: object) -> subprocess.Popen:
        lists.append(Path(command[command.index("-r") + 1]).read_text())
        return real([sys.executable, "-c", ""], **options)

    monkeypatch.setattr(made.subprocess, "Popen", popen)
    made.set_up()
    assert lists == ["# faiss-cpu\ntiny_echo>=1.0  # why\nwin>=1; x"]
    assert [made.package_name(line) for line in ("a-b>=1", "# c", "", "win>=1; x")] == ["a-b", "", "", ""]


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
    assert said.startswith(f"The disk is too full (setting up needs {sum(course.gigabytes())} GB")
    assert "1.2 GB are free" in said and "COURSE_VENV" in said and not course.FOLDER.exists()


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_no_venv_module(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch, missing: str):
    monkeypatch.setattr(course, "SIZES", dict.fromkeys(course.SIZES, (0, 0)))
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

    monkeypatch.setattr(course, "SIZES", dict.fromkeys(course.SIZES, (0, 0)))
    monkeypatch.setattr(venv.EnvBuilder, "create", create)
    assert message(course, capsys).startswith(begins.replace("FOLDER", str(course.FOLDER)))


def test_pip_cannot_be_put_into_the_environment(course: ModuleType, capsys, monkeypatch):
    def create(self: venv.EnvBuilder, folder: Path) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip", output=b"OSError: [Errno 28] No space left on device")

    monkeypatch.setattr(course, "SIZES", dict.fromkeys(course.SIZES, (0, 0)))
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
    assert not made.STAMP.exists() and not (made.FOLDER / "course-tmp").exists()


def test_a_folder_of_the_user_in_an_existing_environment_is_kept(made: ModuleType, capsys, monkeypatch):
    for name in ("tmp", "Temp"):
        (made.FOLDER / name).mkdir()
        (made.FOLDER / name / "thesis.txt").touch()
    (made.FOLDER / "course-tmp").mkdir()  # of a killed installation
    pip_says(made, monkeypatch, "Collecting x\n")
    monkeypatch.setattr(made, "free", lambda: 100.0)
    message(made, capsys)
    assert (made.FOLDER / "tmp" / "thesis.txt").exists() and (made.FOLDER / "Temp" / "thesis.txt").exists()
    assert not (made.FOLDER / "course-tmp").exists()


@pytest.mark.parametrize("is_ours", [True, False])
def test_jupyter_s_settings_in_an_environment_of_the_user_are_kept(course: ModuleType, monkeypatch, tmp_path, is_ours):
    folder = place(course, monkeypatch, tmp_path / "elsewhere")
    settings = folder / "etc" / "jupyter" / "jupyter_lab_config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text("{}")
    if is_ours:
        course.MADE.touch()
    assert (settings in course.missing_files()) is is_ours
    assert folder / "share" / "jupyter" / "lab" / "settings" / "overrides.json" in course.missing_files()


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
    assert capsys.readouterr().err == "\nStopped. Run it again to go on.\n"


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


PARALLEL = ["-n", "auto", "--dist", "loadgroup", "--no-loadscope-reorder", "--durations=40", "--durations-min=5"]


def test_the_tests_say_how_long_they_take_and_quick_leaves_out_the_slow_ones(project: Path):
    done = launch(project, "test", "-x")
    assert done.calls[-1]["argv"][1:] == [*PARALLEL, "-x"] and " min " not in done.out  # not measured in this project
    some = launch(project, "test", "tests/test_tiling.py", "-x")
    assert some.calls[-1]["argv"][1:] == ["tests/test_tiling.py", "-x"]  # they start faster in one process
    results = project / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "tests.json").write_text('{"full_minutes": 12.4, "quick_minutes": 2.3}')
    full, quick = launch(project, "test"), launch(project, "test", "--quick", "-x")
    assert full.calls[-1]["argv"][1:] == PARALLEL and "about 12 min" in full.out
    assert quick.calls[-1]["argv"][1:] == ["-m", "not slow", *PARALLEL, "-x"] and "about 2 min" in quick.out
    shutil.rmtree(results)


# Which PyTorch


INDEX = "https://example.org/cpu"
NEEDS_TORCH = "tiny_echo>=1.0\ntorch>=2.0\ntorchvision>=1.0\n"


class Pip:
    """Stands in for `course.pip_install`: what it was called with, the exit code that it gives, and what it logs."""

    def __init__(self, course: ModuleType):
        self.course, self.calls, self.code, self.words = course, [], 0, ""

    def __call__(self, lock: object, lines: list[str], variables: dict[str, str], *options: str) -> int:
        self.calls.append((lines, variables, options))
        self.course.LOG.parent.mkdir(parents=True, exist_ok=True)
        self.course.LOG.write_text(self.words)
        return self.code


@pytest.fixture
def choosing(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher on a Linux machine without a GPU, before PyTorch is installed. `course.pip` is a `Pip`."""
    monkeypatch.delenv("COURSE_TORCH", raising=False)
    (course.ROOT / "requirements.txt").write_text(NEEDS_TORCH)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    replaced = {"has_nvidia_gpu": lambda: course.has_gpu, "TORCH_INDEXES": {"cpu": INDEX, "cuda": INDEX + "u"}}
    shared = course.shared
    course.has_gpu, course.settings, course.there, course.pip = False, {"HOME": "x"}, "", Pip(course)
    monkeypatch.setattr(course, "PYPI_BUILD", "cuda")
    monkeypatch.setattr(course, "shared", lambda name: replaced.get(name) or shared(name))
    monkeypatch.setattr(course, "pip_environment", lambda: course.settings)
    monkeypatch.setattr(course, "pip_install", course.pip)
    monkeypatch.setattr(course, "torch_build", lambda: course.there)
    monkeypatch.setattr(course, "installed_versions", lambda lines: {"torch": ["torch", "2.0"]})
    monkeypatch.setattr(course, "unreachable", lambda index, settings: "")
    monkeypatch.setattr(course, "free", lambda: 100.0)
    return course


def test_without_a_gpu_pytorch_comes_from_its_own_index(choosing: ModuleType, capsys: pytest.CaptureFixture):
    choosing.install_torch(None)
    expected = (["torch>=2.0", "torchvision>=1.0"], {"HOME": "x", "PIP_INDEX_URL": INDEX}, ("--no-deps",))
    assert choosing.pip.calls == [expected]
    assert capsys.readouterr().out == f"PyTorch comes from {INDEX}: 2 GB on the disk, 1 GB to download.\n"


def test_with_a_gpu_or_for_another_system_pypi_has_the_build(choosing: ModuleType, capsys, monkeypatch):
    choosing.has_gpu = True
    choosing.install_torch(None)
    choosing.has_gpu = False
    monkeypatch.setattr(choosing, "PYPI_BUILD", "cpu")
    choosing.install_torch(None)
    assert choosing.pip.calls == [] and capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX"])
def test_no_other_index_is_named_where_pip_s_settings_name_one(choosing: ModuleType, capsys, name: str):
    choosing.settings = {f"PIP_{name}": "1"}
    choosing.install_torch(None)
    said = capsys.readouterr().out
    kept, fetched = choosing.SIZES["cuda"]
    assert choosing.pip.calls == [] and choosing.gigabytes() == (kept, 0 if name == "NO_INDEX" else fetched)
    assert said == "" if name == "NO_INDEX" else said.startswith("Packages come from where pip's settings say")


@pytest.mark.parametrize(("name", "index"), [("INDEX_URL", INDEX), ("FIND_LINKS", INDEX), ("NO_INDEX", None)])
def test_a_choice_names_the_index_unless_there_is_to_be_none(choosing: ModuleType, monkeypatch, name: str, index):
    """Without an index, pip gets its settings unchanged, and the build that it found is checked."""
    choosing.settings = {f"PIP_{name}": "1", "PIP_PROXY": "p"}
    monkeypatch.setenv("COURSE_TORCH", "cpu")
    monkeypatch.setattr(choosing, "torch_build", lambda: "cpu" if choosing.pip.calls else "")
    choosing.install_torch(None)
    expected = {"PIP_PROXY": "p", "PIP_INDEX_URL": index} if index else choosing.settings
    assert [variables for _, variables, _ in choosing.pip.calls] == [expected]
    monkeypatch.setattr(choosing, "torch_build", lambda: "cuda" if len(choosing.pip.calls) == 2 else "")
    with pytest.raises(choosing.SetupError, match="has no cpu build of PyTorch: name another place"):
        choosing.install_torch(None)


UNFETCHED = {  # what pip says if an index answers, and its wheel cannot be fetched
    "lacking": "ERROR: No matching distribution found for torch<=2.14.1\n",
    "forbidden": "  ERROR: HTTP error 403 while getting x\nERROR: Could not install requirement torch from x because "
    "of HTTP error 403 Client Error: Forbidden for url: x\n",
    "not found": "  ERROR: HTTP error 404 while getting x\nERROR: Could not install requirement torch from x because "
    "of HTTP error 404 Client Error: Not Found for url: x\n",
    "a page instead": "ERROR: Wheel 'torch' located at /tmp/pip-unpack-1/torch-2.1-py3-none-any.whl is invalid.\n",
    "broken off": "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the\n",
    "broken off, newer pip": "ERROR: Download failed because not enough bytes were received (9 kB/20 kB). URL: x\n",
    "reset": "ERROR: Could not install packages due to an OSError: HTTPConnectionPool(host='x', port=80): Max retries "
    "exceeded with url: x (Caused by ProtocolError('Connection aborted.', ConnectionResetError(104, 'x')))\n",
    "too slow": "ReadTimeoutError\nRead timed out.\nERROR: No matching distribution found for torch<=2.14.1\n",
}
INSTEAD = "so PyTorch comes from PyPI, with CUDA: 7 GB on the disk and 3.5 GB to download, instead of 2 GB and 1 GB.\n"


def test_an_index_that_does_not_answer_gives_way(choosing: ModuleType, capsys, monkeypatch):
    monkeypatch.setattr(choosing, "unreachable", lambda index, settings: f"{index} does not answer")
    choosing.install_torch(None)
    assert capsys.readouterr().out == f"{INDEX} does not answer, {INSTEAD}" and choosing.pip.calls == []


@pytest.mark.parametrize("case", UNFETCHED)
def test_an_index_that_fails_after_it_answered_gives_way_unless_it_was_chosen(choosing, capsys, monkeypatch, case: str):
    choosing.pip.code, choosing.pip.words = 1, UNFETCHED[case]
    for _ in range(2):  # also when it is run again
        choosing.install_torch(None)
        assert capsys.readouterr().out.endswith(INSTEAD) and choosing.TORCH["build"] == "cuda"
    monkeypatch.setenv("COURSE_TORCH", "cpu")
    with pytest.raises(choosing.SetupError, match="PyTorch for cpu cannot be had, because .* or with `--torch pypi`"):
        choosing.install_torch(None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("ConnectionError\nERROR: [Errno 28] No space left on device\n", "The disk is too full"),
        ("ERROR: [Errno 30] Read-only file system\n", NOT_WRITTEN),
        ("Collecting torch\n", "ended from outside"),
    ],
)
def test_a_problem_of_this_machine_leads_to_no_larger_download(choosing: ModuleType, capsys, words: str, says: str):
    choosing.pip.code, choosing.pip.words = 1, words
    with pytest.raises(choosing.SetupError, match=re.escape(says)):
        choosing.install_torch(None)
    assert "PyPI" not in capsys.readouterr().out


def test_without_a_network_pypi_s_failure_is_the_one_sentence(choosing: ModuleType, capsys, monkeypatch):
    """The connection breaks during the download, so the index answered, and PyPI cannot be reached either."""
    monkeypatch.setattr(choosing, "usable", lambda: True)
    choosing.pip.code, choosing.pip.words = 1, UNFETCHED["reset"]
    assert message(choosing, capsys).startswith(UNREACHED)
    assert [lines[0] for lines, _, _ in choosing.pip.calls] == ["torch>=2.0", "tiny_echo>=1.0"]
    assert not choosing.STAMP.exists()


def test_pypi_s_build_needs_more_space(choosing: ModuleType, capsys, monkeypatch):
    """The space is checked again for the larger build, before gigabytes are fetched."""
    monkeypatch.setattr(choosing, "free", lambda: 5.0)
    choosing.check_requisites()
    monkeypatch.setattr(choosing, "unreachable", lambda index, settings: f"{index} does not answer")
    with pytest.raises(choosing.SetupError, match="setting up needs 10.5 GB"):
        choosing.install_torch(None)


@pytest.mark.parametrize(
    ("has_gpu", "wheel", "settings", "choice", "needed"),
    [
        (False, "torch-2.1-{tag}.whl", {"PIP_NO_INDEX": "1"}, "", 7),  # a stick with CUDA: nothing is downloaded
        (True, "torch-2.1+cpu-{tag}.whl", {"PIP_NO_INDEX": "1"}, "", 2),  # a stick without CUDA
        (True, "torch-2.1+cpu-{tag}.whl", {"PIP_NO_INDEX": "1"}, "pypi", 2),
        (False, None, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "https://school.example.org/wheels"}, "", 10.5),
        (True, "torch-2.1+cpu-{tag}.whl", {"PIP_NO_INDEX": "0"}, "", 10.5),  # PyPI can have a newer one
        (False, "torch-2.1-{tag}.whl", {"PIP_NO_INDEX": "1"}, "cpu", 2),  # pip's build is checked afterwards
        (False, None, {"PIP_INDEX_URL": "https://school.example.org"}, "", 10.5),
        (False, None, {"PIP_INDEX_URL": "https://school.example.org"}, "cpu", 3),
        (False, None, {}, "", 3),
        (True, None, {}, "", 10.5),
    ],
)
def test_the_space_that_is_needed_follows_pip_s_settings(
    choosing: ModuleType, monkeypatch, tmp_path: Path, has_gpu, wheel, settings: dict, choice: str, needed: float
):
    """Variables are known before there is an environment. Files of settings are read by the pip in it."""
    if wheel:
        platform = {"win32": "win_amd64", "darwin": "macosx_14_0_arm64"}.get(sys.platform, "manylinux_2_28_x86_64")
        folder = tmp_path / "MY STICK"
        folder.mkdir()
        (folder / wheel.format(tag=f"py3-none-{platform}")).touch()
        settings = settings | {"PIP_FIND_LINKS": folder.as_uri()}
    monkeypatch.setenv("COURSE_TORCH", choice)
    monkeypatch.setattr(choosing, "torch_build", lambda: choosing.TORCH["build"] if choosing.pip.calls else "")
    choosing.has_gpu = has_gpu
    for is_file in (False, True):
        choosing.TORCH["build"] = ""
        choosing.pip.calls.clear()
        choosing.LOG.unlink(missing_ok=True)
        with monkeypatch.context() as patch:
            for name, value in settings.items() if not is_file else ():
                patch.setenv(name, value)
            choosing.settings = settings
            check = (lambda: choosing.install_torch(None)) if is_file else choosing.check_requisites
            patch.setattr(choosing, "free", lambda: needed - 0.1)
            with pytest.raises(choosing.SetupError, match=rf"setting up needs {needed} GB( \(|, )"):
                check()
            assert choosing.pip.calls == []
            patch.setattr(choosing, "free", lambda: needed)
            check()


def test_pages_state_the_space_that_is_needed(course: ModuleType):
    """From a stick, nothing is downloaded."""
    without, with_cuda = (course.SIZES[build][0] for build in ("cpu", "cuda"))
    offline = (ROOT / "teaching" / "offline.md").read_text(encoding="utf-8")
    assert f"needs {without} GB free without CUDA, and {with_cuda} GB with CUDA" in offline
    assert f"needs up to {sum(course.SIZES['cuda'])} GB" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_setup_that_goes_on_needs_less_space(choosing: ModuleType, monkeypatch):
    """After pip has run once, some of the packages or of the downloads are there, so the space is not checked."""
    choosing.has_gpu = True
    monkeypatch.setattr(choosing, "free", lambda: 9.0)
    with pytest.raises(choosing.SetupError, match="The disk is too full"):
        choosing.install_torch(None)
    choosing.LOG.parent.mkdir(parents=True)
    choosing.LOG.touch()
    choosing.install_torch(None)


@pytest.mark.parametrize("name", ["INDEX_URL", "NO_INDEX"])
def test_a_chosen_build_is_checked_also_where_it_is_pypi_s(choosing: ModuleType, monkeypatch, name: str):
    """A stick without CUDA is no place for `cuda`, and this is said."""
    choosing.settings = {f"PIP_{name}": "1"}
    choosing.TORCH["asked"] = "cuda"
    monkeypatch.setattr(choosing, "torch_build", lambda: "cpu" if choosing.pip.calls else "")
    with pytest.raises(choosing.SetupError, match="has no cuda build of PyTorch: name another place"):
        choosing.install_torch(None)
    assert [variables for _, variables, _ in choosing.pip.calls] == [choosing.settings]


def test_an_installed_pytorch_is_replaced_only_on_the_command_line(choosing: ModuleType, monkeypatch):
    choosing.there = "cuda"
    choosing.install_torch(None)
    monkeypatch.setenv("COURSE_TORCH", "cpu")
    choosing.install_torch(None)
    choosing.TORCH["asked"] = "cuda"  # the build that is there
    choosing.install_torch(None)
    assert choosing.pip.calls == []
    choosing.TORCH["asked"] = "cpu"
    monkeypatch.setattr(choosing, "torch_build", lambda: "cpu" if choosing.pip.calls else "cuda")
    choosing.install_torch(None)
    assert [options for _, _, options in choosing.pip.calls] == [("--no-deps", "--force-reinstall")]
    monkeypatch.setattr(choosing, "torch_build", lambda: "cuda")
    monkeypatch.setattr(choosing, "installed_versions", lambda lines: {"torch": ["pytorch", "2.0"]})
    with pytest.raises(choosing.SetupError, match="not installed by pip here"):
        choosing.install_torch(None)


def make_index(folder: Path, *wheels: Path) -> str:
    """Lay out a package index of wheels in a folder, and return its address."""
    for wheel in wheels:
        place = folder / wheel.name.split("-")[0]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, place)
        links = [f'<a href="{path.name.replace("+", "%2B")}">{path.name}</a>' for path in place.glob("*.whl")]
        (place / "index.html").write_text("<html><body>" + "\n".join(links) + "</body></html>")
    return folder.as_uri()


@pytest.fixture(scope="module")
def torches(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pypi`, wheels of PyTorch with CUDA, and `own`, an index of wheels without it."""
    folder = tmp_path_factory.mktemp("torches")
    for name, local, cuda in (("pypi", "", "'13.0'"), ("cpu", "+cpu", "None")):
        (folder / name).mkdir()
        version = f"cuda: str = {cuda}\nhip: str = None\n"
        make_wheel(folder / name, "torch", "2.1" + local, {"torch/__init__.py": "", "torch/version.py": version})
        make_wheel(folder / name, "torchvision", "1.1" + local, {"torchvision.py": ""})
    for wheel in wheels.glob("*.whl"):
        shutil.copy(wheel, folder / "pypi")
    make_index(folder / "own", *(folder / "cpu").glob("*.whl"))
    make_index(folder / "other", *wheels.glob("tiny_dask*.whl"))
    return folder


@pytest.mark.parametrize(
    ("index", "expected"),
    [("own", ""), ("other", " has no build for this Python"), ("http://127.0.0.1:9", " does not answer")],
)
def test_whether_an_index_answers(project: Path, torches: Path, course: ModuleType, monkeypatch, index: str, expected):
    monkeypatch.setattr(course, "PYTHON", project / course.PYTHON.relative_to(course.ROOT))
    address = index if ":" in index else (torches / index).as_uri()
    variables = dict(clean(), PIP_NO_INDEX="0", PIP_INDEX_URL=address)
    del variables["PIP_FIND_LINKS"]
    assert course.unreachable(address, variables) == (f"{address}{expected}" if expected else "")


def test_an_index_that_never_answers(course: ModuleType, monkeypatch: pytest.MonkeyPatch):
    def run(command: list[str], **options: object) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(course.subprocess, "run", run)
    assert course.unreachable(INDEX, {}) == f"{INDEX} does not answer"


def test_builds_are_chosen_kept_and_replaced_for_real(torches: Path, tmp_path: Path):
    root = make_project(tmp_path / "p")
    (root / "requirements.txt").write_text(NEEDS_TORCH)
    launching = root / "aitex_utils" / "commands" / "launching.py"
    text = launching.read_text(encoding="utf-8")
    index = (torches / "own").as_uri()
    launching.write_text(text.replace("https://download.pytorch.org/whl/cpu", index), encoding="utf-8")
    start = START.replace("import course; ", "import course; course.PYPI_BUILD = 'cuda'; ")

    def doctor(*options: str, **variables: str) -> tuple[str, Launched]:
        sources = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": str(torches / "pypi"), "PIP_INDEX_URL": tmp_path.as_uri()}
        command = [sys.executable, "-c", start, str(root), "doctor", *options]
        done = subprocess.run(command, env=clean() | sources | variables, capture_output=True, encoding="utf-8")
        found = {path.name.split("-")[1] for path in site_packages(root / ".venv").glob("torch-*")}
        (version,) = found or {""}
        return version.removesuffix(".dist"), done

    version, done = doctor("--torch", "cpu")
    assert (version, done.returncode) == ("2.1+cpu", 0), done.stderr
    assert f"PyTorch comes from {index}" in done.stdout and "--torch" not in done.stdout
    stamp = (root / ".venv" / "course-stamp").read_text()
    for options, variables in (((), {}), ((), {"COURSE_TORCH": "pypi"}), (("--torch=cpu",), {})):
        version, done = doctor(*options, **variables)
        assert (version, done.returncode) == ("2.1+cpu", 0) and "Completing" not in done.stdout
    (root / ".venv" / "course-stamp").unlink()  # a completed environment keeps its build
    version, done = doctor(COURSE_TORCH="pypi")
    assert version == "2.1+cpu" and "Completing" in done.stdout
    version, done = doctor("--torch", "pypi")
    assert (version, done.returncode) == ("2.1", 0) and "(another build of PyTorch is asked for)" in done.stdout
    (wheel,) = (torches / "cpu").glob("torch-*.whl")
    shutil.rmtree(torches / "own" / "torch")  # the index lost its wheels: the environment stays as it is
    version, done = doctor("--torch", "cpu")
    assert (version, done.returncode) == ("2.1", 1) and "PyTorch for cpu cannot be had" in done.stderr
    assert (root / ".venv" / "course-stamp").read_text() == stamp
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes()[:99])  # its download breaks off
    make_index(torches / "own", tmp_path / wheel.name)
    version, done = doctor("--torch", "cpu")
    assert (version, done.returncode) == ("2.1", 1) and "PyTorch for cpu cannot be had" in done.stderr
    assert "`--torch pypi`" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "others", "choice"),
    [
        (["lab", "--torch", "cpu", "--no-browser"], ["lab", "--no-browser"], "cpu"),
        (["--torch=pypi", "doctor"], ["doctor"], "pypi"),
        (["doctor", "--torch"], ["doctor"], "nothing"),
        (["bundle", "linux", "--torch", "cpu"], ["bundle", "linux", "--torch", "cpu"], ""),
        (["--torch", "cuda", "bundle", "linux"], ["bundle", "linux", "--torch", "cuda"], ""),
        (["--torch=cpu", "bundle"], ["bundle", "--torch", "cpu"], ""),
        (["demo"], ["demo"], ""),
    ],
)
def test_the_choice_is_taken_out_of_the_command_line(course: ModuleType, arguments, others, choice: str):
    assert course.take_torch(arguments) == (others, choice)


def test_a_choice_that_is_none(course: ModuleType, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    assert course.main(["doctor", "--torch", "gpu"]) == 2
    assert capsys.readouterr().err == "--torch is 'gpu': choose one of cpu, cuda, pypi.\n"
    monkeypatch.setenv("COURSE_TORCH", "CPU")
    assert course.main(["doctor"]) == 2
    assert capsys.readouterr().err == "COURSE_TORCH is 'CPU': choose one of cpu, cuda, pypi.\n"
    monkeypatch.setattr(course.sys, "platform", "darwin")
    assert course.main(["doctor", "--torch", "cuda"]) == 2
    assert "Macs have no CUDA" in capsys.readouterr().err and not course.FOLDER.exists()


def test_bundle_gets_the_settings_of_pip_and_no_others(project: Path):
    bundle = project / "aitex_utils" / "commands" / "bundle.py"
    bundle.write_text("import os\nprint(sorted(name for name in os.environ if name.startswith('PIP_')))\n")
    done = launch(project, "bundle", "linux", PIP_TARGET="elsewhere", PIP_PROXY="http://p:1")
    bundle.unlink()
    assert done.out.strip() == "['PIP_CONFIG_FILE', 'PIP_FIND_LINKS', 'PIP_NO_INDEX', 'PIP_PROXY']", done.err
