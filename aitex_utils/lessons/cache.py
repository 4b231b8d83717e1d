"""Results of long steps, kept under `data/cache` until the data, the code or the parameters that made them change.

Each entry is a folder: one `.npy` per array and a header with a fingerprint of every ingredient, so that a rebuild can
say which one changed. It is written whole or not at all, and read without pickle; a damaged one is made anew.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from aitex_utils.atomic_write import sha256, write_whole
from aitex_utils.errors import InputError
from aitex_utils.strips import PROJECT

HEADER = "header.json"
NAME = re.compile(r"\w[\w.-]*")  # of an entry or an array: never a path, nor the folder above
LEFT_OVER = re.compile(r"\.(\w[\w.-]*)\.\w{8}")


def cache_folder() -> Path:
    """Return where results are kept: `COURSE_CACHE` if that is set, else `data/cache` in the project."""
    named = os.environ.get("COURSE_CACHE")
    return Path(named) if named else PROJECT / "data" / "cache"


def cached(
    name: str,
    make: Callable[[], Mapping[str, np.ndarray]],
    *,
    data: str | os.PathLike | None = None,
    code: Sequence[Callable | ModuleType] = (),
    **parameters: Any,
) -> dict[str, np.ndarray]:
    """Return what `make()` gives, arrays by name, from the cache where nothing that it depends on has changed.

    Parameters
    ----------
    name : the entry's name, also that of its folder.
    make : computes the arrays; called only where the entry is missing, stale or damaged, and the reason is printed.
    data : folder of strips on which the result depends: its files' names, sizes and times are part of the fingerprint.
    code : functions and modules whose text is part of it; that of `make` always is, what `make` calls isn't.
    parameters : what else the result depends on: numbers, texts, paths, arrays, and lists and dicts of these.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(f"name is {name!r}, expected letters, digits, '-', '_' and '.', since a folder is named so.")
    wanted = {f"the parameter {key}": _digest(_json(value, key)) for key, value in parameters.items()}
    if data is not None:
        wanted["the strips"] = _digest(_listing(Path(data)))
    for part in (make, *code):  # two of the same name count as one
        key = f"the code of {_name(part)}"
        wanted[key] = _digest(wanted.get(key, "") + _code(part))
    folder = cache_folder() / name
    found, reason = _read(folder, wanted)
    if found is not None:
        return found
    print(f"{name}: computing it, {reason}.", flush=True)
    arrays = _arrays(make(), name)
    try:
        _write(folder, wanted, arrays)
    except (InputError, OSError) as error:  # a full disk costs time, not the lesson
        print(f"{name} isn't kept for next time: {error}")
    return arrays


def clear_cache() -> int:
    """Delete what `cached` keeps, and what an interrupted write left behind; return how many bytes that freed.

    Anything else in that folder is left alone: `COURSE_CACHE` may name one that holds other things too.
    """
    folder = cache_folder()
    entries = [path for path in folder.iterdir() if _is_ours(path)] if folder.is_dir() else []
    before = sum(map(_size, entries))
    for entry in entries:
        shutil.rmtree(entry, ignore_errors=True)
    return before - sum(map(_size, entries))


def _is_ours(folder: Path) -> bool:
    """Say whether a folder is an entry, or one half written (`.name.random`, see `write_whole`)."""
    if not folder.is_dir():
        return False
    half = LEFT_OVER.fullmatch(folder.name)
    return (folder / HEADER).is_file() or (half is not None and (folder / half[1]).is_dir())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _arrays(made: Any, name: str) -> dict[str, np.ndarray]:
    """Return what `make` gave as arrays by name; raise `InputError` for what a file can't hold."""
    if not isinstance(made, Mapping):
        raise InputError(f"make of {name} gives a {type(made).__name__}, expected a dict of arrays by name.")
    arrays = {}
    for key, value in made.items():
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise InputError(f"make of {name} names an array {key!r}, expected letters, digits, '-', '_' and '.'.")
        try:
            arrays[key] = np.asarray(value)
        except ValueError:  # rows of different length
            arrays[key] = np.asarray(None)
        if arrays[key].dtype.hasobject:
            raise InputError(
                f"{key!r} of {name} is no array of numbers or texts but of Python objects, which aren't kept: "
                "give rows of one length, or several arrays."
            )
    return arrays


