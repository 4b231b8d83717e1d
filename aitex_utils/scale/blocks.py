"""The work of a worker: read the pictures of a block, extract their patches, write the coreset as a folder.

A scheduler carries names, numbers and short texts only. The pictures of a block go to a worker as a `.npy` file. Its
coreset comes back as a folder of `.npy` files, with a header that lists the SHA-256 of each. The name of a folder
contains a digest of everything that its content depends on, so an interrupted fit goes on from the completed blocks.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..features import PatchFeatures
from ..files.atomic_write import atomic_write
from ..files.ownership import Manifest
from ..files.persistence import header_digest, read_array, read_signed_header, write_array
from ..safety.out_of_memory import OutOfMemoryError, explain_memory
from ..safety.peak_memory import peak_memory_mib
from ..streaming_coreset import BlockCoreset, kept_patches, merge_blocks, reduce_block

HEADER, FORMAT, VERSION = "header.json", "aitex_utils block", 1
BLOCK_LOCK = threading.Lock()  # threads of a process share its memory, its warnings and the threads of PyTorch
FEATURES = ("backbone", "layers", "pooling", "size", "padding", "colour", "batch_size", "device")


def _listed(header: dict[str, Any]) -> dict[str, int]:
    if header["format"] != FORMAT:
        raise ValueError(FORMAT)
    return {name: size for name, (size, _) in header["files"].items()}


BLOCK = Manifest(HEADER, "a block of a fit", _listed)


class DamagedBlock(InputError):
    """A block whose files differ from its header.

    Parameters
    ----------
    place : path
        Folder of the block.
    reason : str
        The damage, for the message.

    Examples
    --------
    >>> print(DamagedBlock("blocks/block-000003", "vectors_0.npy is missing"))
    blocks/block-000003 is damaged (vectors_0.npy is missing): fit again with the same folder, which makes it anew.
    """

    def __init__(self, place: str | os.PathLike, reason: str) -> None:
        super().__init__(f"{place} is damaged ({reason}): fit again with the same folder, which makes it anew.")
        self.place, self.reason = str(place), reason

    def __reduce__(self) -> tuple:
        return DamagedBlock, (self.place, self.reason)


def describe_features(features: PatchFeatures) -> dict[str, Any]:
    """Return what a worker needs to make the same extractor.

    Parameters
    ----------
    features : PatchFeatures
        Extractor, without whitening.

    Returns
    -------
    dict
        Values for JSON: arguments of `PatchFeatures`, and the digest of its weights.

    Examples
    --------
    >>> describe_features(PatchFeatures(size=64, device="cpu"))["size"]
    64
    """
    return {name: getattr(features, name) for name in FEATURES} | {"weights_sha256": features.weights_sha256}


def extractor(description: Mapping[str, Any]) -> PatchFeatures:
    """Return the extractor of a description, which each process makes once.

    Parameters
    ----------
    description : mapping
        Output of `describe_features`.

    Returns
    -------
    PatchFeatures

    Raises
    ------
    InputError
        If the weights here differ from the weights of the process that described it.

    Examples
    --------
    >>> features = PatchFeatures(size=64, device="cpu")
    >>> extractor(describe_features(features)).weights_sha256 == features.weights_sha256
    True
    """
    return _extractor(json.dumps(dict(description), sort_keys=True))


def save_pictures(path: Path, pictures: Sequence[np.ndarray]) -> dict[str, Any]:
    """Write the pictures of a block as one `.npy` file, side by side.

    Parameters
    ----------
    path : path
        File to write.
    pictures : sequence of ndarray, each of shape (H, W) or (H, W, 3)
        Pictures of one height, uint8.

    Returns
    -------
    dict
        The arguments of `load_pictures`: the file, its widths and its digest.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     saved = save_pictures(Path(place, "0.npy"), [np.zeros((2, 3), np.uint8), np.ones((2, 1), np.uint8)])
    ...     [picture.shape for picture in load_pictures(saved)]
    [(2, 3), (2, 1)]
    """
    joined = np.concatenate(pictures, axis=1)
    write_array(path, joined)
    return {"path": str(path), "widths": [one.shape[1] for one in pictures], "sha256": array_digest(joined)}


def load_pictures(saved: Mapping[str, Any]) -> list[np.ndarray]:
    """Read the pictures of a block.

    Parameters
    ----------
    saved : mapping
        Output of `save_pictures`.

    Returns
    -------
    list of ndarray

    Raises
    ------
    InputError
        If the file is missing or damaged.

    Examples
    --------
    >>> load_pictures({"path": "no/such/file.npy", "widths": [], "sha256": ""})
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/file.npy cannot be read by a worker: name a folder that all workers share.
    """
    try:
        joined = read_array(Path(saved["path"]).read_bytes())
    except OSError as error:
        raise InputError(
            f"{saved['path']} cannot be read by a worker: name a folder that all workers share."
        ) from error
    except (ValueError, struct.error) as error:
        raise InputError(f"{saved['path']} is damaged ({error}): fit again with the same folder.") from error
    if array_digest(joined) != saved["sha256"]:
        raise InputError(f"{saved['path']} is damaged (its SHA-256 differs): fit again with the same folder.")
    ends = np.cumsum(saved["widths"])
    return [
        np.ascontiguousarray(joined[:, end - width : end]) for end, width in zip(ends, saved["widths"], strict=True)
    ]


def array_digest(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's type, shape and values.

    Parameters
    ----------
    array : ndarray
        Any array of numbers.

    Returns
    -------
    str

    Examples
    --------
    >>> array_digest(np.zeros(2)) == array_digest(np.zeros((1, 2)))
    False
    """
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def extract_patches(
    pictures: Sequence[np.ndarray], features: PatchFeatures, tile_size: int | None, halve: bool = False
) -> list[np.ndarray]:
    """Return the patches of each tile or strip, computed on one thread.

    Parameters
    ----------
    pictures : sequence of ndarray, each of shape (H, W) or (H, W, 3)
        Tiles of one size, or strips of one height, uint8.
    features : PatchFeatures
        Extractor.
    tile_size : int or None
        Side in px of the tiles to which strips correspond; None for tiles.
    halve : bool
        Return each half of a strip by itself, for a fit on a single strip.

    Returns
    -------
    list of ndarray, each of shape (H', W', C)
        float32.

    Notes
    -----
    The last digits of patches depend on the number of threads. With one thread they depend on the processor alone.

    Examples
    --------
    >>> features = PatchFeatures(size=64, device="cpu")
    >>> [one.shape for one in extract_patches([np.zeros((32, 96), np.uint8)], features, tile_size=32)]
    [(8, 24, 152)]
    """
    with explain_block_memory(), one_thread():
        if tile_size is None:
            return [patches for batch in features.iter_patches(np.stack(pictures)) for patches in batch]
        strips = [features.extract_strip(strip, tile_size) for strip in pictures]
    return [half for strip in strips for half in np.array_split(strip, 2, axis=1)] if halve else strips


