"""A fit in blocks: in this process, or as tasks of a pool of processes or a Dask cluster, with the same result.

The stream of pictures is divided into blocks (`streaming_coreset.plan_blocks`), and each block becomes a task. Its
pictures go to a file. A worker extracts their patches and writes their coreset (`blocks.make_block`). The union of all
coresets is reduced here, or in a tree of unions (`tree`). The plan depends on the data, the block size and the seed. A
block depends on its own pictures and on the settings, and the join takes the blocks in the order of their numbers. So
the result is the same for any number of workers and any order in which they finish.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_integer
from ..features import PatchFeatures
from ..files.atomic_write import atomic_write, remove_leftovers
from ..files.locking import only_one
from ..files.ownership import first_names, foreign_entries
from ..files.paths import full_path
from ..files.system_errors import explain
from ..streaming_coreset import (
    BLOCK_SIZE,
    COARSER,
    Block,
    BlockCoreset,
    CoresetResult,
    join_blocks,
    plan_blocks,
    reduce_block,
    sample_numbers,
)
from .blocks import (
    HEADER,
    DamagedBlock,
    array_digest,
    describe_features,
    extract_patches,
    is_damaged,
    make_block,
    merge_block_files,
    read_block,
    read_header,
    read_sample,
    reduction_options,
    save_pictures,
)
from .tasks import Job, WorkersLost, run_jobs
from .tree import climb, join_tree, node_limit

TRIES = 3  # passes over the data, where blocks turn out to be damaged
SETTINGS, LOCK, INPUTS, BLOCKS = "fit.json", "fit.lock", "pictures", "blocks"
FORMAT, VERSION = "aitex_utils fit in blocks", 1
INPUT = re.compile(r"\d{6}-[0-9a-f]{16}\.npy")
BLOCK = re.compile(r"(block|merge-\d+)-\d+-[0-9a-f]{16}")  # the folder of a block
PART = re.compile(r"(vectors|groups|radii|sample)_\d+\.npy")  # a file of a block


@dataclass(frozen=True)
class BlockFit:
    """How a fit is divided into blocks, and where they are computed.

    Parameters
    ----------
    block_size : int, optional
        Patches with which a block is full, each with all its branches. None takes 65,536 divided by the branches.
        Tiles and strips stay whole, so a block can have more.
    fan_in : int, optional
        Number of coresets that are merged at once, see `tree`; each has then at most ``block_size // fan_in`` patches.
        None reduces the union of all blocks at once.
    client : distributed.Client, ProcessPool, concurrent.futures.Executor, optional
        Workers; None computes the blocks in this process, one by one.
    folder : path, optional
        Folder for the blocks, which all workers share. A fit that was interrupted goes on from the blocks in it. None
        takes a temporary folder with a `client`, and none without one.

    Raises
    ------
    InputError
        If `block_size` or `fan_in` is out of range.

    Examples
    --------
    >>> BlockFit(block_size=65_536, fan_in=8).fan_in
    8
    """

    block_size: int | None = None
    fan_in: int | None = None
    client: Any = None
    folder: str | os.PathLike | None = None

    def __post_init__(self) -> None:
        if self.block_size is not None:
            check_integer("block_size", self.block_size, 1)
        node_limit(self.block_size or BLOCK_SIZE, self.fan_in)


def fit_blocks(
    pictures: Callable[[], Iterator[np.ndarray]],
    features: PatchFeatures,
    ratio: float,
    how: BlockFit,
    *,
    seed: int,
    tile_size: int | None = None,
    column_stride: int = 1,
    is_repeatable: bool = True,
    progress: bool = False,
) -> CoresetResult:
    """Return the coreset of tiles or strips, block by block.

    Parameters
    ----------
    pictures : callable
        Returns an iterator over the tiles or strips, each (H, W) or (H, W, 3), uint8, of one height.
    features : PatchFeatures
        Extractor, without whitening.
    ratio : float
        Coreset sampling ratio, above 0 and up to 1.
    how : BlockFit
        Blocks and workers.
    seed : int
        Seed of the coresets and of the samples.
    tile_size : int, optional
        Side in px of the tiles to which strips correspond; None for tiles.
    column_stride : int
        Stride of the columns in the samples, `COARSER` times larger for strips.
    is_repeatable : bool
        `pictures` can be called again, so that a block that turns out to be damaged is made anew in the same fit.
    progress : bool
        Show bars.

    Returns
    -------
    CoresetResult

    Raises
    ------
    InputError
        If there are no pictures, workers are lost, a block is damaged and cannot be made anew, or the folder is in use
        or was made by another fit.

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(0, 255, (4, 32, 32), np.uint8)
    >>> features = PatchFeatures(size=32, device="cpu")
    >>> result = fit_blocks(lambda: iter(tiles), features, 0.25, BlockFit(block_size=32), seed=0)
    >>> result.vectors[0].shape
    (16, 152)
    """
    block_size = int(how.block_size or BLOCK_SIZE // features.n_branches)
    settings = {
        "features": describe_features(features),
        "n_branches": features.n_branches,
        "tile_size": tile_size,
        "ratio": ratio,
        "seed": seed,
        "block_size": block_size,
        "limit": node_limit(block_size, how.fan_in),
        "column_stride": COARSER * column_stride if column_stride > 1 else 1,
    }
    settings = json.loads(json.dumps(settings))
    if how.client is None and how.folder is None:
        return _fit_in_memory(pictures(), features, settings, how.fan_in, progress)
    with _work_folder(how.folder, settings) as folder:
        for attempt in range(1, TRIES + 1):
            try:
                return _fit_on_disk(pictures(), features, settings, how, folder, progress)
            except DamagedBlock as damage:
                for place in [Path(damage.place), *filter(is_damaged, _blocks_in(folder))]:  # all damaged blocks
                    _forget(place)
                if attempt == TRIES or not is_repeatable:
                    raise
            except WorkersLost as error:
                advice, smaller = "with folder=, which makes a fit resumable", ", or take a smaller block_size"
                if how.folder is not None:
                    done = sum(place.name.startswith("block-") for place in _blocks_in(folder))
                    advice = f"which goes on from the {done} blocks in {folder}"
                    smaller += " and another folder"
                advice += smaller if error.lacks_memory else ""
                raise WorkersLost(f"{str(error).rstrip('.')}, {advice}.") from error
    raise AssertionError  # the last attempt returns or raises


def read_reports(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Return the headers of all blocks in the folder of a fit, with what each took.

    Parameters
    ----------
    folder : path
        Folder of a fit.

    Returns
    -------
    list of dict
        In the order of the blocks' names.

    Examples
    --------
    >>> read_reports("no/such/folder")
    []
    """
    headers = (read_header(place) for place in _blocks_in(full_path(folder)))
    return [header for header in headers if header is not None]


