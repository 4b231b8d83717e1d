"""Cached results of long computations, in `data/cache`, until the data, the code or the parameters change.

Each entry is a folder: one `.npy` file per array and a header with a fingerprint of every ingredient, so the message
says which ingredient changed. An entry is written whole or not at all, and read without pickle. A damaged entry is
computed again. A folder with any file that the header does not list is never replaced or deleted.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.atomic_write import atomic_write, remove_folder, remove_leftovers, settle, sha256
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import given_path
from aitex_utils.strips import PROJECT

HEADER = "header.json"
NAME = re.compile(r"\w[\w.-]*")  # of an entry or an array: never a path, nor the folder above
NAME_RULE = "expected letters, digits, '-', '_' and '.'"


def _listed(header: dict[str, Any]) -> dict[str, None]:
    dict(header["made_of"])
    return {f"{key}.npy": None for key in dict(header["sha256"])}


ENTRY = Manifest(HEADER, "a cached result", _listed)


def cache_folder() -> Path:
    """Return the folder of the cache: `COURSE_CACHE` if that is set, else `data/cache` in the project.

    Returns
    -------
    Path

    Examples
    --------
    >>> cache_folder().name
    'cache'
    """
    named = os.environ.get("COURSE_CACHE")
    return given_path(named, "COURSE_CACHE") if named else PROJECT / "data" / "cache"


def cached(
    name: str,
    make: Callable[[], Mapping[str, np.ndarray]],
    *,
    data: str | os.PathLike | None = None,
    code: Sequence[Callable | ModuleType] = (),
    **parameters: Any,
) -> dict[str, np.ndarray]:
    """Return the arrays that `make()` computes, from the cache if none of their ingredients changed.

    Parameters
    ----------
    name : str
        Name of the entry and of its folder.
    make : callable
        Computes the arrays, by name. It is called only if the entry is missing, outdated or damaged, and the reason is
        printed.
    data : path, optional
        Folder of strips on which the result depends: the names, sizes and times of its files are an ingredient.
    code : sequence of functions and modules
        Their source is an ingredient. The source of `make` always is one. The functions that `make` calls are none.
    **parameters
        Other ingredients: numbers, strings, paths, arrays, and lists and dicts of these.

    Returns
    -------
    dict of ndarray

    Raises
    ------
    InputError
        If a name is no file name, `make` does not return arrays, or a parameter has no lasting text.
    MissingError
        If `data` does not exist.

    Examples
    --------
    >>> def square():
    ...     return {"squares": np.arange(3) ** 2}
    >>> cached("squares", square, exponent=2)
    Computing squares for the first time.
    {'squares': array([0, 1, 4])}
    >>> cached("squares", square, exponent=2)
    {'squares': array([0, 1, 4])}
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(f"name is {name!r}, {NAME_RULE}, because a folder gets this name.")
    fingerprints = _fingerprints(make, data, code, parameters)
    folder = cache_folder() / name
    arrays, reason = _read(folder, fingerprints)
    if arrays is not None:
        return arrays
    print(f"Computing {name} {reason}.", flush=True)
    arrays = _check_arrays(make(), name)
    try:
        _write(folder, fingerprints, arrays)
    except (InputError, OSError) as error:  # a full disk costs time, not the lesson
        print(f"{name} is not cached: {error}")
    return arrays


def clear_cache() -> int:
    """Delete all entries of the cache, and the folders that killed writes left behind.

    Returns
    -------
    int
        Number of bytes freed.

    Raises
    ------
    InputError
        If the folder cannot be listed.

    Notes
    -----
    All other files in the folder stay, because `COURSE_CACHE` can be a folder that contains other files too. An entry
    to which another file was added stays as well.

    Examples
    --------
    >>> clear_cache()
    0
    """
    folder = cache_folder()
    if not os.path.isdir(folder):
        return 0
    try:
        before = sum(map(_size, _candidates(folder)))
        remove_leftovers(folder)
        for entry in _candidates(folder):
            if (entry / HEADER).is_file():
                with contextlib.suppress(InputError):  # something else is in it
                    remove_folder(entry, ENTRY)
        return before - sum(map(_size, _candidates(folder)))
    except OSError as error:
        raise InputError(f"{folder} cannot be cleared ({error.strerror}): check its permissions.") from error


def _candidates(folder: Path) -> list[Path]:
    """Return the folders that can be entries or leftovers. The caller checks whether they are."""
    paths = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    return [path for path in paths if path.name.startswith(".") or (path / HEADER).is_file()]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _check_arrays(result: Any, name: str) -> dict[str, np.ndarray]:
    """Return the result of `make` as arrays by name. Raise `InputError` for objects that a file cannot contain."""
    if not isinstance(result, Mapping):
        raise InputError(f"make of {name} returns a {type(result).__name__}, expected a dict of arrays by name.")
    arrays = {}
    for key, value in result.items():
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise InputError(f"make of {name} names an array {key!r}, {NAME_RULE}.")
        try:
            arrays[key] = np.asarray(value)
        except ValueError:  # rows of different lengths
            arrays[key] = np.asarray(None)
        if arrays[key].dtype.hasobject:
            raise InputError(
                f"{key!r} of {name} contains Python objects, expected numbers or strings: give rows of one length, or "
                "several arrays."
            )
    return arrays


