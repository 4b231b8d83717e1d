"""The one way into the course: `python course.py lab`. It sets up `.venv` beside this file and works inside it.

Standard library only. Even Python 3.6 must get as far as the version check below, which says that it is too old, so
there is no match, no walrus and no `from __future__ import annotations` in this file.
"""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
if sys.version_info < (3, 10):  # noqa: UP036 - reached when it is started with an old Python
    sys.exit(
        f"This is Python {VERSION}, and the course needs 3.10 or newer: install one from python.org or with "
        "your system's packages, and start course.py with that (`python3.12 course.py lab`, on Windows `py -3.12 ...`)."
    )

ROOT = Path(__file__).absolute().parent
FOLDER = Path(os.environ.get("COURSE_VENV") or ROOT / ".venv").expanduser().absolute()
WINDOWS = os.name == "nt"
PYTHON = FOLDER / "Scripts" / "python.exe" if WINDOWS else FOLDER / "bin" / "python"
STAMP, LOG = FOLDER / "course-stamp", FOLDER / "install.log"
# PyPI's torch for Linux on x86 is a build with CUDA. No other index is named: a school's network may not reach it.
GB_KEPT, GB_FETCHED = (6, 3.5) if sys.platform == "linux" and platform.machine() == "x86_64" else (2, 1)
HELP = f"""PatchCore on woven fabric, a course. python course.py ...

  lab      opens JupyterLab on the first notebook; further arguments go on to it (lab --no-browser --port 8899)
  test     runs the tests; --quick leaves out the slow ones, such as executing notebooks; other arguments go to pytest
  demo     fits on a fabric, scores the rest, prints a table (demo --help)
  data     makes the practice fabric (data --force: anew; data --clear-cache: deletes what notebooks keep)
  build    builds the notebooks from notebooks/source
  bench    runs a benchmark by its name
  doctor   says what is wrong with this machine, and how to fix it

Each sets up .venv beside course.py where that is missing ({GB_KEPT} GB). COURSE_VENV names another folder for it, on a
larger disk. An existing environment is completed: PyTorch without CUDA, installed in it before, is kept."""

# Written into the environment, never into the user's settings: no news, no dialogs, no network.
NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
SETTINGS = {"share/jupyter/lab/settings/overrides.json": NEWS}
SETTINGS["etc/jupyter/labconfig/page_config.json"] = {"buildCheck": False}
SETTINGS["etc/jupyter/jupyter_lab_config.json"] = {"LabApp": {"news_url": None, "extension_manager": "readonly"}}

FULL_DISK = r"No space left|Errno 28\b|Errno 122\b|[Qq]uota exceeded|not enough space on the disk|WinError 112"
READ_ONLY = r"Read-only file system|Permission denied|Access is denied|Errno 13\b|Errno 30\b|WinError 5\b"
UNREACHED = r"[Cc]onnection.?([Ee]rror|[Rr]eset|refused|broken|aborted)|[Tt]imed? ?out|getaddrinfo|ProxyError|SSLError|"
UNREACHED += (
    r"Failed to resolve|not known|name resolution|unreachable|IncompleteRead|(403|407|5\d\d) (Client|Server) Error"
)
PIP_ERRORS = {  # what pip says, and what it means
    "Long Path support": "A path got too long for Windows: move the course to a shorter one, such as C:\\course",
    READ_ONLY: "A file in {folder} cannot be written: close what uses it (JupyterLab), or get the right to write there",
    UNREACHED: "The package index cannot be reached: check the network (HTTPS_PROXY and PIP_INDEX_URL are used)",
    r"(No matching distribution found for|Cannot install) (?P<what>[^\s(;,]+)": "There is no {what} for this Python "
    "({python}): use a 64-bit Python 3.10 to 3.13 (PyTorch no longer builds for Macs with Intel chips)",
    r"(?m)^ERROR: (?P<what>.+?)\.?$": "The installation failed ({what}): fix that",
    "": "The installation was ended from outside, mostly because memory ran out: close other programs",
}


class SetupError(Exception):
    """Something the user can fix; the message is one sentence that says how."""


def set_up():
    """Make or update the virtual environment if needed.

    The stamp is written last: after an interrupted installation the next call finds no stamp and continues.
    """
    try:
        wanted = fingerprint()
        if not (STAMP.is_file() and STAMP.read_text() == wanted and PYTHON.exists()):
            announce()
            STAMP.unlink(missing_ok=True)
            if not usable():
                make_environment()
            install()
            write_if_changed(STAMP, wanted)
        add_project()
    except OSError as error:
        raise explain(error) from error


def fingerprint():
    """Return a digest of what the environment depends on: the lists of packages and the Python version."""
    lists = [(ROOT / name).read_bytes().replace(b"\r\n", b"\n") for name in ("requirements.txt", "constraints.txt")]
    return hashlib.sha256(b"\n".join([VERSION.encode(), *lists])).hexdigest()