def _fit_in_memory(
    pictures: Iterator[np.ndarray],
    features: PatchFeatures,
    settings: dict[str, Any],
    fan_in: int | None,
    progress: bool,
) -> CoresetResult:
    blocks: list[BlockCoreset] = []
    count = 0
    for block, halve in _plan(pictures, features, settings):
        patches = extract_patches(block.items, features, settings["tile_size"], halve)
        count = block.first + len(patches)
        blocks.append(reduce_block(patches, first=block.first, sampled=block.sampled, **reduction_options(settings)))
    chosen = set(sample_numbers(count, settings["seed"]))
    samples = [sample for block in blocks for sample in block.samples if sample[0] in chosen]
    options = {"seed": settings["seed"], "samples": samples, "progress": progress, "device": features.device}
    return join_tree(blocks, settings["ratio"], fan_in=fan_in, limit=settings["limit"], consume=True, **options)


def _fit_on_disk(
    pictures: Iterator[np.ndarray],
    features: PatchFeatures,
    settings: dict[str, Any],
    how: BlockFit,
    folder: Path,
    progress: bool,
) -> CoresetResult:
    from tqdm.auto import tqdm

    places: dict[int, str] = {}  # of each block, by its number
    sampled: dict[int, str] = {}  # where each sample is
    inputs: dict[str, Path] = {}
    count = 0

    def jobs() -> Iterator[Job]:
        nonlocal count
        for block, halve in _plan(pictures, features, settings):
            count = block.first + len(block.items) + halve
            made_of = {"settings": settings, "first": block.first, "sampled": list(block.sampled), "halve": halve}
            key = _key(made_of, *map(array_digest, block.items))
            place = folder / BLOCKS / f"block-{block.number:06d}-{key}"
            places[block.number] = str(place)
            sampled.update(dict.fromkeys(block.sampled, str(place)))
            if read_header(place) is not None:
                bar.update()
                continue
            _forget(place)  # what is there is damaged
            path = folder / INPUTS / f"{block.number:06d}-{key}.npy"
            inputs[name := f"block {block.number}"] = path  # before it is written: it can be interrupted
            yield Job(name, make_block, (str(place), save_pictures(path, block.items), made_of))

    try:
        with (
            tqdm(desc="blocks", unit="block", disable=not progress) as bar,
            contextlib.closing(run_jobs(how.client, jobs())) as ended,
        ):
            for job, _ in ended:
                _remove(inputs.pop(job.name))
                bar.update()
    finally:
        for path in inputs.values():  # of jobs that have not ended, after an error or an interruption
            _remove(path)
    leaves = [places[number] for number in range(len(places))]

    def merge_level(level: int, groups: list[list[str]]) -> list[str]:
        keys = [_key({"settings": settings}, *[Path(part).name for part in group]) for group in groups]
        merged = [str(folder / BLOCKS / f"merge-{level}-{i:06d}-{key}") for i, key in enumerate(keys)]
        for place in merged:
            if read_header(place) is None:
                _forget(Path(place))  # what is there is damaged
        pairs = zip(merged, groups, strict=True)
        level_jobs = [Job(f"merge {level} {i}", merge_block_files, (*pair, settings)) for i, pair in enumerate(pairs)]
        for _ in run_jobs(how.client, level_jobs):
            pass
        return merged

    top = climb(leaves, how.fan_in, merge_level)
    numbers = sample_numbers(count, settings["seed"])
    samples = [(number, read_sample(sampled[number], number)) for number in numbers]
    options = {"seed": settings["seed"], "samples": samples, "progress": progress, "device": features.device}
    return join_blocks([read_block(place) for place in top], settings["ratio"], **options)


