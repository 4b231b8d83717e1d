"""The one way into the course: `python course.py lab`. It sets up `.venv` beside this file and works inside it.

Standard library only. Even Python 3.6 must reach the version check below, which says that it is too old. So there is no
match, no walrus and no `from __future__ import annotations` in this file.
"""

import sys

if __name__ == "__main__":
    sys.path.append(sys.path.pop(0))  # this folder comes last: it can contain a learner's json.py
import ast
import contextlib
import difflib
import errno
import hashlib
import json
import os
import platform
import re
import runpy
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
if sys.version_info < (3, 10):  # noqa: UP036 - reached when it is started with an old Python
    sys.exit(
        f"This is Python {VERSION}, and the course needs 3.10 or newer: install one from python.org or with "
        "your system's packages, and start course.py with that (`python3.12 course.py lab`, on Windows `py -3.12 ...`)."
    )

ROOT = Path(__file__).absolute().parent
FOLDER = Path(os.path.abspath(os.path.expanduser(os.environ.get("COURSE_VENV") or str(ROOT / ".venv"))))
WINDOWS = os.name == "nt"
SCRIPTS = FOLDER if WINDOWS and (FOLDER / "conda-meta").is_dir() else FOLDER / ("Scripts" if WINDOWS else "bin")
PYTHON = SCRIPTS / ("python.exe" if WINDOWS else "python")
STAMP, LOG, LOCK = FOLDER / "course-stamp", FOLDER / "install.log", FOLDER / "course.lock"
SCALE, SCALE_STAMP = "requirements-scale.txt", FOLDER / "course-stamp-scale"  # packages that only a cluster needs
MADE = FOLDER / "course-made"  # says that course.py made the environment, so course.py can empty it
OWN = {STAMP.name, SCALE_STAMP.name, LOG.name, LOCK.name, MADE.name, "course-tmp", "pyvenv.cfg", ".gitignore"}
OWN |= {"lib64", "share", "etc", "man"}
OWN |= {"bin", "lib", "include", "Scripts", "Lib", "Include", "doc"}  # what virtual environments consist of
SHARED = ROOT / "aitex_utils" / "commands" / "launching.py"
SIZES = {"cpu": (2, 1), "cuda": (7, 3.5)}  # with this build of PyTorch: GB on the disk, and GB to download
PYPI_BUILD = "cuda" if sys.platform == "linux" else "cpu"  # the build that PyPI has for this system
CHOICES = ("cpu", "cuda", "pypi")
# The choice of --torch. With pip's settings, also the build to be installed, and whether pip downloads nothing.
TORCH = {"asked": "", "build": "", "is_local": False}
PATIENCE = 5  # seconds for each step of reaching PyTorch's own index
HELP = f"""PatchCore on woven fabric, a course. python course.py ...

  lab      opens JupyterLab on the first notebook, or on another (lab data/lab90/00_start_here.ipynb); other arguments
           go on to JupyterLab (lab --no-browser --port 8899)
  test     runs the tests; --quick leaves out the slow ones, such as executing notebooks; other arguments go to pytest
  demo     fits on a fabric, scores the rest, prints a table (demo --help)
  inspect  learns from a folder of good pictures, judges another, and writes a report (inspect --help)
  data     makes the practice fabric, and with --photographs photographs of a cloth (data --force: anew;
           data --clear-cache: deletes what notebooks keep)
  scale    adds Dask, for fits on several processes or machines (45 MB)
  build    builds the notebooks from notebooks/source; --class builds copies without solutions for a class
  path     builds notebooks with the sections of a lesson only, by its name (path lab90)
  class    makes a page of a class from its progress files (class --help; teaching/collecting.md)
  slides   builds slides of the notebooks and a handout, for teachers (slides --help)
  site     builds the course as static pages that open from the disk (site --help)
  pack     makes the graded assignment from a secret (teachers; pack --help)
  mark     marks the answers to the assignment (teachers; mark --help)
  bench    runs a benchmark by its name
  bundle   makes a folder for a memory stick, from which the course starts without a network; --class leaves out
           solutions (bundle --help)
  doctor   says what is wrong with this machine, and how to fix it

Each sets up .venv beside course.py where that is missing ({SIZES["cpu"][0]} GB, with CUDA {SIZES["cuda"][0]} GB). \
COURSE_VENV names another
folder for it, on a larger disk. An existing environment is completed, and its PyTorch is kept.

  --torch cpu|cuda|pypi   which PyTorch a command sets up: without CUDA, with CUDA, or PyPI's. It also replaces another
                          build. COURSE_TORCH chooses for new environments and sticks only. Without both, Linux gets
                          PyTorch without CUDA if there is no NVIDIA GPU, from PyTorch's own index if that answers."""

# Written into the environment, never into the user's settings: no news, no dialogs, no network.
NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
SETTINGS = {"share/jupyter/lab/settings/overrides.json": NEWS}
SETTINGS["etc/jupyter/labconfig/page_config.json"] = {"buildCheck": False}
SETTINGS["etc/jupyter/jupyter_lab_config.json"] = {"LabApp": {"news_url": None, "extension_manager": "readonly"}}