def _read(folder: Path, fingerprints: dict[str, str]) -> tuple[dict[str, np.ndarray] | None, str]:
    """Return the arrays of an entry, or None and the reason why it cannot be used."""
    for _ in range(5):
        settle(folder)
        before = _read_header(folder)
        try:
            header = json.loads(before)
            stored, files = dict(header["made_of"]), dict(header["sha256"])
            ingredients = sorted({*fingerprints, *stored})
            changed = [key for key in ingredients if stored.get(key) != fingerprints.get(key)]
            if changed:
                return None, f"again, because {' and '.join(changed)} changed"
            return {key: _load(folder, key, digest) for key, digest in files.items()}, ""
        except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError):
            if _read_header(folder) == before:  # else another notebook replaced the entry in the meantime
                break
    if not os.path.lexists(folder / HEADER):
        return None, "for the first time"
    return None, "again, because the cached result is damaged"


def _read_header(folder: Path) -> bytes:
    try:
        return (folder / HEADER).read_bytes()
    except OSError:
        return b""


def _load(folder: Path, key: str, digest: str) -> np.ndarray:
    """Return an array of an entry, or raise `ValueError` if its file has another digest.

    The file stays open between the two reads, because another notebook can replace the entry in the meantime.
    """
    if not NAME.fullmatch(key):
        raise ValueError(key)
    with open(folder / f"{key}.npy", "rb") as file:
        actual = hashlib.sha256()
        while piece := file.read(1 << 20):
            actual.update(piece)
        if actual.hexdigest() != digest:
            raise ValueError(key)
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _write(folder: Path, fingerprints: dict[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    with atomic_write(folder, folder=True, manifest=ENTRY) as temporary:
        for key, array in arrays.items():
            np.save(temporary / f"{key}.npy", array, allow_pickle=False)
        header = {"made_of": fingerprints, "sha256": {key: sha256(temporary / f"{key}.npy") for key in arrays}}
        (temporary / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")


def _fingerprints(
    make: Callable, data: str | os.PathLike | None, code: Sequence[Callable | ModuleType], parameters: dict[str, Any]
) -> dict[str, str]:
    """Return the digest of each ingredient, by its name in messages."""
    fingerprints = {f"the parameter {key}": _digest(_json(value, key)) for key, value in parameters.items()}
    if data is not None:
        fingerprints["the strips"] = _digest(_list_files(given_path(data)))
    for part in (make, *code):
        key = f"the code of {_name(part)}"
        fingerprints[key] = _digest(fingerprints.get(key, "") + _source(part))  # two of one name count as one
    return fingerprints


def _name(part: Callable | ModuleType) -> str:
    while isinstance(part, functools.partial):
        part = part.func
    return getattr(part, "__name__", type(part).__name__).rsplit(".", 1)[-1]


def _source(part: Callable | ModuleType) -> str:
    """Return the source of a function, class or module, or the bytecode if it was typed into a terminal."""
    if isinstance(part, functools.partial):
        return f"{_source(part.func)} {_json([list(part.args), part.keywords], 'the arguments of a partial')}"
    if not hasattr(part, "__name__"):  # a callable object
        part = type(part)
    try:
        return inspect.getsource(part)
    except (OSError, TypeError):
        compiled = getattr(part, "__code__", None)
        return _bytecode(compiled) if compiled else f"{getattr(part, '__module__', '')}.{_name(part)}"


def _bytecode(code: CodeType) -> str:
    """Return bytecode with its constants and names, and the bytecode of inner functions, without memory addresses."""
    constants = [
        _bytecode(value)
        if isinstance(value, CodeType)
        else repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)
        for value in code.co_consts
    ]
    return f"{code.co_code.hex()} {constants} {code.co_names} {code.co_varnames}"


def _json(value: Any, name: str) -> str:
    """Return a value as text that is equal for equal values, or raise `InputError` if there is none."""
    try:
        return json.dumps(value, sort_keys=True, default=_to_json)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{name} cannot be part of a fingerprint: give numbers, strings, paths or arrays, or lists and dicts of "
            "these."
        ) from error


def _to_json(value: Any) -> Any:
    """Return an array, a NumPy number or a path in a form that JSON has, or raise `TypeError` for other types."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return [str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _list_files(folder: Path) -> str:
    """Return names, sizes and times of all files: enough to notice changed data without reading all of it."""
    if not os.path.isdir(folder):
        raise MissingError(f"{folder} does not exist: make the practice fabric with `python course.py data`.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "\n".join(f"{p.relative_to(folder).as_posix()} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files)
