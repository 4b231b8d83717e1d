"""Results of long steps, kept under `data/cache` until the data, the code or the parameters that made them change.

Each entry is a folder: one `.npy` per array and a header with a fingerprint of every ingredient, so that a rebuild can
say which one changed. It is written whole or not at all, and read without pickle; a damaged one is made anew.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import InputError
from .files import sha256, write_whole
from .strips import PROJECT

HEADER = "header.json"


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
    code : functions and modules whose text is part of it; that of `make` always is.
    parameters : anything JSON can hold that the result depends on.
    """
    if not name or Path(name).name != name:
        raise InputError(f"name is {name!r}, expected one that can be a folder's, without slashes.")
    wanted = {
        "parameters": _digest(json.dumps(parameters, sort_keys=True, default=str)),
        "the strips": _digest(_listing(Path(data))) if data is not None else "",
        **{f"the code of {_name(part)}": _digest(inspect.getsource(part)) for part in (make, *code)},
    }
    folder = cache_folder() / name
    found, reason = _read(folder, wanted)
    if found is not None:
        return found
    print(f"{name}: computing it, {reason}.", flush=True)
    arrays = {key: np.asarray(value) for key, value in make().items()}
    try:
        _write(folder, wanted, arrays)
    except (InputError, OSError) as error:  # a full disk costs time, not the lesson
        print(f"{name} isn't kept for next time: {error}")
    return arrays


def clear_cache() -> int:
    """Delete all that is kept; return how many bytes that freed."""
    folder = cache_folder()
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return freed


def _read(folder: Path, wanted: dict[str, str]) -> tuple[dict[str, np.ndarray] | None, str]:
    """Return the entry's arrays, or None and why they can't be used."""
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        made_of, files = dict(header["made_of"]), dict(header["sha256"])
        changed = [part for part in wanted if made_of.get(part) != wanted[part]]
        if changed:
            return None, f"since {' and '.join(changed)} changed"
        if any(Path(key).name != key or sha256(folder / f"{key}.npy") != digest for key, digest in files.items()):
            return None, "since what was kept is damaged"
        return {key: np.load(folder / f"{key}.npy", allow_pickle=False) for key in files}, ""
    except FileNotFoundError:
        return None, "since what was kept is damaged" if (folder / HEADER).exists() else "for the first time"
    except (OSError, ValueError, KeyError, TypeError):
        return None, "since what was kept is damaged"


def _write(folder: Path, made_of: dict[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    with write_whole(folder, folder=True) as inside:
        for key, array in arrays.items():
            np.save(inside / f"{key}.npy", array, allow_pickle=False)
        header = {"made_of": made_of, "sha256": {key: sha256(inside / f"{key}.npy") for key in arrays}}
        (inside / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")


def _name(part: Callable | ModuleType) -> str:
    return part.__name__.rsplit(".", 1)[-1]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _listing(folder: Path) -> str:
    """Return names, sizes and times of all files: enough to notice other data without reading all of it."""
    if not folder.is_dir():
        raise InputError(f"{folder} isn't there: make the practice fabric with `python course.py data`.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "\n".join(f"{p.relative_to(folder).as_posix()} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files)