# Written into the environment, where every Python process of it, a notebook's kernel too, runs it at its start.
FINDER = '''"""Let `import aitex_utils` find the checkout of the course that this process belongs to."""

import os
import sys


def find(last):
    """Append to the path the checkout that started this process, else the one around it, else the last one set up."""
    environment = os.environ.get("VIRTUAL_ENV") or os.sep
    is_own = "COURSE_CHECKOUT" in os.environ and os.path.realpath(environment) == os.path.realpath(sys.prefix)
    places = [os.environ["COURSE_CHECKOUT"]] if is_own else []
    try:
        here = os.getcwd()
        places += [here, os.path.dirname(here), os.path.dirname(os.path.dirname(here))]
    except OSError:  # the folder was deleted
        pass
    for place in [*places, last]:
        if all(os.path.exists(os.path.join(place, name)) for name in ("course.py", "aitex_utils")):
            sys.path.append(place)
            break
'''

# Settings of pip that say where packages come from. All others are left out: they can put packages elsewhere.
PIP_KEPT = ("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "proxy", "cert", "client-cert")
PIP_KEPT += ("timeout", "default-timeout", "retries", "resume-retries", "cache-dir", "no-cache-dir")
PIP_KEPT += ("keyring-provider", "use-feature", "use-deprecated")
# Variables of Python that say how to read and write. All others are left out: they can load or skip code.
PYTHON_KEPT = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "PYTHONLEGACYWINDOWSSTDIO", "PYTHONUNBUFFERED")
PYTHON_KEPT += ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONFAULTHANDLER")
PATHS = ("AITEX_ROOT", "COURSE_CACHE", "COURSE_PROGRESS", "COURSE_ANOMALIB", "COURSE_VENV")  # variables with a path

PIP_ERRORS = {  # what the problems mean that `pip_problem` finds in pip's output, except for a full disk
    "long path": "A path got too long for Windows: move the course to a shorter one, such as C:\\course",
    "read-only": "A file in {folder} cannot be written: close what uses it (JupyterLab), or get the right to write "
    "there",
    "unreached": "The package index cannot be reached: check the network (HTTPS_PROXY and PIP_INDEX_URL are used)",
    "unfetched": "A package did not arrive complete (a filter blocked it, or the connection broke): check the network",
    "lacking": "There is no {what} for this Python "
    "({python}): use a 64-bit Python 3.10 to 3.13 (PyTorch no longer builds for Macs with Intel chips)",
    "other": "The installation failed ({what}): fix that",
    "ended": "The installation was ended from outside, mostly because memory ran out: close other programs",
}


# Programs for the environment's Python. Modules never come from the user's folder, which can have its own random.py.
START = "import sys; sys.path[:] = [path for path in sys.path if path]\n"
# As -m does, but the environment comes first, then this project.
MODULE = f"""{START}
import runpy
sys.path.append(sys.argv[1])
name = sys.argv[2]
del sys.argv[1:3]
try:
    if name.endswith(".py"):
        runpy.run_path(name, run_name="__main__")
    else:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
except KeyboardInterrupt:
    sys.exit("Stopped.")"""


class SetupError(Exception):
    """Something the user can fix. The message is one sentence that says how."""


def set_up():
    """Make or update the virtual environment if needed, one course.py at a time.

    The stamp is written last: after an interrupted installation the next call finds no stamp and continues.
    """
    try:
        wanted = fingerprint()
        if is_installed(wanted) and not missing_files() and not replaces_torch():
            return
        check_folder()
        with alone() as lock:
            if not is_installed(wanted) or replaces_torch():  # another course.py can have done it meanwhile
                announce()
                if not is_installed(wanted):
                    remove_stamp()
                if not usable():
                    make_environment()
                install_torch(lock)
                install(lock)
                write(STAMP, wanted)
            for path, text in missing_files().items():
                write(path, text)
    except OSError as error:
        raise explain(error) from error


def add_scale():
    """Add the packages that only a cluster needs to the environment, if they are missing."""
    try:
        wanted = fingerprint(SCALE)
        if is_installed(wanted, SCALE_STAMP):
            return
        with alone() as lock:
            if not is_installed(wanted, SCALE_STAMP):
                print(f"Adding Dask to {FOLDER} (only this once): 45 MB to download.", flush=True)
                install(lock, SCALE)
                write(SCALE_STAMP, wanted)
    except OSError as error:
        raise explain(error) from error