def make_block(place: str, saved: Mapping[str, Any], made_of: Mapping[str, Any]) -> dict[str, Any]:
    """Make a block from pictures and write it as a folder, unless it is there: the task of a worker.

    Parameters
    ----------
    place : str
        Folder to write.
    saved : mapping
        Output of `save_pictures`.
    made_of : mapping
        Everything else that the block depends on, see `fitting`.

    Returns
    -------
    dict
        The header of the block.

    Raises
    ------
    InputError
        If the pictures cannot be read, memory runs out, or the folder cannot be written.

    Examples
    --------
    >>> make_block("no/such/place", {"path": "no/such/file.npy", "widths": [], "sha256": ""}, {})
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: A worker does not see no/such: name a folder that all workers share.
    """
    if (header := read_header(place)) is not None:
        return header
    check_shared(Path(place).parent)
    with BLOCK_LOCK, _measured() as cost:
        pictures, settings = load_pictures(saved), made_of["settings"]
        features = extractor(settings["features"])
        patches = extract_patches(pictures, features, settings["tile_size"], made_of["halve"])
        with explain_block_memory():
            coreset = reduce_block(
                patches, first=made_of["first"], sampled=made_of["sampled"], **reduction_options(settings)
            )
    return write_block(place, coreset, cost)


def reduction_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `reduce_block` that are the same for all blocks of a fit.

    Parameters
    ----------
    settings : mapping
        Settings of the fit, see `fitting`.

    Returns
    -------
    dict

    Examples
    --------
    >>> settings = {"ratio": 0.1, "seed": 0, "n_branches": 1, "column_stride": 1, "limit": None}
    >>> reduction_options(settings | {"features": {"device": "cpu"}})["device"]
    'cpu'
    """
    names = ("ratio", "seed", "n_branches", "column_stride", "limit")
    return {name: settings[name] for name in names} | {"device": settings["features"]["device"]}


def merge_block_files(place: str, parts: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Merge blocks that are on the disk and write the result as a folder, unless it is there: the task of a worker.

    Parameters
    ----------
    place : str
        Folder to write.
    parts : sequence of str
        Folders of the blocks, in the order of their numbers.
    settings : mapping
        Settings of the fit.

    Returns
    -------
    dict
        The header of the merged block.

    Raises
    ------
    DamagedBlock
        If a block is damaged.
    InputError
        If memory runs out or the folder cannot be written.

    Examples
    --------
    >>> merge_block_files("no/such/place", ["no/such/block"], {})
    Traceback (most recent call last):
    ...
    aitex_utils.scale.blocks.DamagedBlock: no/such/block is damaged (it has no readable header.json): fit again with \
the same folder, which makes it anew.
    """
    if (header := read_header(place)) is not None:
        return header
    with BLOCK_LOCK, _measured() as cost, explain_block_memory():
        blocks = [read_block(part) for part in parts]
        k = kept_patches(settings["ratio"], sum(block.n_patches for block in blocks), settings["limit"])
        merged = merge_blocks(blocks, k, seed=settings["seed"], device=settings["features"]["device"])
    return write_block(place, merged, cost)


