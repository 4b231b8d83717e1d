"""The folder in which a memory bank or a detector is saved: arrays as `.npy`, a FAISS index, and a JSON header.

The header lists the SHA-256 of every file and ends with its own. A folder is written whole or not at all, and nothing
in it is unpickled.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import struct
import time
import tokenize
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingError
from ..safety.out_of_memory import first_line
from .atomic_write import atomic_write, settle, sha256
from .ownership import Manifest
from .paths import full_path, given_path

FORMAT, VERSION = "aitex_utils memory bank", 2
METHOD = 1  # raise it when a saved detector would score otherwise (version 1 scores alike)
HEADER, INDEX = "header.json", "index.faiss"
FIELDS = {"kind": str, "vectors": int, "channels": int, "metadata": dict, "sha256": dict}
INDEX_TYPES = {"flat": b"IxF2", "ivf": b"IwFl", "hnsw": b"IHNf", "pq": b"IxPq"}  # first bytes of FAISS's files
# Names of version 1, whose detectors score alike.
RENAMED = {"coreset": "coreset_ratio", "level": "normalize_positions", "baseline": "background_quantile"}


def _listed(header: dict[str, Any]) -> dict[str, None]:
    if header["format"] != FORMAT:
        raise ValueError(FORMAT)
    return dict.fromkeys(header["sha256"])


SAVED = Manifest(HEADER, "a saved memory bank or detector", _listed)


def write_folder(
    folder: str | os.PathLike, header: Mapping[str, Any], index: bytes, arrays: Mapping[str, np.ndarray]
) -> Path:
    """Write a header, a FAISS index and arrays as a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        Folder to write. A bank or detector saved there before is replaced, a folder with anything else in it is not.
    header : mapping
        Content of the header beside format, version and digests.
    index : bytes
        Serialised FAISS index.
    arrays : mapping of str to ndarray
        Arrays by name.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If something else is in the way, a name is not a plain one, an array or the header contains what the files
        cannot, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = write_folder(f"{place}/bank", {}, b"", {"vectors": np.eye(2)})
    ...     sorted(path.name for path in folder.iterdir())
    ['header.json', 'index.faiss', 'vectors.npy']
    """
    try:
        arrays = {name: np.asarray(array) for name, array in arrays.items()}
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"arrays contains what is no array ({first_line(error)}): give NumPy arrays.") from error
    _check_names(arrays)
    try:
        header = json.loads(json.dumps({"format": FORMAT, "version": VERSION, "method": METHOD, **header}))
        json.dumps(header, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"metadata cannot be saved ({error}): give texts, finite numbers, None, and lists and dicts of these."
        ) from error
    with atomic_write(folder, folder=True, manifest=SAVED) as inside:
        # Written by Python: FAISS's own writer cannot open every path on Windows.
        (inside / INDEX).write_bytes(index)
        for name, array in arrays.items():
            np.save(inside / f"{name}.npy", array, allow_pickle=False)
        header["sha256"] = {path.name: sha256(path) for path in sorted(inside.iterdir())}
        header["header_sha256"] = header_digest(header)
        (inside / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
    return given_path(folder)


def read_folder(folder: str | os.PathLike) -> tuple[dict[str, Any], bytes, dict[str, np.ndarray]]:
    """Read what `write_folder` wrote, and check every file against its digest.

    Parameters
    ----------
    folder : path
        Folder to read.

    Returns
    -------
    header : dict
        In the names of the current version.
    index : bytes
        Serialised FAISS index.
    arrays : dict of str to ndarray
        Arrays by name.

    Raises
    ------
    InputError
        If the folder is missing, foreign, of a newer version or another method, incomplete or damaged; the message says
        which.

    Notes
    -----
    A folder that another process replaces during the read is read again.

    Examples
    --------
    >>> read_folder("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/folder is missing: give the folder that save() wrote.
    """
    place, attempts = full_path(folder), 20
    for attempt in range(1, attempts + 1):
        settle(place)
        before = _identity(place)
        try:
            return _read(given_path(folder))
        except (InputError, OSError) as error:
            is_same = _identity(place) == before
            is_back = before is None and (settle(place) or os.path.isdir(place))
            if attempt == attempts or (is_same and not is_back):
                if isinstance(error, InputError):
                    raise
                raise InputError(
                    f"{folder} cannot be read ({error.strerror}): check its name and permissions."
                ) from error
        time.sleep(0.02)
    raise AssertionError  # the last attempt returns or raises


def header_digest(header: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a header without its own digest, whatever the order and the spacing of the JSON.

    Parameters
    ----------
    header : mapping
        Content of the header.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> header_digest({"a": 1, "b": 2}) == header_digest({"b": 2, "a": 1, "header_sha256": "0"})
    True
    """
    content = {name: value for name, value in header.items() if name != "header_sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_signed_header(path: Path, form: str, version: int) -> dict[str, Any] | None:
    """Return a header that was written with its own digest (`header_digest`), or None if it is not there or not whole.

    Parameters
    ----------
    path : Path
        File of the header.
    form : str
        The format that it must state.
    version : int
        The version of the format.

    Returns
    -------
    dict or None

    Examples
    --------
    >>> read_signed_header(Path("no/such/header.json"), "a format", 1) is None
    True
    """
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        is_whole = header["format"] == form and header["version"] == version
        return header if is_whole and header["header_sha256"] == header_digest(header) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as a `.npy` file, whole or not at all.

    Parameters
    ----------
    path : Path
        File to write.
    array : ndarray
        Array of numbers.

    Raises
    ------
    InputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_array(Path(place, "a.npy"), np.arange(3))
    ...     read_array(Path(place, "a.npy").read_bytes()).tolist()
    [0, 1, 2]
    """
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(data: bytes) -> np.ndarray:
    """Return the array of a `.npy` file, without pickle and without taking more memory than the file has bytes.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If the content is anything else.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> np.save(file, np.arange(3))
    >>> read_array(file.getvalue()).tolist()
    [0, 1, 2]
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    try:
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    except (tokenize.TokenError, SyntaxError) as error:  # of NumPy's reader of old headers
        raise ValueError(f"its header is damaged ({error})") from error
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"an array of {dtype} and shape {shape} does not fit its file")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def checked_array(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int | None, ...], folder: str | os.PathLike
) -> np.ndarray:
    """Return an array of a saved folder if it is float32 or float64, finite, and of the expected shape.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays that `read_folder` returned.
    name : str
        Name of the array.
    shape : tuple of int or None
        Expected shape; None allows any length of that axis.
    folder : path
        Folder, for the message.

    Returns
    -------
    ndarray

    Raises
    ------
    InputError
        If the array is missing or another one.

    Examples
    --------
    >>> checked_array({"mean": np.zeros(3)}, "mean", (3,), "saved").tolist()
    [0.0, 0.0, 0.0]
    """
    array = arrays.get(name)
    if array is None:
        raise MissingError(f"{folder} is incomplete, {name}.npy is missing: save the detector again, or fit it anew.")
    fits = len(shape) == array.ndim and all(s in (None, n) for s, n in zip(shape, array.shape, strict=True))
    if not fits or array.dtype not in (np.float32, np.float64):
        expected = "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
        raise InputError(
            f"{folder} contradicts itself: {name} is {array.dtype} of shape {array.shape}, expected float32 of shape "
            f"{expected}. Fit it anew."
        )
    if not np.isfinite(array).all():
        raise InputError(f"{folder} is damaged: {name} contains NaN or infinity. Fit it anew.")
    return array