def is_installed(wanted, stamp=STAMP):
    """Return whether the environment was completed for these packages and this Python."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and PYTHON.exists()


def remove_stamp():
    """Remove the mark of a complete environment, before it is changed."""
    with contextlib.suppress(FileNotFoundError):
        STAMP.unlink()


def check_folder():
    """Raise an error, before anything is written, for a folder that cannot hold the environment."""
    elsewhere = "name another folder for the packages with the environment variable COURSE_VENV"
    if os.pathsep in str(FOLDER):
        raise SetupError(f"{FOLDER} contains {os.pathsep!r}, which separates folders in PATH: {elsewhere}.")
    for place in (FOLDER, *FOLDER.parents):
        if os.path.lexists(str(place)) and not place.is_dir():
            raise SetupError(f"{place} is a file or a broken link, so {FOLDER} cannot be made: {elsewhere}.")
    if usable():
        if is_system():
            raise SetupError(f"{FOLDER} is the Python of the system, which only the system changes: {elsewhere}.")
    elif foreign() is not None:
        state = f"which is not empty and has no working Python {VERSION} with pip"
        if FOLDER == ROOT / ".venv":
            raise SetupError(f"{FOLDER}, {state}, contains {foreign()}: move that elsewhere, and run it again.")
        advice = f"{foreign()} is in it): empty that folder yourself, or name a new folder."
        raise SetupError(f"COURSE_VENV names {FOLDER}, {state} ({advice}")
    elif not FOLDER.is_dir():
        check_requisites()


def check_requisites():
    """Raise an error if a new environment cannot be made: no space, or a Python without the modules for it."""
    if free() < sum(gigabytes()):
        raise full_disk()
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out, and venv would stop halfway
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f"This Python has no `{error.name}` module, which virtual environments need: on Debian or Ubuntu run "
            f"`sudo apt install python{VERSION}-venv` (elsewhere install Python from python.org), and run it again."
        ) from error


@contextlib.contextmanager
def alone():
    """Yield an open file that only one course.py at a time can lock. A second course.py says that it waits."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(LOCK, "a", encoding="utf-8") as file:
        is_waiting = False
        while not lock_file(file):
            if not is_waiting:
                print(f"Another course.py is setting up {FOLDER}: waiting until it has ended.", flush=True)
            is_waiting = True
            time.sleep(0.3)
        yield file


def lock_file(file):
    """Lock an open file and return True, or False if another process has locked it. It is unlocked when it is closed.

    Some network disks have no locks. There it returns True.
    """
    try:
        if WINDOWS:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def foreign():
    """Return the name of something in the folder that course.py did not make, or None if it can empty the folder."""
    names = sorted(os.listdir(str(FOLDER))) if FOLDER.is_dir() else []
    own = OWN if FOLDER == ROOT / ".venv" or MADE.name in names else {LOCK.name}
    return next((name for name in names if name not in own), None)


def fingerprint(requirements="requirements.txt"):
    """Return a digest of what the environment depends on: the lists of packages and the Python version."""
    lists = [(ROOT / name).read_bytes().replace(b"\r\n", b"\n") for name in (requirements, "constraints.txt")]
    return hashlib.sha256(b"\n".join([VERSION.encode(), *lists])).hexdigest()


def announce():
    """Say in one line what happens next."""
    why = "the packages or the Python version changed" if STAMP.is_file() else "only this once"
    why = "another build of PyTorch is asked for" if replaces_torch() else why
    kept, fetched = SIZES[build_of(torch_choice() or "pypi")]
    size = f"at most {kept} GB on the disk, {fetched} GB to download and, on a slow network, 30 minutes"
    size = f"at most {kept} GB on the disk" if shared("needs_no_download")(os.environ) else size
    is_there = bool(set(os.listdir(str(FOLDER))) - {LOCK.name})
    print(f"{'Completing' if is_there else 'Setting up'} {FOLDER} ({why}): {size}.", flush=True)


def ask(code, *arguments):
    """Run a small program in the environment's Python and return its output, empty if the program fails."""
    command = [str(PYTHON), "-c", START + code, *arguments]
    variables = dict(child_environment(), PYTHONIOENCODING="utf-8")
    try:
        options = {"capture_output": True, "encoding": "utf-8", "errors": "replace", "stdin": subprocess.DEVNULL}
        answer = subprocess.run(command, env=variables, **options)
    except OSError:
        return ""
    return "" if answer.returncode else answer.stdout.strip()


def usable():
    """Return whether the environment's Python starts, has pip, and is of the same version as this one."""
    return ask("import sys, pip; print('%d.%d' % sys.version_info[:2])") == VERSION


def is_system():
    """Return whether the environment's Python belongs to the system, whose own tools install its packages."""
    code = "import os, sys, sysconfig as s; print(sys.prefix == sys.base_prefix and "
    return ask(code + "os.path.exists(os.path.join(s.get_path('stdlib'), 'EXTERNALLY-MANAGED')))") == "True"