def _plan(
    pictures: Iterator[np.ndarray], features: PatchFeatures, settings: dict[str, Any]
) -> Iterator[tuple[Block, bool]]:
    """Yield the blocks of a stream, and whether its only strip is halved: a position scale needs another strip."""
    tile_size = settings["tile_size"]
    first, second = next(pictures, None), next(pictures, None)
    if first is None:
        raise InputError("There is nothing to learn from: give at least one tile or strip.")
    if tile_size is None:
        probe = np.zeros((1, *first.shape), np.uint8)
        density = features.transform(probe)[0, ..., 0].size / (first.shape[0] * first.shape[1])
    else:
        density = (
            features.extract_strip(np.zeros((tile_size, tile_size), np.uint8), tile_size)[..., 0].size / tile_size**2
        )
    stream: Iterable[np.ndarray] = (
        one for part in ([first], [] if second is None else [second], pictures) for one in part
    )
    halve = tile_size is not None and second is None
    for block in plan_blocks(
        stream, lambda one: density * one.shape[0] * one.shape[1], settings["block_size"], seed=settings["seed"]
    ):
        yield Block(block.number, block.first, block.items, (0, 1) if halve else block.sampled), halve


def _key(made_of: dict[str, Any], *digests: str) -> str:
    """Return a digest of everything that a block depends on."""
    text = json.dumps([made_of, list(digests)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _work_folder(folder: str | os.PathLike | None, settings: dict[str, Any]) -> Iterator[Path]:
    """Yield the folder of a fit, which no other fit uses at the same time. A temporary folder is deleted afterwards."""
    if folder is None:
        try:
            made = tempfile.TemporaryDirectory(prefix="aitex-blocks-", ignore_cleanup_errors=True)
        except OSError as error:
            raise explain(error, Path(tempfile.tempdir or os.curdir)) from error
        with made as temporary:
            _make_folder(Path(temporary) / BLOCKS)
            yield Path(temporary)
        return
    place = full_path(folder)
    path = place / SETTINGS
    header = {"format": FORMAT, "version": VERSION, "settings": settings}
    _refuse_other_content(place, folder)
    refusal = f"Another fit uses {folder}: wait until it has ended, or name another folder."
    with only_one(place / LOCK, refusal):
        remove_leftovers(place)
        if path.is_file():  # looked at under the lock: another fit can have begun a moment ago
            _refuse_other_fit(path, header)
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
        _make_folder(place / BLOCKS)
        for inside in (place / BLOCKS, place / INPUTS):
            remove_leftovers(inside)
        for name in os.listdir(place / INPUTS) if (place / INPUTS).is_dir() else ():
            if INPUT.fullmatch(name) and (place / INPUTS / name).is_file():
                _remove(place / INPUTS / name)
        yield place


def _make_folder(place: Path) -> None:
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise explain(error, place) from error


def _refuse_other_content(place: Path, shown: str | os.PathLike) -> None:
    """Raise an error if a folder is not the folder of a fit, but contains something."""
    try:
        names = foreign_entries(place, None) if place.is_dir() else []
    except OSError as error:
        raise explain(error, place) from error
    of_a_beginning_fit = f".{SETTINGS}."  # which atomic_write is writing
    foreign = [name for name in names if name != LOCK and not name.startswith(of_a_beginning_fit)]
    if foreign and SETTINGS not in names:
        raise InputError(
            f"{shown} contains {first_names(foreign)}, not part of a fit in blocks: choose another name, or "
            "move the content away. Nothing was replaced."
        )


def _refuse_other_fit(path: Path, header: dict[str, Any]) -> None:
    """Raise an error if the folder has the blocks of a fit with other settings."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        before = dict(found["settings"])
        is_own = found["format"] == FORMAT and found["version"] == VERSION
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        before, is_own = {}, False
    if not is_own:
        raise InputError(
            f"{path} is not readable as the settings of a fit: name another folder, or delete {path.parent}."
        )
    settings = header["settings"]
    changed = sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))
    if changed:
        raise InputError(
            f"{path.parent} has the blocks of a fit with another {' and '.join(changed)}: name another folder, or "
            "delete this one."
        )


def _blocks_in(folder: Path) -> list[Path]:
    """Return the blocks and the merged blocks in the folder of a fit, also damaged ones."""
    return sorted(place for place in (folder / BLOCKS).glob("*-*") if BLOCK.fullmatch(place.name))


def _remove(picture: Path) -> None:
    """Delete the file of pictures. One that another program uses at the moment is left for the next fit."""
    with contextlib.suppress(OSError):
        picture.unlink()


def _forget(place: Path) -> None:
    """Delete a damaged block. A file that is not from a block stays, and the next write names it."""
    with contextlib.suppress(OSError):
        for entry in place.iterdir():
            if entry.name == HEADER or PART.fullmatch(entry.name):
                entry.unlink()
        place.rmdir()