def write_block(
    place: str | os.PathLike, block: BlockCoreset, cost: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Write a block as a folder, whole or not at all.

    Parameters
    ----------
    place : path
        Folder to write.
    block : BlockCoreset
        Coreset of the block.
    cost : mapping, optional
        Seconds and bytes that it took to make the block.

    Returns
    -------
    dict
        The header.

    Raises
    ------
    InputError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> block = reduce_block([np.zeros((2, 2, 4), np.float32)], 0.5, seed=0, sampled=[0])
    >>> with tempfile.TemporaryDirectory() as place:
    ...     header = write_block(f"{place}/block-000000-0123456789abcdef", block)
    ...     read = read_block(f"{place}/block-000000-0123456789abcdef")
    ...     np.array_equal(read.vectors[0], block.vectors[0]), header["samples"]
    (True, [0])
    """
    arrays = {f"vectors_{i}.npy": vectors for i, vectors in enumerate(block.vectors)}
    arrays |= {f"groups_{i}.npy": groups for i, groups in enumerate(block.groups)}
    arrays |= {f"radii_{i}.npy": radii for i, radii in enumerate(block.radii)}
    arrays |= {f"sample_{number}.npy": patches for number, patches in block.samples}
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "n_patches": int(block.n_patches),
        "n_branches": len(block.vectors),
        "samples": [int(number) for number, _ in block.samples],
        "radius": [float(radii[-1]) for radii in block.radii],
        "cost": dict(cost or {}),
        "files": {},
    }
    check_shared(Path(place).parent)  # the fit can have ended meanwhile, and its folder must not come back
    with atomic_write(place, folder=True, manifest=BLOCK) as inside:
        for name, array in arrays.items():
            with open(inside / name, "wb") as file:
                np.save(_Hashing(file, digest := hashlib.sha256()), array, allow_pickle=False)
                header["files"][name] = [file.tell(), digest.hexdigest()]
        header["header_sha256"] = header_digest(header)
        (inside / HEADER).write_text(json.dumps(header) + "\n", encoding="utf-8")
    return header


def read_header(place: str | os.PathLike) -> dict[str, Any] | None:
    """Return the header of a block that is complete, else None. Only the sizes of its files are compared.

    Parameters
    ----------
    place : path
        Folder of the block.

    Returns
    -------
    dict or None

    Examples
    --------
    >>> read_header("no/such/block") is None
    True
    """
    place = Path(place)
    header = read_signed_header(place / HEADER, FORMAT, VERSION)
    if header is None:
        return None
    try:
        is_whole = all((place / name).stat().st_size == size for name, (size, _) in header["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return header if is_whole else None


def read_block(place: str | os.PathLike) -> BlockCoreset:
    """Read a block. Its vectors are read, and compared with their digest, each time they are used.

    Parameters
    ----------
    place : path
        Folder of the block.

    Returns
    -------
    BlockCoreset
        Without samples, see `read_sample`.

    Raises
    ------
    DamagedBlock
        If the folder is missing or damaged.

    Examples
    --------
    >>> try:
    ...     read_block("no/such/block")
    ... except DamagedBlock as error:
    ...     print(error.reason)
    it has no readable header.json
    """
    header = read_header(place)
    if header is None:
        raise DamagedBlock(place, f"it has no readable {HEADER}")
    branches = range(header["n_branches"])
    groups, radii = ([_read(place, header, f"{kind}_{i}.npy") for i in branches] for kind in ("groups", "radii"))
    return BlockCoreset(_ArraysOnDisk(place, header), groups, radii, header["n_patches"])


def is_damaged(place: str | os.PathLike) -> bool:
    """Return whether a file of a complete block differs from its digest. All files are read, one by one.

    Parameters
    ----------
    place : path
        Folder of the block.

    Returns
    -------
    bool
        False if there is no complete block, or if a file cannot be read at the moment.

    Examples
    --------
    >>> is_damaged("no/such/block")
    False
    """
    header = read_header(place)
    for name in header["files"] if header is not None else ():
        try:
            _read(place, header, name)
        except DamagedBlock as damage:
            if not isinstance(damage.__cause__, OSError):
                return True
    return False


def read_sample(place: str | os.PathLike, number: int) -> np.ndarray:
    """Read a sample of a block.

    Parameters
    ----------
    place : path
        Folder of the block.
    number : int
        Number of the tile or strip.

    Returns
    -------
    ndarray, shape (H', W'', C)

    Raises
    ------
    DamagedBlock
        If it is missing or damaged.

    Examples
    --------
    >>> try:
    ...     read_sample("no/such/block", 0)
    ... except DamagedBlock as error:
    ...     print(error.reason)
    it has no readable header.json
    """
    header = read_header(place)
    if header is None:
        raise DamagedBlock(place, f"it has no readable {HEADER}")
    return _read(place, header, f"sample_{number}.npy")


def check_shared(folder: Path) -> None:
    """Raise an error if a worker does not see a folder, so that it does not make one of its own.

    Parameters
    ----------
    folder : Path
        Folder that the calling process made.

    Raises
    ------
    InputError
        If it does not exist here, or no longer.

    Examples
    --------
    >>> check_shared(Path("no/such/folder"))
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: A worker does not see no/such/folder: name a folder that all workers share.
    """
    if not folder.is_dir():
        raise InputError(f"A worker does not see {folder}: name a folder that all workers share.")


@contextlib.contextmanager
def explain_block_memory() -> Iterator[None]:
    """Turn errors of exhausted memory into one sentence about blocks.

    Yields
    ------
    None

    Raises
    ------
    OutOfMemoryError
        If the block runs out of memory.

    Examples
    --------
    >>> try:
    ...     with explain_block_memory():
    ...         raise MemoryError
    ... except OutOfMemoryError as error:
    ...     print(error)
    Memory ran out in a block (MemoryError): take a smaller block_size, or fewer workers at once.
    """
    try:
        with explain_memory():
            yield
    except OutOfMemoryError as error:
        cause = error.__cause__
        reason = str(cause).split("\n")[0] or type(cause).__name__
        raise OutOfMemoryError(
            f"Memory ran out in a block ({reason}): take a smaller block_size, or fewer workers at once."
        ) from error


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute on one thread in a block.

    Yields
    ------
    None

    Examples
    --------
    >>> import torch
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _ArraysOnDisk(Sequence):
    """The vectors of a block, one array per branch, read when they are used and not kept."""

    def __init__(self, place: str | os.PathLike, header: dict[str, Any]) -> None:
        self._place, self._header = place, header

    def __len__(self) -> int:
        return self._header["n_branches"]

    def __getitem__(self, branch: int) -> np.ndarray:
        if not 0 <= branch < len(self):
            raise IndexError(branch)
        return _read(self._place, self._header, f"vectors_{branch}.npy")


class _Hashing:
    """A file that is written, with a digest of its content."""

    def __init__(self, file: Any, digest: Any) -> None:
        self._file, self._digest = file, digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._file.write(data)


def _read(place: str | os.PathLike, header: dict[str, Any], name: str) -> np.ndarray:
    """Return an array of a block, compared with its digest."""
    try:
        data = (Path(place) / name).read_bytes()
    except OSError as error:
        raise DamagedBlock(place, f"{name} cannot be read, {error.strerror}") from error
    _, digest = header["files"].get(name, (0, ""))
    if hashlib.sha256(data).hexdigest() != digest:
        raise DamagedBlock(place, f"the SHA-256 of {name} differs from the recorded value")
    return read_array(data)


@functools.lru_cache(maxsize=2)
def _extractor(text: str) -> PatchFeatures:
    description = json.loads(text)
    expected = description.pop("weights_sha256")
    features = PatchFeatures(**description)
    if features.weights_sha256 != expected:
        raise InputError(
            f"A worker has other weights of {features.backbone} (SHA-256 {features.weights_sha256[:8]}, expected "
            f"{expected[:8]}): install the same packages on all machines."
        )
    return features


@contextlib.contextmanager
def _measured() -> Iterator[dict[str, float]]:
    """Yield a dict that contains, after the block, its seconds, its CPU seconds, and the memory of the process."""
    cost: dict[str, float] = {}
    began, began_cpu = time.perf_counter(), time.process_time()
    yield cost
    cost["seconds"], cost["cpu_seconds"] = time.perf_counter() - began, time.process_time() - began_cpu
    cost["process"], cost["peak_bytes"] = os.getpid(), peak_memory_mib() * 2**20
