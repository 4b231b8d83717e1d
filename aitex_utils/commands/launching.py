"""Helpers of `course.py` and its commands: output streams, builds of packages, pip's sources, limits of this machine.

Standard library only, and no import of the project: `course.py` reads this file before anything is installed.
"""

from __future__ import annotations

import errno
import importlib
import importlib.metadata
import importlib.util
import math
import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

# Other distributions of a required package, which are imported by the same name. conda's are called differently.
OTHER_BUILDS = {
    "faiss-cpu": ("faiss", "faiss-gpu", "faiss-gpu-cu12", "faiss-gpu-cu11"),
    "opencv-python": (
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
        "opencv",
        "py-opencv",
    ),
    "torch": ("pytorch",),
}
IMPORTED_AS = {"faiss-cpu": "faiss", "opencv-python": "cv2", "torch": "torch"}
# PyTorch's own index of each build. PyPI's build has CUDA for Linux, and no CUDA for other systems.
TORCH_INDEXES = {"cpu": "https://download.pytorch.org/whl/cpu", "cuda": "https://download.pytorch.org/whl/cu130"}
# Settings of pip that say where packages come from.
PIP_SOURCES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX")
PIP_PROBLEMS = {  # the problems that pip's output can show, with a pattern for each. The first match counts.
    "full disk": r"No space left|Errno 28\b|Errno 122\b|[Qq]uota exceeded|not enough space on the disk|WinError 112",
    "long path": r"Long Path support",
    "read-only": r"Read-only file system|Permission denied|Access is denied|Errno 13\b|Errno 30\b|WinError 5\b",
    "unreached": r"[Cc]onnection.?([Ee]rror|[Rr]eset|refused|broken|aborted)|[Tt]imed? ?out|getaddrinfo|ProxyError|"
    r"SSLError|Failed to resolve|not known|name resolution|unreachable|IncompleteRead|"
    r"(403|407|5\d\d) (Client|Server) Error",
    "unfetched": r"HTTP error \d+ while getting|DO NOT MATCH THE HASHES|Wheel '.+' located at .+ is invalid|"
    r"not enough bytes",
    "lacking": r"(No matching distribution found for|Cannot install) (?P<what>[^\s(;,]+)",
    "other": r"(?mi)^ERROR: (?P<what>.+?)\.?$",
    "ended": r"",
}
# Problems of an index that answered before. They are no problems of this machine.
INDEX_PROBLEMS = dict.fromkeys(("unreached", "unfetched"), "answers, but its PyTorch cannot be fetched")
INDEX_PROBLEMS["lacking"] = "has no version that fits"
TORCH_WHEEL = re.compile(r"torch-(?P<version>[^-]+)(-\d[^-]*)?-(?P<python>[^-]+)-[^-]+-(?P<platform>[^-]+)\.whl")
PLATFORM_TAGS = {"win32": "win", "darwin": "macosx"}  # in the tags of its wheels, "linux" elsewhere
# Files of the driver of an NVIDIA GPU on Linux. The last belongs to the driver of Windows, seen from its Linux (WSL).
GPU_SIGNS = ("proc/driver/nvidia/gpus/*", "dev/nvidia[0-9]*", "usr/lib/wsl/lib/libcuda.so*")
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
BROKEN_PIPE = 141  # the exit code of a shell's command whose reader has gone, 128 + SIGPIPE


def run_command(main: Callable[..., int], *arguments: object) -> int:
    """Run a command whatever its output streams are: of few letters, closed, or a pipe that nothing reads any more.

    Parameters
    ----------
    main : callable
        The command; returns its exit code.
    *arguments
        Passed on to it.

    Returns
    -------
    int
        Exit code: the command's, 130 after Ctrl-C, 141 if the reader of the output has gone, 1 if the disk is full.

    Examples
    --------
    >>> run_command(lambda name: print(name) or 0, "strips")
    strips
    0
    """
    try:
        _prepare_streams()
        try:
            return main(*arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except OSError as error:
        is_broken = isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)
        is_full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        if not (is_broken or is_full):
            raise
        if is_full:
            place = f" for {error.filename}" if error.filename else ""
            print(f"There is no space left{place} ({error.strerror}): free some and run it again.", file=sys.stderr)
        _discard_output()
        return BROKEN_PIPE if is_broken else 1