def make_environment():
    """Make a new virtual environment. Only what course.py itself made is deleted for it."""
    if Path(sys.prefix) == FOLDER:
        raise SetupError(f"{FOLDER} is broken and in use: leave it with `deactivate`, and run it again.")
    check_requisites()
    import venv

    if foreign() is not None:
        raise SetupError(f"{FOLDER} contains {foreign()}, which is not from course.py: move it elsewhere.")
    MADE.write_text("course.py made this environment and can empty it.\n", encoding="utf-8")
    for path in FOLDER.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif path not in (LOCK, MADE):
            path.unlink()
    try:
        venv.EnvBuilder(symlinks=not WINDOWS, with_pip=True).create(FOLDER)
    except subprocess.CalledProcessError as error:  # putting pip into it
        LOG.write_bytes(error.output or b"")
        raise explain_pip() from error
    except ValueError as error:
        raise SetupError(f"{FOLDER} cannot hold the packages ({error}): name another with COURSE_VENV.") from error


def build_of(choice):
    """Return the build of PyTorch that a choice means on this system: "cpu" or "cuda"."""
    return PYPI_BUILD if choice == "pypi" else choice


def torch_choice():
    """Return the choice of PyTorch: the command line's, else that of COURSE_TORCH, "" if there is neither."""
    return TORCH["asked"] or os.environ.get("COURSE_TORCH", "")


def expected_build(settings):
    """Return the build of PyTorch that a new environment gets with these settings of pip, if no index fails.

    Nothing says which builds an index in the settings has. It counts as PyPI, which has the larger build.
    """
    choice = torch_choice()
    if choice in ("", "pypi") and shared("is_set")(settings.get("PIP_NO_INDEX", "")):
        return shared("local_torch_build")(settings, PYPI_BUILD) or PYPI_BUILD
    if not choice:
        choice = "pypi" if shared("names_source")(settings) or shared("has_nvidia_gpu")() else "cpu"
    return build_of(choice)


def gigabytes():
    """Return the GB on the disk and the GB to download, for the build of PyTorch that is chosen or expected."""
    kept, fetched = SIZES[TORCH["build"] or expected_build(os.environ)]
    is_local = TORCH["is_local"] if TORCH["build"] else shared("needs_no_download")(os.environ)
    return kept, 0 if is_local else fetched


def torch_build():
    """Return the build of PyTorch in the environment: "cpu", "cuda" or "rocm", and "" if there is none."""
    return ask("import runpy, sys; print(runpy.run_path(sys.argv[1])['torch_build']())", str(SHARED))


def replaces_torch():
    """Return whether the command line asks for another build of PyTorch than the environment has."""
    return bool(TORCH["asked"]) and torch_build() not in ("", build_of(TORCH["asked"]))


def install_torch(lock):
    """Install the chosen build of PyTorch, where that is not simply the build that pip finds with the other packages.

    An existing PyTorch is kept unless the command line asks for another build. Without a choice, it is no error if
    PyTorch's own index cannot be reached, has no fitting version, or has one that cannot be fetched. A sentence says
    so, and PyPI's PyTorch is installed.
    """
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if package_name(line) in ("torch", "torchvision")]
    is_replaced = replaces_torch()
    if not lines or (torch_build() and not is_replaced):
        return
    if is_replaced and installed_versions(lines)["torch"][0] != "torch":
        raise SetupError("PyTorch was not installed by pip here: replace it with the tool that installed it (conda).")
    settings, choice = pip_environment(), torch_choice()
    names_source = shared("names_source")(settings)
    has_no_index = shared("is_set")(settings.get("PIP_NO_INDEX", ""))
    TORCH["build"] = expected_build(settings)  # the settings can be in a file, which only pip in the environment reads
    TORCH["is_local"] = shared("needs_no_download")(settings)
    if not LOG.is_file() and free() < sum(gigabytes()):  # pip has not run yet, so nothing is there of what it fetches
        raise full_disk()
    if names_source and choice in ("", "pypi") and not is_replaced:
        if not choice and not has_no_index and expected_build({}) != PYPI_BUILD:
            print("Packages come from where pip's settings say, PyTorch too. No other index is used.", flush=True)
        return
    if TORCH["build"] == PYPI_BUILD and not names_source and not is_replaced:
        return
    index, has_own_index = shared("TORCH_INDEXES")[TORCH["build"]], TORCH["build"] != PYPI_BUILD and not has_no_index
    if has_own_index:
        settings = dict(only_network(settings), PIP_INDEX_URL=index)
        problem = unreachable(index, settings)
        if problem:
            return without_index(problem)
        kept, fetched = gigabytes()
        print(f"PyTorch comes from {index}: {kept} GB on the disk, {fetched} GB to download.", flush=True)
    options = ["--no-deps"] + (["--force-reinstall"] if is_replaced else [])
    remove_stamp()
    if pip_install(lock, lines, settings, *options):
        problem = shared("INDEX_PROBLEMS").get(pip_problem())
        if has_own_index and problem:
            return without_index(f"{index} {problem}")
        raise explain_pip()
    if choice and torch_build() != build_of(choice):
        raise SetupError(
            f"The place that pip's settings name has no {build_of(choice)} build of PyTorch: name another place, or "
            "leave out `--torch` and COURSE_TORCH."
        )


