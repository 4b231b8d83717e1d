"""Start the course from this memory stick, without a network: `python start.py`, or `python start.py test --quick`.

`course.py bundle` writes this file onto the stick as `start.py`. It copies the course to this computer, checks the
wheels, and lets pip take all packages from the stick. Standard library only, and an old Python must reach the check.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

STICK = Path(__file__).absolute().parent
VERSION = "{}.{}".format(*sys.version_info[:2])
BITS = sys.maxsize.bit_length() + 1
DAY = 24 * 3600  # seconds after which a half copy is from a process that was killed
SYSTEM = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")


def read_bundle(stick: Path = STICK) -> dict:
    """Return what the stick says about itself.

    Parameters
    ----------
    stick : Path
        Folder of the stick.

    Returns
    -------
    dict
        Content of its bundle.json.

    Examples
    --------
    >>> read_bundle(Path("no/such/folder"))
    Traceback (most recent call last):
    ...
    SystemExit: bundle.json on the stick cannot be read: copy the whole folder of the stick again.
    """
    try:
        bundle = json.loads((stick / "bundle.json").read_text(encoding="utf-8"))
        names = [name for system in bundle["systems"].values() for one in system["wheels"].values() for name in one]
        if not all(isinstance(name, str) for name in [*names, *bundle["pythons"], *bundle["files"].values()]):
            raise ValueError("not a list of files")
        return bundle
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sys.exit("bundle.json on the stick cannot be read: copy the whole folder of the stick again.")


def complaint(bundle: dict, system: str = SYSTEM, version: str = VERSION, bits: int = BITS) -> str:
    """Return why this computer cannot use the stick.

    Parameters
    ----------
    bundle : dict
        See `read_bundle`.
    system, version : str
        System and version of Python of this computer.
    bits : int
        Size of a pointer in this Python.

    Returns
    -------
    str
        Empty if the computer can use the stick.

    Examples
    --------
    >>> complaint({"systems": {"linux": {}}, "pythons": ["3.11"]}, "linux", "3.11", 64)
    ''
    """
    pythons = " or ".join(bundle["pythons"])
    if system not in bundle["systems"]:
        systems = " and ".join(bundle["systems"])
        return f"The stick is for {systems}, and this is {system}: make one with `python course.py bundle {system}`."
    if version not in bundle["pythons"] or bits != 64:
        found = f"This is Python {version} in {bits} bits"
        return f"{found}, and the stick is for Python {pythons} in 64 bits: install that one."
    return ""


def damaged_files(bundle: dict, stick: Path = STICK, system: str = SYSTEM, version: str = VERSION) -> list:
    """Return the files of the stick that this computer needs and that are missing or damaged.

    Parameters
    ----------
    bundle : dict
        See `read_bundle`.
    stick : Path
        Folder of the stick.
    system, version : str
        System and version of Python of this computer.

    Returns
    -------
    list of str
        Names of files.

    Examples
    --------
    >>> bundle = {"systems": {"linux": {"wheels": {"3.11": []}}}, "files": {"course.zip": "1f"}}
    >>> damaged_files(bundle, Path("no/such/folder"), "linux", "3.11")
    ['course.zip']
    """
    names = ["course.zip"] + ["wheels/" + name for name in bundle["systems"][system]["wheels"].get(version, [])]
    damaged = []
    for name in names:
        digest = hashlib.sha256()
        try:
            with open(str(stick / name), "rb") as file:
                for piece in iter(lambda: file.read(1 << 20), b""):
                    digest.update(piece)
        except OSError:
            damaged.append(name)
            continue
        if digest.hexdigest() != bundle["files"].get(name):
            damaged.append(name)
    return damaged


def unpack(folder: Path, stick: Path = STICK) -> None:
    """Unpack the course into a folder, unless it is there already.

    Parameters
    ----------
    folder : Path
        Folder for the course. One that contains a course stays as it is, with the work of a learner in it.
    stick : Path
        Folder of the stick.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with zipfile.ZipFile(Path(place, "course.zip"), "w") as archive:
    ...         archive.writestr("course.py", "")
    ...     unpack(Path(place, "course"), Path(place))
    ...     os.listdir(str(Path(place, "course")))
    ['course.py']
    """
    if (folder / "course.py").is_file():
        return
    half = folder.with_name(folder.name + ".half-" + secrets.token_hex(4))
    try:
        if os.path.lexists(str(folder)) and (not folder.is_dir() or os.listdir(str(folder))):
            sys.exit(f"{folder} is there and is no course: name another folder with --to FOLDER.")
        with zipfile.ZipFile(str(stick / "course.zip")) as archive:
            remove_leftovers(folder, archive.namelist())
            half.mkdir(parents=True)
            archive.extractall(str(half))
        if folder.exists():
            folder.rmdir()
        half.rename(folder)  # at the end, so the course is there whole or not at all
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        sys.exit("course.zip on the stick is missing or damaged: copy the stick again.")
    except OSError as error:
        if (folder / "course.py").is_file():  # another start made it meanwhile
            return
        sys.exit(
            f"The course cannot be copied to {folder} ({error}): free some space, or name another with --to FOLDER."
        )
    finally:
        shutil.rmtree(str(half), ignore_errors=True)


def remove_leftovers(folder: Path, names: list) -> None:
    """Delete half copies of a course that were left by a kill at least a day ago and contain nothing else.

    Parameters
    ----------
    folder : Path
        Folder of the course.
    names : list of str
        Files of the course.

    Examples
    --------
    >>> remove_leftovers(Path("no/such/folder"), [])
    """
    pattern = re.compile(re.escape(folder.name) + r"\.half-[0-9a-f]{8}")
    places = [path for path in folder.parent.glob("*.half-*") if pattern.fullmatch(path.name)]
    for place in places:
        files = [path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir()]
        if time.time() - place.stat().st_mtime > DAY and set(names).issuperset(files) and not place.is_symlink():
            shutil.rmtree(str(place), ignore_errors=True)


def variables(stick: Path = STICK, environment: Mapping = os.environ) -> dict:
    """Return environment variables with which pip takes packages from the stick, and from nowhere else.

    Parameters
    ----------
    stick : Path
        Folder of the stick.
    environment : mapping of str to str
        Environment variables.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> variables(Path("/media/ada/MY STICK"), {})["PIP_FIND_LINKS"].endswith("/media/ada/MY%20STICK/wheels")
    True
    """
    ours = {name: value for name, value in environment.items() if not name.startswith("PIP_")}
    place = (stick / "wheels").as_uri()  # an address, because pip splits names of folders at spaces
    return dict(ours, PIP_NO_INDEX="1", PIP_FIND_LINKS=place, PIP_CONFIG_FILE=os.devnull)


def main(arguments: list) -> int:
    """Copy the course to this computer and start it.

    Parameters
    ----------
    arguments : list of str
        `--to FOLDER`, and a command of course.py with its arguments; `lab` if there is none.

    Returns
    -------
    int
        Exit code.

    Examples
    --------
    >>> main(["--to"])
    Traceback (most recent call last):
    ...
    SystemExit: Name a folder after --to.
    """
    folder = Path(os.path.expanduser("~"), "patchcore-course")
    if arguments[:1] == ["--to"]:
        if len(arguments) < 2:
            sys.exit("Name a folder after --to.")
        folder, arguments = Path(os.path.abspath(os.path.expanduser(arguments[1]))), arguments[2:]
    bundle = read_bundle()
    wrong = complaint(bundle)
    if wrong:
        sys.exit(wrong)
    if not (folder / ".venv" / "course-stamp").is_file():
        print("Checking the files of the stick.", flush=True)
        damaged = damaged_files(bundle)
        if damaged:
            sys.exit(f"{', '.join(damaged)} on the stick is missing or damaged: copy the stick again.")
    print(f"The course is in {folder}.", flush=True)
    unpack(folder)
    command = [sys.executable, str(folder / "course.py")] + (arguments or ["lab"])
    return subprocess.call(command, env=variables())


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # missing in Python 3.6, and without a console
        sys.stdout.reconfigure(errors="backslashreplace")  # a path can have letters that the console lacks
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped. Start it again to go on.")
