"""Prediction of many strips as tasks: each worker loads the detector once, and pictures and maps travel as files."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_integer, shown
from ..files.atomic_write import scratch_folder
from ..files.paths import full_path
from ..files.persistence import HEADER, read_array, write_array
from ..files.system_errors import explain
from ..patchcore import PatchCore, StripResult
from ..safety.arrays import check_strip
from ..safety.scores import check_columns
from .blocks import BLOCK_LOCK, array_digest, check_shared, load_pictures, one_thread, save_pictures
from .stream_errors import pass_stream_errors
from .tasks import Job, run_jobs


def predict_strips(
    detector: str | os.PathLike,
    strips: Iterable[np.ndarray],
    *,
    client: Any = None,
    regions: Sequence[tuple[int, int] | None] | None = None,
    overlap: int = 0,
    folder: str | os.PathLike | None = None,
) -> Iterator[StripResult]:
    """Predict strips one by one on workers, and yield the results in the order of the strips.

    Parameters
    ----------
    detector : path
        Folder that `PatchCore.save` wrote, where all workers can read it.
    strips : iterable of ndarray, each of shape (H, W)
        Grey images, uint8; they can arrive one by one.
    client : distributed.Client, ProcessPool, concurrent.futures.Executor or None
        Workers, see `cluster`; None predicts in this process.
    regions : sequence of tuple of int or None, optional
        Region of each strip, as in `PatchCore.predict_strip`; None finds them.
    overlap : int
        Width in px that neighbouring tiles share.
    folder : path, optional
        Folder that all workers share, for pictures and maps on their way; None takes a temporary one of this machine.

    Yields
    ------
    StripResult
        Equal to the result of `predict_strip` on one thread.

    Raises
    ------
    InputError
        If the detector cannot be loaded, a strip does not fit, there is not one region for each strip, the folder
        cannot be used, or the workers are lost.

    Examples
    --------
    >>> strips = np.random.default_rng(0).integers(100, 120, (2, 32, 64), np.uint8)
    >>> fitted = PatchCore(size=32, device="cpu").fit_strips(strips, tile_size=32)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     saved = fitted.save(f"{place}/detector")
    ...     [result.map.shape for result in predict_strips(saved, strips, regions=[(0, 64), (0, 64)])]
    [(32, 64), (32, 64)]
    """
    overlap = check_integer("overlap", overlap, 0)
    if not isinstance(strips, Iterable) or isinstance(strips, (str, bytes)):
        raise InputError(f"strips is {shown(strips)}: give grey images, for example [strip].")
    if not isinstance(regions, (Sequence, np.ndarray, type(None))):
        raise InputError(f"regions is {shown(regions)}: give first and last column + 1 of each strip, or None.")
    if regions is not None and isinstance(strips, Sized):
        _check_count(regions, len(strips))
    place = full_path(detector)
    digest = _digest_of(place)
    with pass_stream_errors() as draw, _travel_folder(folder) as travel:

        def jobs() -> Iterator[Job]:
            count = 0
            for number, strip in enumerate(map(check_strip, draw(strips))):
                count = number + 1
                if regions is not None and number >= len(regions):
                    raise InputError(f"regions has {len(regions)} regions, fewer than there are strips: give all.")
                given = None if regions is None else regions[number]
                region = None if given is None else list(check_columns("region", given, strip.shape[1]))
                saved = save_pictures(travel / f"{number}-{secrets.token_hex(4)}.npy", [strip])
                yield Job(f"strip {number}", predict_saved_strip, (str(place), digest, saved, region, overlap))
            if regions is not None:
                _check_count(regions, count)

        waiting: dict[int, dict[str, Any]] = {}  # results that ended before an earlier strip's result
        following = 0
        for job, answer in run_jobs(client, jobs()):
            waiting[int(job.name.split()[1])] = answer
            while following in waiting:
                yield _result(waiting.pop(following))
                following += 1


def predict_saved_strip(
    detector: str, digest: str, saved: dict[str, Any], region: Sequence[int] | None, overlap: int
) -> dict[str, Any]:
    """Predict one strip and write its map beside it: the task of a worker.

    Parameters
    ----------
    detector : str
        Folder of the detector.
    digest : str
        SHA-256 of its header.
    saved : dict
        Output of `blocks.save_pictures`.
    region : sequence of int or None
        As in `PatchCore.predict_strip`.
    overlap : int
        As in `PatchCore.predict_strip`.

    Returns
    -------
    dict
        The file of the map and its digest, scores and corners.

    Raises
    ------
    InputError
        If the detector or the strip cannot be read, or the strip does not fit.

    Examples
    --------
    >>> try:
    ...     predict_saved_strip("no/such/detector", "", {}, None, 0)
    ... except InputError as error:
    ...     print(error)
    no/such/detector is missing: give the folder that save() wrote.
    """
    loaded = _detector(detector, digest)
    (strip,) = load_pictures(saved)
    with BLOCK_LOCK, warnings.catch_warnings(record=True) as caught, one_thread():
        warnings.simplefilter("always")
        result = loaded.predict_strip(strip, region=None if region is None else tuple(region), overlap=overlap)
    path = Path(saved["path"]).with_suffix(".map.npy")
    check_shared(path.parent)  # the prediction can have ended meanwhile, and its folder must not come back
    write_array(path, result.map)
    small = {"score": result.score, "tile_scores": result.tile_scores, "corners": result.corners}
    small |= {"region": tuple(result.region), "background": result.background}
    notes = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
    return {
        "map": str(path),
        "sha256": array_digest(result.map),
        "picture": saved["path"],
        "rest": small,
        "notes": notes,
    }


def _check_count(regions: Sequence[tuple[int, int] | None], count: int) -> None:
    if len(regions) != count:
        raise InputError(f"regions has {len(regions)} regions, but there are {count} strips: give one for each.")


def _result(answer: dict[str, Any]) -> StripResult:
    """Return a result with its map, and delete the files that carried it."""
    try:
        anomaly_map = read_array(Path(answer["map"]).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{answer['map']} cannot be read: name a folder that all workers share.") from error
    if array_digest(anomaly_map) != answer["sha256"]:
        raise InputError(f"{answer['map']} is damaged (its SHA-256 differs): predict the strips again.")
    for name in ("map", "picture"):
        Path(answer[name]).unlink(missing_ok=True)
    for note in answer["notes"]:
        warnings.warn(note, stacklevel=4)
    return StripResult(map=anomaly_map, **answer["rest"])


@contextlib.contextmanager
def _travel_folder(folder: str | os.PathLike | None) -> Iterator[Path]:
    inside = None if folder is None else full_path(folder)
    with contextlib.ExitStack() as stack:
        try:
            if inside is not None:
                inside.mkdir(parents=True, exist_ok=True)
                made = scratch_folder(inside / "strips")
            else:
                made = tempfile.TemporaryDirectory(prefix="aitex-strips-", ignore_cleanup_errors=True)
        except OSError as error:
            raise explain(error, inside or Path(tempfile.tempdir or os.curdir)) from error
        yield Path(stack.enter_context(made))


def _digest_of(detector: Path) -> str:
    try:
        return hashlib.sha256((detector / HEADER).read_bytes()).hexdigest()
    except OSError:
        PatchCore.load(detector)  # which says what is wrong with it
        raise


@functools.lru_cache(maxsize=1)
def _detector(folder: str, digest: str) -> PatchCore:
    loaded = PatchCore.load(folder, device="cpu")
    if _digest_of(Path(folder)) != digest:
        raise InputError(f"{folder} on a worker is another detector: save it where all workers read the same files.")
    return loaded