def only_network(settings):
    """Return variables for pip without those that say where packages come from."""
    sources = shared("PIP_SOURCES")
    return {name: value for name, value in settings.items() if name not in sources}


def unreachable(index, settings):
    """Return why PyTorch's own index cannot be used, "" if it answers within seconds and has builds for this Python."""
    command = [str(PYTHON), "-c", MODULE, str(ROOT), "pip", "index", "versions", "torch"]
    quick = {"PIP_DEFAULT_TIMEOUT": str(PATIENCE), "PIP_TIMEOUT": str(PATIENCE)}
    quick["PIP_RETRIES"] = "1"  # pip reports a failed connection only when it tries again
    options = {"encoding": "utf-8", "errors": "replace", "stdin": subprocess.DEVNULL, "timeout": 6 * PATIENCE}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        answer = subprocess.run(
            command, env=dict(settings, **dict(quick, PYTHONIOENCODING="utf-8")), **pipes, **options
        )
    except subprocess.TimeoutExpired:
        return f"{index} does not answer"
    if answer.returncode == 0:
        return ""
    is_silent = re.search(shared("PIP_PROBLEMS")["unreached"], answer.stdout)
    return f"{index} " + ("does not answer" if is_silent else "has no build for this Python")


def without_index(problem):
    """Say that PyPI's PyTorch is installed instead, with the sizes. If a build was chosen, raise an error."""
    build = TORCH["build"]
    sizes = "{} GB on the disk and {} GB to download".format(*SIZES[PYPI_BUILD])
    if torch_choice():
        raise SetupError(
            f"PyTorch for {build} cannot be had, because {problem}: run it again later, or with `--torch pypi` "
            f"for PyPI's build ({sizes})."
        )
    TORCH["build"] = PYPI_BUILD
    instead = "{} GB and {} GB".format(*SIZES[build])
    print(f"{problem}, so PyTorch comes from PyPI, with CUDA: {sizes}, instead of {instead}.", flush=True)
    if free() < sum(gigabytes()):
        raise full_disk()


def install(lock, requirements="requirements.txt"):
    """Install the packages of a list with pip, all that are missing."""
    lines = (ROOT / requirements).read_text(encoding="utf-8").splitlines()
    found = installed_versions(lines)  # packages that are installed as another build, as from conda, are left out
    others = [name for name, (build, version) in found.items() if version is not None and build != name]
    if pip_install(lock, [line for line in lines if package_name(line) not in others], pip_environment()):
        raise explain_pip()
    missing = [name for name, (_, version) in installed_versions(lines).items() if version is None]
    if missing:
        where = f"{', '.join(missing)} cannot be found in {FOLDER}"
        advice = "a setting of pip or Python sends packages elsewhere (see `pip config list` and the variables PIP_*)"
        raise SetupError(f"pip ended without an error, but {where}: {advice}. Unset it, and run it again.")


