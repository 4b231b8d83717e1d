"""A memory bank that exceeds one memory, on the disk of one machine: FAISS's inverted lists in a file.

An inverted file index sorts the vectors into `nlist` cells and reads the `nprobe` cells nearest to a query. With the
lists in a file, a search reads these cells from the disk. Memory contains the centres of the cells, and as much of the
file as the system has room for. The search is approximate: it misses a nearest neighbour that lies in another cell.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, MissingError, check_integer, shown
from ..files.atomic_write import atomic_write, sha256
from ..files.ownership import Manifest
from ..files.paths import full_path, given_path
from ..files.persistence import header_digest, read_signed_header
from ..files.system_errors import explain
from ..safety.arrays import check_patches, check_trainable
from .stream_errors import pass_stream_errors

if TYPE_CHECKING:
    import faiss

HEADER, FORMAT, VERSION = "header.json", "aitex_utils index on disk", 1
INDEX, LISTS = "index.faiss", "lists.ivfdata"
MOST_CELLS = 2**20


def _listed(header: dict[str, Any]) -> dict[str, None]:
    if header["format"] != FORMAT:
        raise ValueError(FORMAT)
    return dict.fromkeys((INDEX, LISTS))


ON_DISK = Manifest(HEADER, "a search index on disk", _listed)


def build_disk_index(
    pieces: Iterable[np.ndarray], folder: str | os.PathLike, *, nlist: int, training: np.ndarray | None = None
) -> Path:
    """Build an inverted file index whose lists lie in a file, piece by piece.

    Parameters
    ----------
    pieces : iterable of ndarray, each of shape (n, C)
        Vectors, float32; they get their indices in this order. One piece at a time is in memory.
    folder : path
        Folder to write; an index written there before is replaced.
    nlist : int
        Number of cells.
    training : ndarray, shape (m, C), optional
        Vectors on which the cells are trained, at least `nlist`; None takes the first piece.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there are no vectors, too few for `nlist`, or of several lengths, if the disk is full, or if FAISS was built
        without lists on disk.

    Examples
    --------
    >>> import tempfile
    >>> vectors = np.random.default_rng(0).standard_normal((400, 8), np.float32)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     index = DiskIndex(build_disk_index(np.split(vectors, 4), f"{place}/index", nlist=2, training=vectors))
    ...     index.search(vectors[7:8], nprobe=2)[1].tolist()
    [[7]]
    """
    import faiss

    nlist = check_integer("nlist", nlist, 1, MOST_CELLS)
    if not isinstance(pieces, Iterable):
        raise InputError(f"pieces is {shown(pieces)}: give arrays of vectors, for example [vectors].")
    _check_name(folder)
    if not hasattr(faiss, "OnDiskInvertedLists"):
        raise InputError("This FAISS has no lists on disk: use Linux or macOS, or a sharded bank (write_shards).")
    with (
        pass_stream_errors() as draw,
        atomic_write(folder, folder=True, manifest=ON_DISK) as inside,
        _explained(folder),
    ):
        trained, names, count = None, [], 0
        for piece in draw(pieces):
            if trained is None:
                trained = _trained(check_patches(piece if training is None else training), nlist)
            piece = _checked(piece, trained.d)
            part = faiss.clone_index(trained)
            part.add_with_ids(piece, np.arange(count, count + len(piece)))
            names.append(str(inside / f"piece_{len(names)}"))
            faiss.write_index(part, names[-1])
            count += len(piece)
        if trained is None:
            raise InputError("There are no vectors to index: give at least one piece.")
        # FAISS maps the file of the lists into memory, and a full disk would end this process.
        needed, free = sum(os.path.getsize(name) for name in names), shutil.disk_usage(inside).free
        if free < needed:
            raise explain(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), full_path(folder))
        with _without_messages():
            _merge_pieces(trained, names, str(inside / LISTS))
        faiss.write_index(trained, str(inside / INDEX))
        for name in names:
            os.unlink(name)
        header = {"format": FORMAT, "version": VERSION, "vectors": count, "channels": trained.d, "nlist": nlist}
        header |= {"index_sha256": sha256(inside / INDEX), "lists_bytes": (inside / LISTS).stat().st_size}
        header["header_sha256"] = header_digest(header)
        (inside / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
    return given_path(folder)


class _Lists:
    """Inverted lists of FAISS, wherever they are: `_index`, with `nlist` cells."""

    _index: faiss.IndexIVFFlat

    def __len__(self) -> int:
        """Return the number of vectors."""
        return self._index.ntotal

    @property
    def nlist(self) -> int:
        """Number of cells."""
        return self._index.nlist

    def search(self, patches: np.ndarray, k: int = 1, *, nprobe: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find about the k nearest neighbours of each patch.

        Parameters
        ----------
        patches : ndarray, shape (n, C)
            Queries.
        k : int
            Number of neighbours, 1 to the number of vectors.
        nprobe : int, optional
            Number of cells that are read per query, 1 to `nlist`; None takes an eighth of them.

        Returns
        -------
        distances : ndarray, shape (n, k)
            Euclidean, as FAISS computes them in float32; infinity where the cells have fewer than k vectors.
        indices : ndarray, shape (n, k)
            int64; -1 where the cells have fewer.

        Raises
        ------
        InputError
            If an argument is out of range, or the patches have another number of channels.
        """
        import faiss

        patches = np.ascontiguousarray(check_patches(patches))
        k = check_integer("k", k, 1, len(self), "the number of vectors")
        nprobe = max(1, self.nlist // 8) if nprobe is None else nprobe
        nprobe = check_integer("nprobe", nprobe, 1, self.nlist, "the number of cells")
        if patches.shape[1] != self._index.d:
            raise InputError(
                f"patches has {patches.shape[1]} channels but the index has {self._index.d}: take them from the same "
                "backbone and layers."
            )
        squares, indices = self._index.search(patches, k, params=faiss.SearchParametersIVF(nprobe=nprobe))
        squares[indices < 0] = np.inf
        return np.sqrt(np.maximum(squares, 0)), indices


class DiskIndex(_Lists):
    """An inverted file index whose lists are read from a file while it is searched.

    Parameters
    ----------
    folder : path
        Folder that `build_disk_index` wrote. It can have been moved.

    Raises
    ------
    InputError
        If the folder is missing, foreign or damaged.

    Notes
    -----
    The header and the centres of the cells are compared with their digests. The lists, which can exceed the memory, are
    compared by their size alone.

    Examples
    --------
    >>> DiskIndex("no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/folder is missing: give the folder that build_disk_index wrote.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        import faiss

        _check_name(folder)
        place = full_path(folder)
        header = _read_header(place, folder)
        flags = getattr(faiss, "IO_FLAG_ONDISK_SAME_DIR", 8)  # the file lies beside the index, wherever that is now
        try:
            with _without_messages():
                self._index = faiss.read_index(str(place / INDEX), flags)
        except RuntimeError as error:
            raise InputError(
                f"{folder} cannot be read: FAISS says {shown(str(error))}, check its permissions."
            ) from error
        if (self._index.ntotal, self._index.d) != (header["vectors"], header["channels"]):
            raise InputError(f"The header of {folder} differs from its index: build the index again.")


class ListsInMemory(_Lists):
    """The same lists in memory, for a FAISS without lists on disk, as on Windows.

    Parameters
    ----------
    pieces : iterable of ndarray, each of shape (n, C)
        Vectors, float32; they get their indices in this order.
    nlist : int
        Number of cells.
    training : ndarray, shape (m, C)
        Vectors on which the cells are trained, at least `nlist`.

    Raises
    ------
    InputError
        If there are too few vectors for `nlist`, or a piece has another number of channels.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).standard_normal((400, 8), np.float32)
    >>> ListsInMemory([vectors], nlist=2, training=vectors).search(vectors[7:8], nprobe=2)[1].tolist()
    [[7]]
    """

    def __init__(self, pieces: Iterable[np.ndarray], *, nlist: int, training: np.ndarray) -> None:
        self._index = _trained(check_patches(training), check_integer("nlist", nlist, 1, MOST_CELLS))
        for piece in pieces:
            self._index.add(_checked(piece, self._index.d))


def _checked(piece: np.ndarray, channels: int) -> np.ndarray:
    """Return a piece of vectors with as many channels as the cells."""
    piece = np.ascontiguousarray(check_patches(piece))
    if piece.shape[1] != channels:
        raise InputError(
            f"A piece has {piece.shape[1]} channels but the cells have {channels}: take all vectors from the same "
            "backbone and layers."
        )
    return piece


def _trained(training: np.ndarray, nlist: int) -> faiss.IndexIVFFlat:
    import faiss

    if len(training) < nlist:
        raise InputError(
            f"nlist is {nlist} but there are {len(training)} vectors to train the cells: take fewer cells."
        )
    channels = training.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, nlist)
    index.cp.min_points_per_centroid = 1  # no warning on the output
    check_trainable(training, "training")
    index.train(np.ascontiguousarray(training))
    return index


def _check_name(folder: str | os.PathLike) -> None:
    """Refuse a name that FAISS cannot open."""
    try:
        str(full_path(folder)).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{folder!r} is no valid Unicode, so FAISS cannot open it: choose another name.") from error


@contextlib.contextmanager
def _explained(folder: str | os.PathLike) -> Iterator[None]:
    """Turn errors of FAISS while it writes into a sentence."""
    try:
        yield
    except RuntimeError as error:
        if "No space left" in str(error):
            raise explain(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), full_path(folder)) from error
        raise InputError(f"{folder} was not written: FAISS says {shown(str(error))}, check the disk.") from error


def _merge_pieces(index: faiss.IndexIVFFlat, names: list[str], lists: str) -> None:
    """Move the lists of all pieces into one file, list by list, and give it to the index."""
    import faiss

    parts = [faiss.read_index(name, faiss.IO_FLAG_MMAP) for name in names]
    vector = faiss.InvertedListsPtrVector()
    for part in parts:
        vector.push_back(part.invlists)
    on_disk = faiss.OnDiskInvertedLists(index.nlist, index.code_size, lists)
    index.ntotal = on_disk.merge_from_multiple(vector.data(), vector.size())
    index.replace_invlists(on_disk, True)
    on_disk.this.disown()


@contextlib.contextmanager
def _without_messages() -> Iterator[None]:
    """Let FAISS print nothing: it reports file names from C++, which Python cannot catch."""
    try:
        flush = ctypes.CDLL(None).fflush
    except (TypeError, AttributeError, OSError):  # Windows, where FAISS has no lists on disk
        yield
        return
    try:
        kept = os.dup(1)
    except OSError:  # closed: there is nothing to keep clean
        yield
        return
    if sys.stdout is not None:
        sys.stdout.flush()
    flush(None)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        flush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _read_header(folder: Path, shown: str | os.PathLike) -> dict[str, Any]:
    if not folder.is_dir():
        raise MissingError(f"{shown} is missing: give the folder that build_disk_index wrote.")
    header = read_signed_header(folder / HEADER, FORMAT, VERSION)
    try:
        is_whole = header is not None and (folder / LISTS).stat().st_size == header["lists_bytes"]
        is_whole = is_whole and sha256(folder / INDEX) == header["index_sha256"]
    except (OSError, KeyError):
        is_whole = False
    if not is_whole:
        raise InputError(f"{shown} is no index on disk, or is damaged: give the folder of build_disk_index.")
    return header
