"""The folder of a memory stick: wheels, the course as one archive, sums of all files, and a start script per system.

```
bundle.json    what is on the stick: systems, versions of Python, the wheels of each, the SHA-256 of each file
SHA256SUMS     the same sums for `sha256sum -c`
start.*        start scripts, and README.txt about them
course.zip     the course with the practice fabric, with the static pages and the notebooks of paths that were made
wheels/        packages of all systems together; pip takes those that fit
extra/         anything else, such as installers of Python; the course never touches it
```

`bundle.json` lists a file before the file is written, so an interrupted bundle can go on. A wheel whose sum is as
listed is kept. Any other wheel is fetched again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..commands.launching import (
    INDEX_PROBLEMS,
    PIP_SOURCES,
    TORCH_INDEXES,
    build_named,
    is_set,
    names_source,
    pip_problem,
)
from ..errors import InputError
from ..files.atomic_write import atomic_write, remove_leftovers, sha256
from ..files.data_folder import PROJECT
from ..files.locking import only_one
from ..files.ownership import Manifest, first_names, foreign_entries
from ..files.system_errors import explain
from .copies import LIST_OF_FILES, changed_files, copied_files, write_zip
from .site.pages import MANIFEST_FILE, sources_digest
from .wheels import TORCH, Target, Wheel, collect, platforms, read_requirements, read_wheel

LISTS = ("requirements.txt", "requirements-scale.txt")
KIND = "memory stick of the course"
MANIFEST, SUMS, ARCHIVE, START = "bundle.json", "SHA256SUMS", "course.zip", "start.py"
FETCHING, EXTRA = ".fetching", "extra"  # folders on the stick: for pip, and for anything that its owner adds
LOCK = ".bundle.lock"
OWN_NAME = re.compile(r"(wheels/)?\w[\w.+!-]*")  # of a file that a stick can list: no name leads out of the stick
LEFT_OUT = {".git", ".venv", "__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".hypothesis", "data"}
FROM_PYPI = {"linux": "cuda", "windows": "cpu", "macos": "cpu"}  # the build of PyTorch that PyPI has for each system
SITE = "site"  # where `course.py site` builds the static pages, if it was run
# Files and folders at the top of the course. Anything else there belongs to its owner, such as a register of marks.
COURSE = {".ci", ".devcontainer", ".github", ".gitignore", "CHANGELOG.md", "CITATION.cff", "CODE_OF_CONDUCT.md"}
COURSE |= {"CONTRIBUTING.md", "LICENSE-text.md", "LICENSE.txt", "README.md", "aitex_utils", "benchmarks", "course.py"}
COURSE |= {"constraints.txt", "notebooks", "pyproject.toml", "requirements-browser.txt", *LISTS, "teaching", "tests"}
POSIX_START = (
    "#!/bin/sh",
    "# Start the course from this memory stick. A command of the course can follow, such as: test --quick",
    'here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)',
    "for python in {names} python3 python",
    "do",
    """    if "$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in {pythons})' 2>/dev/null; then""",
    '        exec "$python" "$here/start.py" "$@"',
    "    fi",
    "done",
    'echo "No Python {shown} was found: install it, for example from python.org, and start again." >&2',
    "exit 1",
    "",
)
WINDOWS_START = (
    "@echo off",
    "rem Start the course from this memory stick. A command of the course can follow, such as: test --quick",
    "for %%v in ({pythons}) do (",
    '    py -%%v -c "import sys" >nul 2>nul && (',
    '        py -%%v "%~dp0start.py" %*',
    "        goto end",
    "    )",
    ")",
    'python "%~dp0start.py" %*',
    "if errorlevel 9009 echo No Python {shown} was found: install it from python.org, and start again.",
    ":end",
    "pause",
    "",
)
README = """The course "PatchCore on woven fabric", version {version}, for {systems} with Python {shown}.

  Linux     sh start.sh
  macOS     double-click start.command; if macOS refuses it, type in a terminal: sh start.command
  Windows   double-click start.bat

The script copies the course into the folder patchcore-course in your home folder, and sets it up from this stick. This
takes some minutes, once, and needs no network. Then it opens the first notebook in a browser. Start the course in the
same way the next time, or with `python course.py lab` in that folder, which no longer needs the stick.

Teachers begin with teaching/README.md in that folder. A stick without solutions lacks this page.

`sha256sum -c SHA256SUMS` (macOS: `shasum -a 256 -c SHA256SUMS`) checks the copy of this folder.
"""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a stick says about itself.

    Parameters
    ----------
    folder : Path
        Folder of the stick.

    Returns
    -------
    dict
        Empty if the folder contains no stick.

    Raises
    ------
    InputError
        If its bundle.json is not one of the course.

    Examples
    --------
    >>> read_manifest(Path("no/such/folder"))
    {}
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _names(content)
        return content
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not from this course: choose another folder with --out.") from error