def _read(folder: Path, wanted: dict[str, str]) -> tuple[dict[str, np.ndarray] | None, str]:
    """Return the entry's arrays, or None and why they can't be used."""
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        made_of, files = dict(header["made_of"]), dict(header["sha256"])
        parts = sorted({*wanted, *made_of})
        changed = [part for part in parts if made_of.get(part) != wanted.get(part)]
        if changed:
            return None, f"since {' and '.join(changed)} changed"
        return {key: _load(folder, key, digest) for key, digest in files.items()}, ""
    except FileNotFoundError:
        return None, "since what was kept is damaged" if (folder / HEADER).exists() else "for the first time"
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError):
        return None, "since what was kept is damaged"


def _load(folder: Path, key: str, digest: str) -> np.ndarray:
    """Return an array of an entry; raise `ValueError` where it isn't the one of that digest.

    What is loaded is what was digested, though another notebook may put a new entry in the place of this one meanwhile.
    """
    if not NAME.fullmatch(key):
        raise ValueError(key)
    with open(folder / f"{key}.npy", "rb") as file:
        found = hashlib.sha256()
        while piece := file.read(1 << 20):
            found.update(piece)
        if found.hexdigest() != digest:
            raise ValueError(key)
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _write(folder: Path, made_of: dict[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    with write_whole(folder, folder=True) as inside:
        for key, array in arrays.items():
            np.save(inside / f"{key}.npy", array, allow_pickle=False)
        header = {"made_of": made_of, "sha256": {key: sha256(inside / f"{key}.npy") for key in arrays}}
        (inside / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")


def _name(part: Callable | ModuleType) -> str:
    while isinstance(part, functools.partial):
        part = part.func
    return getattr(part, "__name__", type(part).__name__).rsplit(".", 1)[-1]


def _code(part: Callable | ModuleType) -> str:
    """Return the text of a function, class or module; without one (typed into a terminal) what it compiled to."""
    if isinstance(part, functools.partial):
        return f"{_code(part.func)} {_json([list(part.args), part.keywords], 'the arguments of a partial')}"
    if not hasattr(part, "__name__"):  # an object that can be called
        part = type(part)
    try:
        return inspect.getsource(part)
    except (OSError, TypeError):
        compiled = getattr(part, "__code__", None)
        return _compiled(compiled) if compiled else f"{getattr(part, '__module__', '')}.{_name(part)}"


def _compiled(code: CodeType) -> str:
    """Return bytecode with its constants and names, and those of functions inside it, without any address."""
    inner = [
        _compiled(it) if isinstance(it, CodeType) else repr(sorted(map(repr, it)) if isinstance(it, frozenset) else it)
        for it in code.co_consts
    ]
    return f"{code.co_code.hex()} {inner} {code.co_names} {code.co_varnames}"


def _json(value: Any, name: str) -> str:
    """Return a value as text that is the same whenever the value is; raise `InputError` where none is."""

    def told(part: Any) -> Any:
        if isinstance(part, np.ndarray) and not part.dtype.hasobject:
            return [str(part.dtype), part.shape, hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest()]
        if isinstance(part, np.generic):
            return part.item()
        if isinstance(part, os.PathLike):
            return os.fspath(part)
        raise TypeError

    try:
        return json.dumps(value, sort_keys=True, default=told)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{name} can't be part of a fingerprint: give numbers, texts, paths or arrays, or lists and dicts of these."
        ) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _listing(folder: Path) -> str:
    """Return names, sizes and times of all files: enough to notice other data without reading all of it."""
    if not folder.is_dir():
        raise InputError(f"{folder} isn't there: make the practice fabric with `python course.py data`.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "\n".join(f"{p.relative_to(folder).as_posix()} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files)