def announce():
    """Say in one line what happens next."""
    why = "the packages or the Python version changed" if STAMP.is_file() else "only this once"
    size = f"at most {GB_KEPT} GB on the disk, {GB_FETCHED} GB to download and, on a slow network, 30 minutes"
    print(f"{'Completing' if FOLDER.is_dir() else 'Setting up'} {FOLDER} ({why}): {size}.", flush=True)


def usable():
    """Return whether the environment's Python starts, has pip, and is of the same version as this one."""
    ask = [str(PYTHON), "-c", "import sys, pip; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, env=child_environment()).stdout.strip() == VERSION
    except OSError:
        return False


def make_environment():
    """Make a new virtual environment. Only the course's own `.venv` is emptied for it, never another folder."""
    if FOLDER != ROOT / ".venv" and FOLDER.is_dir() and any(FOLDER.iterdir()):
        content = f"COURSE_VENV names {FOLDER}, which is not empty and has no working Python {VERSION} with pip"
        raise SetupError(f"{content}: empty that folder yourself, or name a new one.")
    if Path(sys.prefix) == FOLDER:
        raise SetupError(f"{FOLDER} is broken and in use: leave it with `deactivate`, and run it again.")
    if free() < GB_KEPT + GB_FETCHED:
        raise full_disk()
    try:
        import venv
        from ensurepip import version  # noqa: F401 - Debian leaves it out, and venv would stop halfway
    except ImportError as error:
        raise SetupError(
            f"This Python has no `{error.name}` module, which virtual environments need: on Debian or Ubuntu run "
            f"`sudo apt install python{VERSION}-venv` (elsewhere install Python from python.org), and run it again."
        ) from error
    try:
        venv.EnvBuilder(clear=True, symlinks=not WINDOWS, with_pip=True).create(FOLDER)
    except subprocess.CalledProcessError as error:  # putting pip into it
        LOG.write_bytes(error.output or b"")
        raise explain_pip() from error


def install():
    """Install the packages with pip; its words go to a log file, one line about them to the screen."""
    temporary = FOLDER / "tmp"  # pip keeps gigabytes in the temporary folder, and /tmp is often too small for that
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    command = [str(PYTHON), "-m", "pip", "install", "--no-user", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar=off", "-r", str(ROOT / "requirements.txt"), "-c", str(ROOT / "constraints.txt")]
    variables = dict(child_environment(), TMPDIR=str(temporary), PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
    with open(LOG, "wb") as out:
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=variables)
    try:
        watch(pip)
    finally:
        pip.terminate()  # where it still runs, at Ctrl-C
        pip.wait()
        shutil.rmtree(temporary, ignore_errors=True)
    if pip.returncode:
        raise explain_pip()


def watch(pip):
    """Wait for pip to end; on a terminal, say in one line what it is doing and for how long."""
    begun, doing, packages = time.monotonic(), "starting", 0
    with open(LOG, encoding="utf-8", errors="replace") as lines:
        while pip.poll() is None:
            for line in lines:
                packages += line.startswith("Collecting")
                if re.match(r"Collecting|\s+Downloading|Installing collected", line):
                    doing = re.split(r" \(from|: ", line)[0].strip()
            line = f"{time.monotonic() - begun:5.0f} s  {packages} packages  {doing}"
            sys.stdout.write(f"{line[:78]:78}\r" if sys.stdout.isatty() else "")
            sys.stdout.flush()
            time.sleep(0.3)
    sys.stdout.write(f"{'':78}\r" if sys.stdout.isatty() else "")


def explain_pip():
    """Return the error that pip's log describes, as one sentence."""
    words = LOG.read_text(encoding="utf-8", errors="replace")
    if re.search(FULL_DISK, words) or free() < 0.05:
        return full_disk()
    pattern = next(p for p in PIP_ERRORS if re.search(p, words))
    what = re.search(pattern, words).groupdict().get("what")
    python = f"{platform.python_version()}, {sys.maxsize.bit_length() + 1}-bit, {sys.platform} {platform.machine()}"
    sentence = PIP_ERRORS[pattern].format(folder=FOLDER, python=python, what=what)
    return SetupError(f"{sentence}, and run it again (pip's output: {LOG}).")


def explain(error):
    """Return an error of the system as one sentence that says how to fix it."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return full_disk()
    fix = "move the course to a folder where you can write, or name one for its packages with COURSE_VENV"
    return SetupError(f"{error.filename or FOLDER} cannot be used ({error.strerror}): {fix}.")


def full_disk():
    """Return the error for a disk that is full or would soon be."""
    sizes = f"setting up needs {GB_KEPT + GB_FETCHED} GB ({GB_KEPT} GB later), {free():.1f} GB are free for {FOLDER}"
    fix = "free some space, or name a folder on a larger disk with the environment variable COURSE_VENV"
    return SetupError(f"The disk is too full ({sizes}): {fix}, and run it again.")


def free():
    """Return the free space in GB on the disk where the environment lies or will lie."""
    return shutil.disk_usage(next(p for p in (FOLDER, *FOLDER.parents) if p.is_dir())).free / 1e9


def write_if_changed(path, text):
    """Write a small file whole or not at all; leave it alone if its text is the same."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(path.name + ".half")
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)


def add_project():
    """Make `import aitex_utils` work from any folder, and keep JupyterLab off the network."""
    packages = (FOLDER / "Lib" if WINDOWS else FOLDER / "lib" / f"python{VERSION}") / "site-packages"
    write_if_changed(
        packages / "course.pth", f"import sys; sys.path.append({ascii(str(ROOT))})\n"
    )  # a .pth has no encoding: ASCII
    for name, settings in SETTINGS.items():
        write_if_changed(FOLDER / name, json.dumps(settings, indent=2) + "\n")


def child_environment():
    """Return the environment variables for a child process: without another Python's paths, as if activated."""
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    path = str(PYTHON.parent) + os.pathsep + variables.get("PATH", "")
    return dict(variables, VIRTUAL_ENV=str(FOLDER), JUPYTER_PREFER_ENV_PATH="1", PATH=path)


def run(*arguments, cwd=None):
    """Run the environment's Python and return its exit code."""
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends Ctrl-C to the child too, which handles it
    child = subprocess.Popen([str(PYTHON), *map(str, arguments)], cwd=cwd, env=child_environment())
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    return code if code >= 0 else 128 - code


def lab(arguments):
    """Make the practice fabric if it is missing, run the doctor, open JupyterLab."""
    notebook = Path("notebooks", "00_start_here.ipynb")
    first = ["doctor"] if (ROOT / "data" / "practice").is_dir() else ["data", "doctor"]
    if any(COMMANDS[name]([]) for name in first):
        return 1
    if not (ROOT / notebook).is_file():
        raise SetupError(f"{notebook} is missing: make it with `python course.py build`, or clone the course again.")
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in arguments:
        print("JupyterLab refuses to run as root by itself, so it is started with --allow-root.", flush=True)
        arguments = ["--allow-root", *arguments]
    return run("-m", "jupyterlab", f"--LabApp.default_url=/lab/tree/{notebook.as_posix()}", *arguments, cwd=ROOT)


def test(arguments):
    """Say how long the tests take, and run them."""
    quick = "--quick" in arguments
    try:
        minutes = json.loads((ROOT / "benchmarks" / "results" / "tests.json").read_text(encoding="utf-8"))
        known = f"about {minutes['quick_minutes' if quick else 'full_minutes']:.0f} min on two cores"
        more = "" if quick else f"; `course.py test --quick` takes about {minutes['quick_minutes']:.0f} min"
        print(f"The tests take {known}{more}.", flush=True)
    except (OSError, ValueError, KeyError):
        pass  # it was not measured yet
    options = ["-m", "not slow"] if quick else []
    return run("-m", "pytest", *options, *(a for a in arguments if a != "--quick"), cwd=ROOT)


# As -m does, but from this project and not from the user's folder, which can contain modules of its own.
MODULE = """import runpy, sys
sys.path[0], name = sys.argv[1:3]
del sys.argv[1:3]
try:
    runpy.run_module(name, run_name="__main__", alter_sys=True)
except KeyboardInterrupt:
    sys.exit("Stopped.")"""
COMMANDS = {
    "lab": lab,
    "test": test,
    "demo": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.demo", *arguments),
    "data": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.data", *arguments),
    "build": lambda arguments: run(ROOT / "notebooks" / "build.py", *arguments),
    "bench": lambda arguments: run(ROOT / "benchmarks" / f"{arguments[0]}.py", *arguments[1:]),
    "doctor": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.doctor", *arguments),
}


def main(arguments):
    """Run the command that the first argument names and return the exit code."""
    command = arguments[0] if arguments else "help"
    if command in ("help", "-h", "--help"):
        print(HELP)
        return 0
    files = (ROOT / "benchmarks").glob(
        "*.py"
    )  # a benchmark says in its first line how to call it; other files are modules
    benchmarks = sorted(p.stem for p in files if f"course.py bench {p.stem}" in p.read_text(encoding="utf-8")[:200])
    if command not in COMMANDS:
        sys.stderr.write(f"There is no command {command!r}: choose one of {', '.join(COMMANDS)}.\n")
        return 2
    if command == "bench" and not set(arguments[1:2]) & set(benchmarks):
        sys.stderr.write(f"Name a benchmark after bench: {', '.join(benchmarks) or 'there are none yet'}.\n")
        return 2
    try:
        set_up()
        return COMMANDS[command](arguments[1:])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; run it again to go on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # a path can contain letters that the screen cannot show
    sys.exit(main(sys.argv[1:]))