def installed_version(
    name: str,
    version_of: Callable[[str], str] = importlib.metadata.version,
    load: Callable[[str], ModuleType] = importlib.import_module,
) -> tuple[str, str | None]:
    """Return the name and the version of an installed package, or of another build that is imported by the same name.

    Parameters
    ----------
    name : str
        Name in requirements.txt.
    version_of : callable
        Returns the version of a distribution.
    load : callable
        Imports a module, if no distribution is found: packages from conda can lack the description that pip reads.

    Returns
    -------
    str
        Name of the distribution, or of the module.
    str or None
        Version; None if there is none of them.

    Examples
    --------
    >>> installed_version("faiss-cpu", {"faiss": "1.9.0"}.__getitem__)
    ('faiss', '1.9.0')
    """
    for candidate in (name, *OTHER_BUILDS.get(name, ())):
        try:
            version = version_of(candidate)
        except (importlib.metadata.PackageNotFoundError, KeyError):
            continue
        if version is not None:  # None: the description is damaged
            return candidate, version
    module = IMPORTED_AS.get(name)
    if module is not None:
        try:
            return module, str(load(module).__version__)
        except (ImportError, AttributeError, OSError):
            pass  # it is not there, or broken: the doctor says which in a process of its own
    return name, None


def has_nvidia_gpu(root: Path = Path("/")) -> bool:
    """Return whether Linux shows an NVIDIA GPU with its driver, without which CUDA cannot use the GPU.

    Parameters
    ----------
    root : Path
        Root of the file system.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_nvidia_gpu(Path("no/such/folder"))
    False
    """
    return any(True for sign in GPU_SIGNS for _ in root.glob(sign))


def torch_build(find: Callable[[str], ModuleSpec | None] = importlib.util.find_spec) -> str:
    """Return which build of PyTorch is installed, read from a file of it. Importing PyTorch takes seconds.

    Parameters
    ----------
    find : callable
        Returns where a module is, None if it is missing.

    Returns
    -------
    str
        "cpu", "cuda" or "rocm"; "" if there is no PyTorch.

    Examples
    --------
    >>> torch_build(lambda name: None)
    ''
    """
    places = getattr(find("torch"), "submodule_search_locations", None) or []
    for place in places:
        try:
            text = Path(place, "version.py").read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            continue  # a folder that is left of a removed PyTorch
        named = dict(re.findall(r"(?m)^(cuda|hip)\b.*=\s*['\"]([^'\"]+)", text))
        return "rocm" if "hip" in named else "cuda" if "cuda" in named else "cpu"
    return ""


def build_named(version: str, of_pypi: str) -> str:
    """Return which build of PyTorch a version names.

    Parameters
    ----------
    version : str
        Version of PyTorch or torchvision.
    of_pypi : str
        Build that PyPI has for the system. PyPI's versions name no build.

    Returns
    -------
    str
        "cpu" or "cuda".

    Examples
    --------
    >>> build_named("2.14.1+cu130", "cpu"), build_named("2.14.1+cpu", "cuda"), build_named("2.14.1", "cuda")
    ('cuda', 'cpu', 'cuda')
    """
    local = version.partition("+")[2]
    return "cpu" if local.startswith("cpu") else "cuda" if local.startswith("cu") else of_pypi


def is_set(value: str) -> bool:
    """Return whether a setting of pip is switched on.

    Parameters
    ----------
    value : str
        Value of a setting that is on or off, such as `PIP_NO_INDEX`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_set("1"), is_set("0"), is_set("")
    (True, False, False)
    """
    return value.lower() not in ("", "0", "false", "f", "no", "n", "off")


def names_source(settings: Mapping[str, str]) -> bool:
    """Return whether settings of pip say where packages come from.

    Parameters
    ----------
    settings : mapping of str to str
        Settings by the names of their environment variables.

    Returns
    -------
    bool

    Examples
    --------
    >>> names_source({"PIP_FIND_LINKS": "/media/stick/wheels"}), names_source({"PIP_NO_INDEX": "0"})
    (True, False)
    """
    values = {name: settings.get(name, "") for name in PIP_SOURCES}
    return is_set(values.pop("PIP_NO_INDEX")) or any(values.values())