def pip_install(lock, lines, variables, *options):
    """Run pip on lines of a list and return its exit code. Its output goes to a log file, and one line to the screen.

    pip inherits the lock, so a course.py that is killed and started again waits for the pip that it left behind.
    """
    temporary = FOLDER / "course-tmp"  # pip keeps gigabytes there, and /tmp is often too small for that
    shutil.rmtree(str(temporary), ignore_errors=True)
    temporary.mkdir()
    packages = temporary / "requirements.txt"
    packages.write_text("\n".join(lines), encoding="utf-8")
    command = [str(PYTHON), "-c", MODULE, str(ROOT), "pip", "install", "--no-user", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", *options]
    command += ["-r", str(packages), "-c", str(ROOT / "constraints.txt")]
    variables = dict(variables, TMPDIR=str(temporary), PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
    inherited = {} if WINDOWS else {"pass_fds": [lock.fileno()]}
    with open(LOG, "wb") as out:
        options = dict(inherited, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=variables)
        pip = subprocess.Popen(command, **options)
    try:
        watch(pip)
    finally:
        pip.terminate()  # where it still runs, at Ctrl-C
        pip.wait()
        shutil.rmtree(str(temporary), ignore_errors=True)
    return pip.returncode


def package_name(line):
    """Return the name of the package that a line of requirements.txt always asks for, "" if there is none."""
    name = re.match(r"[\w.-]+", line)
    return name.group() if name and ";" not in line.split("#")[0] else ""


def installed_versions(lines):
    """Return the name and version installed for each package in lines of requirements.txt."""
    names = sorted({package_name(line) for line in lines} - {""})
    code = "import json, runpy, sys; find = runpy.run_path(sys.argv[1])['installed_version']; "
    answer = ask(code + "print(json.dumps({name: find(name) for name in sys.argv[2:]}))", str(SHARED), *names)
    return json.loads(answer or "{}")


def pip_environment():
    """Return variables for pip: its settings of indexes and network, from its files and the environment, no others."""
    variables = {k: v for k, v in child_environment().items() if not k.startswith("PIP_") or k == "PIP_CONFIG_FILE"}
    command = [str(PYTHON), "-c", MODULE, str(ROOT), "pip", "config", "list"]
    options = {"capture_output": True, "encoding": "utf-8", "errors": "replace", "stdin": subprocess.DEVNULL}
    listed = subprocess.run(command, env=dict(variables, PYTHONIOENCODING="utf-8"), **options)
    if listed.returncode:
        words = (listed.stderr.strip().splitlines() or ["no message"])[-1]
        raise SetupError(
            f"pip's settings cannot be read ({words}): correct pip's configuration file, and run it again."
        )
    settings = {}
    for section in ("global", "install"):  # the second overrides the first
        found = re.findall(rf"(?m)^{section}\.([\w-]+)=(.*)$", listed.stdout)
        settings.update({name: ast.literal_eval(value) for name, value in found})
    settings.update({k[4:].lower().replace("_", "-"): v for k, v in os.environ.items() if k.startswith("PIP_")})
    kept = {"PIP_" + name.upper().replace("-", "_"): settings[name] for name in PIP_KEPT if name in settings}
    return dict(variables, **dict(kept, PIP_CONFIG_FILE=os.devnull))


def watch(pip):
    """Wait for pip to end. On a terminal, one line says what it is doing and for how long."""
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


def pip_problem():
    """Return the problem that pip's log shows, a key of `PIP_ERRORS` or "full disk"."""
    return "full disk" if free() < 0.05 else shared("pip_problem")(LOG.read_text(encoding="utf-8", errors="replace"))


def explain_pip():
    """Return the error that pip's log describes, as one sentence."""
    problem, output = pip_problem(), LOG.read_text(encoding="utf-8", errors="replace")
    if problem == "full disk":
        return full_disk()
    what = re.search(shared("PIP_PROBLEMS")[problem], output).groupdict().get("what")
    python = f"{platform.python_version()}, {sys.maxsize.bit_length() + 1}-bit, {sys.platform} {platform.machine()}"
    sentence = PIP_ERRORS[problem].format(folder=FOLDER, python=python, what=what)
    return SetupError(f"{sentence}, and run it again (pip's output: {LOG}).")


def explain(error):
    """Return an error of the system as one sentence that says how to fix it."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return full_disk()
    fix = "move the course to a folder where you can write, or name one for its packages with COURSE_VENV"
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        fix = "a file or folder of that name is in the way, move it elsewhere or name another folder with COURSE_VENV"
    if error.errno == errno.ENAMETOOLONG:
        fix = "its name is too long, name a folder with a shorter one with COURSE_VENV"
    if error.errno == errno.ENOENT and Path(str(error.filename)).parent in (ROOT, SHARED.parent):
        fix = "clone the course again"
    return SetupError(f"{error.filename or FOLDER} cannot be used ({error.strerror or error}): {fix}.")


def full_disk():
    """Return the error for a disk that is full or would soon be."""
    kept, fetched = gigabytes()
    later = f" ({kept} GB later)" if fetched else ""
    sizes = f"setting up needs {kept + fetched} GB{later}, {free():.1f} GB are free for {FOLDER}"
    fix = "free some space, or name a folder on a larger disk with the environment variable COURSE_VENV"
    return SetupError(f"The disk is too full ({sizes}): {fix}, and run it again.")


def free():
    """Return the free space in GB on the disk where the environment lies or will lie."""
    return shutil.disk_usage(next(p for p in (FOLDER, *FOLDER.parents) if p.is_dir())).free / 1e9


def write(path, text):
    """Write a small file whole or not at all. The lock is held, so no other process writes to the same half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_text(text, encoding="utf-8")
    os.replace(str(half), str(path))


def missing_files():
    """Return the text of each file that is missing or outdated: the finder of the course, and Jupyter's settings.

    Several checkouts can share an environment, so the finder names none of them. `course.pth` names one for processes
    that start outside all checkouts, and keeps it while it is there.
    """
    packages = (FOLDER / "Lib" if WINDOWS else FOLDER / "lib" / f"python{VERSION}") / "site-packages"
    path = packages / "course.pth"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    named = re.search(r"find\((.+)\)", text)
    is_kept = named and FOLDER != ROOT / ".venv" and Path(ast.literal_eval(named.group(1)), "course.py").is_file()
    root = named.group(1) if is_kept else ascii(str(ROOT))  # a .pth has no encoding: ASCII
    files = {packages / "course_checkout.py": FINDER, path: f"import course_checkout; course_checkout.find({root})\n"}
    is_ours = FOLDER == ROOT / ".venv" or MADE.is_file()  # in another one, its owner's settings stay
    settings = {FOLDER / name: json.dumps(value, indent=2) + "\n" for name, value in SETTINGS.items()}
    files.update({k: v for k, v in settings.items() if is_ours or not k.is_file()})
    return {k: v for k, v in files.items() if not k.is_file() or k.read_text(encoding="utf-8") != v}


def child_environment():
    """Return the environment variables for a child process: without another Python's paths, as if activated."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") or k in PYTHON_KEPT}
    for name in PATHS:  # a child can have another working directory, as a notebook's kernel has
        if variables.get(name):
            variables[name] = os.path.abspath(os.path.expanduser(variables[name]))
    encoding = variables.get("PYTHONIOENCODING", "").split(":")[0]
    variables["PYTHONIOENCODING"] = f"{encoding}:backslashreplace"  # no letter ends a command
    threads = shared("thread_limit")()
    if threads is not None and not variables.get("OMP_NUM_THREADS"):
        variables["OMP_NUM_THREADS"] = str(threads)
    path = str(SCRIPTS) + os.pathsep + variables.get("PATH", "")
    variables.update(VIRTUAL_ENV=str(FOLDER), COURSE_CHECKOUT=str(ROOT), PATH=path)
    return dict(variables, PYTHONNOUSERSITE="1", JUPYTER_PREFER_ENV_PATH="1")


def shared(name):
    """Return a function or a table that this file shares with the commands."""
    return runpy.run_path(str(SHARED))[name]


def run(*arguments, cwd=None):
    """Run the environment's Python and return its exit code."""
    is_shown_elsewhere = sys.stdout is not sys.__stdout__  # as in a notebook, which does not show what a child prints
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    variables = child_environment()
    if is_shown_elsewhere:
        variables["PYTHONIOENCODING"] = "utf-8"
    command = [str(PYTHON), *map(str, arguments)]
    child = subprocess.Popen(command, cwd=cwd, env=variables, **(pipes if is_shown_elsewhere else {}))
    handlers = {signal.SIGINT: lambda *_: None}  # a terminal sends Ctrl-C to the child too, which handles it
    handlers[signal.SIGTERM] = lambda *_: child.terminate()
    before = {}
    try:
        with contextlib.suppress(ValueError):  # only the main thread has signals
            for number, handler in handlers.items():
                before[number] = signal.signal(number, handler)
        for line in child.stdout or ():
            print(line, end="", flush=True)
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def lab(arguments):
    """Make the practice fabric if it is missing, run the doctor, open JupyterLab on the named or the first notebook."""
    named = next((argument for argument in arguments if is_own_notebook(argument)), None)
    notebook = Path(named or Path("notebooks", "00_start_here.ipynb"))
    arguments = [argument for argument in arguments if argument != named]
    first = ["doctor"] if (ROOT / "data" / "practice").is_dir() else ["data", "doctor"]
    if any(COMMANDS[name]([]) for name in first):
        return 1
    if not (ROOT / notebook).is_file():
        raise SetupError(f"{notebook} is missing: make it with `python course.py build`, or clone the course again.")
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in arguments:
        print("JupyterLab refuses to run as root by itself, so it is started with --allow-root.", flush=True)
        arguments = ["--allow-root", *arguments]
    url = f"--LabApp.default_url=/lab/tree/{quote(notebook.as_posix())}"
    return run("-c", MODULE, ROOT, "jupyterlab", url, *arguments, cwd=ROOT)


def is_own_notebook(argument):
    """Return whether an argument names a notebook in the course folder, which JupyterLab shows as a whole."""
    if not argument.endswith(".ipynb") or argument.startswith("-") or os.path.isabs(argument):
        return False
    return ".." not in Path(argument).parts and (ROOT / argument).is_file()


def scale(arguments):
    """Add the packages that only a cluster needs, and say that they are there."""
    add_scale()
    print("Dask is installed: aitex_utils/scale/README.md says how to use it.", flush=True)
    return 0


def test(arguments):
    """Add the packages that only some tests need, say how long the tests take, and run them."""
    try:
        add_scale()
    except SetupError as error:
        print(f"The tests of a cluster are skipped, because Dask cannot be added. {error}", flush=True)
    quick = "--quick" in arguments
    try:
        minutes = json.loads((ROOT / "benchmarks" / "results" / "tests.json").read_text(encoding="utf-8"))
        known = f"about {minutes['quick_minutes' if quick else 'full_minutes']:.0f} min on two cores"
        more = "" if quick else f", and `course.py test --quick` about {minutes['quick_minutes']:.0f} min"
        print(f"The tests take {known}{more}.", flush=True)
    except (OSError, ValueError, KeyError):
        pass  # it was not measured yet
    arguments = [argument for argument in arguments if argument != "--quick"]
    options = ["-m", "not slow"] if quick else []
    if all(argument.startswith("-") for argument in arguments):  # all tests: in several processes
        options += ["-n", "auto", "--dist", "loadgroup", "--no-loadscope-reorder"]  # in the order of tests/conftest.py
        options += ["--durations=40", "--durations-min=5"]  # what to look at first when the tests get slow
    return run("-c", MODULE, ROOT, "pytest", *options, *arguments, cwd=ROOT)


def bundle(arguments):
    """Make a folder for a memory stick. Its pip gets the same settings as the pip that sets up an environment."""
    settings = pip_environment()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        del os.environ[name]
    os.environ.update({name: value for name, value in settings.items() if name.startswith("PIP_")})
    return run("-c", MODULE, ROOT, "aitex_utils.commands.bundle", *arguments)


COMMANDS = {
    "lab": lab,
    "test": test,
    "demo": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.demo", *arguments),
    "inspect": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.inspect", *arguments),
    "data": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.data", *arguments),
    "scale": scale,
    "pack": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.pack", *arguments),
    "mark": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.mark", *arguments),
    "build": lambda arguments: run("-c", MODULE, ROOT, ROOT / "notebooks" / "build.py", *arguments),
    "path": lambda arguments: run("-c", MODULE, ROOT, ROOT / "notebooks" / "path.py", *arguments),
    "class": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.class_page", *arguments),
    "slides": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.slides", *arguments),
    "site": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.site", *arguments),
    "bench": lambda arguments: run(ROOT / "benchmarks" / f"{arguments[0]}.py", *arguments[1:]),
    "bundle": bundle,
    "doctor": lambda arguments: run("-c", MODULE, ROOT, "aitex_utils.commands.doctor", *arguments),
}


def complaint(command, arguments):
    """Return what is wrong with a command line, before minutes of setting up, or None if all is well."""
    if command not in COMMANDS:
        return f"There is no command {command!r}: choose one of {', '.join(COMMANDS)}."
    for argument in arguments:
        try:
            is_possible = "\0" not in argument and os.fsencode(argument) is not None
        except UnicodeEncodeError:
            is_possible = False
        if not is_possible:
            return f"{ascii(argument)} contains a character that no argument of a program can have: leave it out."
    if command == "bench":
        # A benchmark says in its first line how to call it. Other files are modules.
        texts = {p.stem: p.read_text(encoding="utf-8")[:200] for p in (ROOT / "benchmarks").glob("*.py")}
        names = sorted(name for name, text in texts.items() if f"course.py bench {name}" in text)
        if not set(arguments[:1]) & set(names):
            return f"Name a benchmark after bench: {', '.join(names) or 'there are none yet'}."
    if command == "test":
        lacking = [name for name in ("tests", "notebooks/source") if not (ROOT / name).is_dir()]
        if lacking:
            return f"This copy of the course has no {lacking[0]}, which the tests need: run them in the whole course."
        options = [a for a in arguments if a.startswith("-") and a != "--quick"]
        close = [option for option in options if difflib.get_close_matches(option, ["--quick"], cutoff=0.8)]
        if close:
            return f"There is no option {close[0]}: did you mean --quick?"
    if command == "lab":
        flags = ("--no-browser", "--allow-root", "--debug", "-y", "--collaborative", "--core-mode", "--dev-mode")
        for index, argument in enumerate(arguments):
            before = arguments[index - 1] if index else ""
            is_value = before.startswith("-") and "=" not in before and before not in flags
            if not (argument.startswith("-") or is_value or os.path.exists(str(ROOT / argument))):
                return f"There is no file {argument} in {ROOT}: lab takes JupyterLab's options, such as --port 8899."
    return ""


def take_torch(arguments):
    """Return the arguments without `--torch CHOICE`, and the choice.

    The choice of `bundle` stays one of its arguments: it is for other computers, and does not change this environment.
    """
    if arguments[:1] == ["bundle"]:
        return arguments, ""
    others, choice, following = [], "", iter(arguments)
    for argument in following:
        if argument.split("=")[0] != "--torch":
            others.append(argument)
        else:
            choice = (argument.partition("=")[2] if "=" in argument else next(following, "")) or "nothing"
    if others[:1] == ["bundle"] and choice:  # it stands before the command
        return [*others, "--torch", choice], ""
    return others, choice


def torch_complaint():
    """Return what is wrong with the choice of PyTorch, or "" if all is well."""
    choice, name = torch_choice(), "--torch" if TORCH["asked"] else "COURSE_TORCH"
    if choice and choice not in CHOICES:
        return f"{name} is {ascii(choice)}: choose one of {', '.join(CHOICES)}."
    if choice == "cuda" and sys.platform == "darwin":
        return f"{name} is cuda, and Macs have no CUDA: choose cpu or pypi."
    return ""


def main(arguments):
    """Run the command that the first argument names and return the exit code."""
    arguments, TORCH["asked"] = take_torch(arguments)
    command = arguments[0] if arguments else "help"
    if command in ("help", "-h", "--help"):
        print(HELP)
        return 0
    wrong = complaint(command, arguments[1:]) or torch_complaint()
    if wrong:
        print(wrong, file=sys.stderr)
        return 2
    try:
        set_up()
        return COMMANDS[command](arguments[1:])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again to go on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    try:
        run_command = shared("run_command")
    except OSError as error:
        sys.exit(f"{SHARED} cannot be read ({error.strerror}): clone the course again.")
    sys.exit(run_command(main, sys.argv[1:]))
