"""Wheels for other systems than this one: what a computer needs, found in the wheels' own metadata.

pip evaluates the markers of requirements (`sys_platform == "win32"`) for the computer that it runs on, also when it
fetches for another one. So this module lets pip fetch single packages without their requirements. It follows the
requirements in the metadata of each wheel, with the markers of the computer that the wheels are for.
"""

from __future__ import annotations

import email.parser
import functools
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging import tags
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from ..errors import InputError

SYSTEMS = ("linux", "windows", "macos")
GLIBC, MACOS = 28, (14, 0)  # the oldest systems that are served: glibc 2.28 (2018), macOS 14 (2023)
TORCH = ("torch", "torchvision")
BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)  # of a ZIP file
# Markers of each system. The processors are those that PyTorch is built for: x86-64, and Apple's.
MARKERS = {
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "windows": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
    "macos": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}


class Target(NamedTuple):
    """A kind of computer that wheels are for.

    Parameters
    ----------
    system : str
        One of `SYSTEMS`.
    python : str
        Version of Python, such as "3.11".

    Examples
    --------
    >>> Target("windows", "3.11").system
    'windows'
    """

    system: str
    python: str


class Wheel(NamedTuple):
    """The properties of a wheel that say where it fits and what it requires.

    Parameters
    ----------
    file : str
        Name of the file.
    name : str
        Name of the package, in the form that names are compared in.
    version : Version
        Its version.
    tags : frozenset of packaging.tags.Tag
        Kinds of Python and system that it runs on.
    pythons : SpecifierSet
        Versions of Python that it runs on.
    requires : tuple of Requirement
        Packages that it requires.

    Examples
    --------
    >>> Wheel("a-1-py3-none-any.whl", "a", Version("1"), frozenset(), SpecifierSet(), ()).version
    <Version('1')>
    """

    file: str
    name: str
    version: Version
    tags: frozenset[tags.Tag]
    pythons: SpecifierSet
    requires: tuple[Requirement, ...]


def this_system() -> str:
    """Return the name of the system that this Python runs on.

    Returns
    -------
    str
        One of `SYSTEMS`.

    Examples
    --------
    >>> this_system() in SYSTEMS
    True
    """
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")


def read_wheel(path: Path) -> Wheel:
    """Read the name and the metadata of a wheel.

    Parameters
    ----------
    path : Path
        File whose name ends in `.whl`.

    Returns
    -------
    Wheel

    Raises
    ------
    InputError
        If the file is no wheel, or damaged.

    Examples
    --------
    >>> read_wheel(Path("thesis.txt"))
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: thesis.txt cannot be read as a wheel (Invalid wheel filename (extension must be \
'.whl'): 'thesis.txt'): delete it, and run it again.
    """
    try:
        name, version, _, kinds = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            inside = [entry for entry in archive.namelist() if entry.count("/") == 1]
            (place,) = [entry for entry in inside if entry.endswith(".dist-info/METADATA")]
            metadata = email.parser.HeaderParser().parsestr(archive.read(place).decode("utf-8"))
        requires = tuple(Requirement(line) for line in metadata.get_all("Requires-Dist", []))
        pythons = SpecifierSet(metadata.get("Requires-Python", ""))
    except (InvalidWheelFilename, *BROKEN, OSError, KeyError) as error:
        raise InputError(f"{path} cannot be read as a wheel ({error}): delete it, and run it again.") from error
    return Wheel(path.name, name, version, kinds, pythons, requires)


@functools.cache
def platforms(system: str) -> tuple[str, ...]:
    """Return the platform tags of wheels that run on a system, the most special first.

    Parameters
    ----------
    system : str
        One of `SYSTEMS`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> platforms("windows")
    ('win_amd64',)
    """
    if system == "windows":
        return ("win_amd64",)
    if system == "macos":
        return tuple(tags.mac_platforms(MACOS, "arm64"))
    older = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # the names of three before there were numbers
    names = []
    for minor in range(GLIBC, 4, -1):
        names += [f"manylinux_2_{minor}_x86_64"] + [f"{name}_x86_64" for at, name in older.items() if at == minor]
    return (*names, "linux_x86_64")


@functools.cache
def _tags(target: Target) -> frozenset[tags.Tag]:
    """Return the tags of all wheels that run on a kind of computer."""
    version = tuple(map(int, target.python.split(".")))
    interpreter, places = f"cp{''.join(map(str, version))}", platforms(target.system)
    own = tags.cpython_tags(version, abis=[interpreter], platforms=places)
    return frozenset([*own, *tags.compatible_tags(version, interpreter, places)])


def markers(target: Target) -> dict[str, str]:
    """Return the values that markers of requirements are compared with, on a kind of computer.

    Parameters
    ----------
    target : Target
        Kind of computer.

    Returns
    -------
    dict of str to str
        With the oldest release of its Python, which requires the most packages.

    Examples
    --------
    >>> Requirement('colorama; sys_platform == "win32"').marker.evaluate(markers(Target("windows", "3.11")))
    True
    """
    oldest = f"{target.python}.0"
    python = {"python_version": target.python, "python_full_version": oldest, "implementation_version": oldest}
    kind = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    return {**MARKERS[target.system], **python, **kind, "platform_release": "", "platform_version": "", "extra": ""}