def needs_no_download(settings: Mapping[str, str]) -> bool:
    """Return whether settings of pip let it take packages from local folders only. pip uses such wheels in place.

    Parameters
    ----------
    settings : mapping of str to str
        Settings by the names of their environment variables.

    Returns
    -------
    bool

    Examples
    --------
    >>> needs_no_download({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/media/stick/wheels"})
    True
    >>> needs_no_download({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "https://school.example.org/wheels"})
    False
    """
    places = settings.get("PIP_FIND_LINKS", "").lower().split()  # as pip does, which separates places by spaces
    is_local = all("://" not in place or place.startswith("file:") for place in places)
    return is_set(settings.get("PIP_NO_INDEX", "")) and is_local


def pip_problem(output: str) -> str:
    """Return the problem that the output of a failed pip shows.

    Parameters
    ----------
    output : str
        Output of pip, or the part of it with warnings and errors.

    Returns
    -------
    str
        A key of `PIP_PROBLEMS`.

    Examples
    --------
    >>> pip_problem("ERROR: No matching distribution found for torch>=2"), pip_problem("Collecting torch")
    ('lacking', 'ended')
    """
    return next(problem for problem, pattern in PIP_PROBLEMS.items() if re.search(pattern, output))


def local_torch_build(settings: Mapping[str, str], of_pypi: str) -> str:
    """Return the build of PyTorch in the local folders of wheels that settings of pip name.

    Parameters
    ----------
    settings : mapping of str to str
        Settings by the names of their environment variables.
    of_pypi : str
        As in `build_named`.

    Returns
    -------
    str
        "cpu" or "cuda"; "cuda" if there are both, "" if there is no wheel of PyTorch for this Python and system.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     Path(place, "torch-2.14.1+cpu-py3-none-any.whl").touch()
    ...     local_torch_build({"PIP_FIND_LINKS": Path(place).as_uri()}, "cuda")
    'cpu'
    """
    from urllib.request import url2pathname

    pythons = {"py3", "cp{}{}".format(*sys.version_info[:2])}
    builds = set()
    for place in settings.get("PIP_FIND_LINKS", "").split():  # as pip does, which separates places by spaces
        is_address = place.lower().startswith("file:")
        folder = Path(url2pathname(urlsplit(place).path) if is_address else os.path.expanduser(place))
        names = [path.name for path in folder.glob("torch-*.whl")] if folder.is_dir() else []
        for found in filter(None, map(TORCH_WHEEL.fullmatch, names)):
            fits = found["platform"] == "any" or PLATFORM_TAGS.get(sys.platform, "linux") in found["platform"]
            if fits and pythons & set(found["python"].split(".")):
                builds.add(build_named(found["version"], of_pypi))
    return "cuda" if "cuda" in builds else "cpu" if builds else ""


def core_limits(
    count: int | None = None,
    environment: Mapping[str, str] = os.environ,
    cgroups: Path = CGROUPS,
    own_cgroup: Path = OWN_CGROUP,
) -> tuple[int, float]:
    """Return the cores that this process can run on, and how many of them a quota lets it use.

    Parameters
    ----------
    count : int, optional
        Number of cores; None counts them.
    environment : mapping of str to str
        Environment variables. `CPU_LIMIT` is read, which JupyterHub sets.
    cgroups : Path
        Where Linux shows its control groups, of version 1 or 2.
    own_cgroup : Path
        File that names the groups of this process.

    Returns
    -------
    int
        Number of cores.
    float
        Number of cores' worth of time; equal to the first without a quota.

    Notes
    -----
    The quotas are `cpu.max` (version 2) and `cpu.cfs_quota_us` (version 1) of the Linux kernel's documentation,
    "Control Group v2" and "CFS Bandwidth Control". The smallest one counts, of the own group and those above it.

    Examples
    --------
    >>> core_limits(8, {"CPU_LIMIT": "1.5"}, Path("no/cgroups"), Path("no/cgroup"))
    (8, 1.5)
    """
    if count is None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [float(count), *_as_numbers(environment.get("CPU_LIMIT", ""))]
    for folder in _cgroup_folders("cpu", cgroups, own_cgroup):
        time = _read_numbers(folder / "cpu.max") or [
            *_read_numbers(folder / "cpu.cfs_quota_us"),
            *_read_numbers(folder / "cpu.cfs_period_us"),
        ]
        if len(time) == 2 and time[1] > 0:
            limits.append(time[0] / time[1])
    return count, min(limit for limit in limits if limit > 0)  # no quota is written as 0 or -1 too


