"""The folder in which a memory bank or a detector is saved: arrays as `.npy`, a FAISS index, and a JSON header.

The header lists the SHA-256 of every file. A folder is written whole or not at all, and nothing in it is unpickled.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingError
from .atomic_write import atomic_write, sha256

FORMAT, VERSION = "aitex_utils memory bank", 2
HEADER, INDEX = "header.json", "index.faiss"
FIELDS = {"kind": str, "vectors": int, "channels": int, "metadata": dict, "sha256": dict}
# Names of version 1, whose detectors score alike.
RENAMED = {"coreset": "coreset_ratio", "level": "normalize_positions", "baseline": "background_quantile"}


def write_folder(
    folder: str | os.PathLike, header: Mapping[str, Any], index: bytes, arrays: Mapping[str, np.ndarray]
) -> Path:
    """Write a header, a FAISS index and arrays as a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        Folder to write; a bank or detector saved there before is replaced.
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
        If something else is in the way, a name is not a plain one, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = write_folder(f"{place}/bank", {}, b"", {"vectors": np.eye(2)})
    ...     sorted(path.name for path in folder.iterdir())
    ['header.json', 'index.faiss', 'vectors.npy']
    """
    folder = Path(folder)
    if folder.exists() and not (folder / HEADER).is_file():
        raise InputError(f"{folder} exists and is no memory bank: choose another name, nothing was replaced.")
    wrong = [name for name in arrays if not name.isidentifier()]
    if wrong:
        raise InputError(f"arrays contains the name {wrong[0]!r}, expected letters, digits and _: choose another name.")
    with atomic_write(folder, folder=True) as inside:
        # Written by Python: FAISS's own writer cannot open every path on Windows.
        (inside / INDEX).write_bytes(index)
        for name, array in arrays.items():
            np.save(inside / f"{name}.npy", array, allow_pickle=False)
        digests = {path.name: sha256(path) for path in sorted(inside.iterdir())}
        whole = {"format": FORMAT, "version": VERSION, **header, "sha256": digests}
        (inside / HEADER).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    return folder


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
        If the folder is missing, foreign, of a newer version, incomplete or damaged; the message says which.

    Examples
    --------
    >>> read_folder("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/folder is missing: give the folder that save() wrote.
    """
    folder = Path(folder)
    header = _read_header(folder)
    present = {path.name for path in folder.iterdir() if path.is_file()}  # so no name leads out of the folder
    for name, digest in header["sha256"].items():
        if name not in present:
            raise MissingError(f"{folder} is incomplete, {name} is missing: save the detector again, or fit it anew.")
        if sha256(folder / name) != digest:
            raise InputError(f"{folder / name} is damaged (its SHA-256 differs from the header): save or fit it anew.")
    try:
        arrays = {name[:-4]: _read_array(folder / name) for name in header["sha256"] if name.endswith(".npy")}
        index = (folder / INDEX).read_bytes()
    except (ValueError, OSError) as error:
        raise InputError(f"{folder} is not readable ({error}): save it again, or fit anew.") from error
    if header["version"] == 1:
        _upgrade(header, arrays)
    return header, index, arrays


def _read_header(folder: Path) -> dict[str, Any]:
    """Return a header whose fields exist and have the right types; raise `InputError` with the reason otherwise."""
    if not folder.is_dir():
        raise MissingError(f"{folder} is missing: give the folder that save() wrote.")
    if not (folder / HEADER).is_file():
        raise InputError(f"{folder} is no memory bank, it has no {HEADER}: give the folder that save() wrote.")
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{folder / HEADER} is damaged ({error}): save it again, or fit anew.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{folder} is no memory bank of aitex_utils: give the folder that save() wrote.")
    if header.get("version") not in (1, VERSION):
        raise InputError(
            f"{folder} has format version {header.get('version')}, this code reads up to {VERSION}: "
            "update the course, or fit anew."
        )
    if header["version"] == 1:
        header["metadata"] = header.pop("about", None)
    wrong = [name for name, kind in FIELDS.items() if not isinstance(header.get(name), kind)]
    if wrong or not {"vectors.npy", INDEX} <= header["sha256"].keys():
        raise InputError(f"{folder / HEADER} is damaged ({', '.join(wrong) or 'files'}): save it again, or fit anew.")
    return header


def _read_array(path: Path) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(path.read_bytes()), allow_pickle=False)  # np.load takes more than .npy


def _upgrade(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Give header and arrays of version 1 the names of version 2, in place; the scores stay equal."""
    metadata = header["metadata"]
    if isinstance(metadata.get("parameters"), dict):
        metadata["parameters"] = {RENAMED.get(name, name): value for name, value in metadata["parameters"].items()}
    if "whole" in metadata:
        metadata["fitted_on_strips"] = metadata.pop("whole")
    if "usual" in arrays:
        arrays["position_scale"] = arrays.pop("usual")
    header["version"] = VERSION