def read_requirements(paths: Iterable[Path], target: Target) -> list[Requirement]:
    r"""Read lists of packages as pip reads them, and return the lines that apply to a kind of computer.

    Parameters
    ----------
    paths : iterable of Path
        Files such as requirements.txt.
    target : Target
        Kind of computer.

    Returns
    -------
    list of Requirement

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "requirements.txt")
    ...     _ = file.write_text('numpy>=2  # arrays\ncolorama; sys_platform == "win32"')
    ...     [str(line) for line in read_requirements([file], Target("linux", "3.11"))]
    ['numpy>=2']
    """
    lines = [line.split("#")[0].strip() for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in map(Requirement, filter(None, lines)) if _applies(line, target, [""])]


def resolve(
    wheels: Iterable[Wheel], target: Target, requirements: Sequence[Requirement], constraints: Sequence[Requirement]
) -> tuple[list[Wheel], list[str]]:
    """Find the wheels that a kind of computer needs, and what no wheel fulfils.

    Parameters
    ----------
    wheels : iterable of Wheel
        Wheels that are there.
    target : Target
        Kind of computer.
    requirements, constraints : sequence of Requirement
        Packages that are needed, and versions to which needed packages are limited.

    Returns
    -------
    list of Wheel
        The newest wheel of each package that is allowed, sorted by name.
    list of str
        Each requirement that no wheel fulfils, with all that limits its version; empty if the wheels are complete.

    Examples
    --------
    >>> resolve([], Target("linux", "3.11"), [Requirement("numpy>=2")], [Requirement("numpy==2.4.6")])
    ([], ['numpy==2.4.6,>=2'])
    """
    fitting: dict[str, list[Wheel]] = {}
    for wheel in wheels:
        if wheel.tags & _tags(target) and wheel.pythons.contains(f"{target.python}.99"):
            fitting.setdefault(wheel.name, []).append(wheel)
    limits: dict[str, SpecifierSet] = {}
    for line in constraints:
        name = canonicalize_name(line.name)
        limits[name] = limits.get(name, SpecifierSet()) & line.specifier
    chosen: dict[str, Wheel] = {}
    for _ in range(100):  # each pass follows the requirements of the wheels of the pass before
        asked = _collect(requirements, chosen, target)
        allowed = {name: spec & limits.get(name, SpecifierSet()) for name, (spec, _) in asked.items()}
        found = {
            name: max(there, key=lambda wheel: wheel.version)
            for name, spec in allowed.items()
            if (there := [w for w in fitting.get(name, ()) if spec.contains(w.version, prereleases=True)])
        }
        if found == chosen:
            break
        chosen = found
    lacking = [f"{name}{allowed[name]}" for name in sorted(allowed) if name not in chosen]
    return [chosen[name] for name in sorted(chosen)], lacking


def _collect(
    requirements: Iterable[Requirement], chosen: Mapping[str, Wheel], target: Target
) -> dict[str, tuple[SpecifierSet, set[str]]]:
    """Return the limits and the extras that the list, and the chosen wheels as far as it leads to them, ask for."""
    asked: dict[str, tuple[SpecifierSet, set[str]]] = {}
    waiting = list(requirements)
    while waiting:
        line = waiting.pop()
        name = canonicalize_name(line.name)
        is_new = name not in asked
        spec, extras = asked.get(name, (SpecifierSet(), set()))
        added = set(line.extras) - extras
        asked[name] = (spec & line.specifier, extras | added)
        if name in chosen and (is_new or added):
            names = sorted(added) + ([""] if is_new else [])
            waiting += [need for need in chosen[name].requires if _applies(need, target, names)]
    return asked


def _applies(line: Requirement, target: Target, extras: Iterable[str]) -> bool:
    """Say whether a requirement applies to a kind of computer, with one of these extras of the package that has it."""
    if line.marker is None:
        return "" in extras
    return any(line.marker.evaluate({**markers(target), "extra": extra}) for extra in extras)


def collect(
    target: Target,
    requirements: Sequence[Requirement],
    constraints: Sequence[Requirement],
    wheels: dict[str, Wheel],
    fetch: Callable[[list[str], Target], Iterable[Wheel]],
) -> list[Wheel]:
    """Fetch wheels until a kind of computer has all that it needs.

    Parameters
    ----------
    target : Target
        Kind of computer.
    requirements, constraints : sequence of Requirement
        As in `resolve`.
    wheels : dict of str to Wheel
        Wheels that are there, by file name. Fetched wheels are added.
    fetch : callable
        Takes requirements such as "numpy==2.4.6,>=2" and the target. Returns the wheels that it fetched.

    Returns
    -------
    list of Wheel
        The wheels that the computer needs.

    Raises
    ------
    InputError
        If a requirement cannot be fulfilled.

    Examples
    --------
    >>> collect(Target("linux", "3.11"), [], [], {}, lambda lacking, target: [])
    []
    """
    before: list[str] = []
    while True:
        chosen, lacking = resolve(wheels.values(), target, requirements, constraints)
        if not lacking:
            return chosen
        if lacking == before:
            raise InputError(
                f"No wheel for {target.system} with Python {target.python} fulfils {', '.join(lacking)}: choose "
                "another version of Python with --python."
            )
        before = lacking
        wheels.update((wheel.file, wheel) for wheel in fetch(lacking, target))