def thread_limit(cores: tuple[int, float] | None = None) -> int | None:
    """Return the number of threads that a quota allows, or None without a quota.

    Parameters
    ----------
    cores : tuple of int and float, optional
        See `core_limits`; None measures them.

    Returns
    -------
    int or None
        The quota rounded up, for `OMP_NUM_THREADS`, which torch, faiss and NumPy follow.

    Examples
    --------
    >>> thread_limit((8, 1.5)), thread_limit((8, 8.0))
    (2, None)
    """
    count, allowed = cores or core_limits()
    threads = math.ceil(allowed)
    return threads if threads < count else None


def memory_limit(
    environment: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS, own_cgroup: Path = OWN_CGROUP
) -> float:
    """Return the bytes that a container or JupyterHub still lets this process take, or infinity without a limit.

    Parameters
    ----------
    environment : mapping of str to str
        Environment variables. `MEM_LIMIT` (bytes) is read, which JupyterHub sets.
    cgroups : Path
        Where Linux shows its control groups, of version 1 or 2.
    own_cgroup : Path
        File that names the groups of this process.

    Returns
    -------
    float

    Notes
    -----
    Memory that only caches files counts as free, because the kernel gives it back (`inactive_file` in `memory.stat`).

    Examples
    --------
    >>> memory_limit({"MEM_LIMIT": "1024"}, Path("no/cgroups"), Path("no/cgroup"))
    1024.0
    """
    left = [limit for limit in _as_numbers(environment.get("MEM_LIMIT", "")) if limit > 0]
    for folder in _cgroup_folders("memory", cgroups, own_cgroup):
        for limit, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            numbers = [*_read_numbers(folder / limit), *_read_numbers(folder / used)]
            if len(numbers) == 2:
                left.append(numbers[0] - max(0.0, numbers[1] - _read_statistic(folder / "memory.stat", cached)))
    return max(0.0, min(left, default=math.inf))


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # pythonw.exe, or closed by the shell
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):  # a notebook's stream can print all letters, and has no such method
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Point the output to nowhere, or Python reports the same error once more when it closes the stream."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # a stream without a file, such as a notebook's
        pass


def _cgroup_folders(controller: str, cgroups: Path, own_cgroup: Path) -> list[Path]:
    """Return the folders of this process's control group and of all groups above it, which limit it too."""
    folders = [cgroups, cgroups / controller]  # all that a container shows of its own group
    try:
        lines = own_cgroup.read_text().splitlines()
    except (OSError, ValueError):
        return folders  # not Linux
    for line in lines:
        _, controllers, path = (line + "::").split(":")[:3]
        top = cgroups / controller if controllers else cgroups  # version 1 names the controllers, version 2 does not
        if not controllers or controller in controllers.split(","):
            group = top / path.lstrip("/")
            folders += [folder for folder in (group, *group.parents) if top in folder.parents]
    return folders


def _read_numbers(path: Path) -> list[float]:
    """Return the numbers in a file, none if it is missing or says "max", which means no limit."""
    try:
        return _as_numbers(path.read_text())
    except (OSError, ValueError):
        return []


def _as_numbers(text: str) -> list[float]:
    try:
        return [number for number in map(float, text.split()) if math.isfinite(number)]
    except ValueError:
        return []


def _read_statistic(path: Path, name: str) -> float:
    """Return a value from a file of lines such as "inactive_file 4096", or 0 if it is not there."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except (OSError, ValueError):
        return 0.0
    return next((float(line[1]) for line in lines if len(line) == 2 and line[0] == name), 0.0)