def _names(content: Any) -> dict[str, None]:
    """Return the files that a stick's manifest lists. Other content than a manifest raises an error."""
    if content["kind"] != KIND:
        raise ValueError("another kind of file")
    if not all(OWN_NAME.fullmatch(name) and isinstance(digest, str) for name, digest in content["files"].items()):
        raise ValueError("a file that no stick has")
    return dict.fromkeys([*content["files"], SUMS])


def refuse_foreign_files(folder: Path) -> None:
    """Raise an error if the folder contains a file that is neither of a stick nor in its folder `extra`.

    Parameters
    ----------
    folder : Path
        Folder of the stick; it need not exist.

    Raises
    ------
    InputError
        With the names of the first foreign files. Also if a file is in the folder's place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "thesis.txt").write_text("years of work")
    ...     try:
    ...         refuse_foreign_files(Path(place))
    ...     except InputError as error:
    ...         print(str(error).replace(place, "stick"))
    stick contains thesis.txt, which is no part of a memory stick of the course: choose another folder with --out, or \
move that away.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: choose a folder with --out.")
    if not folder.is_dir():
        return
    read_manifest(folder)
    for place in (folder, folder / "wheels"):
        remove_leftovers(place)
    has_manifest = (folder / MANIFEST).is_file()
    own = {EXTRA, FETCHING} if has_manifest else set()
    own |= {LOCK} if _is_empty_file(folder / LOCK) else set()  # of a bundle under way, or of a killed one
    found = [name for name in foreign_entries(folder, Manifest(MANIFEST, KIND, _names)) if name not in own]
    if has_manifest:  # a listed folder without a file in it
        found = [name for name in found if name != "wheels" or any((folder / name).iterdir())]
    if found:
        raise InputError(
            f"{folder} contains {first_names(found)}, which is no part of a {KIND}: choose another folder with "
            "--out, or move that away."
        )


def _is_empty_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.stat().st_size


def course_files(root: Path = PROJECT) -> list[str]:
    """Return the files of the course: what git tracks or, without git, what is in the folders of the course.

    Parameters
    ----------
    root : Path
        Folder of the course.

    Returns
    -------
    list of str
        Names with `/` between the parts, sorted.

    Examples
    --------
    >>> {"course.py", "requirements.txt", "aitex_utils/patchcore.py"} <= set(course_files())
    True
    """
    if (root / ".git").exists() and shutil.which("git") is not None:
        command = ["git", "-C", str(root), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, check=False)
        names = os.fsdecode(listed.stdout).split("\0")
        if listed.returncode == 0:
            return sorted(name for name in names if name and (root / name).is_file())
    found = [path.relative_to(root).as_posix() for path in _walk(root)]
    found = [name for name in found if name.split("/")[0] in COURSE]
    return sorted([*found, *(["data/README.md"] if (root / "data" / "README.md").is_file() else [])])


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without environments and caches. Links are not followed."""
    for path in sorted(folder.iterdir()):
        if path.name in LEFT_OUT or path.is_symlink() or (path / "pyvenv.cfg").is_file():
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.suffix != ".pyc":
            yield path


def path_files(root: Path = PROJECT, say: Callable[[str], object] = print) -> list[str]:
    """Return the files of the folders in `data` that `course.py path` made, which the stick takes to the learners.

    Parameters
    ----------
    root : Path
        Folder of the course.
    say : callable
        Takes a message about each folder that is left out, because a notebook in it was changed.

    Returns
    -------
    list of str
        Names with `/` between the parts. Copies with solutions are never among them.

    Examples
    --------
    >>> path_files(Path("no/such/folder"))
    []
    """
    found = []
    for folder in sorted(path.parent for path in (root / "data").glob(f"*/{LIST_OF_FILES}")):
        names = copied_files(folder)
        if not names or any("/" in name or not name.endswith(".ipynb") for name in names):
            continue  # another program's folder, or copies for a class with solutions.zip
        if changed := changed_files(folder):
            say(
                f"data/{folder.name} is left out, because {changed[0]} in it was changed or added: delete the folder, "
                f"run `python course.py path {folder.name}`, and run this again."
            )
            continue
        found += [f"data/{folder.name}/{name}" for name in [*names, LIST_OF_FILES]]
    return found