def _identity(folder: Path) -> tuple[int, ...] | None:
    """Return the properties that change when a folder is replaced, or None if it does not exist."""
    try:
        state = os.stat(folder / HEADER)
    except OSError:
        return (0,) if os.path.isdir(folder) else None
    return state.st_ino, state.st_mtime_ns, state.st_size


def _check_names(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise `InputError` for arrays that cannot be files side by side."""
    for name, array in arrays.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"arrays contains the name {name!r}, expected letters, digits and _: choose another name.")
        if array.dtype.hasobject:
            raise InputError(f"{name} contains Python objects, expected numbers or texts: save those arrays alone.")
    if len({name.casefold() for name in arrays}) < len(arrays):
        raise InputError("arrays contains two names that differ in capitals only: choose another name for one.")


def _read(folder: Path) -> tuple[dict[str, Any], bytes, dict[str, np.ndarray]]:
    header = _read_header(folder)
    present = {path.name for path in folder.iterdir() if path.is_file()}  # so no name leads out of the folder
    content = {}
    for name, digest in header["sha256"].items():
        if name not in present:
            raise MissingError(f"{folder} is incomplete, {name} is missing: save the detector again, or fit it anew.")
        try:
            content[name] = (folder / name).read_bytes()  # once: another process can replace the file afterwards
        except OSError as error:
            raise InputError(f"{folder / name} cannot be read ({error.strerror}): check its permissions.") from error
        if hashlib.sha256(content[name]).hexdigest() != digest:
            raise InputError(
                f"{folder / name} is damaged (its SHA-256 does not match {HEADER}): save the bank or detector "
                "again, or fit it again."
            )
    try:
        arrays = {name[:-4]: read_array(data) for name, data in content.items() if name.endswith(".npy")}
    except (ValueError, struct.error) as error:
        raise InputError(f"{folder} is not readable ({error}): save it again, or fit anew.") from error
    vectors = arrays["vectors"]
    if vectors.dtype.kind == "f" and not np.isfinite(vectors).all():
        raise InputError(f"{folder} is damaged: its vectors contain NaN or infinity. Fit it anew.")
    _check_index(folder, header, content[INDEX])
    if header["version"] == 1:
        _upgrade(header, arrays)
    return header, content[INDEX], arrays


def _read_header(folder: Path) -> dict[str, Any]:
    """Return a header whose fields exist and have the right types, or raise `InputError` with the reason."""
    if not folder.is_dir():
        raise MissingError(f"{folder} is missing: give the folder that save() wrote.")
    if not (folder / HEADER).is_file():
        raise InputError(f"{folder} is no memory bank, it has no {HEADER}: give the folder that save() wrote.")
    damaged = "save it again, or fit anew"
    try:
        text = (folder / HEADER).read_text(encoding="utf-8")
        header = json.loads(text, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_finite)
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{folder / HEADER} is damaged ({error}): {damaged}.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{folder} is no memory bank of aitex_utils: give the folder that save() wrote.")
    version = header.get("version")
    if type(version) is not int or version not in (1, VERSION):
        raise InputError(
            f"{folder} has format version {version!r}, this code reads up to {VERSION}: update the course, or fit anew."
        )
    if version == 1:
        header["metadata"], header["method"] = header.pop("about", None), 1
    wrong = [name for name, kind in FIELDS.items() if type(header.get(name)) is not kind]
    if wrong or not {"vectors.npy", INDEX} <= header["sha256"].keys():
        raise InputError(f"{folder / HEADER} is damaged ({', '.join(wrong) or 'files'}): {damaged}.")
    if version == VERSION and "header_sha256" not in header:
        raise InputError(f"{folder / HEADER} has no digest of its own, an unfinished version wrote it: fit it anew.")
    if version == VERSION and header["header_sha256"] != header_digest(header):
        raise InputError(f"{folder / HEADER} is damaged (its SHA-256 differs from the recorded value): {damaged}.")
    if header["method"] != METHOD:
        raise InputError(
            f"{folder} was saved with version {header['method']!r} of the method, this code has {METHOD} and would "
            "score otherwise: fit it anew, or load it with the course that saved it."
        )
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name occurs twice")
    return content


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is not finite")
    return number


def _check_index(folder: Path, header: dict[str, Any], index: bytes) -> None:
    """Compare the first fields of a FAISS index with the header, before FAISS reads it."""
    kind, shape = header["kind"], (header["vectors"], header["channels"])
    if kind not in INDEX_TYPES:
        return
    if index[:4] not in INDEX_TYPES.values() or len(index) < 16:
        raise InputError(f"{folder} contains no readable index: save it again, or fit anew.")
    channels, vectors = struct.unpack("<iq", index[4:16])
    if (index[:4], (vectors, channels)) != (INDEX_TYPES[kind], shape):
        raise InputError(
            f"{folder} contradicts itself: its header says {kind} {shape} but the files differ. Fit it anew."
        )


def _upgrade(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Give header and arrays of version 1 the names of version 2, in place. The scores stay equal."""
    metadata = header["metadata"]
    if isinstance(metadata.get("parameters"), dict):
        metadata["parameters"] = {RENAMED.get(name, name): value for name, value in metadata["parameters"].items()}
    if "whole" in metadata:
        metadata["fitted_on_strips"] = metadata.pop("whole")
    if "usual" in arrays:
        arrays["position_scale"] = arrays.pop("usual")
    header["version"] = VERSION