def has_site(root: Path = PROJECT) -> bool:
    """Return whether the course has the static pages that `course.py site` builds.

    Parameters
    ----------
    root : Path
        Folder of the course.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_site(Path("no/such/folder"))
    False
    """
    return (root / SITE / "index.html").is_file()


def describe_site(root: Path = PROJECT) -> str:
    """Return a sentence that says whether the stick gets the static pages, and whether they show the present course.

    Parameters
    ----------
    root : Path
        Folder of the course.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_site(Path("no/such/folder"))
    'The stick is without solutions, so it has no static pages.'
    """
    if not has_site(root):
        if not (root / "notebooks" / "solved").is_dir():
            return "The stick is without solutions, so it has no static pages."
        return (
            "The stick is without the static pages, which show solutions: to add them, run `python course.py site`, "
            "and run this again."
        )
    try:
        built_from = json.loads((root / SITE / MANIFEST_FILE).read_text(encoding="utf-8"))["sources"]
        is_current = built_from == sources_digest(root)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # of an older course, or texts are missing
        is_current = False
    if is_current:
        return "The stick has the static pages, which show solutions."
    return (
        "The stick has static pages, which show solutions, but they were built from another state of the course: run "
        "`python course.py site`, and run this again."
    )


def write_archive(target: Path, root: Path, names: Iterable[str]) -> None:
    """Write files into an archive. The same files give the same bytes.

    Parameters
    ----------
    target : Path
        Archive to write.
    root : Path
        Folder that contains the files.
    names : iterable of str
        Names of the files in it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "a.txt").write_text("a")
    ...     write_archive(Path(place, "a.zip"), Path(place), ["a.txt"])
    ...     zipfile.ZipFile(Path(place, "a.zip")).namelist()
    ['a.txt']
    """
    with atomic_write(target) as path:
        write_zip(path, ((name, (root / name).read_bytes()) for name in sorted(set(names))))


def start_scripts(systems: Sequence[str], pythons: Sequence[str], version: str = __version__) -> dict[str, str]:
    """Return the texts of the start scripts and of the page about them.

    Parameters
    ----------
    systems, pythons : sequence of str
        Systems and versions of Python that the stick is for.
    version : str
        Version of the course.

    Returns
    -------
    dict of str to str
        By the name of the file. Scripts of other systems are left out.

    Examples
    --------
    >>> sorted(start_scripts(["linux", "windows"], ["3.11"]))
    ['README.txt', 'start.bat', 'start.py', 'start.sh']
    """
    shown = " or ".join(pythons)
    newest = sorted(pythons, key=lambda python: [int(part) for part in python.split(".")], reverse=True)
    listed = "(" + "".join(f'"{python}", ' for python in newest) + ")"
    posix = "\n".join(POSIX_START).format(names=" ".join(f"python{p}" for p in newest), pythons=listed, shown=shown)
    windows = "\r\n".join(WINDOWS_START).format(pythons=" ".join(newest), shown=shown)
    scripts = {"linux": ("start.sh", posix), "macos": ("start.command", posix), "windows": ("start.bat", windows)}
    texts = dict(scripts[system] for system in systems)
    texts["README.txt"] = README.format(version=version, systems=", ".join(systems), shown=shown)
    texts[START] = Path(__file__).with_name("start_from_stick.py").read_text(encoding="utf-8")
    return texts


class Stick:
    """A folder for a memory stick while it is made.

    Parameters
    ----------
    folder : Path
        Folder to make or to complete.
    say : callable
        Takes each message about the progress.

    Raises
    ------
    InputError
        If the folder contains anything else than a stick.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     stick = Stick(Path(place, "stick"), print)
    ...     sorted(os.listdir(stick.folder))
    ['bundle.json', 'wheels']
    """

    def __init__(self, folder: Path, say: Callable[[str], None]):
        refuse_foreign_files(folder)
        self.folder, self.say = folder, say
        self.content = {"kind": KIND, "version": __version__, "pythons": [], "systems": {}, "files": {}}
        self.content["files"] = dict(read_manifest(folder).get("files", {}))
        self.wheels: dict[str, Wheel] = {}
        self.made: set[str] = set()  # files of this run
        with _explained(folder):
            self.save()  # first: it makes the folder one of the course
            (folder / "wheels").mkdir(exist_ok=True)
            self.check_wheels()

    def save(self) -> None:
        """Write bundle.json."""
        with atomic_write(self.folder / MANIFEST) as path:
            path.write_text(json.dumps(self.content, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n")

    def check_wheels(self) -> None:
        """Keep each wheel of an earlier run that is as listed, and delete the others."""
        files = self.content["files"]
        for name in sorted(name for name in files if name.startswith("wheels/")):
            path = self.folder / name
            if path.is_file() and sha256(path) == files[name]:
                wheel = read_wheel(path)
                self.wheels[wheel.file] = wheel
                continue
            if path.is_file():
                self.say(f"{path} is damaged, so it is fetched again.")
                path.unlink()
            del files[name]
        self.save()

    def add_wheels(self, paths: Iterable[Path]) -> list[Wheel]:
        """Move fetched wheels onto the stick.

        Parameters
        ----------
        paths : iterable of Path
            Files that pip fetched.

        Returns
        -------
        list of Wheel
        """
        paths = list(paths)
        self.content["files"].update({f"wheels/{path.name}": sha256(path) for path in paths})
        self.save()
        added = []
        for path in paths:
            wheel = read_wheel(path)
            with _explained(self.folder):
                os.replace(path, self.folder / "wheels" / path.name)
            self.wheels[wheel.file] = wheel
            added.append(wheel)
        return added

    def remove_wheels(self, names: Iterable[str]) -> None:
        """Delete wheels from the stick.

        Parameters
        ----------
        names : iterable of str
            Names of files.
        """
        for name in list(names):
            (self.folder / "wheels" / name).unlink()
            del self.wheels[name], self.content["files"][f"wheels/{name}"]
        self.save()

    def write(self, name: str, text: str) -> None:
        """Write a small file and list its sum.

        Parameters
        ----------
        name : str
            Name of the file.
        text : str
            Its content.
        """
        self.made.add(name)
        self.content["files"].setdefault(name, "")
        self.save()
        with atomic_write(self.folder / name) as path:
            path.write_text(text, encoding="utf-8", newline="")
            if name.endswith((".sh", ".command")):
                path.chmod(0o755)
        self.content["files"][name] = sha256(self.folder / name)

    def write_course(self, root: Path) -> None:
        """Write the archive of the course: its files, the practice fabric, and what was built of pages and paths.

        Parameters
        ----------
        root : Path
            Folder of the course.
        """
        names = [name for name in course_files(root) if self.folder not in (root / name).parents]
        places = [root / "data" / "practice", *([root / SITE] if has_site(root) else [])]
        names += [path.relative_to(root).as_posix() for place in places for path in place.rglob("*") if path.is_file()]
        self.say(describe_site(root))
        names += path_files(root, self.say)
        self.made.add(ARCHIVE)
        self.content["files"].setdefault(ARCHIVE, "")
        self.save()
        write_archive(self.folder / ARCHIVE, root, names)
        self.content["files"][ARCHIVE] = sha256(self.folder / ARCHIVE)

    def finish(self, chosen: Mapping[Target, Sequence[Wheel]]) -> None:
        """Delete files of earlier runs that no system needs, describe the stick in bundle.json, and write SHA256SUMS.

        Parameters
        ----------
        chosen : mapping of Target to sequence of Wheel
            Wheels of each kind of computer.
        """
        used = {wheel.file for wheels in chosen.values() for wheel in wheels}
        self.remove_wheels(set(self.wheels) - used)
        shutil.rmtree(self.folder / FETCHING, ignore_errors=True)
        systems: dict[str, Any] = {}
        for target, wheels in chosen.items():
            system = systems.setdefault(target.system, {"wheels": {}, "torch": {}})
            system["wheels"][target.python] = [wheel.file for wheel in wheels]
            system["torch"].update((target.python, str(wheel.version)) for wheel in wheels if wheel.name == "torch")
        for system in systems.values():
            names = {name for files in system["wheels"].values() for name in files}
            system["bytes"] = sum((self.folder / "wheels" / name).stat().st_size for name in names)
            system["has_cuda"] = any(name.startswith("nvidia_") or "+cu" in name for name in names)
        pythons = list(dict.fromkeys(target.python for target in chosen))
        for name in set(self.content["files"]) - self.made - {f"wheels/{name}" for name in used}:
            (self.folder / name).unlink(missing_ok=True)
            del self.content["files"][name]
        self.content.update(version=__version__, systems=systems, pythons=pythons)
        self.save()
        sums = {**self.content["files"], MANIFEST: sha256(self.folder / MANIFEST)}
        with atomic_write(self.folder / SUMS) as path:
            lines = [f"{sums[name]}  {name}\n" for name in sorted(sums)]
            path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _runs_on(wheel: Wheel, system: str) -> bool:
    """Say whether a wheel with compiled parts is for a system."""
    return any(tag.platform in platforms(system) for tag in wheel.tags)


def _build(wheel: Wheel, system: str) -> str:
    """Return the build of a wheel of PyTorch, which its version names unless it is PyPI's."""
    return build_named(str(wheel.version), FROM_PYPI[system])


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn an error of the system into a sentence: about a file of the stick, or about one that was to be read."""
    try:
        yield
    except OSError as error:
        if isinstance(error, (InputError, BrokenPipeError)):
            raise
        place = Path(error.filename) if isinstance(error.filename, str) else folder
        if folder in (place, *place.parents):
            raise explain(error, place) from error
        raise InputError(
            f"{place} cannot be read ({error.strerror}): put it there, or get the right to read it, and run it again."
        ) from error


class _IndexProblem(InputError):
    """pip cannot reach an index, or finds no fitting wheel in it, so another index can help."""


class Fetcher:
    """Fetch wheels with pip, PyTorch's from PyTorch's own index where that is chosen.

    Parameters
    ----------
    stick : Stick
        Stick that takes the wheels.
    choice : str
        "cpu", "cuda", "pypi", or "" for PyTorch without CUDA where that can be had.
    environment : mapping of str to str
        Environment variables, with the settings of pip.

    Examples
    --------
    >>> Fetcher.__name__
    'Fetcher'
    """

    def __init__(self, stick: Stick, choice: str, environment: Mapping[str, str]):
        self.stick, self.choice, self.environment = stick, choice, dict(environment)
        self.has_failed: set[str] = set()  # systems for which PyTorch's own index could not be used

    def unwanted(self, target: Target) -> list[str]:
        """Return the wheels of PyTorch on the stick whose build is not the chosen build.

        Parameters
        ----------
        target : Target
            Kind of computer.

        Returns
        -------
        list of str
        """
        if not self.choice or target.system == "macos":
            return []
        wanted = FROM_PYPI[target.system] if self.choice == "pypi" else self.choice
        there = [w for w in self.stick.wheels.values() if w.name in TORCH and _runs_on(w, target.system)]
        return [wheel.file for wheel in there if _build(wheel, target.system) != wanted]

    def index_for(self, target: Target) -> str:
        """Return the address of PyTorch's own index if PyTorch for a computer comes from there, else "".

        Parameters
        ----------
        target : Target
            Kind of computer.

        Returns
        -------
        str
        """
        from_pypi = FROM_PYPI[target.system]
        wanted = self.choice or ("pypi" if names_source(self.environment) else "cpu")
        is_only = target.system == "macos" or wanted in ("pypi", from_pypi)
        is_only |= is_set(self.environment.get("PIP_NO_INDEX", "")) or target.system in self.has_failed
        return "" if is_only else TORCH_INDEXES[wanted]

    def fetch(self, lacking: list[str], target: Target) -> list[Wheel]:
        """Fetch packages for a kind of computer.

        Parameters
        ----------
        lacking : list of str
            Requirements.
        target : Target
            Kind of computer.

        Returns
        -------
        list of Wheel

        Raises
        ------
        InputError
            If pip fails, or finds another build of PyTorch than the chosen build.
        """
        torch = [line for line in lacking if re.match(r"[\w.-]+", line)[0] in TORCH]
        index = self.index_for(target) if torch else ""
        added, others = [], lacking
        if index:
            settings = {name: value for name, value in self.environment.items() if name not in PIP_SOURCES}
            quick = {"PIP_INDEX_URL": index, "PIP_RETRIES": "1"}
            try:
                wheels = self.run_pip(torch, target, {"PIP_TIMEOUT": "15", **settings, **quick})
            except _IndexProblem as error:
                if self.choice:
                    raise InputError(f"{str(error).removesuffix('.')}, or choose `--torch pypi`.") from error
                reason = f"because {index} fails: {error}"
                self.stick.say(f"PyTorch for {target.system} comes from PyPI, with CUDA, {reason}")
                self.has_failed.add(target.system)
            else:
                added = self.stick.add_wheels(wheels)
                others = [line for line in lacking if line not in torch]
        if others:
            added += self.stick.add_wheels(self.run_pip(others, target, self.environment))
        unwanted = self.unwanted(target)
        if unwanted:
            raise InputError(
                f"{unwanted[0]} is not the chosen build of PyTorch ({self.choice}): let pip's settings name a place "
                "that has it, or leave out `--torch` and COURSE_TORCH."
            )
        return added

    def run_pip(self, lacking: Sequence[str], target: Target, environment: Mapping[str, str]) -> list[Path]:
        """Let pip fetch wheels into a folder of the stick. After an interruption pip finds there what is complete.

        Parameters
        ----------
        lacking : sequence of str
            Requirements.
        target : Target
            Kind of computer.
        environment : mapping of str to str
            Environment variables for pip.

        Returns
        -------
        list of Path
            The files that pip fetched.

        Raises
        ------
        InputError
            With pip's own words.
        """
        folder = self.stick.folder / FETCHING / f"{target.system}-{target.python}-{self.choice or 'any'}"
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.whl"):  # pip takes a file that is there for complete
            if not zipfile.is_zipfile(path):
                path.unlink()
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
        command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "--implementation=cp"]
        command += ["--python-version", target.python, *(f"--platform={name}" for name in platforms(target.system))]
        variables = {**environment, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"}
        options = {"cwd": folder, "env": variables, "capture_output": True, "encoding": "utf-8", "errors": "replace"}
        done = subprocess.run([*command, *lacking], check=False, **options)
        if done.returncode:
            if "No module named pip" in done.stderr:
                raise InputError(
                    f"{sys.executable} has no pip, which fetches wheels: run `python -m ensurepip` with it."
                )
            lines = re.findall(r"(?m)^ERROR: (.+?)\.?$", done.stderr) or ["it was ended from outside"]
            kind = _IndexProblem if pip_problem(done.stderr) in INDEX_PROBLEMS else InputError
            raise kind(
                f"pip cannot fetch {', '.join(lacking[:3])}{' ...' if len(lacking) > 3 else ''} for {target.system} "
                f"({lines[-1]}): check the network and the disk, and run it again."
            )
        return sorted(folder.glob("*.whl"))


def make_stick(
    folder: Path,
    targets: Sequence[Target],
    *,
    root: Path = PROJECT,
    choice: str = "",
    environment: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Make or complete the folder of a memory stick.

    Parameters
    ----------
    folder : Path
        Folder for the stick.
    targets : sequence of Target
        Kinds of computer that it is for.
    root : Path
        Folder of the course.
    choice : str
        Build of PyTorch, as in `Fetcher`.
    environment : mapping of str to str
        Environment variables, with the settings of pip.
    say : callable
        Takes each message about the progress.

    Returns
    -------
    dict
        Content of its bundle.json.

    Raises
    ------
    InputError
        If the folder contains anything else, or a wheel cannot be had.

    Examples
    --------
    >>> make_stick(Path(__file__), [])
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: ...stick.py is a file: choose a folder with --out.
    """
    with _explained(folder):
        refuse_foreign_files(folder)
    refusal = f"Another bundle is being made in {folder}: wait until it has ended, or name another folder with --out."
    with only_one(folder / LOCK, refusal), _explained(folder):
        stick = Stick(folder, say)
        fetcher = Fetcher(stick, choice, environment)
        chosen: dict[Target, list[Wheel]] = {}
        for target in targets:
            say(f"Wheels for {target.system} with Python {target.python}.")
            requirements = read_requirements([root / name for name in LISTS], target)
            constraints = read_requirements([root / "constraints.txt"], target)
            stick.remove_wheels(fetcher.unwanted(target))
            chosen[target] = collect(target, requirements, constraints, stick.wheels, fetcher.fetch)
        stick.write_course(root)
        systems, pythons = (list(dict.fromkeys(part)) for part in zip(*targets, strict=True))
        for name, text in start_scripts(systems, pythons).items():
            stick.write(name, text)
        stick.finish(chosen)
        return stick.content
